"""The app itself: who it is, where it is installed, tokens, registration from a manifest."""

from __future__ import annotations

import secrets
from datetime import timedelta

from bot.localhub.auth import allowed_repositories
from bot.localhub.errors import Refusal, forbidden, not_found
from bot.localhub.state import App, Installation, Repository, Token
from bot.localhub.views import accounts, repositories
from bot.localhub.web import Call, Reply, created, empty, ok, route

LIFE = timedelta(hours=1)
_LEVELS = {"read": 1, "write": 2, "admin": 3}


def _app(call: Call) -> App:
    assert call.actor.app
    return call.actor.app


def _installations(call: Call) -> list[Installation]:
    return [one for one in call.state.installations.values() if one.app is _app(call) and not one.deleted]


def _installation(call: Call) -> Installation:
    found = call.state.installations.get(call.number("installation_id"))
    if found is None or found.app is not _app(call) or found.deleted:
        raise not_found()
    return found


@route("GET", "/app", jwt=True)
def get_app(call: Call) -> Reply:
    return ok(accounts.app(call.urls, _app(call), len(_installations(call))))


@route("GET", "/app/installations", jwt=True, query="since outdated")
def list_installations(call: Call) -> Reply:
    return call.page(_installations(call), lambda one: accounts.installation(call.urls, one))


@route("GET", "/app/installations/{installation_id}", jwt=True)
def get_installation(call: Call) -> Reply:
    return ok(accounts.installation(call.urls, _installation(call)))


@route("GET", "/repos/{owner}/{repo}/installation", jwt=True)
def get_repository_installation(call: Call) -> Reply:
    found = call.state.installation(_app(call), call.repository)
    if found is None:
        raise not_found()
    return ok(accounts.installation(call.urls, found))


@route("GET", "/users/{username}/installation", jwt=True)
def get_user_installation(call: Call) -> Reply:
    login = call.params["username"].lower()
    for one in _installations(call):
        if one.account.login.lower() == login:
            return ok(accounts.installation(call.urls, one))
    raise not_found()


@route("POST", "/app/installations/{installation_id}/access_tokens", jwt=True,
       body="repositories repository_ids permissions")  # fmt: skip
def create_token(call: Call) -> Reply:
    installation = _installation(call)
    if installation.suspended_at:
        raise Refusal(403, "This installation has been suspended")
    permissions = dict(installation.permissions)
    if (asked := call.body.get("permissions")) is not None:
        for name, level in asked.items():
            if _LEVELS.get(level, 9) > _LEVELS.get(permissions.get(name, ""), 0):
                raise Refusal(422, "The permissions requested are not granted to this installation.")
        permissions = {"metadata": "read"} | dict(asked)
    chosen = _chosen(call, installation)
    token = Token(
        value="ghs_" + secrets.token_hex(18),
        installation=installation,
        expires_at=call.state.clock.now() + LIFE,
        permissions=permissions,
        repositories=None if chosen is None else {one.id for one in chosen},
    )
    if chosen is None and installation.repositories is not None:
        token.repositories = set(installation.repositories)
    call.state.tokens[token.value] = token
    return created(accounts.token(call.urls, token, chosen or []) if chosen else _plain(call, token))


def _plain(call: Call, token: Token) -> dict[str, object]:
    body = accounts.token(call.urls, token, [])
    body.pop("repositories", None)
    return body


def _chosen(call: Call, installation: Installation) -> list[Repository] | None:
    names, ids = call.body.get("repositories"), call.body.get("repository_ids")
    if names is None and ids is None:
        return None
    mine = allowed_repositories(call.state, installation)
    chosen = [one for one in mine if one.name in (names or []) or one.id in (ids or [])]
    if len(chosen) < len(set(names or [])) + len(set(ids or [])):
        raise Refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen


@route("DELETE", "/installation/token")
def revoke_token(call: Call) -> Reply:
    if not call.actor.token:
        raise forbidden()
    call.actor.token.revoked = True
    return empty()


@route("GET", "/installation/repositories")
def list_repositories(call: Call) -> Reply:
    token = call.actor.token
    if not token:
        raise forbidden()
    mine = allowed_repositories(call.state, token.installation, token)
    can = {"admin": False, "push": False, "pull": False}
    selection = "all" if token.installation.repositories is None else "selected"
    return call.page(
        mine,
        lambda one: repositories.repository(call.urls, one, permissions=can),
        wrap="repositories",
        repository_selection=selection,
    )


@route("POST", "/app-manifests/{code}/conversions")
def convert_manifest(call: Call) -> Reply:
    """The code came from the registration page; it is good once."""
    app = call.state.conversions.pop(call.params["code"], None)
    if app is None:
        raise not_found()
    found = call.state.apps[app["id"]]
    secrets_ = {
        "client_id": found.client_id,
        "client_secret": found.client_secret,
        "webhook_secret": found.webhook_secret,
        "pem": found.private_key,
    }
    return created(accounts.app(call.urls, found) | secrets_)

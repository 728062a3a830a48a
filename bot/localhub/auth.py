"""Who asks, and may they."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

import jwt

from bot.localhub.errors import Refusal, forbidden
from bot.localhub.state import App, Installation, Repository, State, Token, User

_LEVELS = ("read", "write", "admin")


@dataclass(frozen=True, slots=True)
class Actor:
    """Exactly one of: nobody, an app (JWT), an installation (token), a person (token)."""

    app: App | None = None
    token: Token | None = None
    person: User | None = None

    @property
    def user(self) -> User:
        """The account in whose name things are written."""
        if self.token:
            return self.token.installation.app.bot
        if self.person:
            return self.person
        raise Refusal(401, "Requires authentication")

    @property
    def via(self) -> App | None:
        """The app behind a write, for `performed_via_github_app`."""
        return self.token.installation.app if self.token else None


def identify(state: State, authorization: str) -> Actor:
    """Actor from the Authorization header; raises Refusal (401)."""
    if not authorization:
        return Actor()
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value).decode().partition(":")[2]
        except ValueError:
            raise Refusal(401, "Bad credentials") from None
    elif scheme.lower() not in ("bearer", "token"):
        raise Refusal(401, "Bad credentials")
    if value.count(".") == 2:
        return Actor(app=_verify(state, value))
    if token := state.tokens.get(value):
        return Actor(token=_alive(state, token))
    person = next((user for user in state.users.values() if user.token == value), None)
    if person is None or person.type != "User":
        raise Refusal(401, "Bad credentials")
    return Actor(person=person)


def _alive(state: State, token: Token) -> Token:
    if token.revoked or token.installation.deleted or token.expires_at <= state.clock.now():
        raise Refusal(401, "Bad credentials")
    if token.installation.suspended_at:
        raise Refusal(403, "This installation has been suspended")
    return token


def _verify(state: State, value: str) -> App:
    try:
        claims = jwt.decode(value, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    issuer = str(claims.get("iss"))
    app = next((app for app in state.apps.values() if issuer in (str(app.id), app.client_id)), None)
    if app is None:
        raise Refusal(404, "Integration not found")
    try:
        jwt.decode(
            value, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
    except jwt.PyJWTError:
        raise Refusal(401, "A JSON web token could not be decoded") from None
    _check_times(claims.get("iat"), claims.get("exp"), state.clock.now())
    return app


def _check_times(issued: object, expires: object, now: datetime) -> None:
    """At most ten minutes long, not from the future (one minute of grace), not over."""
    if not isinstance(expires, int | float):
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
            "the assertion expires",
        )
    if (
        not isinstance(issued, int | float)
        or datetime.fromtimestamp(issued, UTC).timestamp() > now.timestamp() + 60
    ):
        raise Refusal(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )
    if expires <= now.timestamp():
        raise Refusal(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
            "the assertion expires",
        )
    if expires - now.timestamp() > 600 + 60 or expires - issued > 600 + 60:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")


def covers(token: Token, repository: Repository) -> bool:
    return token.installation.covers(repository) and (
        token.repositories is None or repository.id in token.repositories
    )


def granted(token: Token, need: str) -> bool:
    """Whether a token has e.g. `issues:write`; reading metadata is always allowed."""
    name, _, level = need.partition(":")
    if need == "metadata:read":
        return True
    have = token.permissions.get(name)
    return have in _LEVELS and _LEVELS.index(have) >= _LEVELS.index(level)


def can_see(actor: Actor, repository: Repository) -> bool:
    """Whether the repository exists for the actor (else the answer is 404)."""
    if not repository.private:
        return True
    if actor.token:
        return covers(actor.token, repository)
    return actor.person is not None and repository.role(actor.person) is not None


def check(actor: Actor, repository: Repository, needs: tuple[str, ...], people: str | None = None) -> None:
    """Raise unless one of `needs` is granted.

    An installation reads its own repositories only with the permission (GitHub lets a token read more of what is
    public; the bot should not rely on it). People need the role `people`, else the one that the level asks for.
    """
    if not needs:
        return
    writing = any(need.endswith(":write") for need in needs)
    if actor.token:
        if covers(actor.token, repository):
            if not any(granted(actor.token, need) for need in needs):
                raise forbidden()
        elif writing or repository.private:
            raise forbidden()
    elif actor.person:
        role = people or ("write" if writing else "read")
        if not repository.can(actor.person, role):  # pyright: ignore[reportArgumentType]
            raise Refusal(403, "Must have admin rights to Repository.")
    elif actor.app:
        raise Refusal(401, "Bad credentials")
    elif writing:
        raise Refusal(401, "Requires authentication")


def allowed_repositories(
    state: State, installation: Installation, token: Token | None = None
) -> list[Repository]:
    return [
        repository
        for repository in state.repositories.values()
        if installation.covers(repository)
        and (token is None or token.repositories is None or repository.id in token.repositories)
    ]

"""Pull requests: list, read, change, files, commits, whom to ask."""

from __future__ import annotations

from bot.localhub import git
from bot.localhub.actions import pulls as actions
from bot.localhub.errors import Refusal
from bot.localhub.state import Pull, User
from bot.localhub.views import pulls, repositories
from bot.localhub.web import Call, Reply, created, ok, route

MOST_FILES = 3000
MOST_COMMITS = 250


@route("GET", "/repos/{owner}/{repo}/pulls", "pull_requests:read", query="state head base sort direction")
def list_pulls(call: Call) -> Reply:
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    found = [
        pull
        for pull in call.repository.pulls
        if state in ("all", pull.state)
        and base in (None, pull.base_ref)
        and (not head or ":" not in head or head == f"{pull.head_label_owner.login}:{pull.head_ref}")
    ]
    sort = call.query.get("sort", "created")
    down = call.query.get("direction", "desc" if sort == "created" else "asc") == "desc"

    def key(pull: Pull) -> tuple[object, int]:
        return (pull.updated_at if sort == "updated" else pull.created_at), pull.number

    found.sort(key=key, reverse=down)  # pyright: ignore[reportArgumentType]
    return call.page(found, lambda one: pulls.pull(call.urls, one))


@route("POST", "/repos/{owner}/{repo}/pulls", "pull_requests:write", people="read",
       body="title head base body draft maintainer_can_modify head_repo issue")  # fmt: skip
def create_pull(call: Call) -> Reply:
    pull = call.hub.open_pull(
        call.actor.user,
        call.repository,
        head=call.text("head"),
        base=call.text("base"),
        title=call.text("title"),
        body=call.body.get("body"),
        draft=bool(call.body.get("draft")),
    )
    return created(pulls.full_pull(call.urls, pull))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", "pull_requests:read")
def get_pull(call: Call) -> Reply:
    pull = call.pull()
    if call.wants("diff"):
        text = git.unified(pull.repository.path, *pulls.span(pull))
        return Reply(200, text.encode(), {"content-type": "application/vnd.github.diff; charset=utf-8"})
    return ok(pulls.full_pull(call.urls, pull))


@route("PATCH", "/repos/{owner}/{repo}/pulls/{pull_number}", "pull_requests:write",
       body="title body state base maintainer_can_modify")  # fmt: skip
def update_pull(call: Call) -> Reply:
    pull, user = call.pull(), call.actor.user
    body = call.body
    actions.edit(call.hub, pull, user, title=body.get("title"), body=body.get("body"), base=body.get("base"))
    if body.get("state") == "closed":
        actions.close(call.hub, pull, user)
    elif body.get("state") == "open":
        actions.reopen(call.hub, pull, user)
    return ok(pulls.full_pull(call.urls, pull))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", "pull_requests:read")
def list_files(call: Call) -> Reply:
    pull = call.pull()
    files = git.diff(pull.repository.path, *pulls.span(pull))[:MOST_FILES]
    return call.page(files, lambda one: repositories.file(call.urls, pull.repository, one, pull.head_sha))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", "pull_requests:read")
def list_commits(call: Call) -> Reply:
    pull = call.pull()
    found = git.commit_list(pull.repository.path, pulls.span(pull)[0], pull.head_sha, MOST_COMMITS)
    return call.page(found, lambda one: repositories.commit(call.urls, pull.repository, one))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", "pull_requests:read")
def list_reviewers(call: Call) -> Reply:
    from bot.localhub.views.users import user

    return ok({"users": [user(call.urls, one) for one in call.pull().requested_reviewers], "teams": []})


@route("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", "pull_requests:write",
       body="reviewers team_reviewers")  # fmt: skip
def request_reviewers(call: Call) -> Reply:
    actions.request_reviewers(call.hub, call.pull(), call.actor.user, _users(call))
    return created(pulls.pull(call.urls, call.pull()))


@route("DELETE", "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers", "pull_requests:write",
       body="reviewers team_reviewers")  # fmt: skip
def remove_reviewers(call: Call) -> Reply:
    actions.remove_reviewers(call.hub, call.pull(), call.actor.user, _users(call))
    return ok(pulls.pull(call.urls, call.pull()))


def _users(call: Call) -> list[User]:
    found: list[User] = []
    logins: list[str] = call.body.get("reviewers") or []
    for login in logins:
        user = call.state.user(login)
        if user is None:
            raise Refusal(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or teams you "
                f"specified is not a collaborator of the {call.repository.full_name} repository.",
            )
        found.append(user)
    return found

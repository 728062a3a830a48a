"""Repositories, branches, refs, labels, who may do what."""

from __future__ import annotations

from bot.localhub import git
from bot.localhub.errors import Refusal, invalid, not_found
from bot.localhub.state import Json, Label, Role
from bot.localhub.views import repositories, users
from bot.localhub.web import Call, Reply, created, empty, find, ok, route

_CAN: dict[str, tuple[str, ...]] = {
    "read": ("pull",),
    "triage": ("pull", "triage"),
    "write": ("pull", "triage", "push"),
    "maintain": ("pull", "triage", "push", "maintain"),
    "admin": ("pull", "triage", "push", "maintain", "admin"),
}
# The older field `permission` knows only four values.
_LEGACY = {"maintain": "write", "triage": "read"}


def abilities(role: Role | None) -> Json:
    can = _CAN.get(role or "", ())
    return {name: name in can for name in ("pull", "triage", "push", "maintain", "admin")}


@route("GET", "/repos/{owner}/{repo}", "metadata:read")
def get_repository(call: Call) -> Reply:
    return ok(repositories.full_repository(call.urls, call.repository))


@route("GET", "/repositories/{repository_id}")
def get_repository_by_id(call: Call) -> Reply:
    found = call.state.repositories.get(call.number("repository_id"))
    if found is None:
        raise not_found()
    call.params |= {"owner": found.owner.login, "repo": found.name}
    return get_repository(call)


@route("GET", "/repositories/{repository_id}/{path}")
def follow_rename(call: Call) -> Reply:
    """Where the redirect of a renamed repository leads: the same operation by number."""
    found = call.state.repositories.get(call.number("repository_id"))
    hit = found and find("GET", f"/repos/{found.full_name}/{call.params['path']}")
    if not hit:
        raise not_found()
    call.params = hit[1]
    return hit[0].handler(call)


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata:read")
def get_permission(call: Call) -> Reply:
    """For anybody: who is no collaborator has `read` where the repository is public."""
    who = call.state.user(call.params["username"])
    if who is None:
        raise Refusal(404, f"{call.params['username']} is not a user")
    role = call.repository.role(who)
    name = role or "none"
    user = users.user(call.urls, who) | {"permissions": abilities(role), "role_name": name}
    return ok({"permission": _LEGACY.get(name, name), "role_name": name, "user": user})


@route("GET", "/repos/{owner}/{repo}/branches", "contents:read", query="protected")
def list_branches(call: Call) -> Reply:
    here = repositories.api(call.urls, call.repository)

    def view(item: tuple[str, str]) -> Json:
        name, sha = item
        commit = {"sha": sha, "url": f"{here}/commits/{sha}"}
        return {"name": name.removeprefix("refs/heads/"), "commit": commit, "protected": False}

    return call.page(list(git.refs(call.repository.path).items()), view)


@route("GET", "/repos/{owner}/{repo}/branches/{branch}", "contents:read")
def get_branch(call: Call) -> Reply:
    repository, name = call.repository, call.params["branch"]
    sha = git.refs(repository.path).get(f"refs/heads/{name}")
    if sha is None:
        raise Refusal(404, "Branch not found")
    here = repositories.api(call.urls, repository)
    url = f"{here}/branches/{name}"
    return ok(
        {
            "name": name,
            "commit": repositories.commit(call.urls, repository, git.commit(repository.path, sha)),
            "_links": {"self": url, "html": f"{repositories.web(call.urls, repository)}/tree/{name}"},
            "protected": False,
            "protection": {"enabled": False},
            "protection_url": f"{url}/protection",
        }
    )


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref}", "contents:read")
def get_ref(call: Call) -> Reply:
    name = f"refs/{call.params['ref']}"
    sha = git.refs(call.repository.path, "refs/").get(name)
    if sha is None:
        raise not_found()
    return ok(repositories.ref(call.urls, call.repository, name, sha))


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref}", "contents:read")
def list_matching_refs(call: Call) -> Reply:
    start = f"refs/{call.params['ref']}"
    found = [item for item in git.refs(call.repository.path, "refs/").items() if item[0].startswith(start)]
    return call.page(found, lambda item: repositories.ref(call.urls, call.repository, *item))


@route("GET", "/repos/{owner}/{repo}/labels", "issues:read", "pull_requests:read")
def list_labels(call: Call) -> Reply:
    labels = list(call.repository.labels.values())
    return call.page(labels, lambda one: repositories.label(call.urls, call.repository, one))


@route(
    "POST",
    "/repos/{owner}/{repo}/labels",
    "issues:write",
    "pull_requests:write",
    body="name color description",
)
def create_label(call: Call) -> Reply:
    name = call.text("name")
    if name in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    label = call.state.new(
        Label, name=name, color=call.body.get("color") or "ededed", description=call.body.get("description")
    )
    call.repository.labels[name] = label
    return created(repositories.label(call.urls, call.repository, label))


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/labels", "issues:read", "pull_requests:read")
def list_issue_labels(call: Call) -> Reply:
    return call.page(call.issue().labels, lambda one: repositories.label(call.urls, call.repository, one))


@route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/labels", "issues:write", "pull_requests:write",
       body="labels")  # fmt: skip
def add_labels(call: Call) -> Reply:
    issue = call.issue()
    names: list[str] = call.body.get("labels") or []
    call.hub.label(issue, *names, sender=call.actor.user)
    return ok([repositories.label(call.urls, call.repository, one) for one in issue.labels])


@route(
    "DELETE",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
    "issues:write",
    "pull_requests:write",
)
def remove_label(call: Call) -> Reply:
    issue = call.issue()
    gone = [one for one in issue.labels if one.name == call.params["name"]]
    if not gone:
        raise Refusal(404, "Label does not exist")
    issue.labels.remove(gone[0])
    return ok([repositories.label(call.urls, call.repository, one) for one in issue.labels])


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}", "metadata:read")
def check_collaborator(call: Call) -> Reply:
    who = call.state.user(call.params["username"])
    if who is None or (who.id not in call.repository.roles and who is not call.repository.owner):
        raise not_found()
    return empty()

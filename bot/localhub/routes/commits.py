"""Commits, comparisons, commit statuses."""

from __future__ import annotations

from bot.localhub import git
from bot.localhub.actions.checks import report
from bot.localhub.errors import Refusal, not_found
from bot.localhub.state import Json, Pull, Status
from bot.localhub.views import checks, pulls, repositories
from bot.localhub.web import Call, Reply, created, ok, route

MOST_FILES = 300


def commit_sha(call: Call, name: str = "ref") -> str:
    """The commit that a parameter of the path names; 422 as GitHub says it."""
    sha = git.resolve(call.repository.path, call.params[name])
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {call.params[name]}")
    return sha


@route("GET", "/repos/{owner}/{repo}/commits", "contents:read", query="sha path author committer since until")
def list_commits(call: Call) -> Reply:
    sha = git.resolve(call.repository.path, call.query.get("sha") or call.repository.default_branch)
    if sha is None:
        raise not_found()
    paths = ["--", call.query["path"]] if "path" in call.query else []
    found = git.commits(call.repository.path, sha, *paths, limit=1000)
    authors = {f"{one.login}{git.ADDRESS}": one for one in call.state.users.values()}
    return call.page(found, lambda one: repositories.commit(call.urls, call.repository, one, authors))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "contents:read")
def get_commit(call: Call) -> Reply:
    repository = call.repository
    one = git.commit(repository.path, commit_sha(call))
    if call.wants("sha"):
        return Reply(200, one.sha.encode(), {"content-type": "application/vnd.github.sha; charset=utf-8"})
    files = git.diff(repository.path, one.parents[0], one.sha) if one.parents else ()
    stats = {"additions": sum(f.additions for f in files), "deletions": sum(f.deletions for f in files)}
    return ok(
        repositories.commit(call.urls, repository, one)
        | {
            "stats": stats | {"total": sum(stats.values())},
            "files": [repositories.file(call.urls, repository, f, one.sha) for f in files[:MOST_FILES]],
        }
    )


@route("GET", "/repos/{owner}/{repo}/compare/{basehead}", "contents:read")
def compare(call: Call) -> Reply:
    """From the merge base to the head, as in a pull request; `user:branch` names a fork's."""
    repository = call.repository
    base_name, dots, head_name = call.params["basehead"].partition("...")
    base, head = _side(call, base_name), _side(call, head_name)
    if not dots or base is None or head is None:
        raise not_found()
    path = repository.path
    middle = git.merge_base(path, base, head)
    if middle is None:
        raise Refusal(404, f"No common ancestor between {base_name} and {head_name}.")
    ahead, behind = git.count(path, f"{base}..{head}"), git.count(path, f"{head}..{base}")
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    files = git.diff(path, middle, head)
    if call.wants("diff"):
        return Reply(
            200, git.unified(path, middle, head).encode(), {"content-type": "text/plain; charset=utf-8"}
        )
    here = f"{repositories.api(call.urls, repository)}/compare/{base_name}...{head_name}"
    page = f"{repositories.web(call.urls, repository)}/compare/{base_name}...{head_name}"

    def view(one: git.Commit) -> Json:
        return repositories.commit(call.urls, repository, one)

    return ok(
        {
            "url": here,
            "html_url": page,
            "permalink_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": view(git.commit(path, base)),
            "merge_base_commit": view(git.commit(path, middle)),
            "status": status,
            "ahead_by": ahead,
            "behind_by": behind,
            "total_commits": ahead,
            "commits": [view(one) for one in git.commit_list(path, base, head)],
            "files": [repositories.file(call.urls, repository, f, head) for f in files[:MOST_FILES]],
        }
    )


def _side(call: Call, name: str) -> str | None:
    login, _, branch = name.rpartition(":")
    if not login:
        return git.resolve(call.repository.path, branch)
    for other in call.state.repositories.values():
        if other.owner.login.lower() == login.lower() and (
            other is call.repository or other.parent is call.repository
        ):
            sha = git.resolve(other.path, branch)
            return sha and git.bring(
                call.repository.path, other.path, sha, f"refs/compare/{other.id}/{branch}"
            )
    return None


@route("GET", "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "pull_requests:read", "contents:read")
def list_pulls_of_commit(call: Call) -> Reply:
    """The pull request that brought the commit; of those that are not merged, none from forks, as on GitHub."""
    path, sha = call.repository.path, call.params["commit_sha"]

    def has(pull: Pull) -> bool:
        if not git.has(path, sha) or (pull.from_fork and not pull.merged_at):
            return False
        brought = git.merge_base(path, sha, pull.head_sha) == sha != git.merge_base(path, sha, pull.base_sha)
        return brought or pull.merge_commit_sha == sha

    found = [pull for pull in call.repository.pulls if has(pull)]
    return call.page(found, lambda one: pulls.pull(call.urls, one))


@route(
    "POST",
    "/repos/{owner}/{repo}/statuses/{sha}",
    "statuses:write",
    body="state target_url description context",
)
def create_status(call: Call) -> Reply:
    sha = call.params["sha"]
    if len(sha) != 40 or not git.has(call.repository.path, sha):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    status = report(
        call.hub,
        call.repository,
        sha,
        call.actor.user,
        state=call.choice("state", ("error", "failure", "pending", "success")),
        context=call.body.get("context") or "default",
        description=call.body.get("description"),
        target_url=call.body.get("target_url"),
    )
    return created(checks.status(call.urls, status))


def _statuses(call: Call, sha: str) -> list[Status]:
    found = [one for one in call.state.statuses if one.repository is call.repository and one.sha == sha]
    return found[::-1]


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/statuses", "statuses:read")
def list_statuses(call: Call) -> Reply:
    return call.page(_statuses(call, commit_sha(call)), lambda one: checks.status(call.urls, one))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/status", "statuses:read")
def get_combined_status(call: Call) -> Reply:
    sha = commit_sha(call)
    newest = {one.context: one for one in reversed(_statuses(call, sha))}
    return ok(checks.combined(call.urls, call.repository, sha, list(newest.values())))

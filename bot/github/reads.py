"""What GitHub says now. Every function asks GitHub (unchanged answers cost nothing) and returns plain data.

All raise what `Installation.call` raises; `Gone` where the thing itself is not there, unless they say otherwise.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from bot import submission
from bot.github import decode
from bot.github.errors import Gone
from bot.github.session import Identity, Installation
from bot.state import Annotation, ChangedFile, CheckRun, Comment, Permission, Pull, Repository, Thread, User
from bot.submission import CheckState, OtherCheck, Review
from checks.errors import UserError

FILES_CAP = 3000
"""GitHub lists no more files of a pull request than this."""

OUR_REACTIONS = ("eyes", "+1", "-1", "rocket", "confused")
_MINIMIZED = "query($ids:[ID!]!){nodes(ids:$ids){id ...on IssueComment{isMinimized}}}"


_THREADS = (
    "query($id:ID!,$after:String){node(id:$id){...on PullRequest{reviewThreads(first:100,after:$after)"
    "{pageInfo{hasNextPage endCursor}nodes{id isResolved comments(first:1){nodes{id}}}}}}}"
)


async def threads(gh: Installation, pull: Pull) -> tuple[Thread, ...]:
    """The conversations at lines, of each its first comment."""
    found: list[Thread] = []
    after: str | None = None
    while True:
        answer = (await gh.query(_THREADS, id=pull.node_id, after=after))["node"]["reviewThreads"]
        for node in filter(None, answer["nodes"]):
            comments = tuple(comment["id"] for comment in filter(None, node["comments"]["nodes"]))
            found.append(Thread(node["id"], node["isResolved"], comments))
        if not answer["pageInfo"]["hasNextPage"]:
            return tuple(found)
        after = answer["pageInfo"]["endCursor"]


async def identity(gh: Installation) -> Identity:
    """Our own app and the account it writes as; asked once per process."""
    if gh.app.identity is None:
        app = (await gh.app.call("GET", "app")).body
        bot = await gh.get(f"users/{quote(app['slug'] + '[bot]')}")
        gh.app.identity = Identity(app["id"], app["slug"], decode.user(bot), app["html_url"])
    return gh.app.identity


async def permissions(gh: Installation) -> dict[str, str]:
    """What this installation grants the app now: name -> `read` or `write` (compare with `writes.PERMISSIONS`)."""
    return dict((await gh.app.call("GET", f"app/installations/{gh.id}")).body["permissions"])


async def repository(gh: Installation, repository_id: int) -> Repository:
    """By id, which survives renames. (GitHub describes no call for it: the name is looked up once and verified each time.)

    Raises:
        Gone: the installation does not have it (any more).
    """
    if name := gh.names.get(repository_id):
        try:
            found = decode.repository(await gh.get(f"repos/{name}"))
        except Gone:
            found = None
        if found and found.id == repository_id:
            gh.names[repository_id] = found.full_name
            return found
    for _ in range(2):
        covered = {one.id: one for one in await installed(gh)}
        gh.names = {one.id: one.full_name for one in covered.values()}
        if repository_id in covered:
            return covered[repository_id]
        gh.drop_token(await gh.token())  # it may be older than the repository's place in the installation
    raise Gone(f"the app is not installed on repository {repository_id}")


async def installed(gh: Installation) -> tuple[Repository, ...]:
    """The repositories that the installation covers."""
    found = await gh.pages("installation/repositories", key="repositories")
    return tuple(decode.repository(raw) for raw in found)


async def pull(gh: Installation, repo: Repository, number: int) -> Pull:
    return decode.pull(await gh.get(f"repos/{repo.full_name}/pulls/{number}"))


async def open_pulls(gh: Installation, repo: Repository) -> tuple[Pull, ...]:
    """All open pull requests, the latest updated first."""
    path = f"repos/{repo.full_name}/pulls"
    found = await gh.pages(path, state="open", sort="updated", direction="desc")
    return tuple(decode.pull(raw) for raw in found)


async def pulls_with_head(gh: Installation, repo: Repository, sha: str) -> tuple[Pull, ...]:
    """Open pull requests whose head is exactly `sha` (GitHub's own look-up by commit forgets forks)."""
    return tuple(pull for pull in await open_pulls(gh, repo) if pull.head_sha == sha)


async def changed_files(
    gh: Installation, repo: Repository, number: int
) -> tuple[tuple[ChangedFile, ...], bool]:
    """The files that a pull request changes, and whether these are all (False at GitHub's cap of 3,000)."""
    found = await gh.pages(f"repos/{repo.full_name}/pulls/{number}/files")
    return tuple(decode.changed_file(raw) for raw in found), len(found) < FILES_CAP


async def pull_commits(gh: Installation, repo: Repository, number: int) -> tuple[tuple[str, str], ...]:
    """SHA and message of the commits of a pull request, oldest first (of the first 250, which is GitHub's cap)."""
    found = await gh.pages(f"repos/{repo.full_name}/pulls/{number}/commits")
    return tuple((str(raw["sha"]), str(raw["commit"]["message"])) for raw in found)


async def branch_tip(gh: Installation, repo: Repository, branch: str) -> str:
    """SHA that a branch points at now. (`Pull.base_sha` is GitHub's memory of it, from the last push to the head.)"""
    return (await gh.get(f"repos/{repo.full_name}/branches/{quote(branch)}"))["commit"]["sha"]


async def behind_by(gh: Installation, repo: Repository, base: str, head: str) -> int:
    """How many commits of `base` the head lacks."""
    compared = await gh.get(f"repos/{repo.full_name}/compare/{base}...{head}", per_page=1)
    return int(compared["behind_by"])


async def verdicts(gh: Installation, repo: Repository, number: int) -> tuple[Review, ...]:
    """The verdicts of reviewers that stand, with what each may do in the repository."""
    raw = await gh.pages(f"repos/{repo.full_name}/pulls/{number}/reviews")
    given = [
        (
            decode.user(one["user"]).id,
            decode.user(one["user"]).login,
            one["state"],
            one.get("commit_id") or "",
        )
        for one in raw
    ]
    found: list[Review] = []
    for user_id, login, state, commit in submission.verdicts(given):
        asked_id, rights = await permission(gh, repo, login)
        kind = "approved" if state.upper() == "APPROVED" else "changes-requested"
        found.append(Review(login, user_id, kind, commit, rights if asked_id == user_id else "none"))
    return tuple(found)


async def other_checks(gh: Installation, repo: Repository, sha: str) -> tuple[OtherCheck, ...]:
    """What others report of a commit: statuses, and check runs of other apps (the newest of each name)."""
    base = f"repos/{repo.full_name}/commits/{sha}"
    combined, runs = await asyncio.gather(
        gh.get(f"{base}/status", per_page=100),
        gh.pages(f"{base}/check-runs", key="check_runs", filter="latest"),
    )
    found: dict[str, CheckState] = {
        str(one["context"]): _STATUS.get(one["state"], "failure") for one in combined["statuses"]
    }
    for raw in runs:
        run = decode.check_run(raw)
        if run.app_id != gh.app_id:
            done: CheckState = "success" if run.conclusion in ("success", "neutral", "skipped") else "failure"
            found[run.name] = done if run.status == "completed" else "pending"
    return tuple(OtherCheck(name, state) for name, state in sorted(found.items()))


_STATUS: dict[str, CheckState] = {"success": "success", "pending": "pending"}


async def merge_base(gh: Installation, repo: Repository, base: str, head: str) -> str:
    """SHA of the merge base of two revisions (SHA or branch); `head` may be a commit of a fork."""
    compared = await gh.get(f"repos/{repo.full_name}/compare/{base}...{head}", per_page=1)
    return compared["merge_base_commit"]["sha"]


async def file(gh: Installation, repo: Repository, path: str, ref: str) -> str | None:
    """Text of a file at a branch or SHA; None where there is none (or a folder).

    Raises:
        UserError: over 1 MB, or not UTF-8.
    """
    try:
        found = await gh.get(f"repos/{repo.full_name}/contents/{quote(path)}", ref=ref)
    except Gone:
        return None
    if isinstance(found, list) or found.get("type") != "file":
        return None
    if found.get("encoding") != "base64":
        raise UserError(f"{path} is too large to be read (over 1 MB)", hint="make it smaller")
    try:
        return base64.b64decode(found["content"]).decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error


async def history(gh: Installation, repo: Repository, file: str, ref: str, most: int) -> tuple[str, ...]:
    """The newest commits (SHA) of a branch that changed a file, newest first."""
    query = f"path={quote(file)}&sha={quote(ref, safe='')}&per_page={most}"
    found: Any = await gh.get(f"repos/{repo.full_name}/commits?{query}")
    return tuple(str(commit["sha"]) for commit in found)


async def authors(gh: Installation, repo: Repository, file: str, ref: str) -> tuple[str, ...]:
    """Logins behind the newest commits (up to 100) of a branch that changed a file, newest first; a login for each commit, apps left out."""
    return tuple(login for _, login in await _commits_of(gh, repo, file, ref) if login)


async def reviewers_of(gh: Installation, repo: Repository, file: str, ref: str) -> tuple[str, ...]:
    """Logins of who reviewed the pull request that brought a file to a branch, its author and apps left out."""
    commits = await _commits_of(gh, repo, file, ref)
    if not commits:
        return ()
    pulls: Any = await gh.get(f"repos/{repo.full_name}/commits/{commits[-1][0]}/pulls")
    merged = [raw for raw in pulls if raw.get("merged_at")]
    if not merged:
        return ()
    reviews = await gh.pages(f"repos/{repo.full_name}/pulls/{merged[0]['number']}/reviews")
    people = [decode.user(raw["user"]) for raw in reviews]
    author = decode.user(merged[0]["user"]).id
    return tuple(
        dict.fromkeys(one.login for one in people if not one.bot and one.id not in (author, decode.GHOST.id))
    )


async def _commits_of(gh: Installation, repo: Repository, file: str, ref: str) -> list[tuple[str, str]]:
    query = f"path={quote(file)}&sha={quote(ref, safe='')}&per_page=100"
    found: Any = await gh.get(f"repos/{repo.full_name}/commits?{query}")
    people = [(str(raw["sha"]), decode.user(raw["author"])) for raw in found]
    return [(sha, "" if one.bot or one.id == decode.GHOST.id else one.login) for sha, one in people]


async def permission(gh: Installation, repo: Repository, login: str) -> tuple[int | None, Permission]:
    """Rights of an account, with the id that `login` belongs to now: compare it with the id of who asked.

    `maintain` counts as write, `triage` as read. (None, "none") where there is no such account.
    """
    try:
        found = await gh.get(f"repos/{repo.full_name}/collaborators/{quote(login)}/permission")
    except Gone:
        return None, "none"
    return decode.user(found.get("user")).id or None, decode.permission(found)


async def check_runs(gh: Installation, repo: Repository, sha: str) -> tuple[CheckRun, ...]:
    """All of our check runs on a commit, those superseded by a newer one of the same name included."""
    path = f"repos/{repo.full_name}/commits/{sha}/check-runs"
    found = await gh.pages(path, key="check_runs", filter="all", app_id=gh.app_id)
    runs = (decode.check_run(raw) for raw in found)
    return tuple(run for run in runs if run.app_id == gh.app_id)


async def check_run(gh: Installation, repo: Repository, run_id: int) -> CheckRun:
    return decode.check_run(await gh.get(f"repos/{repo.full_name}/check-runs/{run_id}"))


async def check_annotations(gh: Installation, repo: Repository, run_id: int) -> tuple[Annotation, ...]:
    """The annotations that a check run has, in the order in which they were sent."""
    found = await gh.pages(f"repos/{repo.full_name}/check-runs/{run_id}/annotations")
    return tuple(decode.annotation(raw) for raw in found)


async def issue_comments(gh: Installation, repo: Repository, number: int) -> tuple[Comment, ...]:
    """The conversation alone, without reactions."""
    found = await gh.pages(f"repos/{repo.full_name}/issues/{number}/comments")
    return tuple(decode.comment(raw, "issue") for raw in found)


async def comments_since(
    gh: Installation, repo: Repository, since: datetime
) -> tuple[tuple[int, Comment], ...]:
    """What was written in all conversations of the repository since then, oldest first, each with its number."""
    path = f"repos/{repo.full_name}/issues/comments"
    found = await gh.pages(path, since=f"{since:%Y-%m-%dT%H:%M:%SZ}", sort="created", direction="asc")
    return tuple((int(raw["issue_url"].rpartition("/")[2]), decode.comment(raw, "issue")) for raw in found)


async def comments(
    gh: Installation, repo: Repository, number: int, *, look_at: Callable[[Comment], bool] = lambda _: True
) -> tuple[Comment, ...]:
    """The conversation, comments on lines, and submitted reviews that have a text, oldest first.

    Args:
        look_at: of which comments our own reactions are wanted (a request each, if somebody reacted at all).
    """
    me = await identity(gh)
    base = f"repos/{repo.full_name}"
    raw = await asyncio.gather(
        gh.pages(f"{base}/issues/{number}/comments"),
        gh.pages(f"{base}/pulls/{number}/comments"),
        gh.pages(f"{base}/pulls/{number}/reviews"),
    )
    found = [
        *(_issue_comment(gh, item) for item in raw[0]),
        *(_by_author(gh, me, decode.comment(item, "review-comment"), item) for item in raw[1]),
        *(
            _by_author(gh, me, decode.comment(item, "review"), item)
            for item in raw[2]
            if item.get("body") and item["state"] != "PENDING"
        ),
    ]
    reacted = [comment for comment, some in found if some and look_at(comment)]
    ours = dict(
        zip((c.node_id for c in reacted), await _own_reactions(gh, repo, reacted, me.bot), strict=True)
    )
    hidden = await _minimized(gh, [comment for comment, _ in found])
    filled = (
        replace(
            comment, reactions=ours.get(comment.node_id, frozenset()), minimized=comment.node_id in hidden
        )
        for comment, _ in found
    )
    return tuple(sorted(filled, key=lambda comment: (comment.created_at, comment.id)))


def _issue_comment(gh: Installation, raw: decode.Json) -> tuple[Comment, bool]:
    return decode.comment(raw, "issue"), _has_reactions(raw)


def _by_author(gh: Installation, me: Identity, comment: Comment, raw: decode.Json) -> tuple[Comment, bool]:
    """GitHub does not tell the app of a review; ours are those that our account wrote."""
    return replace(comment, app_id=gh.app_id if comment.author.id == me.bot.id else None), _has_reactions(raw)


def _has_reactions(raw: decode.Json) -> bool:
    counts: dict[str, Any] = raw.get("reactions") or {}
    return any(counts.get(content) for content in OUR_REACTIONS)


async def _own_reactions(
    gh: Installation, repo: Repository, comments: Iterable[Comment], me: User
) -> list[frozenset[str]]:
    async def of(comment: Comment) -> frozenset[str]:
        found = await gh.pages(f"{comment_path(repo, comment)}/reactions")
        return frozenset(raw["content"] for raw in found if decode.user(raw.get("user")).id == me.id)

    return list(await asyncio.gather(*map(of, comments)))


def comment_path(repo: Repository, comment: Comment) -> str:
    """Where the REST interface has an issue comment or a review comment."""
    part = "issues" if comment.kind == "issue" else "pulls"
    return f"repos/{repo.full_name}/{part}/comments/{comment.id}"


async def _minimized(gh: Installation, comments: Iterable[Comment]) -> frozenset[str]:
    """Node ids of our own minimised comments. We never minimise our only one, so mostly nothing is asked."""
    ids = [c.node_id for c in comments if c.kind == "issue" and c.app_id == gh.app_id]
    if len(ids) < 2:
        return frozenset()
    found: list[dict[str, Any] | None] = []
    for start in range(0, len(ids), 100):
        found += (await gh.query(_MINIMIZED, ids=ids[start : start + 100]))["nodes"]
    return frozenset(node["id"] for node in found if node and node.get("isMinimized"))

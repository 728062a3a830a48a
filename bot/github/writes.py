"""What we change on GitHub. Each write may be repeated: it looks for its own effect before it acts again.

A call whose answer was lost (5xx, timeout, dropped connection) may have taken effect. A crash between the effect and our
memory of it looks the same. So things are found again by a key of ours: check runs by `external_id` and head, comments by a
hidden marker, both together with our app's id (markers can be copied by anyone).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, get_args

from bot.github import decode, reads
from bot.github.errors import Ambiguous, Gone
from bot.github.session import Installation
from bot.markers import tail
from bot.state import Annotation, CheckRun, Comment, Repository

PERMISSIONS: dict[str, str] = {
    "checks": "write",  # check runs and their annotations
    "contents": "read",  # git fetch, compare, the repository's configuration
    "issues": "write",  # reactions in the conversation; `issue_comment` deliveries
    "metadata": "read",  # repository by id, rights of who commands
    "statuses": "read",  # whether CI is green
    "pull_requests": "write",  # comments, reviews, review requests, list of files
}
"""What the calls of this package need. `app.yml` asks for exactly this."""

COMMENT_LIMIT = 65_536
OUTPUT_LIMIT = 65_535
ANNOTATION_LIMIT = 65_536  # bytes (64 KB), message and raw_details each
ANNOTATIONS_PER_CALL = 50

Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
Conclusion = Literal["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"]
Status = Literal["queued", "in_progress", "completed"]
T = TypeVar("T")

_MINIMIZE = (
    "mutation minimize($id:ID!,$why:ReportedContentClassifiers!){minimizeComment(input:{subjectId:$id,classifier:$why})"
    "{minimizedComment{isMinimized}}}"
)
_RESOLVE = "mutation resolve($id:ID!){resolveReviewThread(input:{threadId:$id}){thread{isResolved}}}"
_REACT = "mutation react($id:ID!,$content:ReactionContent!){addReaction(input:{subjectId:$id,content:$content}){reaction{content}}}"
_GRAPHQL_REACTIONS = {"+1": "THUMBS_UP", "-1": "THUMBS_DOWN"}


@dataclass(frozen=True, slots=True)
class Action:
    """A button on a check run."""

    identifier: str
    label: str
    description: str

    def __post_init__(self) -> None:
        _at_most(20, identifier=self.identifier, label=self.label)
        _at_most(40, description=self.description)


@dataclass(frozen=True, slots=True)
class Output:
    """What a check run says. `text` is the long part below the summary."""

    title: str
    summary: str
    text: str = ""

    def __post_init__(self) -> None:
        _at_most(255, title=self.title)
        _at_most(OUTPUT_LIMIT, summary=self.summary, text=self.text)

    def json(self) -> decode.Json:
        return {"title": self.title, "summary": self.summary, **({"text": self.text} if self.text else {})}


async def create_check_run(
    gh: Installation,
    repo: Repository,
    *,
    name: str,
    head_sha: str,
    external_id: str,
    status: Status = "queued",
    conclusion: Conclusion | None = None,
    output: Output | None = None,
    details_url: str | None = None,
    actions: Sequence[Action] = (),
    look: bool = True,
) -> CheckRun:
    """Our check run with this `external_id` on this commit: the one that is there, or a new one.

    Args:
        look: False only where the caller has just read the commit's check runs and not written since.
    """
    body = _check_run_body(status, conclusion, output, details_url, actions)
    body |= {"name": name, "head_sha": head_sha, "external_id": external_id}

    async def there() -> CheckRun | None:
        runs = await reads.check_runs(gh, repo, head_sha)
        return next((run for run in runs if run.external_id == external_id), None)

    async def create() -> CheckRun:
        echo = {**body, "id": 0, "app": {"id": gh.app_id}}
        return decode.check_run(
            await gh.write("POST", f"repos/{repo.full_name}/check-runs", body, kind="other", echo=echo)
        )

    return await _once(gh, there, create, look=look)


async def update_check_run(
    gh: Installation,
    repo: Repository,
    run_id: int,
    *,
    status: Status,
    conclusion: Conclusion | None = None,
    output: Output | None = None,
    annotations: Sequence[Annotation] = (),
    details_url: str | None = None,
    actions: Sequence[Action] = (),
) -> None:
    """Bring a check run into this state. Status and conclusion come with the last batch of annotations.

    GitHub only ever appends annotations, so those it has already (the first n) are counted and not sent again: for one check
    run the list must be the same, in the same order, each time. Another list needs another check run.
    """
    if annotations and output is None:
        raise ValueError("annotations need an output (GitHub wants title and summary with them)")
    path = f"repos/{repo.full_name}/check-runs/{run_id}"
    final = _check_run_body(status, conclusion, output, details_url, actions)
    notes = [*map(_annotation, annotations)]
    sent = await _annotations_there(gh, repo, run_id) if notes else 0
    failures = 0
    while output is not None and sent < len(annotations):
        batch = annotations[sent : sent + ANNOTATIONS_PER_CALL]
        last = sent + len(batch) == len(annotations)
        body = {
            **(final if last else {}),
            "output": output.json() | {"annotations": [*map(_annotation, batch)]},
        }
        try:
            await gh.write("PATCH", path, body, kind="other", repeat=False)
        except Ambiguous:
            failures += 1
            if failures >= gh.host.pace.attempts:
                raise
            await gh.host.back_off(failures)
            sent = await _annotations_there(gh, repo, run_id)
        else:
            if last:
                return
            sent += len(batch)
    await gh.write("PATCH", path, final, kind="other")


async def create_comment(
    gh: Installation, repo: Repository, number: int, *, marker: str, body: str, look: bool = True
) -> Comment:
    """Our comment with this marker in the conversation: the one that is there (unchanged), or a new one.

    Args:
        marker: a hidden comment such as `<!-- tfport:summary:3 -->`, contained in `body`, different for each comment that is meant
            to exist.
        look: False only where the caller has just read the conversation and not written since.
    """
    if marker not in tail(body) or not marker.startswith("<!-- tfport:"):
        raise ValueError(f"the comment must contain its marker {marker!r}")
    _at_most(COMMENT_LIMIT, body=body)

    async def there() -> Comment | None:
        return find_comment(await reads.issue_comments(gh, repo, number), gh.app_id, marker)

    async def create() -> Comment:
        path = f"repos/{repo.full_name}/issues/{number}/comments"
        echo = _comment_echo(gh, body)
        return decode.comment(
            await gh.write("POST", path, {"body": body}, kind="content", echo=echo), "issue"
        )

    return await _once(gh, there, create, look=look)


def find_comment(comments: Sequence[Comment], app_id: int, marker: str) -> Comment | None:
    """The newest comment of the app that carries the marker; other people's copies of it don't count."""
    ours = (comment for comment in comments if comment.app_id == app_id and marker in tail(comment.body))
    return max(ours, key=lambda comment: comment.id, default=None)


async def update_comment(gh: Installation, repo: Repository, comment_id: int, body: str) -> None:
    """Edit one of our comments in the conversation (nobody is notified).

    Raises:
        Gone: somebody deleted it.
    """
    _at_most(COMMENT_LIMIT, body=body)
    path = f"repos/{repo.full_name}/issues/comments/{comment_id}"
    await gh.write("PATCH", path, {"body": body}, kind="other")


async def delete_comment(gh: Installation, repo: Repository, comment_id: int) -> None:
    """Delete one of our comments in the conversation, if it is still there."""
    try:
        await gh.write("DELETE", f"repos/{repo.full_name}/issues/comments/{comment_id}", kind="other")
    except Gone:
        return


async def minimize_comment(
    gh: Installation, node_id: str, why: Literal["OUTDATED", "RESOLVED"] = "OUTDATED"
) -> None:
    """Fold a comment away; one that was deleted needs nothing."""
    try:
        await gh.mutate(_MINIMIZE, id=node_id, why=why)
    except Gone:
        return


async def update_review_comment(gh: Installation, repo: Repository, comment_id: int, body: str) -> None:
    """Change the text of one of our comments at a line; a deleted one needs nothing."""
    _at_most(COMMENT_LIMIT, body=body)
    path = f"repos/{repo.full_name}/pulls/comments/{comment_id}"
    try:
        await gh.write("PATCH", path, {"body": body}, kind="content", repeat=True)
    except Gone:
        return


async def resolve_thread(gh: Installation, node_id: str) -> None:
    """Mark a conversation at a line as resolved; one that was deleted needs nothing."""
    try:
        await gh.mutate(_RESOLVE, id=node_id)
    except Gone:
        return


async def add_reaction(gh: Installation, repo: Repository, comment: Comment, content: Reaction) -> None:
    """React to a comment; GitHub keeps one reaction of a kind per account, so repeating is harmless.

    A comment may not be readable yet when its webhook is here already: 404 is tried again for a few seconds.
    """
    if content not in get_args(Reaction):
        raise ValueError(f"GitHub has no reaction {content!r}")
    for failures in range(1, gh.host.pace.attempts + 1):
        try:
            await _react(gh, repo, comment, content)
            return
        except Gone:
            if failures == gh.host.pace.attempts:
                raise
            await gh.host.back_off(failures)


async def request_reviewers(gh: Installation, repo: Repository, number: int, logins: Sequence[str]) -> None:
    """Ask people for a review; those asked already are not notified again.

    Raises:
        Unprocessable: one of them is no collaborator, or is the author.
    """
    path = f"repos/{repo.full_name}/pulls/{number}/requested_reviewers"
    await gh.write("POST", path, {"reviewers": [*logins]}, kind="content", repeat=True)


async def _react(gh: Installation, repo: Repository, comment: Comment, content: Reaction) -> None:
    if comment.kind == "review":  # REST has no reactions on reviews
        await gh.mutate(_REACT, id=comment.node_id, content=_GRAPHQL_REACTIONS.get(content, content.upper()))
        return
    path = f"{reads.comment_path(repo, comment)}/reactions"
    await gh.write("POST", path, {"content": content}, kind="other", repeat=True)


async def _once(
    gh: Installation,
    there: Callable[[], Awaitable[T | None]],
    create: Callable[[], Awaitable[T]],
    *,
    look: bool,
) -> T:
    """Create what is not there yet; after an answer that was lost, look again."""
    failures = 0
    while True:
        if look and (found := await there()) is not None:
            return found
        try:
            return await create()
        except Ambiguous:
            failures, look = failures + 1, True
            if failures >= gh.host.pace.attempts:
                raise
            await gh.host.back_off(failures)


async def _annotations_there(gh: Installation, repo: Repository, run_id: int) -> int:
    return 0 if gh.readonly else len(await reads.check_annotations(gh, repo, run_id))


def _check_run_body(
    status: Status,
    conclusion: Conclusion | None,
    output: Output | None,
    details_url: str | None,
    actions: Sequence[Action],
) -> decode.Json:
    if (status == "completed") != (conclusion is not None):
        raise ValueError(f"status {status!r} with conclusion {conclusion!r}")
    if len(actions) > 3:
        raise ValueError("GitHub shows 3 buttons at most")
    body: dict[str, Any] = {"status": status}
    if conclusion:
        body["conclusion"] = conclusion
    if output:
        body["output"] = output.json()
    if details_url:
        body["details_url"] = details_url
    if actions or status == "completed":  # none removes those of an earlier state
        body["actions"] = [
            {"label": a.label, "description": a.description, "identifier": a.identifier} for a in actions
        ]
    return body


def _annotation(note: Annotation) -> decode.Json:
    _at_most(255, title=note.title)
    for name, text in (("message", note.message), ("raw_details", note.raw_details)):
        if len(text.encode()) > ANNOTATION_LIMIT:
            raise ValueError(f"{name} of an annotation is over {ANNOTATION_LIMIT} bytes")
    return {
        "path": note.path,
        "start_line": note.start_line,
        "end_line": note.end_line,
        "annotation_level": note.level,
        "message": note.message,
        **({"title": note.title} if note.title else {}),
        **({"raw_details": note.raw_details} if note.raw_details else {}),
    }


def _comment_echo(gh: Installation, body: str) -> decode.Json:
    now = datetime.now(UTC).isoformat()
    return {
        "id": 0,
        "node_id": "",
        "user": None,
        "body": body,
        "created_at": now,
        "updated_at": now,
        "html_url": "",
        "performed_via_github_app": {"id": gh.app_id},
    }


def _at_most(limit: int, **texts: str) -> None:
    """Our renderer stays below GitHub's limits; if not, that is a bug, better seen here than as a 422."""
    for name, text in texts.items():
        if len(text) > limit:
            raise ValueError(f"{name} has {len(text)} characters, GitHub takes {limit}")


__all__ = [
    "PERMISSIONS",
    "Action",
    "Output",
    "add_reaction",
    "create_check_run",
    "create_comment",
    "delete_comment",
    "find_comment",
    "minimize_comment",
    "request_reviewers",
    "resolve_thread",
    "update_check_run",
    "update_comment",
    "update_review_comment",
]

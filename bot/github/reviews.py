"""One review with comments on lines: posted whole, or without those lines that GitHub does not take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.diff import LineComment
from bot.github import decode, reads
from bot.github.errors import Ambiguous, Gone, Unprocessable
from bot.github.session import Installation
from bot.github.writes import COMMENT_LIMIT
from bot.markers import tail
from bot.state import Repository


@dataclass(frozen=True, slots=True)
class Posted:
    """The review that is there now, and the comments that are not in it (0 in `readonly`)."""

    id: int
    left_out: tuple[LineComment, ...] = ()


async def create_review(
    gh: Installation,
    repo: Repository,
    number: int,
    *,
    head_sha: str,
    marker: str,
    body: str,
    comments: Sequence[LineComment] = (),
    look: bool = True,
) -> Posted:
    """Our review with this marker: the one that is there, or a new one (event COMMENT, it never blocks).

    Args:
        marker: contained in `body`, different for each review (one per head).
        look: False only where the caller has just read the reviews and not written since.

    Raises:
        Unprocessable: GitHub declines even without comments (the head is not of this pull request any more).
    """
    if marker not in tail(body) or not marker.startswith("<!-- tfport:"):
        raise ValueError(f"the review must contain its marker {marker!r}")
    if len(body) > COMMENT_LIMIT or any(len(comment.body) > COMMENT_LIMIT for comment in comments):
        raise ValueError(f"GitHub takes {COMMENT_LIMIT} characters")
    review = _Review(gh, f"repos/{repo.full_name}/pulls/{number}/reviews", head_sha, body)
    failures = 0
    while True:
        if look and (found := await review.there(marker, comments)):
            return found
        try:
            return await review.post(comments)
        except Ambiguous:
            failures, look = failures + 1, True
            if failures >= gh.host.pace.attempts:
                raise
            await gh.host.back_off(failures)


def _json(comment: LineComment) -> decode.Json:
    body: decode.Json = {"path": comment.path, "line": comment.line, "side": "RIGHT", "body": comment.body}
    if comment.start_line is not None and comment.start_line < comment.line:
        body |= {"start_line": comment.start_line, "start_side": "RIGHT"}
    return body


class _Review:
    def __init__(self, gh: Installation, path: str, head_sha: str, body: str) -> None:
        self.gh, self.path, self.head_sha, self.body = gh, path, head_sha, body

    async def there(self, marker: str, comments: Sequence[LineComment]) -> Posted | None:
        """Our review if it exists. A pending one of ours (left by a crash) is thrown away: it would block any other."""
        me = (await reads.identity(self.gh)).bot
        posted = None
        for raw in await self.gh.pages(self.path):
            if decode.user(raw["user"]).id != me.id:
                continue
            if raw["state"] == "PENDING":
                await self._discard(raw["id"])
            elif marker in tail(raw.get("body") or ""):
                posted = raw["id"]
        if posted is None:
            return None
        has = {(raw["path"], raw["body"]) for raw in await self.gh.pages(f"{self.path}/{posted}/comments")}
        return Posted(posted, tuple(c for c in comments if (c.path, c.body) not in has))

    async def post(self, comments: Sequence[LineComment]) -> Posted:
        try:
            return Posted(await self._create(comments, event="COMMENT"))
        except Unprocessable:
            if not comments:
                raise
        fine = await self._accepted(comments)
        return Posted(await self._create(fine, event="COMMENT"), tuple(c for c in comments if c not in fine))

    async def _accepted(self, comments: Sequence[LineComment]) -> list[LineComment]:
        """Those comments that GitHub takes, found by halving: it declines the whole review for one bad line, and does
        not say for which. Tried with pending reviews, which nobody sees."""
        if await self._takes(comments):
            return [*comments]
        if len(comments) == 1:
            return []
        middle = len(comments) // 2
        return [*await self._accepted(comments[:middle]), *await self._accepted(comments[middle:])]

    async def _takes(self, comments: Sequence[LineComment]) -> bool:
        try:
            pending = await self._create(comments, event=None)
        except Unprocessable:
            return False
        await self._discard(pending)
        return True

    async def _create(self, comments: Sequence[LineComment], *, event: str | None) -> int:
        body: decode.Json = {"commit_id": self.head_sha, "comments": [_json(comment) for comment in comments]}
        if event:
            body |= {"event": event, "body": self.body}
        kind = "content" if event else "other"
        return (await self.gh.write("POST", self.path, body, kind=kind, echo={"id": 0}))["id"]

    async def _discard(self, review_id: int) -> None:
        try:
            await self.gh.write("DELETE", f"{self.path}/{review_id}", kind="other")
        except Gone:
            return

"""State as GraphQL objects: dictionaries whose functions are asked only if the query wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bot.localhub.clock import stamp
from bot.localhub.errors import Refusal
from bot.localhub.state import (
    Comment,
    Json,
    Node,
    Pull,
    Reaction,
    Remark,
    Repository,
    Review,
    ReviewComment,
    Thread,
    User,
)
from bot.localhub.views import pulls as rest
from bot.localhub.web import Call

T = TypeVar("T")
CONTENT = {
    "+1": "THUMBS_UP",
    "-1": "THUMBS_DOWN",
    "laugh": "LAUGH",
    "hooray": "HOORAY",
    "confused": "CONFUSED",
    "heart": "HEART",
    "rocket": "ROCKET",
    "eyes": "EYES",
}


def connection(items: Sequence[T], view: Callable[[T], Json]) -> Callable[..., Json]:
    """A field with `first`/`after` and the like; cursors are positions. GitHub wants `first` or `last`."""

    def field(
        _: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Json:
        if first is None and last is None:
            raise Refusal(
                422, "You must provide a `first` or `last` value to properly paginate the connection."
            )
        if not 0 < (first or last or 0) <= 100:
            raise Refusal(
                422, "Requesting more than 100 records on the connection exceeds the limit of 100 records."
            )
        start, end = (int(after) if after else 0), (int(before) - 1 if before else len(items))
        if first is not None:
            end = min(end, start + first)
        elif last is not None:
            start = max(start, end - last)
        info = {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": str(start + 1) if end > start else None,
            "endCursor": str(end) if end > start else None,
        }
        return {"nodes": [view(one) for one in items[start:end]], "pageInfo": info, "totalCount": len(items)}

    return field


def later(make: Callable[[], Json]) -> Callable[..., Json]:
    """A field without arguments, made when it is asked for (objects refer to each other in circles)."""

    def field(_: Any) -> Json:
        return make()

    return field


class Views:
    """Objects as the asking account sees them."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def node(self, the: Node) -> Json | None:
        match the:
            case Comment():
                return self.comment(the)
            case ReviewComment():
                return self.review_comment(the)
            case Review():
                return self.review(the)
            case Thread():
                return self.thread(the)
            case Pull():
                return self.pull(the)
            case Repository():
                return self.repository(the)
            case User():
                return self.user(the)
            case _:
                return None

    def user(self, the: User) -> Json:
        login = the.login.removesuffix("[bot]")  # GraphQL names a bot without its suffix
        return {"__typename": the.type, "id": the.node_id, "login": login, "databaseId": the.id}

    def repository(self, the: Repository) -> Json:
        def pull(_: Any, number: int) -> Json:
            found = the.issues.get(number)
            if not isinstance(found, Pull):
                raise Refusal(404, f"Could not resolve to a PullRequest with the number of {number}.")
            return self.pull(found)

        return {
            "__typename": "Repository",
            "id": the.node_id,
            "databaseId": the.id,
            "name": the.name,
            "nameWithOwner": the.full_name,
            "pullRequest": pull,
        }

    def pull(self, the: Pull) -> Json:
        reviews = [one for one in the.reviews if one.state != "PENDING" or one.user is self.call.actor.user]
        return {
            "__typename": "PullRequest",
            "id": the.node_id,
            "number": the.number,
            "title": the.title,
            "body": the.body or "",
            "state": "MERGED" if the.merged_at else the.state.upper(),
            "isDraft": the.draft,
            "headRefOid": the.head_sha,
            "headRefName": the.head_ref,
            "baseRefName": the.base_ref,
            "author": self.user(the.user),
            "repository": later(lambda: self.repository(the.repository)),
            "comments": connection(the.comments, self.comment),
            "reviews": connection(reviews, self.review),
            "reviewThreads": connection(the.threads, self.thread),
        }

    def _remark(self, the: Remark, url: str) -> Json:
        return {
            "id": the.node_id,
            "databaseId": the.id,
            "author": self.user(the.user),
            "body": the.body,
            "createdAt": stamp(the.created_at),
            "updatedAt": stamp(the.updated_at),
            "url": url,
            "isMinimized": the.minimized is not None,
            "minimizedReason": the.minimized,
            "viewerCanMinimize": True,
            "viewerDidAuthor": the.user is self.call.actor.user,
            "reactions": self._reactions(the.reactions),
        }

    def _reactions(self, reactions: list[Reaction]) -> Callable[..., Json]:
        def field(info: Any, content: str | None = None, **page: Any) -> Json:
            wanted = [one for one in reactions if content in (None, CONTENT[one.content])]
            return connection(wanted, self.reaction)(info, **page)

        return field

    def reaction(self, the: Reaction) -> Json:
        user = self.user(the.user) if the.user.type == "User" else None
        return {"id": the.node_id, "databaseId": the.id, "content": CONTENT[the.content], "user": user}

    def comment(self, the: Comment) -> Json:
        url = rest.comment(self.call.urls, the)["html_url"]
        return {"__typename": "IssueComment"} | self._remark(the, url)

    def review(self, the: Review) -> Json:
        url = rest.review(self.call.urls, the)["html_url"]
        mine = [one for one in the.pull.review_comments if one.review is the]
        return {
            "__typename": "PullRequestReview",
            "state": the.state,
            "submittedAt": stamp(the.submitted_at),
            "comments": connection(mine, self.review_comment),
        } | self._remark(the, url)

    def review_comment(self, the: ReviewComment) -> Json:
        url = rest.review_comment(self.call.urls, the)["html_url"]
        more = {"path": the.path, "line": the.line, "outdated": _outdated(the)}
        return {"__typename": "PullRequestReviewComment"} | self._remark(the, url) | more

    def thread(self, the: Thread) -> Json:
        first = the.comments[0]
        resolved = the.resolved_by is not None
        by = self.user(the.resolved_by) if the.resolved_by and the.resolved_by.type == "User" else None
        return {
            "__typename": "PullRequestReviewThread",
            "id": the.node_id,
            "isResolved": resolved,
            "isOutdated": _outdated(first),
            "isCollapsed": resolved or _outdated(first),
            "path": first.path,
            "line": first.line,
            "startLine": first.start_line,
            "originalLine": first.original_line,
            "diffSide": first.side,
            "resolvedBy": by,
            "viewerCanResolve": not resolved,
            "viewerCanUnresolve": resolved,
            "pullRequest": later(lambda: self.pull(the.pull)),
            "comments": connection(the.comments, self.review_comment),
        }


def _outdated(the: ReviewComment) -> bool:
    return the.line is None and the.subject_type == "line"


def repository_of(the: Node) -> Repository | None:
    match the:
        case Comment():
            return the.issue.repository
        case Review():
            return the.pull.repository
        case ReviewComment():
            return the.review.pull.repository
        case Thread():
            return the.pull.repository
        case Pull():
            return the.repository
        case Repository():
            return the
        case _:
            return None

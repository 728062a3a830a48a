"""Writes as data: `bot.plan` wants them, `bot.apply` carries them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.diff import LineComment
from bot.state import Annotation, Comment
from checks.report import Conclusion

Content = Literal["eyes", "confused", "-1"]
HANDLED: frozenset[str] = frozenset({"eyes", "confused", "-1"})
"""Our reactions that say: this comment's commands are dealt with."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button on a check run."""

    identifier: str
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class Output:
    """What a check run shows."""

    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateCheckRun:
    name: str
    head_sha: str
    external_id: str
    status: Literal["queued", "in_progress", "completed"]
    output: Output
    conclusion: Conclusion | None = None


@dataclass(frozen=True, slots=True)
class UpdateCheckRun:
    """`output.annotations` are all that there should be; the writer asks how many GitHub has and sends the rest."""

    id: int
    status: Literal["queued", "in_progress", "completed"]
    output: Output
    conclusion: Conclusion | None = None


@dataclass(frozen=True, slots=True)
class CreateComment:
    """`marker` is contained in `body`; a comment of ours with it is this comment."""

    marker: str
    body: str


@dataclass(frozen=True, slots=True)
class EditComment:
    id: int
    body: str


@dataclass(frozen=True, slots=True)
class MinimizeComment:
    node_id: str
    why: Literal["OUTDATED", "RESOLVED"] = "OUTDATED"


@dataclass(frozen=True, slots=True)
class CreateReview:
    """The review of a head: event COMMENT. `marker` is contained in `body`; there is one per head."""

    marker: str
    head_sha: str
    body: str
    comments: tuple[LineComment, ...]


@dataclass(frozen=True, slots=True)
class EditReviewComment:
    id: int
    body: str


@dataclass(frozen=True, slots=True)
class ResolveThread:
    node_id: str


@dataclass(frozen=True, slots=True)
class RequestReview:
    """Ask these people, who have rights here, for a review."""

    logins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class React:
    comment: Comment
    content: Content


@dataclass(frozen=True, slots=True)
class Remember:
    """These command lines (digests) of the comment are dealt with."""

    comment: Comment
    digests: frozenset[str]


Write = (
    CreateCheckRun
    | UpdateCheckRun
    | CreateReview
    | EditReviewComment
    | ResolveThread
    | CreateComment
    | EditComment
    | MinimizeComment
    | RequestReview
    | React
    | Remember
)

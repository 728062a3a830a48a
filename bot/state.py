"""What GitHub says now about one pull request, as plain data. Made by `bot.github.reads`, decided upon by `bot.plan`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class User:
    """An account. Rights follow `id`, never `login`, which may be renamed and reused."""

    id: int
    login: str
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository. `id` survives renames; `clone_url` is for git's smart HTTP."""

    id: int
    owner: str
    name: str
    default_branch: str
    clone_url: str
    html_url: str
    archived: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request.

    Attributes:
        head_repo: the repository of the head, None when the fork was deleted.
        base_sha: tip of the base branch (not the merge base).
        mergeable: None while GitHub does not know.
        requested: logins of the people whose review is asked for.
        association: GitHub's word for what the author is to the repository ("NONE", "CONTRIBUTOR", "MEMBER").
    """

    number: int
    node_id: str
    title: str
    author: User
    draft: bool
    open: bool
    merged: bool
    locked: bool
    head_sha: str
    head_ref: str
    head_repo: Repository | None
    base_sha: str
    base_ref: str
    labels: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    html_url: str
    maintainer_can_modify: bool = False
    mergeable: bool | None = None
    requested: tuple[str, ...] = ()
    association: str = "NONE"


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """One file of a pull request. `patch` is None when GitHub leaves it out (binary, too large)."""

    path: str
    status: Literal["added", "removed", "modified", "renamed", "copied", "changed", "unchanged"]
    patch: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment in the conversation (`issue`), on a line (`review-comment`), or a review's own text (`review`).

    Attributes:
        app_id: the app that wrote it (`performed_via_github_app`), else None.
        reactions: contents of *our own* reactions on it; filled only for comments that somebody reacted to.
        handled: digests of the command lines that were dealt with; None where nobody remembers, so that a reaction of ours speaks
            for all of them.
    """

    id: int
    node_id: str
    author: User
    body: str
    created_at: datetime
    updated_at: datetime
    html_url: str
    app_id: int | None = None
    kind: Literal["issue", "review-comment", "review"] = "issue"
    reactions: frozenset[str] = frozenset()
    minimized: bool = False
    handled: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation below a comment at a line. `comments` are node ids, its first comment first."""

    node_id: str
    resolved: bool
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note at a line of a file in a check run."""

    path: str
    start_line: int
    end_line: int
    level: Literal["failure", "warning", "notice"]
    message: str
    title: str = ""
    raw_details: str = ""


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One of *our* check runs as GitHub has it. `external_id` is our key; `annotations` counts those already sent."""

    id: int
    name: str
    head_sha: str
    external_id: str
    status: Literal["queued", "in_progress", "completed"]
    conclusion: str | None
    title: str
    summary: str
    annotations: int
    html_url: str
    app_id: int
    started_at: datetime | None = None


Permission = Literal["admin", "write", "read", "none"]

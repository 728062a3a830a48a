"""What a GitHub remembers, as plain classes. No rules here: those are in `bot.localhub.routes` and `.people`."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from bot.localhub.clock import Clock

Json = dict[str, Any]
Permissions = dict[str, str]
"""Name of a permission -> "read" or "write"."""
Role = Literal["admin", "maintain", "write", "triage", "read"]
ROLES: tuple[Role, ...] = ("read", "triage", "write", "maintain", "admin")


@dataclass(eq=False, kw_only=True)
class Node:
    """Anything with a numeric `id` (unique per kind) and a `node_id` (unique, for GraphQL)."""

    id: int
    created_at: datetime
    updated_at: datetime

    PREFIX = "N"

    @property
    def node_id(self) -> str:
        digits = base64.urlsafe_b64encode(self.id.to_bytes(6, "big")).decode().rstrip("=")
        return f"{self.PREFIX}_kwLH{digits}"


@dataclass(eq=False, kw_only=True)
class User(Node):
    """An account. `token` is a personal access token: git pushes and REST calls as that person."""

    PREFIX = "U"
    login: str
    type: Literal["User", "Organization", "Bot"] = "User"
    name: str | None = None
    token: str = field(default_factory=lambda: "ghp_" + secrets.token_hex(18))


@dataclass(eq=False, kw_only=True)
class App(Node):
    """A registered GitHub App. `private_key` is PEM; `bot` is the account that writes in its name."""

    PREFIX = "A"
    slug: str
    name: str
    owner: User
    bot: User
    private_key: str
    public_key: Any
    webhook_secret: str
    webhook_url: str | None
    permissions: Permissions
    events: list[str]
    client_id: str
    client_secret: str
    description: str = ""
    webhook_active: bool = True


@dataclass(eq=False, kw_only=True)
class Repository(Node):
    """A repository; `path` is its bare git directory. Rights follow user ids."""

    PREFIX = "R"
    owner: User
    name: str
    path: Path
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    parent: Repository | None = None
    pushed_at: datetime | None = None
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    labels: dict[str, Label] = field(default_factory=lambda: dict[str, Label]())
    issues: dict[int, Issue] = field(default_factory=lambda: dict[int, Issue]())

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def pulls(self) -> list[Pull]:
        return [issue for issue in self.issues.values() if isinstance(issue, Pull)]

    def role(self, user: User) -> Role | None:
        """The role of a person; everybody may read what is public."""
        if user.id == self.owner.id:
            return "admin"
        return self.roles.get(user.id) or (None if self.private else "read")

    def can(self, user: User, role: Role) -> bool:
        mine = self.role(user)
        return mine is not None and ROLES.index(mine) >= ROLES.index(role)


@dataclass(eq=False, kw_only=True)
class Installation(Node):
    """An app on an account; `repositories` is None for all of them."""

    PREFIX = "I"
    app: App
    account: User
    permissions: Permissions
    events: list[str]
    repositories: set[int] | None
    suspended_at: datetime | None = None
    suspended_by: User | None = None
    deleted: bool = False
    remaining: int = 5000
    reset_at: datetime | None = None

    def covers(self, repository: Repository) -> bool:
        if self.deleted or repository.owner.id != self.account.id:
            return False
        return self.repositories is None or repository.id in self.repositories


@dataclass(eq=False, kw_only=True)
class Token:
    """An installation token with its scope; `repositories` is None for all of the installation's."""

    value: str
    installation: Installation
    expires_at: datetime
    permissions: Permissions
    repositories: set[int] | None
    revoked: bool = False


@dataclass(eq=False, kw_only=True)
class Label(Node):
    PREFIX = "LA"
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(eq=False, kw_only=True)
class Reaction(Node):
    PREFIX = "REA"
    user: User
    content: str


@dataclass(eq=False, kw_only=True)
class Remark(Node):
    """What comments, reviews and review comments have in common."""

    user: User
    body: str
    app: App | None = None
    minimized: str | None = None
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    edits: int = 0

    @property
    def author(self) -> User:
        return self.user


@dataclass(eq=False, kw_only=True)
class Issue(Node):
    """A conversation with a number."""

    PREFIX = "I"
    repository: Repository
    number: int
    title: str
    body: str | None
    user: User
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    closed_by: User | None = None
    locked: bool = False
    edits: int = 0
    labels: list[Label] = field(default_factory=list[Label])
    comments: list[Comment] = field(default_factory=lambda: list[Comment]())
    reactions: list[Reaction] = field(default_factory=list[Reaction])


@dataclass(frozen=True)
class Happening:
    """A line of a pull request's history, for the page."""

    at: datetime
    user: User
    text: str


@dataclass(eq=False, kw_only=True)
class Pull(Issue):
    """A pull request. `head_repo` is None once the fork is gone; `base_sha` stays what it was at the last push."""

    PREFIX = "PR"
    head_repo: Repository | None
    head_ref: str
    head_label_owner: User
    head_sha: str
    base_ref: str
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: User | None = None
    merge_commit_sha: str | None = None
    maintainer_can_modify: bool = True
    requested_reviewers: list[User] = field(default_factory=list[User])
    reviews: list[Review] = field(default_factory=lambda: list[Review]())
    threads: list[Thread] = field(default_factory=lambda: list[Thread]())
    history: list[Happening] = field(default_factory=list[Happening])

    @property
    def from_fork(self) -> bool:
        return self.head_repo is not self.repository

    @property
    def review_comments(self) -> list[ReviewComment]:
        found = [comment for thread in self.threads for comment in thread.comments]
        return sorted(found, key=lambda comment: comment.id)


@dataclass(eq=False, kw_only=True)
class Comment(Remark):
    """A comment in the conversation (an *issue comment* in GitHub's words)."""

    PREFIX = "IC"
    issue: Issue


@dataclass(eq=False, kw_only=True)
class Review(Remark):
    PREFIX = "PRR"
    pull: Pull
    state: Literal["PENDING", "COMMENTED", "APPROVED", "CHANGES_REQUESTED", "DISMISSED"]
    commit_id: str
    submitted_at: datetime | None = None


@dataclass(eq=False, kw_only=True)
class ReviewComment(Remark):
    """A comment at a line of the diff. `line` and `position` are None when it is outdated."""

    PREFIX = "PRRC"
    review: Review
    thread: Thread
    path: str
    line: int | None
    original_line: int | None
    side: Literal["LEFT", "RIGHT"]
    start_line: int | None
    original_start_line: int | None
    start_side: Literal["LEFT", "RIGHT"] | None
    position: int | None
    original_position: int | None
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    subject_type: Literal["line", "file"] = "line"
    in_reply_to: ReviewComment | None = None


@dataclass(eq=False, kw_only=True)
class Thread(Node):
    """A conversation at a line: the first comment and its replies."""

    PREFIX = "PRRT"
    pull: Pull
    comments: list[ReviewComment] = field(default_factory=list[ReviewComment])
    resolved_by: User | None = None


@dataclass(eq=False, kw_only=True)
class CheckSuite(Node):
    PREFIX = "CS"
    repository: Repository
    app: App
    head_sha: str
    head_branch: str | None
    before: str | None = None
    runs: list[CheckRun] = field(default_factory=lambda: list[CheckRun]())
    rerequested: bool = False


@dataclass(eq=False, kw_only=True)
class CheckRun(Node):
    PREFIX = "CR"
    suite: CheckSuite
    name: str
    external_id: str
    details_url: str | None
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Json] = field(default_factory=list[Json])
    images: list[Json] = field(default_factory=list[Json])
    actions: list[Json] = field(default_factory=list[Json])


@dataclass(eq=False, kw_only=True)
class Status(Node):
    """A commit status (the older sibling of check runs)."""

    PREFIX = "SC"
    repository: Repository
    sha: str
    state: str
    context: str
    creator: User
    description: str | None = None
    target_url: str | None = None


@dataclass(eq=False, kw_only=True)
class Delivery:
    """One webhook as it was (or will be) sent to an app."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    body: bytes
    installation_id: int | None
    repository_id: int | None
    delivered_at: datetime
    redelivery: bool = False
    duration: float = 0.0
    status: str = "queued"
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict[str, str])
    response_headers: dict[str, str] = field(default_factory=dict[str, str])
    response_body: str = ""


@dataclass(frozen=True, kw_only=True)
class Notification:
    """Something that rang at people: `recipients` are logins."""

    kind: Literal["comment", "review", "review_comment", "mention", "review_request"]
    actor: str
    repository: str
    number: int
    recipients: tuple[str, ...]
    text: str


NodeT = TypeVar("NodeT", bound=Node)


class State:
    """All of it. Ids of different kinds lie in different ranges, so that a mix-up is a 404 and not a wrong hit."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.users: dict[int, User] = {}
        self.apps: dict[int, App] = {}
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.suites: dict[int, CheckSuite] = {}
        self.runs: dict[int, CheckRun] = {}
        self.statuses: list[Status] = []
        self.deliveries: dict[int, Delivery] = {}
        self.notifications: list[Notification] = []
        self.conversions: dict[str, Json] = {}
        self.nodes: dict[str, Node] = {}
        self._ranges = itertools.count(1)
        self._counters: dict[str, Iterator[int]] = {}
        self.changes = 0

    def next_id(self, kind: str) -> int:
        if kind not in self._counters:
            self._counters[kind] = itertools.count(next(self._ranges) * 100_000_000 + 1)
        return next(self._counters[kind])

    def new(self, kind: type[NodeT], **values: Any) -> NodeT:
        """Make and remember a node."""
        now = self.clock.now()
        node = kind(id=self.next_id(kind.__name__), created_at=now, updated_at=now, **values)
        self.nodes[node.node_id] = node
        self.changes += 1
        return node

    def touch(self, *nodes: Node) -> None:
        self.changes += 1
        for node in nodes:
            node.updated_at = self.clock.now()

    def record(self, pull: Pull, user: User, text: str) -> None:
        """Write into the history of a pull request."""
        pull.history.append(Happening(self.clock.now(), user, text))

    def user(self, login: str) -> User | None:
        wanted = login.lower()
        return next((user for user in self.users.values() if user.login.lower() == wanted), None)

    def repository(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def installation(self, app: App, repository: Repository) -> Installation | None:
        return next((i for i in self.installations.values() if i.app is app and i.covers(repository)), None)

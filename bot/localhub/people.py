"""What people do on this GitHub: the Python side of tests and of the demo. The same methods answer at `/_people/`.

Every method takes names as well as objects: a login for a user, "owner/name" for a repository, "owner/name#7" for an
issue or pull request, a number for comments and check runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.localhub import git
from bot.localhub.actions import conversation, pulls, reviews
from bot.localhub.state import (
    App,
    CheckRun,
    CheckSuite,
    Comment,
    Delivery,
    Installation,
    Issue,
    Json,
    Label,
    Node,
    Permissions,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Role,
    User,
)

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

N = TypeVar("N", bound=Node)
EVENTS = ("check_run", "check_suite", "issue_comment", "pull_request", "pull_request_review",
          "pull_request_review_comment", "push")  # fmt: skip
PERMISSIONS: Permissions = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}


class NoSuch(LookupError):
    """A name that means nothing here."""


class People:
    """Mixed into `LocalHub`."""

    @property
    def _hub(self) -> LocalHub:
        return cast("LocalHub", self)

    # Accounts and apps

    def user(self, login: str, *, type: Literal["User", "Organization", "Bot"] = "User") -> User:
        """The account of that login, made if need be."""
        hub = self._hub
        with hub.lock:
            found = hub.state.user(login)
            if found is None:
                found = hub.state.new(User, login=login, type=type, name=login)
                hub.state.users[found.id] = found
            return found

    def organization(self, login: str) -> User:
        return self.user(login, type="Organization")

    def rename_user(self, who: User | str, login: str) -> User:
        """A new login for the same account; the old one is free for others."""
        with self._hub.lock:
            user = self._user(who)
            for repository in self._hub.state.repositories.values():
                if repository.owner is user:
                    self._hub.state.moved[repository.full_name.lower()] = repository.id
            user.login = login
            return user

    def app(
        self,
        slug: str = "tfport",
        *,
        webhook_url: str | None = None,
        webhook_secret: str = "development",  # noqa: S107
        permissions: Mapping[str, str] = PERMISSIONS,
        events: list[str] | tuple[str, ...] = EVENTS,
        owner: User | str | None = None,
        name: str | None = None,
    ) -> App:
        """Register an app, with a new key pair (`.private_key` is PEM)."""
        hub = self._hub
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        with hub.lock:
            bot = self.user(f"{slug}[bot]", type="Bot")
            app = hub.state.new(
                App,
                slug=slug,
                name=name or slug,
                owner=self._user(owner) if owner else self.user("operator"),
                bot=bot,
                private_key=key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.TraditionalOpenSSL,
                    serialization.NoEncryption(),
                ).decode(),
                public_key=key.public_key(),
                webhook_secret=webhook_secret,
                webhook_url=webhook_url,
                permissions={"metadata": "read"} | dict(permissions),
                events=list(events),
                client_id=f"Iv23li{hub.state.next_id('client'):014d}",
                client_secret=f"secret-of-{slug}",
            )
            hub.state.apps[app.id] = app
            hub.events.ping(app)
            return app

    def set_webhook(self, app: App | str, url: str | None, secret: str | None = None) -> App:
        """Change where deliveries go (and the secret)."""
        with self._hub.lock:
            found = self._app(app)
            found.webhook_url = url
            found.webhook_secret = secret or found.webhook_secret
            return found

    def install(
        self,
        app: App | str,
        target: Repository | User | str,
        *,
        permissions: Mapping[str, str] | None = None,
        sender: User | str | None = None,
    ) -> Installation:
        """Install on one repository (more calls add more) or on a whole account."""
        hub = self._hub
        with hub.lock:
            found = self._app(app)
            where = self._repository(target) if isinstance(target, str) and "/" in target else target
            repository = where if isinstance(where, Repository) else None
            account = repository.owner if repository else self._user(cast("User | str", where))
            by = self._user(sender) if sender else account
            old = next(
                (
                    i
                    for i in hub.state.installations.values()
                    if i.app is found and i.account is account and not i.deleted
                ),
                None,
            )
            if old and repository and old.repositories is not None:
                old.repositories.add(repository.id)
                hub.events.repositories_changed(old, [repository], [], by)
                return old
            installation = hub.state.new(
                Installation,
                app=found,
                account=account,
                permissions={"metadata": "read"}
                | dict(found.permissions if permissions is None else permissions),
                events=list(found.events),
                repositories={repository.id} if repository else None,
            )
            hub.state.installations[installation.id] = installation
            hub.events.installation("created", installation, by)
            return installation

    def uninstall(self, installation: Installation | int) -> None:
        hub = self._hub
        with hub.lock:
            found = self._installation(installation)
            hub.events.installation("deleted", found, found.account)
            found.deleted = True

    def remove_from_installation(
        self, installation: Installation | int, repository: Repository | str
    ) -> None:
        hub = self._hub
        with hub.lock:
            found, gone = self._installation(installation), self._repository(repository)
            if found.repositories is None:
                found.repositories = {
                    r.id for r in hub.state.repositories.values() if r.owner is found.account
                }
            found.repositories.discard(gone.id)
            hub.events.repositories_changed(found, [], [gone], found.account)

    def suspend(self, installation: Installation | int, suspended: bool = True) -> None:
        hub = self._hub
        with hub.lock:
            found = self._installation(installation)
            found.suspended_at = hub.state.clock.now() if suspended else None
            found.suspended_by = found.account if suspended else None
            hub.events.installation("suspend" if suspended else "unsuspend", found, found.account)

    # Repositories and git

    def repository(
        self,
        full_name: str,
        *,
        from_git: Path | str | None = None,
        share: bool = False,
        private: bool = False,
        default_branch: str | None = None,
        organization: bool = True,
    ) -> Repository:
        """The repository of that name, made if need be.

        Args:
            from_git: a repository (bare or not) to copy branches and tags from.
            share: borrow its objects instead of copying them; it has to stay where it is.
            default_branch: else the one that the source has checked out, or "main".
            organization: whether a new owner is an organization.
        """
        hub = self._hub
        with hub.lock:
            if found := hub.state.repository(full_name):
                return found
            login, _, name = full_name.partition("/")
            owner = hub.state.user(login) or self.user(login, type="Organization" if organization else "User")
            repository = hub.state.new(
                Repository,
                owner=owner,
                name=name,
                private=private,
                path=Path(),
                default_branch=default_branch or "main",
            )
            assert hub.folder
            repository.path = hub.folder / "repositories" / f"{repository.id}.git"
            source = Path(from_git) if from_git else None
            git.create(repository.path, source=source, share=share, branch=repository.default_branch)
            if source and not default_branch:
                repository.default_branch = git.text(repository.path, "symbolic-ref", "--short", "HEAD")
            hub.state.repositories[repository.id] = repository
            return repository

    def fork(self, repository: Repository | str, owner: User | str, *, name: str | None = None) -> Repository:
        """The fork of a person; it shares the parent's objects."""
        hub = self._hub
        with hub.lock:
            parent = self._repository(repository)
            who = self.user(owner) if isinstance(owner, str) else owner
            if found := hub.state.repository(f"{who.login}/{name or parent.name}"):
                return found
            fork = hub.state.new(
                Repository, owner=who, name=name or parent.name, path=Path(), default_branch=parent.default_branch,
                private=parent.private, parent=parent,
            )  # fmt: skip
            assert hub.folder
            fork.path = hub.folder / "repositories" / f"{fork.id}.git"
            git.create(fork.path, source=parent.path, share=True)
            hub.state.repositories[fork.id] = fork
            return fork

    def rename_repository(self, repository: Repository | str, name: str) -> Repository:
        with self._hub.lock:
            found = self._repository(repository)
            self._hub.state.moved[found.full_name.lower()] = found.id
            found.name = name
            return found

    def delete_repository(self, repository: Repository | str) -> None:
        """Also what happens to pull requests whose fork goes: their head repository is null from then on."""
        hub = self._hub
        with hub.lock:
            gone = self._repository(repository)
            del hub.state.repositories[gone.id]
            for other in hub.state.repositories.values():
                for pull in other.pulls:
                    if pull.head_repo is gone:
                        pull.head_repo = None
                        pulls.close(hub, pull, gone.owner)

    def set_role(self, repository: Repository | str, who: User | str, role: Role | None) -> None:
        """Make somebody a collaborator (None: no longer)."""
        with self._hub.lock:
            found, user = self._repository(repository), self.user(who) if isinstance(who, str) else who
            if role is None:
                found.roles.pop(user.id, None)
            else:
                found.roles[user.id] = role

    def archive(self, repository: Repository | str, archived: bool = True) -> None:
        with self._hub.lock:
            self._repository(repository).archived = archived

    def push(
        self,
        repository: Repository | str,
        branch: str,
        source: Path | str,
        revision: str = "HEAD",
        *,
        sender: User | str | None = None,
    ) -> str:
        """Bring a commit of a git repository on disk to a branch (forced); returns its SHA."""
        hub = self._hub
        with hub.lock:
            found = self._repository(repository)
            before = git.refs(found.path)
            sha = git.bring(found.path, Path(source), revision, f"refs/heads/{branch}")
            pulls.moved(hub, found, before, self._user(sender) if sender else found.owner)
            return sha

    def commit(
        self,
        repository: Repository | str,
        branch: str,
        files: Mapping[str, str | None],
        message: str = "Change files",
        *,
        start: str | None = None,
        sender: User | str | None = None,
    ) -> str:
        """Commit files (None removes one) to a branch, as the web editor does; returns the SHA.

        Args:
            start: branch or SHA that a new branch starts from; the default branch if None.
        """
        hub = self._hub
        with hub.lock:
            found = self._repository(repository)
            before = git.refs(found.path)
            parent = git.resolve(found.path, f"refs/heads/{branch}") or git.resolve(
                found.path, start or found.default_branch
            )
            sha = git.commit_files(found.path, branch, dict(files), message, parent=parent)
            pulls.moved(hub, found, before, self._user(sender) if sender else found.owner)
            return sha

    def delete_branch(
        self, repository: Repository | str, branch: str, *, sender: User | str | None = None
    ) -> None:
        hub = self._hub
        with hub.lock:
            found = self._repository(repository)
            before = git.refs(found.path)
            git.set_ref(found.path, f"refs/heads/{branch}", None)
            pulls.moved(hub, found, before, self._user(sender) if sender else found.owner)

    # Issues and pull requests

    def open_issue(
        self, author: User | str, repository: Repository | str, title: str, body: str | None = None
    ) -> Issue:
        with self._hub.lock:
            return pulls.open_issue(
                self._hub, self._repository(repository), self.user_of(author), title, body
            )

    def open_pull(
        self,
        author: User | str,
        repository: Repository | str,
        *,
        head: str,
        base: str | None = None,
        draft: bool = False,
        title: str = "Add TensorFlow port",
        body: str | None = None,
    ) -> Pull:
        """Open a pull request; `head` is a branch of the repository or "user:branch" of a fork."""
        hub = self._hub
        with hub.lock:
            found = self._repository(repository)
            login, _, branch = head.rpartition(":")
            where = found
            if login and login.lower() != found.owner.login.lower():
                where = next(
                    (
                        r
                        for r in hub.state.repositories.values()
                        if r.parent is found and r.owner.login == login
                    ),
                    None,
                )
                if where is None:
                    raise NoSuch(f"{login} has no fork of {found.full_name}")
            return pulls.open_pull(
                hub, found, self.user_of(author), head_repo=where, head_ref=branch,
                base_ref=base or found.default_branch, title=title, body=body, draft=draft,
            )  # fmt: skip

    def edit_pull(
        self,
        pull: Pull | str,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        sender: User | str | None = None,
    ) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.edit(self._hub, found, self._user(sender or found.user), title=title, body=body, base=base)

    def ready_for_review(self, pull: Pull | str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.set_draft(self._hub, found, self._user(sender or found.user), False)

    def convert_to_draft(self, pull: Pull | str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.set_draft(self._hub, found, self._user(sender or found.user), True)

    def close(self, pull: Pull | str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.close(self._hub, found, self._user(sender or found.user))

    def reopen(self, pull: Pull | str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.reopen(self._hub, found, self._user(sender or found.user))

    def merge(self, pull: Pull | str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            pulls.merge(self._hub, found, self._user(sender or found.repository.owner))

    def lock_conversation(self, issue: Issue | str, locked: bool = True) -> None:
        hub = self._hub
        with hub.lock:
            found = self._issue(issue)
            found.locked = locked
            if isinstance(found, Pull):
                hub.events.pull("locked" if locked else "unlocked", found, found.repository.owner)

    def label(self, issue: Issue | str, *names: str, sender: User | str | None = None) -> None:
        """Put labels on, made in the repository if need be."""
        from bot.localhub.views.repositories import label as view

        hub = self._hub
        with hub.lock:
            found = self._issue(issue)
            repository = found.repository
            for name in names:
                if name not in repository.labels:
                    repository.labels[name] = hub.state.new(Label, name=name)
                one = repository.labels[name]
                if one not in found.labels:
                    found.labels.append(one)
                    if isinstance(found, Pull):
                        by = self._user(sender or repository.owner)
                        hub.events.pull("labeled", found, by, label=view(hub.urls, repository, one))

    def request_review(
        self, pull: Pull | str, *reviewers: User | str, sender: User | str | None = None
    ) -> None:
        with self._hub.lock:
            found = self._pull(pull)
            users = [self._user(one) for one in reviewers]
            pulls.request_reviewers(self._hub, found, self._user(sender or found.user), users)

    # Talk

    def comment(self, author: User | str, issue: Issue | str, body: str) -> Comment:
        with self._hub.lock:
            return conversation.add_comment(self._hub, self._issue(issue), self.user_of(author), body)

    def edit_comment(self, comment: Comment | int, body: str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._comment(comment)
            conversation.edit_comment(self._hub, found, self._user(sender or found.user), body)

    def delete_comment(self, comment: Comment | int, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._comment(comment)
            conversation.delete_comment(self._hub, found, self._user(sender or found.user))

    def review(
        self,
        author: User | str,
        pull: Pull | str,
        body: str = "",
        *,
        event: Literal["COMMENT", "APPROVE", "REQUEST_CHANGES"] | None = "COMMENT",
        comments: list[Json] | None = None,
    ) -> Review:
        """A review; `comments` as in the REST API (`path`, `line`, `body`, …); event None leaves it pending."""
        with self._hub.lock:
            return reviews.create(
                self._hub, self._pull(pull), self.user_of(author), body=body, event=event, comments=comments
            )

    def review_comment(
        self, author: User | str, pull: Pull | str, path: str, line: int, body: str
    ) -> ReviewComment:
        with self._hub.lock:
            wanted: Json = {"path": path, "line": line, "body": body}
            return reviews.comment(self._hub, self._pull(pull), self.user_of(author), wanted)

    def reply(self, author: User | str, comment: ReviewComment | int, body: str) -> ReviewComment:
        with self._hub.lock:
            return reviews.reply(self._hub, self._node(ReviewComment, comment), self.user_of(author), body)

    def resolve(self, comment: ReviewComment | int, who: User | str) -> None:
        """Resolve the conversation of a review comment."""
        with self._hub.lock:
            self._node(ReviewComment, comment).thread.resolved_by = self._user(who)

    def dismiss(self, review: Review | int, who: User | str, message: str = "") -> None:
        with self._hub.lock:
            reviews.dismiss(self._hub, self._node(Review, review), self._user(who), message)

    # Checks

    def rerequest(self, run: CheckRun | int, sender: User | str) -> None:
        """ "Re-run" at one check: only the suite is reset, the run stays as it is."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckRun, run)
            found.suite.rerequested = True
            hub.events.run("rerequested", found, self._user(sender), only=found.suite.app)

    def rerequest_suite(self, suite: CheckSuite | int, sender: User | str) -> None:
        """ "Re-run all checks"."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckSuite, suite)
            found.rerequested = True
            hub.events.suite("rerequested", found, self._user(sender))

    def click(self, run: CheckRun | int, action: str, sender: User | str) -> None:
        """A button of a check run, by its identifier."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckRun, run)
            if action not in [one["identifier"] for one in found.actions]:
                raise NoSuch(f"{found.name} has no button {action!r}")
            more = {"requested_action": {"identifier": action}}
            hub.events.run("requested_action", found, self._user(sender), only=found.suite.app, **more)

    def check_runs(self, pull: Pull | str) -> list[CheckRun]:
        """All runs at the head of a pull request, oldest first."""
        with self._hub.lock:
            found = self._pull(pull)
            return [
                run
                for run in self._hub.state.runs.values()
                if run.suite.repository is found.repository and run.suite.head_sha == found.head_sha
            ]

    # Webhooks

    def redeliver(self, delivery: Delivery | int) -> Delivery:
        hub = self._hub
        with hub.lock:
            found = delivery if isinstance(delivery, Delivery) else hub.state.deliveries.get(delivery)
            if found is None:
                raise NoSuch(f"no delivery {delivery}")
            return hub.webhooks.redeliver(found)

    # Names

    def user_of(self, who: User | str) -> User:
        """The account; a login that is not there yet is made (whoever talks first has signed up before)."""
        return self.user(who) if isinstance(who, str) else who

    def _user(self, who: User | str) -> User:
        found = self._hub.state.user(who) if isinstance(who, str) else who
        return found or self._missing("user", who)

    def _app(self, which: App | str) -> App:
        if isinstance(which, App):
            return which
        return next((a for a in self._hub.state.apps.values() if a.slug == which), None) or self._missing(
            "app", which
        )

    def _installation(self, which: Installation | int) -> Installation:
        found = self._hub.state.installations.get(which) if isinstance(which, int) else which
        return found or self._missing("installation", which)

    def _repository(self, which: Repository | User | str) -> Repository:
        if isinstance(which, Repository):
            return which
        return self._hub.state.repository(str(which)) or self._missing("repository", which)

    def _issue(self, which: Issue | str) -> Issue:
        if isinstance(which, Issue):
            return which
        name, _, number = which.rpartition("#")
        return self._repository(name).issues.get(int(number)) or self._missing("issue", which)

    def _pull(self, which: Pull | Issue | str) -> Pull:
        found = self._issue(which)
        return found if isinstance(found, Pull) else self._missing("pull request", which)

    def _comment(self, which: Comment | int) -> Comment:
        return self._node(Comment, which)

    def _node(self, kind: type[N], which: N | int) -> N:
        if isinstance(which, kind):
            return which
        found = (
            node for node in self._hub.state.nodes.values() if isinstance(node, kind) and node.id == which
        )
        return next(found, None) or self._missing(kind.__name__, which)

    def _missing(self, kind: str, which: object) -> NoReturn:
        raise NoSuch(f"there is no {kind} {which!r}")

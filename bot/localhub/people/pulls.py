"""Issues and pull requests."""

from __future__ import annotations

from bot.localhub.actions import pulls
from bot.localhub.people.names import Names, NoSuch
from bot.localhub.state import Issue, Label, Pull, Repository, User


class Pulls(Names):
    """Mixed into `People`."""

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

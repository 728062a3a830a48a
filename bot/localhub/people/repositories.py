"""Repositories and what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.localhub import git
from bot.localhub.actions import pulls
from bot.localhub.people.names import Names
from bot.localhub.state import Repository, Role, User


class Repositories(Names):
    """Mixed into `People`."""

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
        author: str = "",
    ) -> str:
        """Commit files (None removes one) to a branch, as the web editor does; returns the SHA.

        Args:
            author: login of who is named in the commit; "" for nobody that has an account.
            start: branch or SHA that a new branch starts from; the default branch if None.
        """
        hub = self._hub
        with hub.lock:
            found = self._repository(repository)
            before = git.refs(found.path)
            parent = git.resolve(found.path, f"refs/heads/{branch}") or git.resolve(
                found.path, start or found.default_branch
            )
            sha = git.commit_files(found.path, branch, dict(files), message, parent=parent, author=author)
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

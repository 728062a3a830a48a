"""One commit on top of a pull request's head, made in the mirror and pushed to the branch where it lives, be it in a fork.

By git and not by the REST interface: GitHub lets maintainers push to a fork's branch by git, and one push either takes effect or does not.
The same commit is made from the same arguments, so repeating it after a crash changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from bot.github.errors import GitHubDown, GitHubError
from bot.github.git import GitFailed, GitTooLong
from bot.github.mirror import Mirror, auth_failed, credentials, temporary
from bot.github.session import Installation
from bot.state import Pull, Repository

_MOVED = (
    r"stale info|fetch first|non-fast-forward|cannot lock ref|reference already exists|failed to update ref"
)


class Moved(GitHubError):
    """The branch has another commit by now, or is gone. Nothing was changed."""


class NotTaken(GitHubError):
    """GitHub does not let us push there: no right, a protected branch. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What is to be committed. `files`: text by path, as UTF-8 with its own line ends; modes stay. `at`: with its zone."""

    parent: str
    files: Mapping[str, str]
    message: str
    at: datetime


async def push(
    gh: Installation,
    mirror: Mirror,
    repo: Repository,
    pull: Pull,
    commit: Commit,
    *,
    author: tuple[str, str],
) -> str:
    """Push it to the pull request's branch, if that still points at the parent; the SHA.

    Raises:
        Moved, NotTaken: as they say.
        GitHubDown, Gone: as in `Installation.call`.
    """
    if pull.head_repo is None:
        raise NotTaken("the fork is gone")
    ref = f"refs/heads/{pull.head_ref}"
    async with mirror.locked(repo.id) as path:
        sha = made(path, commit, author)
        if gh.readonly:
            return sha
        git = mirror.git(path, gh)
        failures, renewed = 0, False
        while True:
            token = await gh.token()
            try:
                await git.run(
                    "push",
                    "--quiet",
                    "--no-verify",
                    "--no-recurse-submodules",
                    f"--force-with-lease={ref}:{commit.parent}",  # never over anything but the head that was checked
                    "--",
                    pull.head_repo.clone_url,
                    f"{sha}:{ref}",
                    settings=credentials(pull.head_repo.clone_url, token),
                )
                return sha
            except GitFailed as error:
                if error.says(_MOVED):
                    raise Moved(f"{ref} moved") from error
                if auth_failed(error):
                    if renewed:
                        raise NotTaken(str(error)) from error
                    gh.drop_token(token)
                    renewed = True
                elif temporary(error) and not isinstance(error, GitTooLong):
                    failures += 1
                    if failures >= gh.host.pace.attempts:
                        raise GitHubDown(str(error)) from error
                    await gh.host.back_off(failures)
                else:
                    raise NotTaken(str(error)) from error


def made(repository: Path, commit: Commit, author: tuple[str, str]) -> str:
    """The commit as an object of the repository; nothing points at it.

    Raises:
        NotTaken: a path leads through what is no folder, or to what is no file.
    """
    git = pygit2.Repository(str(repository))
    parent = git[commit.parent].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(parent.tree)
    for path, text in commit.files.items():
        index.add(pygit2.IndexEntry(path, git.create_blob(text.encode()), _mode(parent.tree, path)))
    offset = commit.at.utcoffset()
    who = pygit2.Signature(
        *author, int(commit.at.timestamp()), int(offset.total_seconds() // 60) if offset else 0
    )
    return str(git.create_commit(None, who, who, commit.message, index.write_tree(git), [parent.id]))


def _mode(tree: pygit2.Tree, path: str) -> FileMode:
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise NotTaken(f"{path} is no path")
    here: pygit2.Object | None = tree
    for part in parts:
        if not isinstance(here, pygit2.Tree):
            raise NotTaken(f"{path} leads through what is no folder")
        try:
            here = here[part]
        except KeyError:
            return FileMode.BLOB
    assert here is not None
    mode = FileMode(here.filemode or 0)
    if mode not in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
        raise NotTaken(f"{path} is no regular file")
    return mode

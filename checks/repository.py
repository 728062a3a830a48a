"""From what people type to commits: repositories, revisions, merge bases."""

from __future__ import annotations

from pathlib import Path

import pygit2

from checks.errors import UserError
from checks.snapshot import FolderSnapshot, GitSnapshot, Snapshot

UPSTREAM = ("upstream/main", "origin/main", "main", "upstream/master", "origin/master", "master")
"""Names of the upstream main branch in a contributor's clone, the surest first."""


def open_repository(path: str | Path) -> pygit2.Repository:
    """The repository at `path`, or around it.

    Raises:
        checks.errors.UserError: there is none.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(
            f"{path} does not exist", hint="give the folder of a clone of transformers: --repo PATH"
        )
    try:
        found = pygit2.discover_repository(str(path)) or str(path)
        return pygit2.Repository(found)
    except (pygit2.GitError, KeyError):
        raise UserError(
            f"{path} is not in a git repository",
            hint="give the folder of a clone of transformers: --repo PATH",
        ) from None


def resolve(repo: pygit2.Repository, revision: str) -> str:
    """Full name of the commit that `revision` (branch, tag, abbreviated name, `HEAD~2`) names.

    Raises:
        checks.errors.UserError: unknown, ambiguous, or not a commit.
    """
    try:
        return str(repo.revparse_single(revision).peel(pygit2.Commit).id)
    except KeyError:
        raise UserError(
            f"no commit {revision!r} in this repository", hint=f"fetch it first: git fetch origin {revision}"
        ) from None
    except (pygit2.InvalidSpecError, ValueError) as error:
        reason = "is ambiguous" if "ambiguous" in str(error) else "names no commit"
        raise UserError(f"{revision!r} {reason}", hint="give a branch, a tag or a commit's name") from None


def merge_base(repo: pygit2.Repository, one: str, other: str) -> str:
    """The commit where two commits (full names) parted.

    Raises:
        checks.errors.UserError: they have no common history, or a shallow clone hides it.
    """
    try:
        found = repo.merge_base(one, other)
    except (pygit2.GitError, KeyError):
        found = None
    if found is None:
        hint = (
            "this clone is shallow; git fetch --unshallow" if repo.is_shallow else "check --base and --head"
        )
        raise UserError(f"{one[:9]} and {other[:9]} have no common commit", hint=hint)
    return str(found)


def upstream_main(repo: pygit2.Repository) -> str:
    """Name of the upstream main branch: of `upstream`, else of `origin`, else the local one.

    Raises:
        checks.errors.UserError: the repository has none of them.
    """
    for name in UPSTREAM:
        try:
            repo.revparse_single(name)
        except (KeyError, ValueError, pygit2.GitError):
            continue
        return name
    raise UserError(
        "found no main branch to compare with (upstream/main, origin/main, main)",
        hint="name the base: --base REV",
    )


def snapshots(
    path: str | Path, base: str | None = None, head: str | None = None
) -> tuple[GitSnapshot, Snapshot]:
    """Base and head of a check, as `tfport check --repo --base --head` means them.

    Args:
        path: the repository, or a folder of its working tree.
        base: a revision, None for the upstream main branch. Taken is the merge base of it and the head.
        head: a revision, None for the working tree with all that is not committed yet.

    Raises:
        checks.errors.UserError: each kind of bad input, with what to do.
    """
    repo = open_repository(path)
    if repo.is_empty or (repo.head_is_unborn and head is None):
        raise UserError(
            "this repository has no commit yet", hint="commit something, or give --base and --head"
        )
    if head is None and repo.is_bare:
        raise UserError(f"{path} is a bare repository without files", hint="name the head: --head REV")
    tip = resolve(repo, "HEAD" if head is None else head)
    fork = merge_base(repo, resolve(repo, upstream_main(repo) if base is None else base), tip)
    return GitSnapshot(repo, fork), FolderSnapshot(repo) if head is None else GitSnapshot(repo, tip)


def working_tree(path: str | Path, base: str | None = None) -> tuple[GitSnapshot, FolderSnapshot]:
    """Base and working tree, for what writes into the latter.

    Raises:
        checks.errors.UserError: as `snapshots`, and of a bare repository.
    """
    if open_repository(path).is_bare:
        raise UserError(f"{path} is a bare repository without files", hint="give a clone with a working tree")
    fork, head = snapshots(path, base)
    assert isinstance(head, FolderSnapshot)
    return fork, head


def tree(path: str | Path, revision: str | None = None) -> Snapshot:
    """One tree: of a commit, or else the working tree, or else (in a bare repository) HEAD.

    Raises:
        checks.errors.UserError: each kind of bad input, with what to do.
    """
    repo = open_repository(path)
    if repo.is_empty or (repo.head_is_unborn and revision is None):
        raise UserError("this repository has no commit yet", hint="give a clone of transformers: --repo PATH")
    if revision is None and not repo.is_bare:
        return FolderSnapshot(repo)
    return GitSnapshot(repo, resolve(repo, "HEAD" if revision is None else revision))

"""The tree under test as files: written by us from git objects, shown inside read-only.

Only regular files, as git stores them: no links, no submodules, no filters, no hooks, no line-end conversion. A file keeps its name, whatever
is in it. What is not written is said, so that a test that misses it can be explained.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pygit2
from pygit2.enums import FileMode

from checks.errors import UserError
from checks.execution.job import Bind
from checks.snapshot import GitSnapshot, Snapshot

NEEDED = (
    "src",
    "tests",
    "utils",
    "conftest.py",
    "pytest.ini",
    "setup.cfg",
    "setup.py",
    "pyproject.toml",
    "tox.ini",
)
"""Folders and files at the top that running tests needs. (`setup.py` is never run; some tests look where it lies. The common tests import
modules from `utils`.)"""

FILE_LIMIT = 50_000_000
"""Bytes of one file; the largest of upstream has 1.4 MB."""
SIZE_LIMIT = 500_000_000
"""Bytes of all files; upstream has 90 MB."""
COUNT_LIMIT = 30_000
"""Files; upstream has 4,300."""
PATH_LIMIT, DEPTH_LIMIT = 1_000, 40
"""Bytes of a path, and folders above a file."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree on the disk. `left_out`: why, by path, for what is in the commit and not here."""

    folder: Path
    left_out: dict[str, str]

    def bind(self, target: str = "/job") -> Bind:
        """To show it inside."""
        return Bind(self.folder, target)


@contextlib.contextmanager
def written(
    snapshot: Snapshot, within: Path | None = None, needed: Sequence[str] = NEEDED
) -> Generator[Tree]:
    """What is needed of a commit, or of a working tree, in a new folder (below `within`) that is deleted at the end.

    Raises:
        UserError: it is larger than any tree of transformers.
    """
    folder = Path(tempfile.mkdtemp(dir=within, prefix="tfport-tree-"))
    try:
        yield Tree(folder, write(snapshot, folder, needed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(snapshot: Snapshot, folder: Path, needed: Sequence[str] = NEEDED) -> dict[str, str]:
    """Writes what is needed below the empty `folder`, readable for everybody. Returns what was left out, with the reason.

    Raises:
        UserError: more, or more of it, than the limits.
    """
    folder.chmod(0o755)
    left_out: dict[str, str] = {}
    count = total = 0
    for path, size, content in _files(snapshot, needed, left_out):
        reason = _unfit(path, size)
        if reason:
            left_out[path] = reason
            continue
        count, total = count + 1, total + size
        if count > COUNT_LIMIT or total > SIZE_LIMIT:
            raise UserError(
                f"the tree has more than {COUNT_LIMIT:,} files or {SIZE_LIMIT / 1e6:.0f} MB in {', '.join(needed[:2])}",
                hint="take what does not belong there out of the pull request",
            )
        try:
            _write(folder / path, content())
        except OSError as error:  # a file and a folder of the same name, which only a made-up tree object has
            left_out[path] = error.strerror or "cannot be written"
    return left_out


def _unfit(path: str, size: int) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts) or "\0" in path:
        return "not a path within the tree"
    if len(path.encode(errors="surrogateescape")) > PATH_LIMIT:
        return f"its path has more than {PATH_LIMIT:,} bytes"
    return f"has {size / 1e6:.0f} MB, the limit is {FILE_LIMIT / 1e6:.0f} MB" if size > FILE_LIMIT else ""


def _write(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def _files(
    snapshot: Snapshot, needed: Sequence[str], left_out: dict[str, str]
) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Path, size and content of each regular file; what is none goes to `left_out`."""
    if isinstance(snapshot, GitSnapshot):
        yield from _from_git(snapshot, needed, left_out)
        return
    for name in needed:
        for path in snapshot.list(name) or [name]:
            content = snapshot.content(path)
            if content is not None:
                yield path, len(content), lambda content=content: content


def _from_git(
    snapshot: GitSnapshot, needed: Sequence[str], left_out: dict[str, str]
) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    repo = snapshot.repository
    pending = [(name, snapshot.tree[name]) for name in reversed(needed) if name in snapshot.tree]
    while pending:
        path, entry = pending.pop()
        if isinstance(entry, pygit2.Tree):
            if path.count("/") < DEPTH_LIMIT:
                try:
                    pending += [(f"{path}/{_name(child)}", child) for child in entry]
                except pygit2.GitError:
                    left_out[path] = "is damaged"
            else:
                left_out[path] = f"is more than {DEPTH_LIMIT} folders deep"
        elif entry.filemode in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE):
            yield (
                path,
                repo.odb.read_header(entry.id)[1],
                lambda entry=entry: cast("pygit2.Blob", repo[entry.id]).data,
            )
        else:
            left_out[path] = "is a link" if entry.filemode == FileMode.LINK else "is a submodule"


def _name(entry: pygit2.Object) -> str:
    return os.fsdecode(entry.raw_name or b"")

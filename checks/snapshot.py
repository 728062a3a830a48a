"""A commit, or a working tree, as a read-only tree of files, and what changed between two of them.

Nothing is ever checked out: a commit is read as git objects. Symbolic links and submodules are not followed; their paths read as
absent.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

import pygit2
from pygit2.enums import FileMode

from checks.errors import Unreadable
from checks.recent import Recent

SIZE_LIMIT = 5_000_000
"""Bytes. The largest file that a check reads, transformers' own `__init__.py`, has 0.4 MB."""

Kind = Literal["file", "link", "submodule"]


class Snapshot(Protocol):
    """A read-only tree. Paths are POSIX, relative to the root."""

    @property
    def sha(self) -> str | None:
        """The commit's full name; None for a working tree."""
        ...

    @property
    def year(self) -> int | None:
        """Year in which the commit was made, that of a working tree's last commit; None where there is none."""
        ...

    def read(self, path: str) -> str | None:
        """Text of a regular file (UTF-8, `\\n` line ends), or None where there is none.

        Raises:
            checks.errors.Unreadable: larger than the limit, or not text.
        """
        ...

    def content(self, path: str) -> bytes | None:
        """Bytes of a regular file, or None where there is none.

        Raises:
            checks.errors.Unreadable: larger than the limit.
        """
        ...

    def blob_id(self, path: str) -> str | None:
        """Git's name of the content (key of caches), or None where there is no regular file."""
        ...

    def list(self, prefix: str) -> list[str]:
        """Paths of all files below the folder `prefix` ("" for the root), sorted."""
        ...

    def search(self, prefix: str, *texts: str) -> list[str]:
        """Paths of the files below `prefix` that contain one of `texts` (each of one line), sorted."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one path between base and head. `kind` is what the head (or, if removed, the base) has there."""

    path: str
    status: Literal["added", "modified", "removed"]
    kind: Kind = "file"


_texts: Recent[str] = Recent(64_000_000)
"""Texts by repository and blob: of two commits of a pull request nearly all files are the same, and rules read the same file many times."""
_searches: Recent[list[str]] = Recent(4_000_000)
"""Results by repository, commit, and what was searched for."""


class GitSnapshot:
    """A commit of a repository, bare, shallow or partial.

    Args:
        repo: the repository, or its folder.
        sha: the commit's full name; `checks.repository.resolve` makes it from a revision.
    """

    def __init__(self, repo: pygit2.Repository | str | Path, sha: str) -> None:
        self._repo = repo if isinstance(repo, pygit2.Repository) else pygit2.Repository(str(repo))
        commit = self._repo[sha]
        assert isinstance(commit, pygit2.Commit)
        self._sha = sha
        self._commit = commit
        self.tree: pygit2.Tree = commit.tree
        self._files: dict[str, pygit2.Object | None] = {}

    @property
    def sha(self) -> str | None:
        return self._sha

    @property
    def year(self) -> int | None:
        return _year(self._commit)

    @property
    def repository(self) -> pygit2.Repository:
        """The repository that holds the commit."""
        return self._repo

    def read(self, path: str) -> str | None:
        entry = self._file(path)
        if entry is None:
            return None
        key = (self._repo.path, entry.id.raw)
        text = _texts.get(key)
        if text is None:
            text = decode(path, self._data(path, entry))
            _texts.put(key, text, len(text))
        return text

    def content(self, path: str) -> bytes | None:
        entry = self._file(path)
        return None if entry is None else self._data(path, entry)

    def _data(self, path: str, entry: pygit2.Object) -> bytes:
        try:
            size = self._repo.odb.read_header(entry.id)[1]
            _refuse_large(path, size)
            blob = self._repo[entry.id]
            assert isinstance(blob, pygit2.Blob)
            return blob.data
        except KeyError:  # a partial clone without this blob: git fetches it
            return self._cat_file(path, str(entry.id))

    def blob_id(self, path: str) -> str | None:
        entry = self._file(path)
        return None if entry is None else str(entry.id)

    def list(self, prefix: str) -> list[str]:
        tree: pygit2.Object | None = self.tree
        prefix = prefix.strip("/")
        if prefix:
            tree = self._entry(prefix)
        if not isinstance(tree, pygit2.Tree):
            return []
        return sorted(_walk(tree, f"{prefix}/" if prefix else ""))

    def search(self, prefix: str, *texts: str) -> list[str]:
        key = (self._repo.path, self._sha, prefix, *texts)
        if (known := _searches.get(key)) is not None:
            return list(known)
        found = self._grep(prefix, texts)
        _searches.put(key, found, 100 * len(found))
        return list(found)

    def _grep(self, prefix: str, texts: tuple[str, ...]) -> list[str]:
        # git reads, unpacks and searches thousands of files in several threads, where Python takes a second.
        patterns = [argument for text in texts for argument in ("-e", text)]
        done = subprocess.run(
            [
                "git",
                f"--git-dir={self._repo.path}",
                "grep",
                "-zlFI",
                "--full-name",
                *patterns,
                self._sha,
                "--",
                prefix,
            ],
            capture_output=True,
            check=False,
            env={**os.environ, "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"},
        )
        if done.returncode > 1:
            return _search(self, prefix, texts)
        names = done.stdout.decode(errors="replace").split("\0")
        return sorted(name.removeprefix(f"{self._sha}:") for name in names if name)

    def _entry(self, path: str) -> pygit2.Object | None:
        try:
            return self.tree[path]
        except (KeyError, ValueError):  # ValueError: an empty or absolute path
            return None

    def _file(self, path: str) -> pygit2.Object | None:
        if path not in self._files:
            entry = self._entry(path)
            self._files[path] = entry if entry is not None and entry.filemode in _FILE_MODES else None
        return self._files[path]

    def _cat_file(self, path: str, name: str) -> bytes:
        done = subprocess.run(
            ["git", f"--git-dir={self._repo.path}", "cat-file", "--batch"],
            input=f"{name}\n".encode(),
            capture_output=True,
            check=False,
        )
        header, _, content = done.stdout.partition(b"\n")
        words = header.split()
        if len(words) != 3 or words[1] != b"blob":
            raise Unreadable(
                f"{path} is not in this copy of the repository", hint="fetch the commit completely: git fetch"
            )
        _refuse_large(path, int(words[2]))
        return content[: int(words[2])]


class FolderSnapshot:
    """A working tree: what is tracked, changed, or new and not ignored. Links are never followed.

    Args:
        repo: the repository with its working tree, or a folder of it.
    """

    def __init__(self, repo: pygit2.Repository | str | Path) -> None:
        self._repo = repo if isinstance(repo, pygit2.Repository) else pygit2.Repository(str(repo))
        assert self._repo.workdir is not None
        self.root = Path(self._repo.workdir)

    @property
    def sha(self) -> str | None:
        return None

    @property
    def year(self) -> int | None:
        if self._repo.head_is_unborn:
            return None
        return _year(self._repo.head.peel(pygit2.Commit))

    @property
    def repository(self) -> pygit2.Repository:
        """The repository whose working tree this is."""
        return self._repo

    def read(self, path: str) -> str | None:
        content = self.content(path)
        return None if content is None else decode(path, content)

    def blob_id(self, path: str) -> str | None:
        try:
            content = self.content(path)
        except Unreadable:
            return f"unreadable:{path}"
        if content is None:
            return None
        header = f"blob {len(content)}\0".encode()
        return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()

    def list(self, prefix: str) -> list[str]:
        prefix = prefix.strip("/")
        top = self._locate(prefix) if prefix else self.root
        if top is None or not top.is_dir():
            return []
        return sorted(self._files(top))

    def search(self, prefix: str, *texts: str) -> list[str]:
        return _search(self, prefix, texts)

    def _files(self, top: Path) -> Iterator[str]:
        for folder, folders, files in os.walk(top):
            here = Path(folder).relative_to(self.root)
            folders[:] = [name for name in folders if name != ".git"]
            for name in files:
                path = (here / name).as_posix()
                mode = os.lstat(os.path.join(folder, name)).st_mode
                if stat.S_ISREG(mode) and (path in self._tracked or not self._repo.path_is_ignored(path)):
                    yield path

    @cached_property
    def _tracked(self) -> frozenset[str]:
        return frozenset(map(_index_path, self._repo.index))  # pyright: ignore[reportUnknownArgumentType]

    def _locate(self, path: str) -> Path | None:
        """The place of `path`, or None if a part of the way is a link, or leads out of the tree."""
        parts = path.split("/")
        if not path or any(part in ("", ".", "..", ".git") for part in parts) or "\0" in path:
            return None
        place = self.root
        for part in parts:
            place = place / part
            try:
                if stat.S_ISLNK(os.lstat(place).st_mode):
                    return None
            except OSError:
                return None
        return place

    def content(self, path: str) -> bytes | None:
        place = self._locate(path)
        if place is None:
            return None
        try:
            # O_NONBLOCK: opening a FIFO would wait for a writer. O_NOFOLLOW: it may have become a link since.
            handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return None
            _refuse_large(path, status.st_size)
            with os.fdopen(handle, "rb", closefd=False) as file:
                return file.read(SIZE_LIMIT + 1)
        finally:
            os.close(handle)


class DictSnapshot:
    """A tree in memory: text by path (bytes for what is not text). For tests, examples and experiments.

    Args:
        files: content by path.
        links: paths of symbolic links.
        under: a snapshot that shows through where `files` has nothing; None in `files` removes a file of it.
        year: in which it was made; that of `under` if it is not given.
    """

    def __init__(
        self,
        files: Mapping[str, str | bytes | None],
        *,
        links: frozenset[str] = frozenset(),
        under: Snapshot | None = None,
        year: int | None = None,
    ) -> None:
        self.files = dict(files)
        self.links = links
        self.under = under
        self._year = year

    @property
    def sha(self) -> str | None:
        return None

    @property
    def year(self) -> int | None:
        return self._year if self._year is not None or self.under is None else self.under.year

    def read(self, path: str) -> str | None:
        if path in self.files:
            content = self.content(path)
            return None if content is None else decode(path, content)
        if self.under is None or path in self.links:
            return None
        return self.under.read(path)

    def content(self, path: str) -> bytes | None:
        if path in self.files:
            content = self.files[path]
            return content.encode() if isinstance(content, str) else content
        if self.under is None or path in self.links:
            return None
        return self.under.content(path)

    def blob_id(self, path: str) -> str | None:
        if path in self.files:
            content = self.files[path]
            if content is None:
                return None
            content = content if isinstance(content, bytes) else content.encode()
            return hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if self.under is None or path in self.links:
            return None
        return self.under.blob_id(path)

    def list(self, prefix: str) -> list[str]:
        prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        paths = {path for path in self.files if path.startswith(prefix)}
        if self.under is not None:
            paths.update(self.under.list(prefix))
        return sorted(path for path in paths - self.links if self.files.get(path, "") is not None)

    def search(self, prefix: str, *texts: str) -> list[str]:
        return _search(self, prefix, texts)


def _search(snapshot: Snapshot, prefix: str, texts: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for path in snapshot.list(prefix):
        try:
            content = snapshot.read(path) or ""
            if any(text in content for text in texts):
                found.append(path)
        except Unreadable:
            continue
    return found


def decode(path: str, content: bytes) -> str:
    """Text of a file's content: UTF-8 without its mark, lines ended by `\\n`.

    Raises:
        checks.errors.Unreadable: too large, or not text.
    """
    _refuse_large(path, len(content))
    if b"\0" in content:
        raise Unreadable(f"{path} is a binary file", hint="it has to be text in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"{path} is not UTF-8 (line {line})", hint="save it as UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _year(commit: pygit2.Commit) -> int:
    """By the committer's clock and zone."""
    zone = timezone(timedelta(minutes=commit.commit_time_offset))
    return datetime.fromtimestamp(commit.commit_time, zone).year


def _refuse_large(path: str, size: int) -> None:
    if size > SIZE_LIMIT:
        raise Unreadable(
            f"{path} has {size / 1e6:.1f} MB, the limit is {SIZE_LIMIT / 1e6:.0f} MB",
            hint="take it out of the pull request",
        )


def _index_path(entry: pygit2.IndexEntry) -> str:
    return str(entry.path)


_FILE_MODES = frozenset({FileMode.BLOB, FileMode.BLOB_EXECUTABLE})


def _walk(top: pygit2.Tree, prefix: str) -> Iterator[str]:
    pending = [(prefix, top)]
    while pending:
        prefix, tree = pending.pop()
        for entry in tree:
            if isinstance(entry, pygit2.Tree):
                pending.append((f"{prefix}{entry.name}/", entry))
            elif entry.filemode in _FILE_MODES:
                yield f"{prefix}{entry.name}"

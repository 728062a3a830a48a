"""Bare git repositories on disk, asked through the `git` command."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

ZERO = "0" * 40
# Per file, GitHub leaves the patch out above 20,000 lines or 500 kB.
PATCH_LINES = 20_000
PATCH_BYTES = 500_000
FileStatus = Literal["added", "removed", "modified", "renamed", "copied", "changed"]
_STATUS: dict[str, FileStatus] = {
    "A": "added",
    "D": "removed",
    "M": "modified",
    "R": "renamed",
    "C": "copied",
    "T": "changed",
}
ADDRESS = "@users.noreply.localhost"
"""What follows the login in the address of an account."""
_IDENTITY = {"NAME": "localhub", "EMAIL": "localhub@localhost", "DATE": "2024-01-01T00:00:00Z"}


class GitError(Exception):
    """git refused; the message is its last line."""


def environment() -> dict[str, str]:
    """An environment in which neither this machine's git settings nor its prompts matter."""
    settings = {
        "safe.directory": "*",
        "init.defaultBranch": "main",
        "core.quotePath": "false",
        "gc.auto": "0",
    }
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    identity = {
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _IDENTITY.items()
    }
    pairs: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        pairs |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    fixed = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    return keep | identity | fixed | pairs


def git(path: Path, *arguments: str, data: bytes | None = None) -> bytes:
    """Run git in `path`; raises GitError."""
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], input=data, capture_output=True, env=environment(), check=False
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or [
            f"exit code {done.returncode}"
        ]
        raise GitError(lines[-1])
    return done.stdout


def text(path: Path, *arguments: str) -> str:
    return git(path, *arguments).decode("utf-8", "replace").strip()


@lru_cache(maxsize=4096)
def _fixed(path: Path, *arguments: str) -> str:
    """What git says of objects named by their full SHA: it can't change (a failure may, and is not kept)."""
    return text(path, *arguments)


def _is_sha(name: str) -> bool:
    return re.fullmatch("[0-9a-f]{40}", name) is not None


def create(path: Path, *, source: Path | None = None, share: bool = False, branch: str = "main") -> None:
    """A new bare repository, empty or a clone; `share` borrows the source's objects (it has to stay)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if source is None:
        git(path.parent, "init", "--quiet", "--bare", f"--initial-branch={branch}", str(path))
    else:
        how = ["--shared"] if share else ["--no-shared"]
        git(path.parent, "clone", "--quiet", "--bare", *how, str(source), str(path))
    for key, value in {
        "http.receivepack": "true",
        "http.uploadpack": "true",
        "uploadpack.allowReachableSHA1InWant": "true",
        "uploadpack.allowAnySHA1InWant": "true",
        "uploadpack.allowFilter": "true",
        "receive.denyCurrentBranch": "ignore",
        "receive.denyDeleteCurrent": "ignore",
    }.items():
        git(path, "config", key, value)
    git(path, "config", "--add", "receive.hideRefs", "refs/pull")


def resolve(path: Path, revision: str) -> str | None:
    """The commit that a branch, tag, ref or (abbreviated) SHA names."""
    if revision.startswith("-"):
        return None
    if _is_sha(revision) and has(path, revision):
        return revision
    for name in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
        try:
            return text(path, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except GitError:
            continue
    return None


def refs(path: Path, prefix: str = "refs/heads/") -> dict[str, str]:
    """Full ref name -> SHA, sorted by name."""
    lines = text(path, "for-each-ref", "--format=%(refname) %(objectname)", prefix).splitlines()
    split = (line.rsplit(" ", 1) for line in lines)
    return {pair[0]: pair[1] for pair in split}


def merge_base(path: Path, one: str, other: str) -> str | None:
    try:
        ask = _fixed if _is_sha(one) and _is_sha(other) else text
        return ask(path, "merge-base", one, other)
    except GitError:
        return None


def bring(path: Path, source: Path | str, revision: str, ref: str) -> str:
    """Copy a commit from another repository and point `ref` at it; returns the SHA."""
    sha = text(Path(source), "rev-parse", "--verify", f"{revision}^{{commit}}")
    if not has(path, sha):
        git(
            path,
            "-c",
            "fetch.writeCommitGraph=false",
            "fetch",
            "--quiet",
            "--no-tags",
            str(source),
            f"+{sha}:{ref}",
        )
    set_ref(path, ref, sha)
    return sha


def has(path: Path, sha: str) -> bool:
    try:
        ask = _fixed if _is_sha(sha) else text
        ask(path, "cat-file", "-e", f"{sha}^{{commit}}")
    except GitError:
        return False
    return True


def set_ref(path: Path, ref: str, sha: str | None) -> None:
    if sha is None:
        git(path, "update-ref", "-d", ref)
    else:
        git(path, "update-ref", ref, sha)


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


_FORMAT = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00%x01"


def commits(path: Path, *what: str, limit: int = 250) -> list[Commit]:
    """`git log` of the given range, newest first. Authors are (name, email, ISO time)."""
    found: list[Commit] = []
    for record in text(path, "log", f"--format={_FORMAT}", f"-n{limit}", *what).split("\x01"):
        fields = record.lstrip("\n").split("\x00")
        if len(fields) < 10:
            continue
        author, committer = (fields[3], fields[4], fields[5]), (fields[6], fields[7], fields[8])
        found.append(
            Commit(fields[0], fields[1], tuple(fields[2].split()), author, committer, fields[9].rstrip("\n"))
        )
    return found


@lru_cache(maxsize=1024)
def commit(path: Path, sha: str) -> Commit:
    return commits(path, sha, limit=1)[0]


def count(path: Path, span: str) -> int:
    ask = _fixed if all(map(_is_sha, span.split(".."))) else text
    return int(ask(path, "rev-list", "--count", span))


@dataclass(frozen=True, slots=True)
class File:
    """One changed file; `patch` starts at the first `@@` and is None where GitHub leaves it out."""

    path: str
    status: FileStatus
    sha: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


@lru_cache(maxsize=256)
def diff(path: Path, base: str, head: str) -> tuple[File, ...]:
    """The changed files between two commits, in git's order, renames detected."""
    raw = git(path, "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--no-abbrev", "-M", "-z",
              "--raw", "--numstat", "--patch", base, head)  # fmt: skip
    entries, rest = _raw_entries(raw)
    numbers, rest = _numstat(rest, len(entries))
    patches = _patches(rest.decode("utf-8", "replace"))
    return tuple(_file(entry, number, patches) for entry, number in zip(entries, numbers, strict=True))


def _raw_entries(data: bytes) -> tuple[list[tuple[str, str, list[str]]], bytes]:
    entries: list[tuple[str, str, list[str]]] = []
    while data.startswith(b":"):
        head, _, data = data.partition(b"\0")
        _, _, old, new, status = head.decode().split(" ")
        names: list[str] = []
        for _ in range(2 if status[0] in "RC" else 1):
            name, _, data = data.partition(b"\0")
            names.append(name.decode("utf-8", "replace"))
        entries.append((status[0], old if status[0] == "D" else new, names))
    return entries, data


def _numstat(data: bytes, number: int) -> tuple[list[tuple[int, int]], bytes]:
    found: list[tuple[int, int]] = []
    for _ in range(number):
        head, _, data = data.partition(b"\0")
        added, removed, name = head.decode("utf-8", "replace").split("\t", 2)
        if not name:  # a rename: both names follow
            _, _, data = data.partition(b"\0")
            _, _, data = data.partition(b"\0")
        found.append((int(added.replace("-", "0")), int(removed.replace("-", "0"))))
    return found, data.lstrip(b"\0")


def _patches(everything: str) -> Iterator[str]:
    # Lines of a hunk start with space, plus, minus or backslash: the marker cannot be content.
    parts = re.split(r"^diff --git .*\n", everything, flags=re.MULTILINE)[1:]
    return iter(parts)


def _file(entry: tuple[str, str, list[str]], number: tuple[int, int], patches: Iterator[str]) -> File:
    letter, sha, names = entry
    patch = next(patches, "")
    if letter == "T":
        patch += next(patches, "")
    start = patch.find("@@ ")
    hunks = patch[start:].rstrip("\n") if start >= 0 else None
    if hunks is not None and (hunks.count("\n") >= PATCH_LINES or len(hunks.encode()) > PATCH_BYTES):
        hunks = None
    previous = names[0] if len(names) == 2 else None
    return File(names[-1], _STATUS[letter], sha, *number, hunks, previous)


def unified(path: Path, base: str, head: str) -> str:
    """The diff as `git diff` prints it (media type `diff`)."""
    return git(path, "diff", "--no-color", "--no-ext-diff", "-M", base, head).decode("utf-8", "replace")


def paths_between(path: Path, before: str, after: str) -> list[str]:
    if before == ZERO:
        return []
    return [file.path for file in diff(path, before, after)]


@dataclass(frozen=True, slots=True)
class Entry:
    mode: str
    kind: Literal["blob", "tree", "commit"]
    sha: str
    size: int
    path: str


def entries(path: Path, revision: str, folder: str = "", *, recursive: bool = False) -> list[Entry]:
    """`git ls-tree -l` of a folder."""
    prefix = f"{folder}/" if folder else ""
    options = ["-r", "-t"] if recursive else []
    raw = git(path, "ls-tree", "-l", "-z", "--full-tree", *options, revision, *([prefix] if prefix else []))
    return list(_entries(raw))


@lru_cache(maxsize=1024)
def entry(path: Path, sha: str, name: str) -> Entry | None:
    """A file or folder of a commit."""
    found = list(_entries(git(path, "ls-tree", "-l", "-z", "--full-tree", sha, "--", name)))
    return found[0] if found else None


def _entries(raw: bytes) -> Iterator[Entry]:
    for line in raw.decode("utf-8", "replace").split("\0"):
        if line:
            meta, name = line.split("\t", 1)
            mode, kind, sha, size = meta.split()
            assert kind in ("blob", "tree", "commit")
            yield Entry(mode, kind, sha, 0 if size == "-" else int(size), name)  # pyright: ignore[reportArgumentType]


@lru_cache(maxsize=64)
def blob(path: Path, sha: str) -> bytes:
    return git(path, "cat-file", "blob", sha)


def commit_files(
    path: Path,
    branch: str,
    files: dict[str, bytes | str | None],
    message: str,
    *,
    parent: str | None = None,
    author: str = "",
) -> str:
    """Commit files (None removes one) on a branch without a work tree, as the account `author`; returns the new SHA."""
    parent = parent or resolve(path, branch)
    who = f"author {author} <{author}{ADDRESS}> now\n" if author else ""
    lines = [f"commit refs/heads/{branch}\n{who}committer localhub <localhub@localhost> now\n".encode()]
    lines.append(_data(message.encode()))
    if parent:
        lines.append(f"from {parent}\n".encode())
    for name, content in files.items():
        if content is None:
            lines.append(b"D %s\n" % name.encode())
        else:
            body = content.encode() if isinstance(content, str) else content
            lines.append(b"M 100644 inline %s\n" % name.encode() + _data(body))
    git(path, "fast-import", "--quiet", "--force", "--date-format=now", data=b"".join(lines))
    return text(path, "rev-parse", f"refs/heads/{branch}")


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def merge(path: Path, base: str, head: str, message: str) -> str:
    """A merge commit of two commits; raises GitError on conflicts."""
    tree = text(path, "merge-tree", "--write-tree", base, head).splitlines()[0]
    return text(path, "commit-tree", tree, "-p", base, "-p", head, "-m", message)


def commit_list(path: Path, base: str, head: str, limit: int = 250) -> Sequence[Commit]:
    """Commits in head that are not in base, oldest first, as GitHub lists them."""
    return commits(path, f"{base}..{head}", limit=limit)[::-1]

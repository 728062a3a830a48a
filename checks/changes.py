"""What changed between two snapshots: paths, and on request the lines."""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache

import pygit2
from pygit2.enums import FileMode

from checks.errors import Unreadable, UserError
from checks.snapshot import Change, DictSnapshot, FolderSnapshot, GitSnapshot, Kind, Snapshot


def changes(base: Snapshot, head: Snapshot) -> dict[str, Change]:
    """Every path that differs. A renamed file is one that was removed and one that was added.

    Raises:
        checks.errors.UserError: git cannot compare them.
    """
    if base is head:
        return {}
    if isinstance(base, GitSnapshot) and isinstance(head, GitSnapshot):
        return _between_commits(base, head)
    if isinstance(base, GitSnapshot) and isinstance(head, FolderSnapshot):
        return _to_working_tree(base, head)
    if isinstance(head, DictSnapshot) and head.under is not None:
        return _through_overlay(base, head, head.under)
    return _between_any(base, head)


def changed_lines(base: Snapshot, head: Snapshot, path: str) -> frozenset[int]:
    """Lines of the head's file, from 1, that are new or different. Of a new file all; of an unreadable one none."""
    try:
        new = head.read(path)
        old = base.read(path)
    except Unreadable:
        return frozenset()
    if new is None:
        return frozenset()
    return _added(old, new)


@lru_cache(maxsize=64)
def _added(old: str | None, new: str) -> frozenset[int]:
    if old is None:
        return frozenset(range(1, new.count("\n") + 2))
    patch = pygit2.Patch.create_from(old.encode(), new.encode(), context_lines=0)
    return frozenset(line.new_lineno for hunk in patch.hunks for line in hunk.lines if line.origin in "+>")


def _between_commits(base: GitSnapshot, head: GitSnapshot) -> dict[str, Change]:
    found: dict[str, Change] = {}
    _compare_trees(base.tree, head.tree, found)
    return found


def _compare_trees(old: pygit2.Tree, new: pygit2.Tree, found: dict[str, Change]) -> None:
    """Fills `found`. Only folders that differ are entered; libgit2's own comparison walks all of them."""
    pending: list[tuple[str, pygit2.Tree | None, pygit2.Tree | None]] = [("", old, new)]
    while pending:
        prefix, was_folder, now_folder = pending.pop()
        before = {entry.name: entry for entry in was_folder} if was_folder is not None else {}
        after = {entry.name: entry for entry in now_folder} if now_folder is not None else {}
        for name in {**before, **after}:
            was, now = before.get(name), after.get(name)
            if was is not None and now is not None and was.id == now.id and was.filemode == now.filemode:
                continue
            was_tree = was if isinstance(was, pygit2.Tree) else None
            now_tree = now if isinstance(now, pygit2.Tree) else None
            path = f"{prefix}{name}"
            if was_tree is not None or now_tree is not None:
                pending.append((f"{path}/", was_tree, now_tree))
            was_file = was is not None and was_tree is None
            if now is not None and now_tree is None:
                found[path] = Change(path, "modified" if was_file else "added", _kind(now.filemode))
            elif was is not None and was_file:
                found[path] = Change(path, "removed", _kind(was.filemode))


def _kind(mode: int) -> Kind:
    return {FileMode.LINK: "link", FileMode.COMMIT: "submodule"}.get(FileMode(mode), "file")  # pyright: ignore[reportReturnType]


def _to_working_tree(base: GitSnapshot, head: FolderSnapshot) -> dict[str, Change]:
    """By `git`, which knows from its index which of thousands of files are untouched, without reading them."""
    found: dict[str, Change] = {}
    raw = _git(head, "diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--abbrev=40", str(base.sha))
    for header, path in zip(raw[::2], raw[1::2], strict=False):
        old_mode, new_mode, _, _, letter = header.lstrip(":").split()
        if letter == "D":
            found[path] = Change(path, "removed", _kind(int(old_mode, 8)))
        else:
            found[path] = Change(path, "added" if letter == "A" else "modified", _kind(int(new_mode, 8)))
    for path in _git(head, "ls-files", "-z", "--others", "--exclude-standard"):
        link = os.path.islink(head.root / path)
        found[path] = Change(path, "added", "link" if link else "file")
    return found


def _git(head: FolderSnapshot, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(head.root), "-c", "core.quotePath=off", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
    )
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip().splitlines()
        raise UserError(
            f"git cannot compare the working tree: {message[-1] if message else 'no reason given'}"
        )
    return [part for part in done.stdout.decode(errors="replace").split("\0") if part]


def _through_overlay(base: Snapshot, head: DictSnapshot, under: Snapshot) -> dict[str, Change]:
    found = changes(base, under)
    for path in [*head.files, *head.links]:
        found.pop(path, None)
        old, new = base.blob_id(path), head.blob_id(path)
        if path in head.links:
            found[path] = Change(path, "added" if old is None else "modified", "link")
        elif new is None and old is not None:
            found[path] = Change(path, "removed")
        elif new is not None and old != new:
            found[path] = Change(path, "added" if old is None else "modified")
    return found


def _between_any(base: Snapshot, head: Snapshot) -> dict[str, Change]:
    found: dict[str, Change] = {}
    old = {path: base.blob_id(path) for path in base.list("")}
    new = {path: head.blob_id(path) for path in head.list("")}
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            found[path] = Change(path, "removed")
        elif path not in old:
            found[path] = Change(path, "added")
        elif old[path] != new[path]:
            found[path] = Change(path, "modified")
    if isinstance(head, DictSnapshot):
        found.update({path: Change(path, "added", "link") for path in head.links if path not in old})
    return found

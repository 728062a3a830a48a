"""Writes files of a working tree: each whole or not at all, never through a link, never outside of the tree."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from difflib import SequenceMatcher
from pathlib import Path

from checks.errors import UserError
from checks.snapshot import decode


def write(root: Path, path: str, before: str | None, after: str) -> None:
    """Puts `after` into the file `path` below `root`; mode, line ends and byte order mark stay as they are.

    Args:
        before: what the file holds, as `Snapshot.read` gives it, None if there is none.

    Raises:
        checks.errors.UserError: the way leads through a link or out of the tree, the file is no regular file, cannot be written, or was
            changed by somebody else meanwhile. Nothing is written then.
    """
    parts = path.split("/")
    if any(part in ("", ".", "..", ".git") for part in parts) or "\0" in path:
        raise UserError(f"{path} is no path inside of the working tree", hint="nothing was written to it")
    try:
        with _folder(root, parts[:-1]) as folder:
            old = _read(folder, parts[-1], path)
            if (None if old is None else decode(path, old[0])) != before:
                raise UserError(f"{path} changed while it was being fixed", hint="run it again")
            content = after.encode() if old is None else as_before(old[0], before or "", after)
            _replace(folder, parts[-1], content, 0o644 if old is None else old[1])
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}", hint="nothing was written to it") from error


@contextmanager
def _folder(root: Path, parts: list[str]) -> Generator[int]:
    """The folder as a handle, made if it is not there; each step of the way is a real folder."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=handle)
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


def _read(folder: int, name: str, path: str) -> tuple[bytes, int] | None:
    """Content and mode of a regular file, None where there is nothing."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UserError(f"{path} is no regular file", hint="nothing was written to it")
        return file.read(), stat.S_IMODE(status.st_mode)


def _replace(folder: int, name: str, content: bytes, mode: int) -> None:
    new = f".{name[:100]}.tfport-{secrets.token_hex(6)}"
    handle = os.open(
        new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=folder
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(new, dir_fd=folder)
        raise


def as_before(raw: bytes, before: str, after: str) -> bytes:
    """`after` as bytes, with the byte order mark and the line ends that the file has; new lines end as most lines do."""
    mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
    if b"\r" not in raw:
        return mark + after.encode()
    ends = re.findall("\r\n|\n|\r", raw.decode())
    usual = Counter(ends).most_common(1)[0][0]
    old, new = before.split("\n"), after.split("\n")
    new_ends = [usual] * (len(new) - 1) + [""]
    if len(set(ends)) > 1:
        for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
            for n in range(block.size):
                if block.a + n < len(ends) and block.b + n < len(new) - 1:
                    new_ends[block.b + n] = ends[block.a + n]
    return mark + "".join(f"{line}{end}" for line, end in zip(new, new_ends, strict=True)).encode()

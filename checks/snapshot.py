"""A commit, or a working tree, as a read-only tree of files.

Nothing is ever checked out: a commit is read as git objects. Symbolic links and submodules are not followed; their paths read as
absent.
"""

from __future__ import annotations

from typing import Protocol


class Snapshot(Protocol):
    """A read-only tree. Paths are POSIX, relative to the root."""

    @property
    def sha(self) -> str | None:
        """The commit's full name; None for a working tree."""
        ...

    def read(self, path: str) -> str | None:
        """Text of a regular file (UTF-8, `\\n` line ends), or None where there is none.

        Raises:
            checks.errors.UserError: larger than the limit, or not text.
        """
        ...

    def blob_id(self, path: str) -> str | None:
        """Git's name of the content (key of caches), or None where there is no regular file."""
        ...

    def list(self, prefix: str) -> list[str]:
        """Paths of all files below the folder `prefix`, sorted."""
        ...

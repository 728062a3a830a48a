"""Changes of files as a unified diff that `git apply` and `patch -p1` take."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def unified(before: Mapping[str, str | None], after: Mapping[str, str]) -> Iterator[str]:
    """The lines of the diff, without line ends.

    Args:
        before: each file as it was, None where there was none.
    """
    for path, text in sorted(after.items()):
        old = before[path]
        source = "/dev/null" if old is None else f"a/{path}"
        lines, new = _LINE.findall(old or ""), _LINE.findall(text)
        for line in difflib.unified_diff(lines, new, source, f"b/{path}"):
            yield line.removesuffix("\n")
            if not line.endswith("\n"):
                yield "\\ No newline at end of file"

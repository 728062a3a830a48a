"""Comments and long strings of a module, told apart from its code by pattern: tokenizing a module takes ten times as long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose: number (from 1), column (from 1) where it begins, and its text without `#` and quotes."""

    line: int
    column: int
    kind: Literal["comment", "trailing", "string"]
    text: str


_LONG_STRING = re.compile(r'("""|\'\'\')(.*?)\1', re.DOTALL)
_TRAILING = re.compile(r"^[^#'\"]*(?:(?:'[^'#]*'|\"[^\"#]*\")[^#'\"]*)*\s#")


@lru_cache(maxsize=32)
def prose(text: str) -> tuple[Line, ...]:
    """All of it, in the order of the lines: comments of their own, comments behind code, lines of long strings."""
    found: list[Line] = []
    in_string: dict[int, int] = {}
    line, at = 1, 0
    for match in _LONG_STRING.finditer(text):
        begin = text.rfind("\n", 0, match.start()) + 1
        if text[begin : match.start()].lstrip().startswith("#"):
            continue
        line += text.count("\n", at, match.start())
        at = match.start()
        for offset, content in enumerate(match[2].split("\n")):
            in_string[line + offset] = 1
            if content.strip():
                found.append(Line(line + offset, 1, "string", content.strip()))
    for number, source in enumerate(text.split("\n"), 1):
        if "#" not in source or number in in_string:
            continue
        bare = source.lstrip()
        if bare.startswith("#"):
            found.append(Line(number, len(source) - len(bare) + 1, "comment", bare.lstrip("#").strip()))
        elif len(source) < 400 and (match := _TRAILING.match(source)):
            found.append(Line(number, match.end(), "trailing", source[match.end() :].strip()))
    return tuple(sorted(found, key=lambda one: (one.line, one.column)))

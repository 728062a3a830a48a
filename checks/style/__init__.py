"""The formatters that the base tree pins, run over what a port touches.

`pins` reads which they are, as data; `install` puts them into a cached environment; `run` runs them over texts. Nothing of a pull request
is executed: it is text to them, and their configuration is the base tree's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a linter says of a line and cannot mend by itself."""

    path: str
    line: int
    column: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Formatted:
    """What the formatters make of files.

    Attributes:
        tools: names and versions, "black 23.12.1 and ruff 0.0.259".
        files: the text that each file should have, by path; of those that could be read.
        problem: why they could not be run to the end, "" if they could.
    """

    tools: str
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    complaints: tuple[Complaint, ...] = ()
    problem: str = ""


Formatters = Callable[[Mapping[str, str]], Formatted]
"""Runs the formatters over texts by path."""

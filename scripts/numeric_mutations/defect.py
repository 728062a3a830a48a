"""What a planted defect is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from scripts.numeric_mutations.code import Change, Code, changed


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect planted in one module.

    Attributes:
        kind: the group that it is counted in, also the name of the pattern.
        causes: cause kinds of which one has to be named; another one is a wrong cause, none is none.
        what: for people.
        path: of the module in its tree.
        changes: of the module's text.
        lines: first and last line of the changed code, in the old text (changes keep the number of lines).
        owner: the class that the code stands in.
        method: the method, "" outside of one.
        shown: `inference`, `training` or `weights`: what shows it.
    """

    kind: str
    causes: tuple[str, ...]
    what: str
    path: str
    changes: tuple[Change, ...]
    lines: tuple[int, int]
    owner: str
    method: str
    shown: str = "inference"

    @property
    def name(self) -> str:
        """For tables and for choosing one: `bert:301 activation`."""
        return f"{self.model}:{self.lines[0]} {self.kind}"

    @property
    def model(self) -> str:
        """The model's folder."""
        return self.path.split("/")[-2]

    def planted(self, text: str) -> str:
        """The module with the defect."""
        return changed(text, self.changes)

    def to_json(self) -> dict[str, Any]:
        """For the report of a run."""
        return {**asdict(self), "name": self.name}


Planter = Callable[[Code], Iterator[Defect]]


def defect_at(
    code: Code,
    node: ast.AST,
    kind: str,
    causes: tuple[str, ...],
    what: str,
    *changes: Change,
    shown: str = "inference",
) -> Defect:
    """A defect in the statement that a node is a part of."""
    return Defect(
        kind, causes, what, code.path, changes, code.lines(node), code.owner(node), code.method(node), shown
    )

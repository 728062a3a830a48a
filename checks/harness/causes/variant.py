"""One change of a function, and what the makers of such changes share."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Set, Tuple

from ..where import Function

Change = Tuple[int, int, int, int, str]
"""First line, first column, last line, last column (lines of the file from 1, columns in characters from 0), new text."""


def edits(path: str, changes: Sequence[Change]) -> List[Dict[str, Any]]:
    """The changes as edits of the report, whose columns begin at 1."""
    return [
        {"path": path, "start": [a, b + 1], "end": [c, d + 1], "text": text} for a, b, c, d, text in changes
    ]


@dataclass
class Variant:
    """One change of a function.

    Attributes:
        kind: of the cause, if the change mends the difference.
        text: the cause in words.
        rank: the lower, the sooner it is tried.
    """

    kind: str
    text: str
    changes: List[Change]
    rank: int

    @property
    def line(self) -> int:
        return self.changes[0][0]


class Maker:
    """A function, as the makers see it: its nodes, their texts, the names that it knows."""

    def __init__(self, function: Function, layers: List[str], numbers: List[Any]) -> None:
        self.function, self.layers, self.numbers = function, layers, numbers
        self.parents: Dict[int, Any] = {}
        for node in ast.walk(function.node):
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
        self.body = [node for statement in function.node.body for node in ast.walk(statement)]
        arguments = function.node.args
        self.locals: List[str] = [a.arg for a in arguments.args + arguments.kwonlyargs if a.arg != "self"]
        self.types: Set[int] = {
            id(n) for s in self.body if isinstance(s, ast.AnnAssign) for n in ast.walk(s.annotation)
        }
        for node in self.body:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in self.locals:
                self.locals.append(node.id)

    def text(self, node: Any) -> str:
        lines = self.function.lines
        if node.lineno == node.end_lineno:
            return lines[node.lineno - 1][node.col_offset : node.end_col_offset]
        middle = lines[node.lineno : node.end_lineno - 1]
        return "\n".join(
            [
                lines[node.lineno - 1][node.col_offset :],
                *middle,
                lines[node.end_lineno - 1][: node.end_col_offset],
            ]
        )

    def put(self, node: Any, text: str) -> Change:
        return (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text)

    def one(self, kind: str, node: Any, text: str, rank: int, why: str = "") -> Variant:
        before = " ".join(self.text(node).split())[:80]
        return Variant(
            kind, why or f"`{before}` should be `{' '.join(text.split())[:80]}`", [self.put(node, text)], rank
        )

    def context(self, node: Any) -> Tuple[str, Any]:
        parent = self.parents.get(id(node))
        if isinstance(parent, ast.UnaryOp):
            parent = self.parents.get(id(parent))
        if isinstance(parent, ast.keyword):
            return "keyword", parent
        inner = parent
        while isinstance(
            inner, (ast.Tuple, ast.List, ast.Slice, ast.Index if hasattr(ast, "Index") else ast.Slice)
        ):
            inner = self.parents.get(id(inner))
        if isinstance(inner, ast.Subscript) and inner.slice is not None and self.inside(node, inner.slice):
            return "index", inner
        if isinstance(inner, ast.keyword):
            return "keyword", inner
        return ("operator", parent) if isinstance(parent, ast.BinOp) else ("", parent)

    def inside(self, node: Any, holder: Any) -> bool:
        return any(inner is node for inner in ast.walk(holder))

    def simple(self, node: Any) -> bool:
        return isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Constant, ast.Subscript))

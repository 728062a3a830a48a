"""The calls within the methods of a module's classes, and what is known of each: what `call` and `forward` do."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from checks.source.python import dotted, walk


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a method.

    Attributes:
        name: dotted, as written: "tf.nn.softmax", "self.dropout"; of `x[i](…)` that of `x`; "" of anything else.
        method: the name of the method.
        node: the syntax node.
    """

    name: str
    method: str
    node: ast.Call

    @property
    def short(self) -> str:
        """Last part of the name: "softmax"."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def line(self) -> int:
        """From 1."""
        return self.node.lineno


@lru_cache(maxsize=2048)
def calls(found: ast.ClassDef, methods: tuple[str, ...] = ()) -> tuple[Call, ...]:
    """The calls within the methods of a class, in the order of the text; of those named, or of all but `__init__` and `build`."""
    made: list[Call] = []
    for part in found.body:
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if part.name in methods if methods else part.name not in ("__init__", "build"):
            made += [
                Call(dotted(node.func), part.name, node)
                for statement in part.body
                for node in walk(statement)
                if isinstance(node, ast.Call)
            ]
    return tuple(sorted(made, key=lambda call: (call.node.lineno, call.node.col_offset)))

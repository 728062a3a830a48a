"""The items of an `nn.Sequential` or `nn.ModuleList`, in the order in which they get there."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from checks.rules._places import OPAQUE, Place, Series
from checks.source.python import walk


@dataclass(slots=True)
class Builder:
    """Reads the items of a list.

    Attributes:
        place: what an expression makes.
        method: where the list is filled, for its local names.
        items, rest, open: as in `Series`; `open` as soon as it is not certain how many items there were.
    """

    place: Callable[[ast.expr], tuple[Place, ...]]
    method: ast.FunctionDef | None
    items: list[tuple[Place, ...]] = field(default_factory=list[tuple[Place, ...]])
    rest: list[Place] = field(default_factory=list[Place])
    open: bool = False

    def add(self, node: ast.expr, *, certain: bool = True) -> None:
        """One argument: an item, `*items`, or a comprehension."""
        if isinstance(node, ast.Starred):
            self._spread(node.value, certain)
            return
        if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
            self._spread(node, certain)
            return
        places = self.place(self._resolved(node))
        if certain and not self.open:
            self.items.append(places)
        else:
            self.open = True
            self.rest += places

    def _spread(self, node: ast.expr, certain: bool) -> None:
        if isinstance(node, (ast.List, ast.Tuple)):
            for part in node.elts:
                self.add(part, certain=certain)
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            self.add(node.elt, certain=False)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            self._spread(node.left, certain)
            self._spread(node.right, certain)
        elif isinstance(node, ast.Name) and self.method is not None:
            self._local(node.id)
        else:
            self.open = True
            self.rest.append(OPAQUE)

    def _local(self, name: str) -> None:
        """`layers = […]`, `layers.append(…)` before `nn.Sequential(*layers)`."""
        assert self.method is not None
        if sum(_assigns(node, name) for node in walk(self.method)) != 1:
            self.open = True
            self.rest.append(OPAQUE)
            return
        self.appended(
            self.method.body, lambda node: isinstance(node, ast.Name) and node.id == name, certain=True
        )

    def appended(self, body: list[ast.stmt], is_list: Callable[[ast.expr], bool], *, certain: bool) -> None:
        """What the statements put into a list, in order; under a condition or in a loop it is not certain where."""
        for node in body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and is_list(node.targets[0]):
                if isinstance(node.value, (ast.List, ast.Tuple, ast.ListComp, ast.BinOp)):
                    self._spread(node.value, certain)
            elif isinstance(node, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
                for part in ("body", "orelse", "finalbody"):
                    inner: list[ast.stmt] = getattr(node, part, [])
                    self.appended(inner, is_list, certain=certain and isinstance(node, ast.With))
            elif isinstance(node, ast.AugAssign) and is_list(node.target):
                self._spread(node.value, certain)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                call = node.value
                if isinstance(call.func, ast.Attribute) and is_list(call.func.value) and call.args:
                    if call.func.attr == "append":
                        self.add(call.args[0], certain=certain)
                    elif call.func.attr == "extend":
                        self._spread(call.args[0], certain)
                    else:  # insert, add_module
                        self.open = True
                        self.rest.append(OPAQUE)

    def _resolved(self, node: ast.expr) -> ast.expr:
        """The value of a local name that is assigned once."""
        if isinstance(node, ast.Name) and self.method is not None:
            values = [
                n.value for n in walk(self.method) if isinstance(n, ast.Assign) and _assigns(n, node.id)
            ]
            if len(values) == 1:
                return values[0]
        return node

    def series(self, kind: str, line: int) -> Series:
        """What was read."""
        rest = tuple(dict.fromkeys(self.rest)) if self.open else None
        return Series(kind, line, tuple(self.items), rest)


def is_self(node: ast.expr, name: str) -> bool:
    """`self.<name>`."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == name for t in node.targets
    )


def sides(node: ast.expr) -> tuple[ast.expr, ...]:
    """Both sides of a conditional expression, else the expression itself."""
    return (*sides(node.body), *sides(node.orelse)) if isinstance(node, ast.IfExp) else (node,)

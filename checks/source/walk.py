"""Looking around in the syntax trees that `checks.source.layers` keeps: nodes of a method, parameters, columns."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.source.python import dotted, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(maxsize=512)
def nodes(function: ast.AST) -> tuple[ast.AST, ...]:
    """Every node below a function, outermost first. Cached, as many rules look at the same methods."""
    return tuple(walk(function))


def calls(function: ast.AST) -> Iterator[ast.Call]:
    """The calls in a function."""
    return (node for node in nodes(function) if isinstance(node, ast.Call))


def on_self(node: ast.AST) -> str:
    """ "dense" of `self.dense`, else ""."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return ""


def methods(node: ast.ClassDef) -> Iterator[Function]:
    """The methods of a class."""
    return (part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        default: as text; None if there is none.
        line, column: of its name, from 1 (columns count bytes).
    """

    name: str
    default: str | None
    line: int
    column: int


def parameters(function: Function) -> dict[str, Parameter]:
    """The named parameters in their order, without `self`."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [
        *zip(positional, [*padding, *arguments.defaults], strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {
        found.arg: Parameter(
            found.arg,
            ast.unparse(default) if default is not None else None,
            found.lineno,
            found.col_offset + 1,
        )
        for found, default in pairs
        if found.arg != "self"
    }


def guarded(function: ast.AST) -> Iterator[tuple[ast.AST, tuple[ast.expr, ...]]]:
    """Every node of a function with the conditions it stands under (an `else` counts as under the condition, too)."""
    yield from _guarded(function, ())


def _guarded(
    node: ast.AST, conditions: tuple[ast.expr, ...]
) -> Iterator[tuple[ast.AST, tuple[ast.expr, ...]]]:
    yield node, conditions
    for name, value in ast.iter_fields(node):
        inner = conditions
        if isinstance(node, (ast.If, ast.IfExp)) and name in ("body", "orelse"):
            inner = (*conditions, node.test)
        for child in value if isinstance(value, list) else [value]:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(child, ast.AST):
                yield from _guarded(child, inner)


def is_super_init(call: ast.Call) -> bool:
    """`super().__init__(…)`, of Python 2's form too."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "__init__"
        and isinstance(call.func.value, ast.Call)
        and dotted(call.func.value.func) == "super"
    )

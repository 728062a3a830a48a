"""Indices in the names of a list's items that count otherwise than the loops that make them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from checks.port import Port
from checks.rules._naming import Name, Naming
from checks.rules._namings import namings
from checks.source.python import walk


@dataclass(frozen=True, slots=True)
class Miscounted:
    """A name whose indices are others than its place in the list."""

    naming: Naming
    line: int
    message: str
    advice: str


def miscounted(port: Port) -> Iterator[Miscounted]:
    """Of every class of the port."""
    for naming in namings(port):
        for name in naming.names:
            if name.layer is None or not name.layer.looped or not isinstance(name.node, ast.JoinedStr):
                continue
            around = list(_around(naming.pair.tensorflow.node, name.layer.call))
            yield from _turned(naming, name, around)
            yield from _after_others(naming, name, around)


def _around(top: ast.AST, node: ast.AST) -> Iterator[ast.AST]:
    """The nodes on the way from the class to a node, outermost first."""
    while top is not node:
        inner = next(
            (child for child in ast.iter_child_nodes(top) if any(n is node for n in walk(child))), None
        )
        if inner is None:
            return
        yield top
        top = inner


def _indices(name: Name) -> list[ast.expr]:
    assert isinstance(name.node, ast.JoinedStr)
    return [part.value for part in name.node.values if isinstance(part, ast.FormattedValue)]


def _turned(naming: Naming, name: Name, around: list[ast.AST]) -> Iterator[Miscounted]:
    """`block.{j}.{i}`, where j is of the inner loop."""
    counters: list[str] = []
    for node in around:
        loops: list[ast.For | ast.comprehension] = [node] if isinstance(node, ast.For) else []
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            loops += node.generators
        counters += [ast.unparse(loop.target).strip("()").split(",")[0].strip() for loop in loops]
    used = [counters.index(text) for index in _indices(name) if (text := ast.unparse(index)) in counters]
    if len(used) > 1 and used == sorted(used, reverse=True) and len(set(used)) == len(used):
        wanted = [counters[n] for n in sorted(used)]
        yield Miscounted(
            naming,
            name.line,
            f'"{name.shown}" counts the inner loop first',
            f"The index of the outer list comes first: {'.'.join(f'{{{counter}}}' for counter in wanted)}.",
        )


def _after_others(naming: Naming, name: Name, around: list[ast.AST]) -> Iterator[Miscounted]:
    """`[first, *[… name=f"layers.{i}" for i in range(n)]]`: the loop's first item is the list's second."""
    for outer, inner in pairwise(around):
        if not isinstance(outer, ast.List) or not isinstance(inner, ast.Starred):
            continue
        before = outer.elts[: outer.elts.index(inner)]
        comprehension = inner.value
        if any(isinstance(item, ast.Starred) for item in before) or not isinstance(
            comprehension, ast.ListComp
        ):
            continue
        loop, indices = comprehension.generators[0], _indices(name)
        if not _from_zero(loop) or not indices or not before or len(comprehension.generators) > 1:
            continue
        if ast.unparse(indices[-1]) == ast.unparse(loop.target):
            right = f"{{{ast.unparse(loop.target)} + {len(before)}}}"
            yield Miscounted(
                naming,
                name.line,
                f'"{name.shown}" begins with 0, which the list has {"an item" if len(before) == 1 else "items"} for already',
                f"Count on: {right}.",
            )


def _from_zero(loop: ast.comprehension) -> bool:
    call = loop.iter
    return (
        isinstance(loop.target, ast.Name)
        and isinstance(call, ast.Call)
        and ast.unparse(call.func) == "range"
        and (len(call.args) == 1 or ast.unparse(call.args[0]) == "0")
    )

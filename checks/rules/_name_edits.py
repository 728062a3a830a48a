"""Edits of names: another part of a path, one more argument, an index for a loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from functools import lru_cache

from checks.port import Port
from checks.report import Edit
from checks.rules._naming import Name, Naming
from checks.source.python import dotted, walk


def _source(port: Port, naming: Naming) -> list[str]:
    return _lines(port, naming.pair.path)


@lru_cache(maxsize=16)
def _lines(port: Port, path: str) -> list[str]:
    return port.text(path).split("\n")


def is_ascii(port: Port, naming: Naming, lines: Iterable[int]) -> bool:
    """Columns count bytes in a syntax tree; edits count characters."""
    text = _source(port, naming)
    return all(text[line - 1].isascii() for line in lines)


def segment_edit(
    port: Port, naming: Naming, name: Name, segment: str, meant: str, steps: int
) -> tuple[Edit, ...]:
    """`meant` instead of one part of a name, in place."""
    node = name.node
    if node is None or not meant or node.lineno != node.end_lineno:
        return ()
    if not isinstance(node, (ast.Constant, ast.JoinedStr)) or not is_ascii(port, naming, [node.lineno]):
        return ()
    source = _source(port, naming)[node.lineno - 1][node.col_offset : node.end_col_offset]
    word = re.escape(segment).replace(r"\{\}", r"\{[^{}]*\}")
    after = r"(?:(?<=[\"'/.])|(?<=_\._)|(?<=___))"
    found = list(re.finditer(rf"{after}{word}(?=[\"'/.]|_\._)", source))
    if not found:
        return ()
    match = found[-1] if steps else found[0]
    start = node.col_offset + match.start() + 1
    return (Edit(naming.pair.path, (node.lineno, start), (node.lineno, start + len(match[0])), meant),)


def argument_edit(port: Port, naming: Naming, call: ast.Call, argument: str) -> tuple[Edit, ...]:
    """One more argument of a call, laid out as the others."""
    last = max(
        [*call.args, *(k.value for k in call.keywords)],
        key=lambda n: (n.end_lineno, n.end_col_offset),
        default=None,
    )
    end = (call.end_lineno or call.lineno, call.end_col_offset or 0)
    lines = _source(port, naming)
    path = naming.pair.path
    if not is_ascii(port, naming, {call.lineno, end[0], *([last.end_lineno or 1] if last else [])}):
        return ()
    if last is None:
        at = (end[0], end[1])
        return (Edit(path, at, at, argument),)
    row, column = last.end_lineno or 1, (last.end_col_offset or 0) + 1
    stop = end[1] if row == end[0] else len(lines[row - 1]) + 1
    while lines[row - 1][column - 1 : column] in (")", " ") and column < stop:  # brackets around the argument
        column += 1
    if row == end[0]:
        # f(\n    a, b\n) has its arguments on lines of their own, f(a, b) has not.
        return (Edit(path, (row, column), (row, column), f", {argument}"),)
    rest = lines[row - 1][column - 1 :]
    first = call.args[0] if call.args else call.keywords[0].value
    each = first.lineno != row or len(call.args) + len(call.keywords) == 1
    if each and rest.strip() in ("", ","):
        keyword = next((k for k in call.keywords if k.value is last), None)
        begin = keyword.lineno if keyword is not None else last.lineno
        space = lines[begin - 1][: len(lines[begin - 1]) - len(lines[begin - 1].lstrip())]
        comma = "" if rest.strip() == "," else ","
        edits = (Edit(path, (row, column), (row, column), comma),) if comma else ()
        return (*edits, Edit(path, (row + 1, 1), (row + 1, 1), f"{space}{argument},\n"))
    return (Edit(path, (row, column), (row, column), f", {argument}"),)


def _loop(naming: Naming, call: ast.Call) -> ast.comprehension | ast.For | None:
    """The innermost loop around a call."""
    best: ast.comprehension | ast.For | None = None
    for node in walk(naming.pair.tensorflow.node):
        if isinstance(node, ast.For):
            if any(part is call for child in node.body for part in walk(child)):
                best = node
        elif isinstance(node, (ast.ListComp, ast.GeneratorExp)) and any(
            part is call for part in walk(node.elt)
        ):
            best = node.generators[-1]
    return best


def index(naming: Naming, call: ast.Call) -> str:
    """Name of the loop's index."""
    loop = _loop(naming, call)
    target = loop.target if loop is not None else None
    if isinstance(target, ast.Tuple) and target.elts and isinstance(target.elts[0], ast.Name):
        target = target.elts[0]
    return target.id if isinstance(target, ast.Name) and target.id != "_" else "i"


def from_zero(naming: Naming, call: ast.Call) -> str:
    """Name of the index of the loop around a call, if it counts from 0; else ""."""
    loop = _loop(naming, call)
    if loop is None or not isinstance(loop.iter, ast.Call):
        return ""
    function, arguments = dotted(loop.iter.func), len(loop.iter.args) + len(loop.iter.keywords)
    return index(naming, call) if function in ("range", "enumerate") and arguments == 1 else ""


def is_counted(naming: Naming, name: Name) -> bool:
    """What the name computes is a number: the index of the loop around it."""
    loop = _loop(naming, name.call)
    if loop is None or not isinstance(loop.iter, ast.Call) or not isinstance(name.node, ast.JoinedStr):
        return False
    if dotted(loop.iter.func) not in ("range", "enumerate"):
        return False
    words = {node.id for part in name.node.values for node in ast.walk(part) if isinstance(node, ast.Name)}
    return words == {index(naming, name.call)}


def renamed(port: Port, naming: Naming, name: Name, edits: Iterable[Edit]) -> str:
    """The name as an edit within it writes it, without quotes; "" without edits."""
    edit = next(iter(edits), None)
    node = name.node
    if edit is None or node is None:
        return ""
    line = _source(port, naming)[node.lineno - 1]
    start, end = node.col_offset, node.end_col_offset or 0
    text = line[start : edit.start[1] - 1] + edit.text + line[edit.end[1] - 1 : end]
    return text.lstrip("fF").strip("\"'")


def named_index(port: Port, naming: Naming, call: ast.Call) -> tuple[Edit, ...]:
    """`for i in …` instead of `for _ in …`."""
    loop = _loop(naming, call)
    if loop is None or not isinstance(loop.target, ast.Name) or loop.target.id != "_":
        return ()
    line, column = loop.target.lineno, loop.target.col_offset + 1
    return (Edit(naming.pair.path, (line, column), (line, column + 1), "i"),)

"""Which statements of `call` methods no comparison has run, so that "equal" never means "not looked at"."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

QUIET = ("logger", "warnings", "logging")
"""What a statement that only says something begins with."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Statements one after the other that never ran: lines from 1, both inclusive.

    Attributes:
        symbol: `TFBertSelfAttention.call`.
        test: the condition of the innermost `if` around them, "" if the whole method never ran.
    """

    start: int
    end: int
    symbol: str
    test: str = ""


def missed(source: str, ran: Collection[int]) -> list[Missed]:
    """Statements of the `call` methods of a module that are not among the lines that ran. Those that only raise or warn are left out.

    Of a module that can't be parsed nothing is known.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    lines = frozenset(ran)
    found: list[Missed] = []
    for cls in ast.walk(tree):
        if not isinstance(cls, ast.ClassDef):
            continue
        for method in cls.body:
            if isinstance(method, ast.FunctionDef) and method.name == "call":
                found += _joined(_in(method.body, lines, f"{cls.name}.call", ""))
    return found


def _in(body: list[ast.stmt], ran: frozenset[int], symbol: str, test: str) -> Iterator[Missed]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) or _says_nothing(statement):
            continue
        header = _header(statement)
        if not ran.intersection(header):
            if not _only_talks(statement):
                yield Missed(statement.lineno, statement.end_lineno or statement.lineno, symbol, test)
            continue
        inner = ast.unparse(statement.test) if isinstance(statement, ast.If) else test
        for name in ("body", "orelse", "finalbody"):
            yield from _in(getattr(statement, name, []), ran, symbol, inner[:200])


def _header(statement: ast.stmt) -> range:
    """The lines of a statement without those of the statements in it."""
    inner: list[ast.stmt] = getattr(statement, "body", [])
    end = inner[0].lineno - 1 if inner else statement.end_lineno or statement.lineno
    return range(statement.lineno, max(end, statement.lineno) + 1)


def _says_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Pass, ast.Raise, ast.Assert)) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _only_talks(statement: ast.stmt) -> bool:
    """It raises, warns or checks, or holds only statements that do."""
    if _says_nothing(statement):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        words = ast.unparse(statement.value.func)
        return words.startswith((*QUIET, "tf.debugging"))
    inner: list[ast.stmt] = [*getattr(statement, "body", []), *getattr(statement, "orelse", [])]
    return bool(inner) and all(_only_talks(one) for one in inner)


def _joined(found: Iterator[Missed]) -> Iterator[Missed]:
    """Neighbours of one branch as one."""
    last: Missed | None = None
    for one in found:
        if last is not None and last.test == one.test and one.start <= last.end + 2:
            last = Missed(last.start, one.end, last.symbol, last.test)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last

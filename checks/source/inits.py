"""An `__init__.py` of transformers as facts: which names it offers, for which backend, in both of its halves.

Until 2025 every init said each name twice: in `_import_structure` (for the lazy module) and under `if TYPE_CHECKING`. Names that need
a backend stand in `if is_tf_available():` (until 2022) or in the `else` of `try: if not is_tf_available(): raise …`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from checks.source.python import TOO_DEEP, Name, Problem, dotted, parse, strings

Half = Literal["structure", "typing"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One statement that offers names.

    Attributes:
        backend: "tf", "torch", "sentencepiece and tokenizers" …; "" for none.
        module: "models.bert", "modeling_tf_bert": without leading dots, in both halves.
        names: what it offers; "*" of a star import.
    """

    half: Half
    backend: str
    module: str
    names: tuple[Name, ...]
    line: int
    end_line: int
    column: int


@dataclass(frozen=True, slots=True)
class Region:
    """The statements that a backend guards in one half: first and last line, and those of the whole `if` or `try`."""

    half: Half
    backend: str
    line: int
    end_line: int
    column: int
    outer_line: int
    outer_end_line: int


@dataclass(frozen=True, slots=True)
class InitFacts:
    """An init. `lazy`: it finds its names by itself (`define_import_structure`), so that nothing is listed."""

    entries: tuple[Entry, ...] = ()
    regions: tuple[Region, ...] = ()
    lazy: bool = False
    type_checking: tuple[int, int] = (0, 0)
    lines: int = 0
    problem: Problem | None = None
    _index: dict[tuple[Half, str], tuple[Entry, ...]] = field(
        default_factory=dict[tuple[Half, str], tuple[Entry, ...]]
    )

    def of(self, half: Half, backend: str) -> tuple[Entry, ...]:
        """The statements of a half under a backend, in their order."""
        return self._index.get((half, backend), ())

    def region(self, half: Half, backend: str) -> Region | None:
        """The largest region of a backend in a half."""
        regions = [region for region in self.regions if (region.half, region.backend) == (half, backend)]
        return max(regions, key=lambda region: region.end_line - region.line, default=None)


def init_facts(text: str) -> InitFacts:
    """Facts of an init's text."""
    tree = parse(text)
    lines = text.count("\n") + (not text.endswith("\n"))
    if isinstance(tree, Problem):
        return InitFacts(lines=lines, problem=tree)
    reader = _Reader()
    try:
        reader.read(tree.body, "structure", "")
    except RecursionError:
        return InitFacts(lines=lines, problem=TOO_DEEP)
    index: dict[tuple[Half, str], tuple[Entry, ...]] = {}
    for entry in reader.entries:
        key = (entry.half, entry.backend)
        index[key] = (*index.get(key, ()), entry)
    return InitFacts(
        tuple(reader.entries),
        tuple(reader.regions),
        "define_import_structure" in text,
        reader.type_checking,
        lines,
        None,
        index,
    )


class _Reader:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.regions: list[Region] = []
        self.type_checking = (0, 0)

    def read(self, body: list[ast.stmt], half: Half, backend: str) -> None:
        for node in body:
            if isinstance(node, ast.If):
                self._if(node, half, backend)
            elif isinstance(node, ast.Try):
                guarded = " and ".join(_negated_backends(node))
                if guarded:
                    self._region(node, node.orelse, half, guarded)
                else:
                    self.read(node.body, half, backend)
            elif isinstance(node, ast.ImportFrom):
                if half == "typing" and node.level:
                    names = tuple(
                        Name(alias.name, alias.lineno, alias.col_offset + 1) for alias in node.names
                    )
                    self._add(node, half, backend, node.module or "", names)
            else:
                for module, value in _structure(node):
                    self._add(node, "structure", backend, module, strings(value))

    def _if(self, node: ast.If, half: Half, backend: str) -> None:
        test = dotted(node.test)
        if test.split(".")[-1] == "TYPE_CHECKING":
            end = node.body[-1].end_lineno or node.lineno
            self.type_checking = (node.lineno, end)
            self.read(node.body, "typing", "")
            self.read(node.orelse, "structure", backend)
            return
        guarded = " and ".join(_backends(node.test))
        if guarded and not _is_negated(node.test):
            self._region(node, node.body, half, guarded)
            return
        self.read(node.body, half, backend)
        self.read(node.orelse, half, backend)

    def _region(self, outer: ast.stmt, body: list[ast.stmt], half: Half, backend: str) -> None:
        if body:
            self.regions.append(
                Region(
                    half,
                    backend,
                    body[0].lineno,
                    body[-1].end_lineno or body[-1].lineno,
                    body[0].col_offset + 1,
                    outer.lineno,
                    outer.end_lineno or outer.lineno,
                )
            )
        self.read(body, half, backend)

    def _add(self, node: ast.stmt, half: Half, backend: str, module: str, names: tuple[Name, ...]) -> None:
        self.entries.append(
            Entry(
                half, backend, module, names, node.lineno, node.end_lineno or node.lineno, node.col_offset + 1
            )
        )


def _structure(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Module and names that a statement adds to `_import_structure`."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("extend", "append", "update")
            and call.args
        ):
            module = _module_key(call.func.value)
            if module is not None:
                yield module, call.args[0]
        return
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        targets = [node.target]
    else:
        return
    value = node.value
    assert value is not None
    for target in targets:
        module = _module_key(target)
        if module is not None:
            yield module, value
        elif dotted(target) == "_import_structure" and isinstance(value, ast.Dict):
            for key, names in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, names


def _module_key(node: ast.expr) -> str | None:
    """`x` of `_import_structure["x"]`."""
    if (
        isinstance(node, ast.Subscript)
        and dotted(node.value) == "_import_structure"
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    ):
        return node.slice.value
    return None


def _backends(test: ast.expr) -> list[str]:
    names = (dotted(node).split(".")[-1] for node in ast.walk(test) if isinstance(node, ast.Call))
    return sorted(name[3:-10] for name in names if name.startswith("is_") and name.endswith("_available"))


def _is_negated(test: ast.expr) -> bool:
    return any(isinstance(node, ast.Not) for node in ast.walk(test))


def _negated_backends(node: ast.Try) -> list[str]:
    """Backends of `try: if not is_x_available(): raise …`."""
    for part in node.body:
        if isinstance(part, ast.If) and _is_negated(part.test):
            return _backends(part.test)
    return []

"""Dummies, auto mappings, model pages and the table of frameworks as facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.source.python import TOO_DEEP, Name, Problem, dotted, parse, strings


@dataclass(frozen=True, slots=True)
class Dummy:
    """A stand-in of `dummy_tf_objects.py`, with its first and last line."""

    name: str
    line: int
    end_line: int


_DUMMY = re.compile(r"(?:class (\w+)\(metaclass=DummyObject\):|def (\w+)\(|(\w+) = None$)")


def dummies(text: str) -> dict[str, Dummy]:
    """The dummies of a (generated, so by lines) file, in their order. What else stands there is left out."""
    found: dict[str, Dummy] = {}
    name, first, last = "", 0, 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line[0] in " #":
            last = number if line.strip() and not line.startswith("#") else last
            continue
        if name:
            found[name] = Dummy(name, first, last)
        match = _DUMMY.match(line)
        name = (match[1] or match[2] or match[3]) if match else ""
        first = last = number
    if name:
        found[name] = Dummy(name, first, last)
    return found


@dataclass(frozen=True, slots=True)
class MapEntry:
    """`("bert", "TFBertModel")` of an auto mapping, with the place of its parenthesis."""

    key: str
    values: tuple[Name, ...]
    line: int
    end_line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """An `OrderedDict` of names. `line`, `end_line`: of the assignment; `last`: line of the bracket that ends the entries."""

    name: str
    entries: tuple[MapEntry, ...]
    line: int
    end_line: int
    last: int

    def get(self, key: str) -> MapEntry | None:
        """The entry of a model type; the last one if there are several, as in Python."""
        return next((entry for entry in reversed(self.entries) if entry.key == key), None)

    def alone(self, entry: MapEntry) -> bool:
        """Nothing else of the mapping stands on the entry's lines, so that they can be moved, replaced or taken out."""
        return self.line < entry.line <= entry.end_line < self.last and all(
            e is entry or e.end_line < entry.line or e.line > entry.end_line for e in self.entries
        )


@dataclass(frozen=True, slots=True)
class AutoFacts:
    """The mappings of an auto module by name; with a `problem` there are none."""

    mappings: dict[str, Mapping] = field(default_factory=dict[str, Mapping])
    problem: Problem | None = None


def auto_facts(text: str) -> AutoFacts:
    """All `OrderedDict([("type", "Class"), …])` and plain dicts of strings that a module assigns to names in capitals."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return AutoFacts(problem=tree)
    try:
        return AutoFacts(_mappings(tree))
    except RecursionError:
        return AutoFacts(problem=TOO_DEEP)


def _mappings(tree: ast.Module) -> dict[str, Mapping]:
    found: dict[str, Mapping] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
        else:
            continue
        name = dotted(target)
        if not name.isupper():
            continue
        entries = tuple(_entries(value))
        if entries or _is_ordered_dict(value):
            end = node.end_lineno or node.lineno
            found[name] = Mapping(name, entries, node.lineno, end, _last_line(value))
    return found


def _is_ordered_dict(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "OrderedDict"


def _last_line(node: ast.expr) -> int:
    if isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    return node.end_lineno or node.lineno


def _entries(node: ast.expr) -> Iterable[MapEntry]:
    if _is_ordered_dict(node):
        assert isinstance(node, ast.Call)
        pairs = node.args[0] if node.args else None
        for pair in pairs.elts if isinstance(pairs, (ast.List, ast.Tuple)) else ():
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                yield from _entry(pair.elts[0], pair.elts[1], pair)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is not None:
                yield from _entry(key, value, key)


def _entry(key: ast.expr, value: ast.expr, place: ast.expr) -> Iterable[MapEntry]:
    if isinstance(key, ast.Constant) and isinstance(key.value, str):
        end = max(place.end_lineno or 0, value.end_lineno or 0)
        yield MapEntry(key.value, strings(value), place.lineno, end, place.col_offset + 1)


@dataclass(frozen=True, slots=True)
class Autodoc:
    """`[[autodoc]] TFBertModel` of a model's page and the methods listed under it.

    Attributes:
        end_line: last line of the block that has text.
        heading: line of the heading directly above, 0 if there is none.
    """

    name: str
    line: int
    end_line: int
    heading: int
    methods: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A model's page: its documented objects and its headings."""

    blocks: tuple[Autodoc, ...]
    headings: tuple[Name, ...]
    lines: int
    tabs: tuple[tuple[str, int, int], ...] = ()
    """Parts that only readers of one framework see: "pt", "tf" or "jax", and the lines of its opening and closing tag."""

    def tab(self, line: int) -> str:
        """The framework whose tab a line is in, "" for all readers."""
        return next((name for name, first, last in self.tabs if first < line < last), "")

    def heading(self, line: int) -> str:
        """Text of the heading on a line, "" if there is none."""
        return next((heading.name for heading in self.headings if heading.line == line), "")

    def get(self, name: str) -> Autodoc | None:
        return next((block for block in self.blocks if block.name == name), None)


_AUTODOC = re.compile(r"\[\[autodoc\]\]\s*([\w.]+)")
_METHOD = re.compile(r"\s+-\s+(\w+)")
_HEADING = re.compile(r"#{1,6}\s+(\S.*)")
_TAB = re.compile(r"\s*<(/?)(pt|tf|jax)>\s*$")


def page_facts(text: str) -> PageFacts:
    """Facts of a model's page."""
    blocks: list[Autodoc] = []
    headings: list[Name] = []
    tabs: list[tuple[str, int, int]] = []
    opened: dict[str, int] = {}
    lines = text.split("\n")
    heading = 0
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if match := _HEADING.match(line):
            headings.append(Name(match[1].rstrip(), number))
            heading = number
        elif match := _TAB.match(line):
            heading = 0
            if not match[1]:
                opened[match[2]] = number
            elif match[2] in opened:
                tabs.append((match[2], opened.pop(match[2]), number))
        elif match := _AUTODOC.match(line):
            first = number
            methods: list[Name] = []
            while number < len(lines) and (method := _METHOD.match(lines[number])):
                number += 1
                methods.append(Name(method[1], number, method.start(1) + 1))
            name = match[1].split(".")[-1]
            blocks.append(Autodoc(name, first, number, heading, tuple(methods)))
            heading = 0
        elif line.strip():
            heading = 0
    return PageFacts(tuple(blocks), tuple(headings), len(lines) - text.endswith("\n"), tuple(tabs))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, without its padding. `column` counts characters from 1."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class TableFacts:
    """The table of frameworks: its header, and its rows by the model's name. Without a table both are empty."""

    header: tuple[str, ...] = ()
    rows: dict[str, tuple[Cell, ...]] = field(default_factory=dict[str, tuple[Cell, ...]])
    line: int = 0

    def column(self, word: str) -> int | None:
        """Number of the column whose title contains `word`."""
        return next((n for n, title in enumerate(self.header) if word.lower() in title.lower()), None)


def table_facts(text: str) -> TableFacts:
    """The first table of a page that has a column about TensorFlow and one about PyTorch."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not (line.startswith("|") and "TensorFlow" in line and "PyTorch" in line):
            continue
        header = tuple(cell.text for cell in _cells(line, number + 1))
        rows: dict[str, tuple[Cell, ...]] = {}
        for below in range(number + 2, len(lines)):
            if not lines[below].startswith("|"):
                break
            cells = _cells(lines[below], below + 1)
            if cells:
                rows[_unlinked(cells[0].text)] = cells
        return TableFacts(header, rows, number + 1)
    return TableFacts()


def _unlinked(text: str) -> str:
    """`BERT` of `[BERT](model_doc/bert)`."""
    return text[1:].partition("](")[0] if text.startswith("[") and "](" in text else text


def _cells(line: str, number: int) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    start = 1
    while (end := line.find("|", start)) >= 0:
        raw = line[start:end]
        column = start + len(raw) - len(raw.lstrip()) + 1
        cells.append(Cell(raw.strip(), number, column))
        start = end + 1
    return tuple(cells)

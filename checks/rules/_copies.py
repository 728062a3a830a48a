"""What the rules about `# Copied from` share: where originals are, and which copies a port makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from checks.conventions import MODELS, SOURCE, read
from checks.edits import replace_lines
from checks.errors import Undecidable
from checks.port import Port
from checks.report import Edit
from checks.snapshot import Snapshot
from checks.source.copies import (
    Block,
    Change,
    Manner,
    Marker,
    copied_block,
    definition,
    differences,
    manner,
    markers,
    replaced,
)

SCRIPT = "utils/check_copies.py"
ROOTS = {"transformers": SOURCE, "tests": "tests"}
MOST_MARKERS = 100
"""In one file. Real ones have less than 60."""
MOST_COMPARED = 2_000_000
"""Characters of originals and copies that are compared in one file. All modules of all models together have twice that."""


def how(port: Port) -> Manner:
    """How the base's script compares."""
    return manner(read(port.base, SCRIPT))


def in_base(port: Port) -> str:
    """What fails if a copy is none."""
    return "make repo-consistency" if read(port.base, SCRIPT) else "utils/check_copies.py"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an original is: its module, and it; `block` is None where the module has none of that name, `path` "" where there is no
    such module."""

    path: str
    names: tuple[str, ...]
    block: Block | None


def origin(snapshot: Snapshot, root: str, name: str) -> Origin:
    """What a marker names, found as upstream finds it: the shortest beginning of the name that is a file."""
    parts = name.split(".")
    for count in range(1, min(len(parts), 8) + 1):
        path = f"{ROOTS[root]}/{'/'.join(parts[:count])}.py"
        if snapshot.blob_id(path) is not None:
            names = parts[count:]
            return Origin(path, tuple(names), definition(read(snapshot, path), names))
    return Origin("", tuple(parts), None)


def dotted_path(path: str) -> str:
    """ "transformers.models.bert.modeling_tf_bert" of a path."""
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


@dataclass(frozen=True, slots=True)
class Copy:
    """A marker of the port.

    Attributes:
        block: the class or function directly under it, None if there is none.
        origin: what it names.
        changes: where the block is no copy.
        unknown: it could not be compared (odd replacements).
    """

    path: str
    marker: Marker
    block: Block | None
    origin: Origin
    changes: tuple[Change, ...]
    unknown: bool = False


@lru_cache(maxsize=8)
def copies(port: Port) -> tuple[Copy, ...]:
    """Every `# Copied from` in the port's modules and tests.

    Raises:
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    if port.broken:
        raise Undecidable(f"{port.broken[0].path.rsplit('/', 1)[-1]} cannot be parsed")
    return tuple(copy for path in files(port) for copy in _copies(port, path))


def files(port: Port) -> list[str]:
    """Where copies are looked for: the port's modules, and its TensorFlow tests that the pull request touches."""
    tests = [
        path
        for path, change in sorted(port.changed.items())
        if path.startswith("tests/")
        and re.search(rf"/{re.escape(port.model)}/test_modeling_tf_\w+\.py$", path)
        and change.status != "removed"
        and change.kind == "file"
    ]
    return [*(module.path for module in port.modules), *tests]


def _copies(port: Port, path: str) -> Iterator[Copy]:
    text, manner = port.text(path), how(port)
    root = "tests" if path.startswith("tests/") else "transformers"
    found = markers(text)[:MOST_MARKERS]
    if root == "tests" and not manner.tests:
        return
    lines = text.split("\n") if found else []
    done = compared = 0
    for marker in found:
        if (
            marker.root != root or marker.line <= done
        ):  # within another copy: upstream compares that as a whole
            continue
        place = origin(port.head, root, marker.name)
        block = copied_block(lines, marker)
        if block is not None and place.block is not None and block.text != place.block.text:
            compared += len(block.text) + len(place.block.text)
            if compared > MOST_COMPARED:
                return
        changes, unknown = compare(block, place, marker.rest, manner)
        done = block.last if block is not None and place.block is not None else 0
        yield Copy(path, marker, block, place, changes, unknown)


def compare(block: Block | None, place: Origin, rest: str, how: Manner) -> tuple[tuple[Change, ...], bool]:
    """The differences of a copy and its original after replacements, and whether they could not be told."""
    if block is None or place.block is None:
        return (), False
    wanted = replaced(place.block.text, rest)
    if wanted is None:
        return (), True
    return differences(block, wanted, how), False


def restored(path: str, change: Change) -> Edit:
    """The edit that makes a difference go away."""
    text = "".join(f"{line}\n" for line in change.lines)
    return replace_lines(path, change.first, change.last, text)


_CLASS = re.compile(r"class (\w+)[(:]")


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of a module's text: name -> offsets of its beginning and end."""

    text: str
    spans: dict[str, tuple[int, int]]

    def block(self, name: str) -> Block:
        """A class with its lines."""
        start, end = self.spans[name]
        code = self.text[start:end]
        # What stands between two classes (decorators, functions, constants) belongs to none.
        lines = code.split("\n")
        last = 1
        for number, line in enumerate(lines[1:], 2):
            if line.startswith(("    ", ")")):
                last = number
            elif line and not line.isspace():
                break
        first = self.text.count("\n", 0, start) + 1
        return Block(first, first + last - 1, tuple(lines[:last]))


def class_index(text: str) -> Classes:
    """The classes of a module, found by text; a hundred times faster than parsing."""
    starts: list[int] = [0] if text.startswith("class ") else []
    at = text.find("\nclass ")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\nclass ", at + 1)
    spans: dict[str, tuple[int, int]] = {}
    for start, end in pairwise([*starts, len(text)]):
        if match := _CLASS.match(text, start):
            spans[match[1]] = (start, end)
    return Classes(text, spans)


def tensorflow_modules(port: Port) -> Iterator[tuple[str, Classes]]:
    """Every `modeling_tf_*.py` of the base's models but this one: path and classes. 70 files, 4 MB."""
    own = f"{port.folder}/"
    for path in tensorflow_paths(port.base):
        if not path.startswith(own):
            # An original that the pull request changes, too, is compared as it reads then.
            found = port.known_facts(path, class_index, base=path not in port.changed)
            if found is not None:
                yield path, found


def tensorflow_paths(snapshot: Snapshot) -> list[str]:
    """Of the models' TensorFlow modules, without the auto classes."""
    return [
        path
        for path in snapshot.list(MODELS)
        if "/modeling_tf_" in path and path.endswith(".py") and "/auto/" not in path
    ]


def copied_lines(port: Port) -> set[tuple[str, int]]:
    """Lines within marked copies: what stands there is the original's."""
    if port.broken:
        return set()
    return {
        (copy.path, line)
        for copy in copies(port)
        if copy.block is not None and not copy.changes
        for line in range(copy.block.first, copy.block.last + 1)
    }

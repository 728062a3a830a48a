"""Breakages of weight names and parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation

T = TypeVar("T")

MOST = 3
"""Of one kind in one module: a check takes a third of a second."""

_KERAS = r"(?:tf\.)?keras\.layers\.(?:Dense|Conv2D|Conv1D|LayerNormalization|BatchNormalization|Embedding)"


@dataclass(frozen=True, slots=True)
class _Call:
    """A call in the text, with its place and, if it has one, its `name="…"`: where the argument and where its value stands."""

    start: int
    end: int
    attribute: str
    kind: str
    name: str
    argument: tuple[int, int]
    value: tuple[int, int]
    owner: str


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Breakages of every TensorFlow module of the report's ports, a few of each kind."""
    for port in report.ports:
        folder = port.path.rsplit("/", 1)[0]
        for path in head.list(folder):
            if re.search(r"/modeling_tf_\w+\.py$", path):
                text = head.read(path) or ""
                torch = head.read(path.replace("modeling_tf_", "modeling_")) or ""
                yield from _of_module(path, text, torch)


def _of_module(path: str, text: str, torch: str) -> Iterator[Mutation]:
    classes = set(re.findall(r"^class (\w+)", torch, re.MULTILINE))
    calls = [call for call in _calls(text) if re.sub(r"^TF|MainLayer$", "", call.owner) in classes]
    plain = [
        call for call in calls if re.fullmatch(_KERAS, call.kind) and re.fullmatch(r"[A-Za-z]\w*", call.name)
    ]
    own = [
        c
        for c in calls
        if re.fullmatch(r"TF\w+", c.kind)
        and not c.kind.endswith("MainLayer")
        and re.fullmatch(r"[A-Za-z]\w*", c.name)
    ]
    for kinds, what in ((plain, "layer"), (own, "own layer")):
        for call in _some(kinds):
            yield _replaced(path, text, call, f"{call.name}_x", f"{what} renamed", "weight-names")
        for call in _some(kinds, 1):
            yield _replaced(
                path, text, call, call.name[:-1] or "x", f"{what}: last letter lost", "weight-names"
            )
        for call in _some(kinds, 2):
            yield _replaced(path, text, call, call.name.swapcase(), f"{what}: case", "weight-names")
    for call in _some(plain):
        yield _without_name(path, text, call, "missing-layer-name")
    for call in _some([c for c in plain if "Norm" in c.kind]):
        yield _replaced(path, text, call, f"{call.name}.0", "one level too deep", "weight-names")
    for first, second in _neighbours(plain):
        yield _replaced(path, text, second, first.name, "the name of its neighbour", "weight-names")
        yield _exchanged(path, text, first, second)
    yield from _lists(path, text, calls)
    yield from _indices(path, text, calls)
    yield from _weights(path, text, classes)


def _calls(text: str) -> Iterator[_Call]:
    bodies = [(m.start(), m[1]) for m in re.finditer(r"^class (\w+)", text, re.MULTILINE)]
    pattern = re.compile(
        r"^( +)self\.(\w+) = (?:\[\n? *)?((?:tf\.)?(?:keras\.layers\.)?[A-Z]\w+)\(", re.MULTILINE
    )
    for match in pattern.finditer(text):
        end = _closing(text, match.end() - 1)
        inside = text[match.end() : end]
        name = re.search(r'\bname=(f?)"([^"]*)"', inside)
        owner = next((n for start, n in reversed(bodies) if start < match.start()), "")
        if name is None or text[: match.start()].count("(") < 0:
            continue
        offset = match.end()
        yield _Call(
            match.start(3),
            end,
            match[2],
            match[3],
            name[1] + name[2],
            (offset + name.start(), offset + name.end()),
            (offset + name.start(2), offset + name.end(2)),
            owner,
        )


def _closing(text: str, opening: int) -> int:
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if not depth:
            return at
    return len(text)


def _some(found: list[T], most: int = MOST) -> list[T]:
    """Spread over the module."""
    return found[:: max(1, len(found) // most)][:most]


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _replaced(path: str, text: str, call: _Call, name: str, what: str, rule: str) -> Mutation:
    start, end = call.value
    broken = text[:start] + name + text[end:]
    return Mutation(
        f"{what}: {call.name} -> {name} in {call.owner}", path, broken, rule, _line(broken, start)
    )


def _without_name(path: str, text: str, call: _Call, rule: str) -> Mutation:
    start, end = call.argument
    if text[end : end + 2] == ",\n" and not text[text.rfind("\n", 0, start) + 1 : start].strip():
        start, end = text.rfind("\n", 0, start) + 1, end + 2  # the whole line
    elif text[start - 2 : start] == ", ":
        start -= 2
    elif text[end : end + 2] == ", ":
        end += 2
    broken = text[:start] + text[end:]
    return Mutation(f"no name: {call.name} in {call.owner}", path, broken, rule, _line(broken, call.start))


def _neighbours(calls: list[_Call]) -> list[tuple[_Call, _Call]]:
    """Layers of one class and kind that are named as their attributes."""
    pairs = [
        (a, b)
        for a, b in pairwise(calls)
        if (a.owner, a.kind) == (b.owner, b.kind) and a.attribute == a.name and b.attribute == b.name
    ]
    return _some(pairs, 2)


def _exchanged(path: str, text: str, first: _Call, second: _Call) -> Mutation:
    broken = (
        text[: first.value[0]]
        + second.name
        + text[first.value[1] : second.value[0]]
        + first.name
        + text[second.value[1] :]
    )
    return Mutation(
        f"exchanged: {first.name} and {second.name} in {first.owner}",
        path,
        broken,
        "weight-names",
        _line(broken, first.value[0]),
    )


def _lists(path: str, text: str, calls: list[_Call]) -> Iterator[Mutation]:
    """Items of lists: `name=f"layer_._{i}"`."""
    owners = {call.owner for call in calls}
    bodies = [(m.start(), m[1]) for m in re.finditer(r"^class (\w+)", text, re.MULTILINE)]
    found = [
        m
        for m in re.finditer(r'\bname=f"(\w+?)(_\._|\.)\{(\w+)\}"', text)
        if next((n for start, n in reversed(bodies) if start < m.start()), "") in owners
    ]
    for match in _some(found):
        root, separator, index = match.groups()
        for what, name in (
            ("a list's item renamed", f'f"{root}x{separator}{{{index}}}"'),
            ("no level in a list's name", f'f"{root}{{{index}}}"'),
            ("a list's items named alike", f'"{root}"'),
            ("a list counted from 1", f'f"{root}{separator}{{{index} + 1}}"'),
        ):
            start, end = match.start() + len("name="), match.end()
            broken = text[:start] + name + text[end:]
            yield Mutation(f"{what}: {name}", path, broken, "module-list-names", _line(broken, start))
        start = match.start() - 2 if text[match.start() - 2 : match.start()] == ", " else -1
        if start > 0:
            broken = text[:start] + text[match.end() :]
            yield Mutation(
                f"no name in a list: {match[0]}", path, broken, "module-list-names", _line(broken, start)
            )


def _indices(path: str, text: str, calls: list[_Call]) -> Iterator[Mutation]:
    """Items of sequentials: `name="layer.0"`."""
    found = [c for c in calls if re.fullmatch(r"(\w+\.)?\d", c.name)]
    for call in _some(found):
        head, last = call.name[:-1], int(call.name[-1])
        yield _replaced(path, text, call, f"{head}{last + 7}", "index of a sequential", "sequential-indices")
        if head:
            yield _replaced(
                path, text, call, call.name.replace(".", "_"), "no level before the index", "weight-names"
            )


def _weights(path: str, text: str, classes: set[str]) -> Iterator[Mutation]:
    """`self.x = self.add_weight(…)` of build()."""
    bodies = [(m.start(), m[1]) for m in re.finditer(r"^class (\w+)", text, re.MULTILINE)]
    rule = "parameters-in-build"
    statements = list(re.finditer(r"^        self\.(\w+) = self\.add_weight\(", text, re.MULTILINE))
    for match in _some(statements):
        owner = next((n for start, n in reversed(bodies) if start < match.start()), "")
        if owner.removeprefix("TF").removesuffix("MainLayer") not in classes:
            continue
        end = _closing(text, match.end() - 1) + 1
        statement = text[match.start() : end] + "\n"
        name = re.search(r'\bname="(\w+)"', statement)
        if name is None:
            continue
        at = match.start() + name.start(1)
        broken = text[:at] + name[1] + "_x" + text[at + len(name[1]) :]
        yield Mutation(f"weight renamed: {name[1]} of {owner}", path, broken, rule, _line(broken, at))
        short = re.sub(r'\n *name="\w+",|, name="\w+"|name="\w+", ', "", statement)
        broken = text[: match.start()] + short + text[end + 1 :]
        yield Mutation(
            f"weight without a name: {name[1]} of {owner}", path, broken, rule, _line(broken, match.start())
        )
        broken = text[: match.start()] + text[end + 1 :]
        if (
            re.match(r"(?:        .*\n|\n)*?        (?:\S)", text[end + 1 :])
            and text[end + 1 : end + 9] == " " * 8
        ):
            build = text.rfind("    def build(", 0, match.start())
            yield Mutation(f"weight dropped: {name[1]} of {owner}", path, broken, rule, _line(broken, build))
            body = text.rfind("class ", 0, match.start())
            init = re.compile(r"super\(\).__init__\(.*\)\n").search(text, body)
            if init is not None and init.end() < match.start():
                moved = text[: init.end()] + statement + text[init.end() : match.start()] + text[end + 1 :]
                yield Mutation(
                    f"weight in __init__: {name[1]} of {owner}", path, moved, rule, _line(moved, init.end())
                )
        shape = re.search(r"shape=\(1, ", statement)
        if shape is not None:
            at = match.start() + shape.start()
            broken = text[:at] + "shape=(2, " + text[at + len(shape[0]) :]
            yield Mutation(f"shape of {name[1]} of {owner}", path, broken, rule, _line(broken, at))

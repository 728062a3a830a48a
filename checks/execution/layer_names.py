"""From a weight that found no partner to the place in the source that names it: the `name=` of a layer, with what it should be."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checks.report import Edit
from checks.source.python import Problem, dotted, parse

Way = Sequence[tuple[str, str]]
"""How a weight is reached from the model: pairs of a class, and the attribute under which it holds the next layer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a layer gets its name. `wrong` and `right` are the parts of the names that differ; "" where no single part does."""

    path: str
    line: int
    column: int = 1
    symbol: str = ""
    wrong: str = ""
    right: str = ""
    edits: tuple[Edit, ...] = ()


def differing(name: str, nearest: str) -> tuple[str, str]:
    """The one part in which two dotted names differ, ("", "") if it is not exactly one.

    >>> differing("encoder.0.attn.weight", "encoder.0.attention.weight")
    ('attn', 'attention')
    """
    one, other = name.split("."), nearest.split(".")
    if len(one) != len(other):
        return "", ""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return pairs[0] if len(pairs) == 1 else ("", "")


def locate(texts: dict[str, str], name: str, nearest: str, way: Way) -> Place | None:
    """Where to change the name of the layer whose weight `name` should be called `nearest`.

    Args:
        texts: TensorFlow modules of the port by path.
        name, nearest: PyTorch's names: the one that the Keras name stands for, and the one that was meant ("" unknown).
        way: how the weight is reached; may be empty or wrong, as it comes from the code under test.

    Returns:
        The `name=` argument that holds the differing part; else the statement that makes the layer; else None.
    """
    wrong, right = differing(name, nearest) if nearest else ("", "")
    classes = [cls for cls, _ in way]
    found: list[tuple[int, Place]] = []
    for path, text in texts.items():
        tree = parse(text)
        if isinstance(tree, Problem):
            continue
        for owner in tree.body:
            if not isinstance(owner, ast.ClassDef):
                continue
            nearness = classes.index(owner.name) if owner.name in classes else -1
            for argument in _name_arguments(owner):
                if wrong and wrong in _parts(argument):
                    found.append((nearness, _place(path, owner.name, argument, wrong, right)))
    if found:
        # The class deepest on the way; of several elsewhere none is sure.
        best = max(rank for rank, _ in found)
        candidates = [place for rank, place in found if rank == best]
        if best >= 0 or len(candidates) == 1:
            return candidates[0]
    for cls, attribute in reversed(way):
        for path, text in texts.items():
            place = _assignment(path, text, cls, attribute.partition("[")[0])
            if place is not None:
                return place
    return None


def _name_arguments(owner: ast.ClassDef) -> Iterator[ast.expr]:
    for node in ast.walk(owner):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "name":
                    yield keyword.value
            # self.add_weight("gamma", …)
            if (
                dotted(node.func).endswith("add_weight")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield node.args[0]


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return [
            part.value
            for part in node.values
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
    return []


def _parts(node: ast.expr) -> set[str]:
    """Levels of a name: `layers.{i}` has "layers", `layer_._{i}` has "layer"."""
    return {
        level
        for text in _texts(node)
        for piece in text.replace("_._", ".").replace("/", ".").split(".")
        if (level := piece)
    }


def _place(path: str, owner: str, node: ast.expr, wrong: str, right: str) -> Place:
    edits: tuple[Edit, ...] = ()
    if isinstance(node, ast.Constant) and node.value == wrong and node.end_col_offset is not None:
        start, end = (
            (node.lineno, node.col_offset + 1),
            (node.end_lineno or node.lineno, node.end_col_offset + 1),
        )
        edits = (Edit(path, start, end, f'"{right}"'),) if right.isidentifier() or right.isdigit() else ()
    return Place(path, node.lineno, node.col_offset + 1, owner, wrong, right, edits)


def _assignment(path: str, text: str, cls: str, attribute: str) -> Place | None:
    tree = parse(text)
    if isinstance(tree, Problem):
        return None
    for owner in tree.body:
        if isinstance(owner, ast.ClassDef) and owner.name == cls:
            for node in ast.walk(owner):
                if isinstance(node, (ast.Assign, ast.AnnAssign)):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    if any(isinstance(t, ast.Attribute) and t.attr == attribute for t in targets):
                        return Place(path, node.lineno, node.col_offset + 1, cls)
            return Place(path, owner.lineno, owner.col_offset + 1, cls)
    return None

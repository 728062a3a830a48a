"""Puts a variant of a function into the running model, and takes it out again."""

from __future__ import annotations

import ast
import textwrap
from contextlib import contextmanager
from typing import Any, Iterator, List, Sequence

import numpy as np

from ..where import Function
from .variant import Change


def changed(lines: Sequence[str], changes: Sequence[Change]) -> List[str]:
    """The lines with the changes; columns count characters."""
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    spans = sorted(((starts[a - 1] + b, starts[c - 1] + d, new) for a, b, c, d, new in changes), reverse=True)
    for begin, end, new in spans:
        text = text[:begin] + new + text[end:]
    return text.split("\n")


def source(function: Function, changes: Sequence[Change]) -> str:
    """The function's text with the changes, decorators included, without indentation."""
    node = function.node
    first = min([node.lineno, *[d.lineno for d in node.decorator_list]])
    moved = [(a - first + 1, b, c - first + 1, d, new) for a, b, c, d, new in changes]
    return textwrap.dedent("\n".join(changed(function.lines[first - 1 : node.end_lineno], moved)))


def compiled(function: Function, changes: Sequence[Change]) -> Any:
    """The changed function as an object.

    Raises:
        SyntaxError and whatever its decorators raise.
    """
    text = source(function, changes)
    wrapped = f"def _make(__class__):\n{textwrap.indent(text, '    ')}\n    return {function.name}\n"
    tree = ast.parse(wrapped)
    first = min([function.node.lineno, *[d.lineno for d in function.node.decorator_list]])
    ast.increment_lineno(tree, first - 2)
    space: Any = {}
    exec(compile(tree, function.file, "exec"), vars(function.module), space)
    return space["_make"](function.owner)


@contextmanager
def in_place(function: Function, changes: Sequence[Change]) -> Iterator[None]:
    """Within it, the model runs the changed function."""
    holder = function.owner if function.owner is not None else function.module
    original = vars(holder)[function.name]
    replacement = compiled(function, changes)
    setattr(holder, function.name, replacement)
    try:
        yield
    finally:
        setattr(holder, function.name, original)


@contextmanager
def guarded() -> Iterator[None]:
    """Within it, sizes that would end TensorFlow's whole process raise ValueError instead."""
    import tensorflow as tf

    names = {
        "reshape": "shape",
        "fill": "dims",
        "zeros": "shape",
        "ones": "shape",
        "broadcast_to": "shape",
        "tile": "multiples",
    }
    originals = {name: getattr(tf, name) for name in names}

    def checked(name: str) -> Any:
        original, argument = originals[name], names[name]
        at = 0 if name in ("fill", "zeros", "ones") else 1

        def call(*positional: Any, **named: Any) -> Any:
            sizes = named.get(argument, positional[at] if len(positional) > at else ())
            for size in tf.nest.flatten(sizes):
                size = size.numpy() if hasattr(size, "numpy") else size
                if (np.asarray(size) < (-1 if name == "reshape" else 0)).any() or np.asarray(size, float).max(
                    initial=0
                ) > 1e7:
                    raise ValueError("a size that makes no sense")
            return original(*positional, **named)

        return call

    for name in names:
        setattr(tf, name, checked(name))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(tf, name, original)

"""What of a port in the making is PyTorch code yet, copied and waiting: rules say nothing about it.

That is every class with PyTorch expressions that is none of Keras, or has more of PyTorch than of TensorFlow in it yet; and outside of classes what stands so in the PyTorch module, too:
imports, functions, documentation. A Keras class with some PyTorch in it has been begun, and is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from checks.conventions import read
from checks.port import Module, Port
from checks.report import Finding
from checks.source.python import torch_expressions

_KERAS = re.compile(r"\b(?:tf|keras)\.")
_MUCH = 3
"""Lines of PyTorch in a class: fewer have been overlooked."""


@lru_cache(maxsize=4)
def unconverted(port: Port) -> Mapping[str, frozenset[int]]:
    """The lines of each TensorFlow module that are PyTorch code yet; empty once no class is, or the pull request is no draft any more."""
    if port.ready or port.stage != "in-progress" or port.broken:
        return {}
    found = {module.path: _lines(port, module) for module in port.modules}
    return {path: lines for path, lines in found.items() if lines}


def _lines(port: Port, module: Module) -> frozenset[int]:
    keras, torch = set[int](), set[int]()
    text = port.text(module.path)
    expressions = set(port.known_facts(module.path, torch_expressions) or ())
    lines = text.split("\n")
    for cls in module.facts.classes.values():
        span = range(cls.first_line, cls.end_line + 1)
        left = len(expressions & set(span))
        done = sum(bool(_KERAS.search(lines[number - 1])) for number in span)
        if port.is_keras(cls) and (left < _MUCH or left <= done):
            keras.update(span)
        elif port.has_torch(module, cls):
            torch.update(span)
    if not torch:
        return frozenset()
    for function in module.facts.functions.values():
        span = range(function.first_line, function.end_line + 1)
        if expressions & set(span):
            torch.update(span)
    copied = set((port.text(module.pytorch_path) or read(port.base, module.pytorch_path)).split("\n"))
    for number, line in enumerate(lines, 1):
        if number not in keras and (number in expressions or (line.strip() and line in copied)):
            torch.add(number)
    return frozenset(torch)


def begun(port: Port, finding: Finding) -> Finding | None:
    """A finding without its places in code that is PyTorch's yet; None if all are."""
    waiting = unconverted(port)
    if not waiting:
        return finding

    def waits(path: str, line: int) -> bool:
        return line in waiting.get(path, ())

    left = tuple(place for place in finding.locations if not waits(place.path, place.line))
    edits = tuple(edit for edit in finding.edits if not waits(edit.path, edit.start[0]))
    if not waits(finding.path, finding.line):
        return replace(finding, locations=left, edits=edits)
    if not left:
        return None
    line = left[0].line
    return replace(
        finding, path=left[0].path, line=line, end_line=line, column=1, locations=left[1:], edits=edits
    )

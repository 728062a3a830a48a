"""Small changes of a function's source, one at a time: what a person would try who looks for the difference."""

from __future__ import annotations

import re
from typing import Any, List, Sequence

from ..where import Function
from .expressions import Expressions
from .statements import Statements
from .variant import Variant

EXACT = ("wrong-variable", "missing-term", "scale", "operator", "constant")
"""Kinds that may mend a tiny model by chance: two sizes that happen to be equal, a factor that happens to be two."""


class _Maker(Expressions, Statements):
    pass


def variants(
    function: Function, layers: Sequence[str] = (), numbers: Sequence[Any] = (), twin: str = ""
) -> List[Variant]:
    """All variants of a function, the most probable first.

    Args:
        layers: attributes of `self` that are layers.
        numbers: attributes of `self` that are numbers, each with its value.
        twin: source of the PyTorch class: what it does not mention is improbable.
    """
    n = function.node
    maker = _Maker(function, list(layers), list(numbers))
    found = [*maker.of_expressions(), *maker.of_statements()]
    words = set(re.findall(r"\w+", twin))
    own = "\n".join(function.lines[n.lineno - 1 : n.end_lineno])
    missing = _transposes(twin) > _transposes(own)
    for variant in found:
        if variant.kind == "transpose" and " is not transposed" in variant.text:
            variant.rank -= 2 if missing else 0
        factor = re.fullmatch(r"`[*/] (sqrt\()?self\.(\w+)\)?` is missing after .*", variant.text)
        if factor and twin:
            has = (
                re.search(rf"self\.{factor[2]}\b", own) is not None
            )  # what the code has already is not missing
            variant.rank = (
                max(variant.rank, 3) if has else _factor_rank(bool(factor[1]), factor[2], twin, variant.rank)
            )
            continue
        old = {
            word
            for change in variant.changes
            for line in function.lines[change[0] - 1 : change[2]]
            for word in re.findall(r"\w+", line)
        }
        new = {word for change in variant.changes for word in re.findall(r"\w+", change[4])} - old
        numbers_new = {word for word in new if word.isdigit()}
        if twin and variant.kind in EXACT and not (new - numbers_new <= words):
            variant.rank += 1
        if variant.kind in ("scale", "constant") and numbers_new and not numbers_new & words:
            variant.rank += 1
    return sorted(found, key=lambda variant: variant.rank)


def _factor_rank(root: bool, name: str, twin: str, rank: int) -> int:
    """A factor that PyTorch's code has comes first."""
    plain = rf"[*/]=?\s*self\.{name}\b(?!\s*\*\*)"
    form = rf"sqrt\(\s*self\.{name}\b|self\.{name}\s*\*\*\s*-?0\.5" if root else plain
    return 0 if re.search(form, twin) else max(rank, 2)


def _transposes(text: str) -> int:
    return len(re.findall(r"\b(?:transpose|permute)\(", text))

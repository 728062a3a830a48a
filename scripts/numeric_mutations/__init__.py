"""Numeric defects for real TensorFlow modules, one module per place where they sit; `scripts.numerics` plants them and asks the comparison.

Each is found by a pattern over the syntax tree, so that it fits any port; and each is a mistake that a port could have: what is changed, where
the comparison has to point, which cause it has to name, and whether inference shows it at all.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from itertools import pairwise

from scripts.numeric_mutations import forward, layers, shapes
from scripts.numeric_mutations.code import Change, Code, changed
from scripts.numeric_mutations.defect import Defect


def defects(path: str, text: str) -> list[Defect]:
    """All defects that the patterns find room for in a module, in the order of their lines."""
    code = Code(path, text)
    found: dict[tuple[Change, ...], Defect] = {}
    for module in (layers, forward, shapes):
        for plant in module.PLANTERS:
            for defect in plant(code):
                found.setdefault(defect.changes, defect)
    return sorted(found.values(), key=lambda d: (d.lines, d.kind))


def sample(all_defects: Iterable[Defect], number: int, seed: int = 7) -> list[Defect]:
    """So many of them, the kinds in turn and within each kind the models in turn, so that neither common patterns nor long modules crowd
    out the others. The same at each run; 0 means all."""
    chance = random.Random(seed)
    by_kind: dict[str, dict[str, list[Defect]]] = {}
    for defect in all_defects:
        by_kind.setdefault(defect.kind, {}).setdefault(defect.model, []).append(defect)
    queues: list[list[Defect]] = []
    for kind in sorted(by_kind):
        of_models = list(by_kind[kind].values())
        chance.shuffle(of_models)
        for group in of_models:
            chance.shuffle(group)
        longest = max(map(len, of_models))
        queues.append([group[n] for n in range(longest) for group in of_models if n < len(group)])
    chosen = [queue[n] for n in range(max(map(len, queues), default=0)) for queue in queues if n < len(queue)]
    return chosen[: number or None]


def triples(all_defects: Sequence[Defect], number: int, seed: int = 11) -> list[tuple[Defect, ...]]:
    """Combinations of three defects of one module that inference shows, in three different classes or methods."""
    chance = random.Random(seed)
    by_path: dict[str, list[Defect]] = {}
    for defect in all_defects:
        if defect.shown == "inference":
            by_path.setdefault(defect.path, []).append(defect)
    fit = [group for group in by_path.values() if len({(d.owner, d.method) for d in group}) >= 3]
    chosen: list[tuple[Defect, ...]] = []
    for _ in range(50 * number):
        if len(chosen) == number or not fit:
            break
        three = tuple(sorted(chance.sample(chance.choice(fit), 3), key=lambda d: d.lines))
        apart = len({(d.owner, d.method) for d in three}) == 3
        if apart and three not in chosen and not _overlap(three):
            chosen.append(three)
    return chosen


def _overlap(some: Sequence[Defect]) -> bool:
    spans = sorted((c.start, c.end) for d in some for c in d.changes)
    return any(one[1] > other[0] for one, other in pairwise(spans))


def together(some: Sequence[Defect], text: str) -> str:
    """The module with all of them."""
    return changed(text, tuple(change for defect in some for change in defect.changes))

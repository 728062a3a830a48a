"""Why a site differs. Each candidate is tried in the live model, and confirmed only if the difference vanishes."""

from __future__ import annotations

import time
from typing import Any, Callable, List, Sequence, Set, Tuple

from ..forced import Key
from ..sites import Cause, Site, keys
from .attributes import in_attributes, in_constructor, in_weights
from .calls import in_calls
from .live import guarded
from .numbers import recognise
from .variant import edits

Trial = Tuple[float, str, str, Callable[[], bool], Callable[[], float], Any]
"""(rank, kind, text, the site agrees on its own, the outputs' difference, (function, changes) or None)"""


def diagnose(
    site: Site, others: Sequence[Site], comparison: Any, run: Any, deadline: float
) -> Sequence[Site]:
    """Sets the cause of a site, its line and the edit that mends it, where an experiment has found them; likewise of the other sites that
    the same change has mended, which are returned.

    Args:
        others: the other sites: they are mended while this one is examined.
        run: the forced run, with its calls kept.
        deadline: `time.time()` at which to stop.
    """
    # Never the model's own output: with it overwritten everything agrees.
    rest = {key for key in keys(others) if key[1]}
    # Nor what else departs in the same code: a change there may mend the one and break the other.
    along = [other for other in others if _same_code(site, other, comparison)]
    apart = rest - keys(along)
    departed = {departure.key for departure in run.departures} - keys([site])
    for whole, (_, kind, text, agrees, gap, change) in _trials(site, rest, apart, comparison, run):
        comparison.allowed = departed if whole else departed - (rest - apart)
        comparison.forget()
        if time.time() > deadline:
            break
        try:
            with guarded():
                if not agrees() and not (comparison.fill() and agrees()):
                    continue
                after = gap()
                if after > comparison.limit and comparison.fill():
                    after = gap()
        except Exception:  # most variants are nonsense to the model
            continue
        if after > comparison.limit:
            continue
        site.cause = Cause(kind, text, True, after)
        if change is not None:
            _tell(site, change, comparison)
        for other in () if whole else along:
            other.cause, other.edits = site.cause, site.edits
            other.path, other.line, other.symbol = site.path, site.line, site.symbol
        return () if whole else along
    departure = site.departures[0]
    found = recognise(departure.value, departure.expected, comparison.limit)
    if found is not None:
        site.cause = Cause(found[0], found[1], False)
    return ()


def _trials(
    site: Site, rest: Set[Key], apart: Set[Key], comparison: Any, run: Any
) -> List[Tuple[bool, Trial]]:
    """All experiments, the most probable first; each with whether it changes only how layers are made, so that nothing in code moves."""
    makers: List[Any] = [(in_calls, False), (in_attributes, False)]
    if site.kind == "layer":
        makers = [(in_weights, True), (in_constructor, True), *makers]
    return sorted(
        (
            (whole, trial)
            for maker, whole in makers
            for trial in maker(site, rest if whole else apart, comparison, run)
        ),
        key=lambda one: one[1][0],
    )


def _same_code(site: Site, other: Site, comparison: Any) -> bool:
    ours, theirs = (type(comparison.layers[one.departures[0].owner]) for one in (site, other))
    return other.kind == "between" and ours is theirs


def _tell(site: Site, change: Tuple[Any, Sequence[Any]], comparison: Any) -> None:
    from .. import where

    function, changes = change
    path = where.relative(function.file, comparison.root)
    site.path, site.line, site.symbol = path, changes[0][0], _owner(function, site.symbol)
    site.edits = edits(path, changes)


def _owner(function: Any, symbol: str) -> str:
    return function.owner.__name__ if function.owner is not None else (function.name or symbol)

"""Experiments on the code between layers: variants of `call`, and of the methods and functions that it uses."""

from __future__ import annotations

from typing import Any, Iterator, List, Tuple

from .. import where
from ..record_tf import is_layer
from .live import in_place
from .variants import variants


def owners(site: Any, comparison: Any) -> List[str]:
    """Paths of the layers whose code may be the cause, the most probable first."""
    departure = site.departures[0]
    path = departure.owner
    found: List[str] = []
    if site.kind == "between" or where.method(type(comparison.layers[path]), "call") is not None:
        found.append(path)
    while path and len(found) < 2:
        path, _ = where.owner_of(path, comparison.layers)
        if site.kind == "layer" or found[-1] not in comparison.pairs:
            found.append(path)
            if site.kind == "layer":
                break
        else:
            break
    return found


def agrees_again(site: Any, comparison: Any, run: Any, path: str, **options: Any) -> bool:
    """A replay of the layer's call does not show the site's departure any more, nor one that was not there."""
    departure = site.departures[0]
    call = departure.call if departure.call[0] == path else _enclosing(run, path, departure)
    if call not in run.calls:
        return True  # nothing to replay: the whole model decides
    again = comparison.forcing(until=departure.key, **options)
    again.replay(comparison.layers[path], run.calls[call])
    before = comparison.allowed if comparison.allowed is not None else {d.key for d in run.departures}
    here = {d.key for d in again.departures}
    return departure.key not in here and not comparison.unexpected(here, before)


def _enclosing(run: Any, path: str, departure: Any) -> Tuple[str, int]:
    """The call of an enclosing layer in which the departure happened."""
    _, inner, number = departure.key
    for (name, call), (_, _, counts) in run.calls.items():
        if name == path and counts.get(inner, 0) <= number:
            found = (name, call)
            following = run.calls.get((name, call + 1))
            if following is None or following[2].get(inner, 0) > number:
                return found
    return path, 0


def members(layer: Any) -> Tuple[List[str], List[Tuple[str, Any]]]:
    """Names of a layer's attributes that are layers or functions, and those that are numbers with their values."""
    inner, numbers = [], []
    for name, value in vars(layer).items():
        if name.startswith("_"):
            continue
        if is_layer(value) or (callable(value) and hasattr(value, "__name__")):
            inner.append(name)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and name not in ("built",):
            numbers.append((name, value))
    return inner, numbers


def in_calls(site: Any, rest: Any, comparison: Any, run: Any) -> Iterator[Any]:
    """Trials: one per variant."""
    departure = site.departures[0]
    for rank, path in enumerate(owners(site, comparison)):
        layer = comparison.layers[path]
        call = where.method(type(layer), "call")
        if call is None:
            continue
        inner, numbers = members(layer)
        twin = where.twin_source(type(layer))
        first, last = departure.first, departure.last
        if rank or site.kind == "layer":
            first = last = departure.called if path != departure.owner else 0
        near = where.flow(call, last, departure.argument)
        candidates: List[Any] = []
        for variant in variants(call, inner, numbers, twin):
            away = 0 if variant.line in near and first <= variant.line else 1 if variant.line in near else 4
            apart = abs(variant.line - last) / 1000 if last else 0.0
            candidates.append((variant.rank + away + min(0.9, apart), variant, call))
        for helper in where.helpers(call, type(layer)):
            candidates += [(v.rank + 2, v, helper) for v in variants(helper, inner, numbers, twin)]
        for rank_here, variant, function in candidates:

            def agrees(variant: Any = variant, function: Any = function, path: str = path) -> bool:
                with in_place(function, variant.changes):
                    return agrees_again(site, comparison, run, path)

            def gap(variant: Any = variant, function: Any = function) -> float:
                with in_place(function, variant.changes):
                    return comparison.gap(rest)

            kind, text, change = variant.kind, variant.text, (function, variant.changes)
            if kind == "swapped-projections":
                kind, text, change = _or_names(variant, path, comparison, change)
            yield rank_here + 2 * rank, kind, text, agrees, gap, change


def _or_names(variant: Any, path: str, comparison: Any, change: Any) -> Tuple[str, str, Any]:
    """Two layers that look swapped, while it is their names that are: then PyTorch's names stand crosswise to the attributes."""
    one, other = (
        part.strip("`").replace("self.", "") for part in variant.text.split(" are ")[0].split(" and ")
    )
    prefix = f"{path}." if path else ""
    ours = [comparison.pairs.get(prefix + name, "").rpartition(".")[2] for name in (one, other)]
    if ours == [other, one] or (ours[0] and ours[0] in other and ours[1] in one and ours[0] not in one):
        edits = _names(type(comparison.layers[path]), one, other)
        text = f"the weights' names of `self.{one}` and `self.{other}` are swapped: each loads the other's weights"
        return "weight-name", text, edits
    return variant.kind, variant.text, change


def _names(cls: Any, one: str, other: str) -> Any:
    import ast

    found = [where.assignment(cls, name) for name in (one, other)]
    literals: List[Any] = []
    for entry in found:
        if entry is None:
            return None
        nodes = [
            k.value
            for n in ast.walk(entry[1])
            if isinstance(n, ast.Call)
            for k in n.keywords
            if k.arg == "name"
        ]
        if not nodes or not isinstance(nodes[0], ast.Constant):
            return None
        literals.append(nodes[0])
    a, b = literals
    changes = [
        (n.lineno, n.col_offset, n.end_lineno, n.end_col_offset, f'"{m.value}"') for n, m in ((a, b), (b, a))
    ]
    return found[0][0], changes

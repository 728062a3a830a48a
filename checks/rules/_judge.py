"""Judges one name: whether its path leads to weights that fit, and what it should have been."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from checks.port import Port
from checks.report import Edit, Level
from checks.rules._common import enumerate_names
from checks.rules._name_edits import (
    argument_edit,
    from_zero,
    index,
    is_ascii,
    is_counted,
    named_index,
    renamed,
    segment_edit,
)
from checks.rules._naming import Name, Naming, fits, path_of
from checks.rules._places import Module, Place, Series, described, is_list, is_sequential

Slug = Literal["weight-names", "missing-layer-name", "module-list-names", "sequential-indices"]


@dataclass(frozen=True, slots=True)
class Misnamed:
    """One name that does not lead to its weights.

    Attributes:
        rule: that tells it.
        line: where something has to be changed.
        meant: what the name should be, "" if nobody can tell.
    """

    rule: Slug
    naming: Naming
    name: Name
    line: int
    message: str
    advice: str
    level: Level = "error"
    meant: str = ""
    edits: tuple[Edit, ...] = ()
    others: tuple[int, ...] = ()


def judge(port: Port, naming: Naming, name: Name, prefixes: frozenset[str]) -> Misnamed | None:
    layer = name.layer
    assert layer is not None
    if name.text is None:
        return _unnamed(port, naming, name)
    if not name.segments:
        return None
    if layer.looped and "{}" not in name.text:
        return _constant(port, naming, name)
    if not naming.places or name.root in prefixes:
        return None
    places, steps = naming.walk(name.segments)
    leads = steps == len(name.segments)
    if leads and (numbered := _numbered(naming, name)):
        places, steps = numbered
        leads = steps == len(name.segments)
    if leads and any(fits(name, place, naming.tree) for place in places):
        return _shifted(port, naming, name)
    if naming.elsewhere and _leads(replace(naming, places=naming.elsewhere), name):
        return None
    return _unfit(port, naming, name, places) if leads else _astray(port, naming, name, places, steps)


def _numbered(naming: Naming, name: Name) -> tuple[tuple[Place, ...], int] | None:
    """As `Naming.walk`, where the index of a loop is part of a word: `layer_{i}` is layer_0 or layer_1, but never layer_norm. None for
    other names."""
    if all(segment == "{}" or "{}" not in segment for segment in name.segments):
        return None
    if name.layer is None or not name.layer.looped or not is_counted(naming, name):
        return None
    walks = (
        naming.walk(tuple(s if s == "{}" else s.replace("{}", digit) for s in name.segments))
        for digit in "0123456789"
    )
    return max(walks, key=lambda walk: walk[1])


def _leads(naming: Naming, name: Name) -> bool:
    places, steps = naming.walk(name.segments)
    return steps == len(name.segments) and any(fits(name, place, naming.tree) for place in places)


def _unnamed(port: Port, naming: Naming, name: Name) -> Misnamed | None:
    layer = name.layer
    assert layer is not None
    known = layer.attribute in naming.torch_weighted
    if name.weighted is None and not known:
        return None
    meant = layer.attribute if known else ""
    wanted = meant
    if known and layer.held != "attribute":
        series = naming.torch_weighted[layer.attribute]
        separator = "_._" if any(map(is_list, series)) else "."
        number = f"{{{index(naming, layer.call)}}}" if layer.looped else str(layer.index)
        wanted = f"{layer.attribute}{separator}{number}"
    shown = f'name=f"{wanted}"' if "{" in wanted else f'name="{wanted}"'
    where = naming.attribute_line(layer.attribute)
    edits = argument_edit(port, naming, layer.call, shown) if wanted and "None" not in wanted else ()
    if layer.looped:
        edits = (*edits, *named_index(port, naming, layer.call)) if edits else ()
    advice = f"Pass {shown}, as PyTorch calls it ({where})." if known else choose(naming, name)
    return Misnamed(
        "module-list-names" if layer.looped else "missing-layer-name",
        naming,
        name,
        layer.line,
        f"{_thing(naming, name)} has no name=, so Keras makes one up and PyTorch's weights do not find it",
        advice,
        "error" if name.weighted and not layer.conditional and not _is_inner(port, naming) else "warning",
        wanted,
        edits,
    )


def _is_inner(port: Port, naming: Naming) -> bool:
    """A model within models, whose variables nobody loads by their names (TFDPREncoder)."""
    facts = naming.pair.facts
    return port.is_model(facts) and port.intended_name(facts) not in port.public


def _constant(port: Port, naming: Naming, name: Name) -> Misnamed | None:
    layer = name.layer
    assert layer is not None
    assert name.text is not None
    root = name.root if name.root in naming.torch_names else layer.attribute
    where = naming.attribute_line(root)
    shown = f'name=f"{root}_._{{{index(naming, layer.call)}}}"'
    edits: tuple[Edit, ...] = ()
    if (
        root in naming.torch_names
        and isinstance(name.node, ast.Constant)
        and name.node.lineno == name.node.end_lineno
    ):
        edits = (
            Edit(
                naming.pair.path,
                (name.node.lineno, name.node.col_offset + 1),
                (name.node.lineno, (name.node.end_col_offset or 0) + 1),
                shown.removeprefix("name="),
            ),
            *named_index(port, naming, layer.call),
        )
        edits = edits if is_ascii(port, naming, [name.node.lineno]) else ()
    return Misnamed(
        "module-list-names",
        naming,
        name,
        name.line,
        f'Every item of {naming.pair.name}.{layer.attribute} is named "{name.text}", so only one of them gets weights',
        f"Put the index into the name: {shown}{f', as of the list in {where}' if where else ''}.",
        "error",
        root,
        edits,
    )


def _shifted(port: Port, naming: Naming, name: Name) -> Misnamed | None:
    """`layer_._{i + 1}` of a loop from 0, though nothing else fills the list's first place."""
    layer = name.layer
    if (
        layer is None
        or not layer.looped
        or not isinstance(name.node, ast.JoinedStr)
        or len(name.segments) != 2
    ):
        return None
    parts = [part.value for part in name.node.values if isinstance(part, ast.FormattedValue)]
    computed = [
        part for part in parts if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Add, ast.Sub))
    ]
    loop = from_zero(naming, layer.call) if computed else ""
    if not loop or ast.unparse(computed[0].left) != loop:
        return None
    if sum(other.root == name.root for other in naming.names) != 1:
        return None
    lists = naming.tree.step(naming.places, name.root)
    if not lists or any(not isinstance(place, Series) or place.items for place in lists):
        return None
    plain = f"{{{loop}}}"
    edits = segment_edit(port, naming, name, "{}", plain, 1)
    return Misnamed(
        "module-list-names",
        naming,
        name,
        name.line,
        f'"{name.shown}" does not begin with {name.root}.0, but PyTorch\'s list does ({naming.attribute_line(name.root)})',
        f"Use {plain}: the loop counts from 0.",
        "error",
        plain,
        edits,
    )


def _astray(port: Port, naming: Naming, name: Name, at: tuple[Place, ...], steps: int) -> Misnamed | None:
    layer = name.layer
    assert layer is not None
    segment = name.segments[steps]
    candidates = list(_candidates(naming, name, at, steps))
    meant, sure = _choice(naming, name, steps, candidates)
    whole = meant
    if meant and layer.looped and len(name.segments) == 1:
        whole = f"{meant}_._{{{index(naming, layer.call)}}}"
    edits = segment_edit(port, naming, name, segment, whole, steps)
    series = [place for place in at if isinstance(place, Series)]
    listed = [place for place in at if is_list(place)]
    rule: Slug = "weight-names"
    if layer.looped or listed:
        rule = "module-list-names"
    elif series:
        rule = "sequential-indices"
    if series:
        upto = ".".join(name.segments[:steps])
        message = f'"{name.shown}": {upto} of {naming.torch} is {described(series[0])} ({naming.where(at)})'
        if segment.isdigit():
            message += f" and has no item {segment}"
        else:
            message += f', "{segment}" is no index of it'
    elif steps:
        upto = ".".join(name.segments[:steps])
        owner = next((described(place) for place in at), "it")
        message = f'"{name.shown}": {upto} of {naming.torch} is {owner} ({naming.where(at)}), which has no {segment}'
    else:
        place = naming.where()
        message = f'"{name.shown}" names nothing of {naming.torch or "its PyTorch class"}{f" ({place})" if place else ""}'
    advice = _advice(naming, name, steps, whole, sure, candidates, renamed(port, naming, name, edits))
    level: Level = "error" if name.weighted else "warning"
    if not sure:
        return Misnamed(rule, naming, name, name.line, message, advice, level)
    return Misnamed(rule, naming, name, name.line, message, advice, level, meant, edits)


def _unfit(port: Port, naming: Naming, name: Name, places: tuple[Place, ...]) -> Misnamed | None:
    layer = name.layer
    assert layer is not None
    steps = len(name.segments) - 1
    at, _ = naming.walk(name.segments[:-1]) if steps else (naming.places, 0)
    segment = name.segments[-1]
    candidates = list(_candidates(naming, name, at, steps))
    meant, sure = _choice(naming, name, steps, candidates)
    held = [place for place in places if isinstance(place, Series)]
    if held:  # one of its items
        candidates = list(_candidates(naming, name, places, steps + 1)) if not layer.looped else []
        item, sure = _choice(naming, name, steps, candidates)
        meant = f"{segment}.{item}" if item else ""
    edits = segment_edit(port, naming, name, segment, meant, steps)
    rule: Slug = "weight-names"
    if any(map(is_sequential, (*at, *held))):
        rule = "sequential-indices"
    elif layer.looped or any(map(is_list, (*at, *held))):
        rule = "module-list-names"
    what = described(places[0])
    weightless = naming.tree.any_weighted(places) is False
    reason = ", which has no weights" if weightless else f", not the PyTorch of {layer.kind}"
    if held:
        reason = ": its name has to say which item of it this is"
    message = f'"{name.shown}" of {naming.torch} is {what} ({naming.where(places)}){reason}'
    level: Level = "error" if name.weighted else "warning"
    advice = _advice(naming, name, steps, meant, sure, candidates, renamed(port, naming, name, edits))
    if not sure:
        return Misnamed(rule, naming, name, name.line, message, advice, level)
    return Misnamed(rule, naming, name, name.line, message, advice, level, meant, edits)


def _candidates(naming: Naming, name: Name, at: tuple[Place, ...], steps: int) -> Iterator[str]:
    """What could stand in place of a part of a path: attributes or indices whose weights fit and that nothing else is named after."""
    head, tail = name.segments[:steps], name.segments[steps + 1 :]
    taken = {other.segments[: steps + 1] for other in naming.names if other.call is not name.call}
    for place in at:
        if isinstance(place, Module):
            options = [o for _, layers in place.chain for o in sorted(layers.attributes)]
        elif isinstance(place, Series):
            options = [str(number) for number in range(len(place.items))]
        else:
            options = []
        for option in options:
            if "{}" in option or (*head, option) in taken:
                continue
            places = naming.tree.step((place,), option)
            if name.layer and name.layer.looped and not tail and steps == 0:
                places = naming.tree.step(places, "{}") if any(isinstance(p, Series) for p in places) else ()
            for segment in tail:
                places = naming.tree.step(places, segment)
            if (
                places
                and naming.tree.any_weighted(places)
                and any(fits(name, p, naming.tree) for p in places)
            ):
                yield option


def _choice(naming: Naming, name: Name, steps: int, candidates: list[str]) -> tuple[str, bool]:
    """The likeliest candidate, and whether it is sure."""
    attribute = name.attribute
    if steps == 0 and attribute in candidates:
        return attribute, True
    unique = list(dict.fromkeys(candidates))
    if len(unique) == 1:
        return unique[0], True
    near = difflib.get_close_matches(name.segments[steps], unique, n=2, cutoff=0.6)
    if near:
        return near[0], False
    return "", False


def _advice(
    naming: Naming, name: Name, steps: int, meant: str, sure: bool, candidates: Iterable[str], written: str
) -> str:
    """What to name it. `written`: what the edit makes of the name, "" if there is none."""
    if meant:
        path = [*name.segments[:steps], meant, *name.segments[steps + 1 :]]
        places, _ = naming.walk(path_of(".".join(path)))
        item = path[-1].rsplit(".", 1)[-1].isdigit()
        where = naming.where(places) if item else naming.attribute_line(path_of(path[0])[0])
        text = written or ".".join(path).replace(".{}", "_._{i}").replace("{}", "{i}")
        said = f"Name it {text}" if sure else f"Did you mean {text}?"
        return (
            f"{said}{f' ({where})' if where else ''}." if sure else f"{said}{f' ({where})' if where else ''}"
        )
    return choose(naming, name, candidates)


def choose(naming: Naming, name: Name, candidates: Iterable[str] = ()) -> str:
    left = [option for option in dict.fromkeys(candidates) if not option.isdigit()] or [
        free for free in naming.free if free in naming.torch_names
    ]
    if left and naming.torch:
        return f"Name it as PyTorch does; of {naming.torch} {enumerate_names(left)} {'is' if len(left) == 1 else 'are'} left ({naming.where()})."
    return "Name it as the PyTorch class calls it."


def _thing(naming: Naming, name: Name) -> str:
    layer = name.layer
    assert layer is not None
    whole = f"{naming.pair.name}.{layer.attribute}" if layer.attribute else layer.kind
    return (
        f"Each item of {whole}" if layer.looped else f"{whole} ({layer.short})" if layer.attribute else whole
    )

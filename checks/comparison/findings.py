"""`matches-pytorch`: its state, and a finding for each place where the outputs part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.comparison.comparison import Comparison
from checks.comparison.policy import GUIDE, ITEM, figure
from checks.execution import untrusted
from checks.port import Port
from checks.report import Edit, Finding, Level, Location, State


def state(port: Port, results: Sequence[Comparison]) -> tuple[State, str]:
    """State of the item, and why."""
    if not results:
        return "waiting", "no public class yet"
    blocking = [one for one in results if one.state == "different" and one.blocks]
    if blocking:
        first = f"{blocking[0].name}: {blocking[0].reason}"
        more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
        return "failed", f"{first}{more}"[:500]
    for one in results:
        if one.trouble:
            return "error", f"{one.name}: {one.trouble}"[:500]
    for one in results:
        if one.unmade and not is_part(port, one, results):
            return "unverified", f"{one.name}: {one.reason}"[:500]
    small = [one for one in results if one.state == "different"]
    if small:
        largest = max(one.largest.relative for one in small)
        return "passed", f"{_some([one.name for one in small])}: {figure(largest)}, below {figure(GUIDE)}"
    return "passed", ""


def is_part(port: Port, one: Comparison, results: Sequence[Comparison]) -> bool:
    """A class without a case that a compared class holds as a layer: it was compared as that."""
    if all(other.unmade for other in results) or one.name not in port.classes:
        return False
    text = port.text(port.classes[one.name][0].path)
    return re.search(rf"^\s+self\.\w+ = {one.name}\(", text, re.MULTILINE) is not None


def findings(port: Port, results: Sequence[Comparison]) -> Iterator[Finding]:
    """One for each confirmed place; where none is known, one for the classes whose outputs differ in the same way."""
    grouped: dict[tuple[Any, ...], list[Comparison]] = {}
    sites: dict[tuple[str, int, str], tuple[Mapping[str, Any], list[Comparison]]] = {}
    for one in results:
        if one.state != "different":
            continue
        if one.sites:
            for site in one.sites:
                if (
                    untrusted.mapping(site.get("cause")).get("kind") == "raises"
                ):  # the exception's own line says more
                    path, line = _place(port, one)
                    site = {**site, "path": path, "line": line}
                key = (
                    str(site["path"]),
                    int(site["line"]),
                    str(untrusted.mapping(site.get("cause")).get("kind", "")),
                )
                sites.setdefault(key, (site, []))[1].append(one)
            continue
        path, line = _place(port, one)
        what = "raises" if _raised(one) else "differs"
        key = (path, line, what, one.reason if what == "raises" else "")
        grouped.setdefault(key, []).append(one)
    for site, ones in sites.values():
        yield _of_site(site, ones)
    for (path, line, what, _), ones in grouped.items():
        yield _of_classes(path, line, what, ones)


def _of_site(site: Mapping[str, Any], ones: Sequence[Comparison]) -> Finding:
    cause = untrusted.mapping(site.get("cause"))
    where = site["pytorch_path"] or site["tf_path"]
    largest = max(one.largest.relative for one in ones)
    text = str(cause.get("text", "")).rstrip(".")
    names = _some([one.name for one in ones])
    if any(_raised(one) for one in ones):
        message = (
            f"{names}: {next(one for one in ones if _raised(one)).reason.rstrip('.')}; it starts in {where}"
        )
        text = "" if cause.get("kind") == "raises" else text
    else:
        message = f"Outputs of {names} differ by {figure(largest)}; it starts in {where}"
    message += f": {text}" if text else ""
    advice = str(site.get("advice", "")) or "Compare this layer with PyTorch's, argument by argument."
    if cause.get("confirmed"):
        advice = f"With that changed the difference falls from {figure(largest)} to {figure(float(cause['after']))}."
    return Finding(
        ITEM,
        ITEM,
        _level(ones),
        str(site["path"]),
        int(site["line"]),
        f"{message[:1_000]}.",
        advice,
        str(site["symbol"]),
        edits=tuple(
            Edit(edit["path"], tuple(edit["start"]), tuple(edit["end"]), edit["text"])
            for edit in site.get("edits", ())
        ),
        locations=tuple(Location(p["path"], p["line"]) for p in site.get("locations", ())),
    )


def _of_classes(path: str, line: int, what: str, ones: Sequence[Comparison]) -> Finding:
    names = _some([one.name for one in ones])
    first = max(ones, key=lambda one: one.largest.relative)
    if what == "raises":
        message = f"{names}: {first.reason}"
        advice = "PyTorch's twin takes the same configuration and inputs."
    else:
        message = f"{names} and PyTorch differ: {first.reason}"
        advice = (
            "Compare the layers from top to bottom; the first hidden state that differs says where to begin."
        )
        if first.missing:
            count = len(first.missing)
            advice = f"{count} weight{'s' if count > 1 else ''} found no PyTorch counterpart, so begin there."
    return Finding(ITEM, ITEM, _level(ones), path, line, message[:1_000], advice, ones[0].name)


def _level(ones: Sequence[Comparison]) -> Level:
    return "error" if any(one.blocks for one in ones) else "warning"


def _raised(one: Comparison) -> bool:
    return one.broken is not None or (one.first is not None and one.first.raised is not None)


def _place(port: Port, one: Comparison) -> tuple[str, int]:
    """Where an exception came from in the port's files, else the class's `call`."""
    raised = one.broken or (one.first.raised if one.first else None)
    ours = [frame for frame in raised.frames if frame[0] in port.changed] if raised else []
    if ours:
        return ours[-1][0], ours[-1][1]
    module, found = port.of(one.name)
    method = found.methods.get("call")
    return module.path, method.line if method is not None else found.line


def _some(names: Sequence[str], most: int = 3) -> str:
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

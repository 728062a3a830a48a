"""Where a model departs from PyTorch, in the words of the candidate's own process: read as a stranger's, and held against the source.

Whether outputs differ is decided before and without it; a forged site can only mislead its author.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checks.execution import untrusted

MOST = 50
"""Sites of one class."""
KINDS = ("layer", "between")
EDIT = 2_000
"""Characters of a replacement."""


def sites_of(told: object) -> Iterator[dict[str, Any]]:
    """Sites as the report has them; what is malformed is left out."""
    for entry in untrusted.sequence(told, MOST):
        site = untrusted.mapping(entry)
        kind = site.get("kind")
        line = site.get("line")
        if kind not in KINDS or type(line) is not int or not 0 <= line < 1_000_000:
            continue
        yield {
            "kind": kind,
            "tf_path": untrusted.text(site.get("tf_path"), 300),
            "pytorch_path": untrusted.text(site.get("pytorch_path"), 300),
            "symbol": untrusted.text(site.get("symbol"), 200),
            "path": untrusted.text(site.get("path"), 300),
            "line": line,
            "difference": _number(site.get("difference")),
            "confirmed": site.get("confirmed") is True,
            "cause": _cause(site.get("cause")),
            "edits": list(_edits(site.get("edits"))),
            "places": int(untrusted.number(site.get("places"), 10_000)),
        }


def within(sites: Sequence[Mapping[str, Any]], texts: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The sites that lie in one of the port's own files, with those of their edits that do.

    Args:
        texts: of the port's TensorFlow modules by path.
    """
    sizes = {path: text.split("\n") for path, text in texts.items()}
    for site in sites:
        lines = sizes.get(site["path"], [])
        if not 1 <= site["line"] <= len(lines):
            continue
        edits = [edit for edit in site["edits"] if _fits(edit, sizes)]
        yield {**site, "edits": edits}


def profile_of(told: object) -> tuple[tuple[str, float], ...]:
    """The difference at each layer, in the order of execution."""
    found: list[tuple[str, float]] = []
    for entry in untrusted.sequence(told, 5_000):
        parts = untrusted.sequence(entry, 2)
        if len(parts) == 2 and isinstance(parts[0], str):
            value = _number(parts[1])
            found.append((untrusted.text(parts[0], 300), math.inf if value is None else value))
    return tuple(found)


def _number(value: object) -> float | None:
    """A difference; None where it is infinite, or none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value) if value >= 0 else None


def _cause(told: object) -> dict[str, Any] | None:
    cause = untrusted.mapping(told)
    kind = untrusted.text(cause.get("kind"), 60)
    if not kind:
        return None
    after = _number(cause.get("after"))
    return {
        "kind": kind,
        "text": " ".join(untrusted.text(cause.get("text"), 600).split()),
        "confirmed": cause.get("confirmed") is True and after is not None,
        "after": after,
    }


def _edits(told: object) -> Iterator[dict[str, Any]]:
    for entry in untrusted.sequence(told, 20):
        edit = untrusted.mapping(entry)
        start, end = _position(edit.get("start")), _position(edit.get("end"))
        text = edit.get("text")
        if start is None or end is None or end < start or not isinstance(text, str) or len(text) > EDIT:
            continue
        if untrusted.text(text, EDIT) == text:
            yield {
                "path": untrusted.text(edit.get("path"), 300),
                "start": list(start),
                "end": list(end),
                "text": text,
            }


def _position(told: object) -> tuple[int, int] | None:
    parts = untrusted.sequence(told, 3)
    if len(parts) == 2 and all(type(part) is int and 1 <= part < 1_000_000 for part in parts):
        return parts[0], parts[1]
    return None


def _fits(edit: Mapping[str, Any], sizes: Mapping[str, Sequence[str]]) -> bool:
    lines = sizes.get(edit["path"], [])
    return all(
        1 <= line <= len(lines) and column <= len(lines[line - 1]) + 1
        for line, column in (edit["start"], edit["end"])
    )

"""Departures of a forced run as sites: equal ones of layer.0, layer.1, … are one, and only those count with which the outputs agree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Set

from .forced import Departure, Key


@dataclass
class Cause:
    """Why a site differs.

    Attributes:
        confirmed: with the change that `text` says the difference vanished, to `after`.
    """

    kind: str
    text: str
    confirmed: bool
    after: Optional[float] = None


@dataclass
class Site:
    """A place in the TensorFlow code that departs from PyTorch. Fields as in the report; `departures` are its occurrences."""

    kind: str
    tf_path: str
    pytorch_path: str
    symbol: str = ""
    path: str = ""
    line: int = 0
    difference: float = 0.0
    confirmed: bool = False
    cause: Optional[Cause] = None
    edits: List[Dict[str, Any]] = field(default_factory=list)
    departures: List[Departure] = field(default_factory=list, repr=False)

    def data(self) -> Dict[str, Any]:
        """As the report holds it."""
        found = {
            name: getattr(self, name)
            for name in (
                "kind",
                "tf_path",
                "pytorch_path",
                "symbol",
                "path",
                "line",
                "difference",
                "confirmed",
            )
        }
        cause = vars(self.cause) if self.cause is not None else None
        return {**found, "cause": cause, "edits": self.edits, "places": len(self.departures)}


def general(path: str) -> str:
    """A path without the numbers of its layers."""
    return re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", path)


def grouped(departures: Sequence[Departure]) -> List[Site]:
    """One site for what differs in the same way in repeated layers, in PyTorch's order of execution."""
    found: Dict[Any, Site] = {}
    for departure in sorted(departures, key=lambda d: d.order):
        side, path, _ = departure.key
        key = (side, general(path), departure.leaf, general(departure.owner), departure.first, departure.last)
        site = found.get(key)
        if site is None:
            kind = "layer" if departure.leaf else "between"
            site = found[key] = Site(kind, path, departure.pytorch_path, difference=departure.difference)
        site.difference = max(site.difference, departure.difference)
        site.departures.append(departure)
    return list(found.values())


def keys(sites: Sequence[Site]) -> Set[Key]:
    """What has to be overwritten to mend the sites."""
    return {departure.key for site in sites for departure in site.departures}


def confirmed(sites: Sequence[Site], agrees: Callable[[Set[Key]], bool]) -> List[Site]:
    """The sites without which the outputs do not agree; empty where they do not agree with all of them either.

    Args:
        agrees: the outputs agree with PyTorch's values at exactly these places.
    """
    if not sites or not agrees(keys(sites)):
        return []
    needed = list(sites)
    for site in list(sites):
        rest = [other for other in needed if other is not site]
        if agrees(keys(rest)):
            needed = rest
    for site in needed:
        site.confirmed = True
    return needed

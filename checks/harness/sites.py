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
        return {**found, "cause": cause, "edits": self.edits, "places": max(1, len(self.departures))}


def general(path: str) -> str:
    """A path without the numbers of its layers."""
    return re.sub(r"(^|\.)\d+(?=\.|$)", r"\1*", path)


def grouped(
    departures: Sequence[Departure], code_of: Callable[[Departure], str] = lambda d: ""
) -> List[Site]:
    """One site for what comes from the same code, in PyTorch's order of execution.

    Args:
        code_of: names the code that a departure comes from: class and attribute; "" where that is unknown, then paths decide.
    """
    found: Dict[Any, Site] = {}
    for departure in sorted(departures, key=lambda d: d.order):
        side, path, _ = departure.key
        where = code_of(departure) or (general(path), general(departure.owner))
        key = (side, where, departure.leaf, departure.first, departure.last)
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


def confirmed(
    sites: Sequence[Site],
    run: Callable[[Set[Key]], Any],
    gap: Callable[[Any, Any], float],
    expected: Any,
    limit: float,
) -> List[Site]:
    """The sites that matter, if PyTorch's values at exactly them make the outputs agree; else none.

    The model's own output can't be tested in this way, as it would agree by definition. It counts where everything in the model was
    forced and the other sites do not suffice: then only the model's own `call` is left.

    Args:
        run: the model's output with PyTorch's values at these places.
        gap: the largest difference of two outputs.
    """
    inner = [site for site in sites if site.departures[0].key[1]]
    own = [site for site in sites if not site.departures[0].key[1]]
    if not sites:
        return []
    enough = bool(inner) and gap(run(keys(inner)), expected) <= limit
    if not enough and not own:
        return []
    needed = [site for site in inner if _matters(site, inner, run, gap, limit)]
    if not enough:
        needed += own
    for site in needed:
        site.confirmed = True
    return needed


def _matters(
    site: Site,
    sites: Sequence[Site],
    run: Callable[[Set[Key]], Any],
    gap: Callable[[Any, Any], float],
    limit: float,
) -> bool:
    """With everything before the site mended, mending the site changes the outputs. What lies behind it or around it is left as it is,
    since that would hide the change."""
    order = site.departures[0].order
    before = [o for o in sites if o is not site and o.departures[0].order < order and not _around(o, site)]
    return gap(run(keys([*before, site])), run(keys(before))) > limit


def _around(one: Site, other: Site) -> bool:
    side, path, _ = one.departures[0].key
    return side == "out" and any(d.key[1].startswith(path + ".") for d in other.departures)

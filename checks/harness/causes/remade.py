"""Experiments for a model that cannot be built, as its shapes do not fit: it is made anew with one argument of the layer changed."""

from __future__ import annotations

import math
from typing import Any, Callable

from .. import where
from ..record import plain
from ..record_tf import run_tf
from ..sites import Cause, Site
from .attributes import made_at
from .live import guarded, in_place
from .variant import edits

MOST = 16
"""Models that are made."""


def diagnose_remade(site: Site, comparison: Any, remake: Callable[[], Any]) -> None:
    """Sets the cause and the edit of a layer with a wrong shape, if a model that is made with another argument gives PyTorch's outputs."""
    first = next((one for one in site.departures if math.isinf(one.difference)), site.departures[0])
    path = first.key[1]
    found = made_at(path, comparison)
    if found is None:
        return
    function, _, hyper, written = found
    for variant in [*hyper, *written][:MOST]:
        try:
            with guarded(), in_place(function, variant.changes):
                model = remake()
                after = comparison.judged(plain(run_tf(model, comparison.inputs)))
        except Exception:  # most variants do not fit, either
            continue
        if after <= comparison.limit:
            site.cause = Cause(variant.kind, variant.text, True, after)
            file = where.relative(function.file, comparison.root)
            site.path, site.line, site.confirmed = file, variant.line, True
            site.edits = edits(file, variant.changes)
            return

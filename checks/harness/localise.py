"""Names the places in which a TensorFlow model departs from PyTorch's recorded run, and why."""

from __future__ import annotations

import time
from typing import Any, Callable, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from . import where
from .arrays import difference
from .forced import Forcing, Key
from .layouts import fit
from .load import _renamed, pytorch_names
from .match import Layer, match
from .record import Event, Module, tensors
from .record_tf import layers as all_layers
from .sites import Cause, Site, confirmed, grouped


class Comparison:
    """A TensorFlow model, and what PyTorch's did with the same weights and inputs.

    Args:
        model: built and loaded.
        inputs: arrays and plain values by argument.
        events, modules: of `record_torch`.
        weights: PyTorch's state dict as arrays.
        limit: largest difference that is rounding: 1e-8 in float64, 1e-4 in float32.
        root: folder of the tree, to name files in it.
    """

    def __init__(
        self,
        model: Any,
        inputs: Mapping[str, Any],
        events: Sequence[Event],
        modules: Sequence[Module],
        weights: Mapping[str, np.ndarray],
        limit: float,
        root: str = "",
    ) -> None:
        self.model, self.inputs, self.limit, self.root = model, dict(inputs), limit, root
        self.weights = weights
        self.events = {(event.path, event.call): event for event in events}
        self.modules = {module.path: module for module in modules}
        self.layers = all_layers(model)
        self.names = pytorch_names(model, weights)
        self.pairs = match(
            described(self.layers, self.names, weights), list(modules), str(model.base_model_prefix)
        )
        self.expected = events[0].output if events else None

    def forcing(self, **options: Any) -> Forcing:
        """A run of the model that can be forced."""
        return Forcing(self.model, self.events, self.pairs, self.limit, **options)

    def gap(self, only: Set[Key], instead: Optional[Mapping[str, Any]] = None) -> float:
        """The largest difference of the model's outputs, with PyTorch's values at these places; infinite where it raises."""
        try:
            output = self.forcing(only=only, instead=instead or {}).run(self.inputs)
        except Exception:
            return float("inf")
        return outputs_gap(output, self.expected)


def outputs_gap(output: Any, expected: Any) -> float:
    """The largest difference of two models' outputs: tensors of one name, or where they have none, of one position."""
    ours, theirs = dict(tensors(output)), dict(tensors(expected))
    common = [path for path in ours if path in theirs]
    if not common:
        pairs = list(zip(ours.values(), theirs.values()))
    else:
        pairs = [(ours[path], theirs[path]) for path in common]
    worst = 0.0
    for value, reference in pairs:
        if value.shape == reference.shape:
            gap = difference(value, reference)[0]
        else:
            gap = fit(reference, value)[1]
        worst = max(worst, gap)
    return worst


def described(
    layers: Mapping[str, Any], names: Mapping[int, Tuple[str, Any]], weights: Mapping[str, Any]
) -> List[Layer]:
    """The layers as the matching needs them. Weights that PyTorch does not know are left out."""
    known = {_renamed(name): name for name in weights}
    found: List[Layer] = []

    def named(variables: Any) -> List[str]:
        plausible = (names[id(v)][0] for v in variables if id(v) in names)
        return [known[name] for name in plausible if name in known]

    for path, layer in layers.items():
        below = named(list(layer.trainable_weights) + list(layer.non_trainable_weights))
        inner: Set[int] = set()
        for other, child in layers.items():
            if other != path and (not path or other.startswith(path + ".")):
                inner |= {id(v) for v in list(child.trainable_weights) + list(child.non_trainable_weights)}
        own = named(
            [
                v
                for v in list(layer.trainable_weights) + list(layer.non_trainable_weights)
                if id(v) not in inner
            ]
        )
        found.append(Layer(path, type(layer).__name__, own, below))
    return found


def localise(
    model: Any,
    inputs: Mapping[str, Any],
    events: Sequence[Event],
    modules: Sequence[Module],
    weights: Mapping[str, np.ndarray],
    limit: float = 1e-8,
    root: str = "",
    seconds: float = 20.0,
    found_sites: Optional[Callable[[List[Site]], None]] = None,
) -> List[Site]:
    """The confirmed sites of a model whose outputs differ, each with its cause where an experiment has found it.

    Nothing is reported where the outputs agree, or where PyTorch's values at the sites do not make them agree. A forward that raises
    gives the innermost layer that was running, unconfirmed.

    Args:
        seconds: time for experiments, for all sites together.
        found_sites: is told the sites before the experiments begin: an experiment may take the process with it.
    """
    comparison = Comparison(model, inputs, events, modules, weights, limit, root)
    free = comparison.gap(set())
    if free <= limit:
        return []
    run = comparison.forcing(keep=True)
    raised: Optional[Exception] = None
    try:
        run.run(comparison.inputs)
    except Exception as error:
        raised = error
    found = grouped(run.departures)
    for site in found:
        locate(site, comparison)
    if raised is not None:
        return found[:1] or [_raised(run, comparison, raised)]
    sites = confirmed(found, lambda only: comparison.gap(only) <= limit)
    if found_sites is not None:
        found_sites(sites)
    from .causes import diagnose

    end = time.time() + seconds
    for number, site in enumerate(sites):
        others = [other for other in sites if other is not site]
        share = time.time() + (end - time.time()) / (len(sites) - number)
        diagnose(site, others, comparison, run, share)
    return sites


def locate(site: Site, comparison: Comparison) -> None:
    """Sets the class, the file and the line of a site."""
    departure = site.departures[0]
    path = departure.owner
    layer = comparison.layers.get(path)
    call = where.method(type(layer), "call") if layer is not None else None
    if departure.leaf and call is None:
        above, attribute = where.owner_of(path, comparison.layers)
        site.symbol = type(comparison.layers[above]).__name__
        found = where.assignment(type(comparison.layers[above]), attribute)
        if found is not None:
            site.path, site.line = where.relative(found[0].file, comparison.root), found[1].lineno
        return
    site.symbol = type(layer).__name__
    if call is not None:
        site.path = where.relative(call.file, comparison.root)
        site.line = departure.last or departure.first or call.node.lineno


def _raised(run: Forcing, comparison: Comparison, error: Exception) -> Site:
    path = run.stack[-1].path if run.stack else ""
    layer = comparison.layers[path]
    site = Site("layer", path, comparison.pairs.get(path, ""), type(layer).__name__, difference=float("inf"))
    site.cause = Cause("raises", f"{type(error).__name__}: {str(error)[:300]}", False)
    call = where.method(type(layer), "call")
    if call is not None:
        site.path, site.line = where.relative(call.file, comparison.root), call.node.lineno
    return site

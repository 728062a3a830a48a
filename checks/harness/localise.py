"""Names the places in which a TensorFlow model departs from PyTorch's recorded run, and why."""

from __future__ import annotations

import math
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from . import where
from .arrays import difference
from .forced import Departure, Forcing, Key
from .layouts import fit
from .load import _renamed, fitted, own_weight, pytorch_names
from .match import Layer, match
from .misnamed import Misnamed, misnamed
from .misnamed import sites as names_of
from .record import Event, Module, tensors
from .record_tf import layers as all_layers
from .sites import Cause, Site, confirmed, general, grouped, keys

Call = Tuple[Mapping[str, Any], Sequence[Event]]
"""The inputs of one call of PyTorch's model, and what happened in it."""


class Comparison:
    """A TensorFlow model, and what PyTorch's did with the same weights and inputs.

    Args:
        model: built and loaded.
        inputs: arrays and plain values by argument.
        events, modules: of `record_torch`.
        weights: PyTorch's state dict as arrays.
        limit: largest difference that is rounding: 1e-8 in float64, 1e-4 in float32.
        root: folder of the tree, to name files in it.
        also: inputs and events of more calls of the same model: a cause has to mend them, too.
        renamed: variables that got the weights which they mean.
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
        also: Sequence[Call] = (),
        renamed: Sequence[Misnamed] = (),
    ) -> None:
        self.model, self.inputs, self.limit, self.root = model, dict(inputs), limit, root
        self.weights = weights
        self.events = {(event.path, event.call): event for event in events}
        self.modules = {module.path: module for module in modules}
        self.layers = all_layers(model)
        self.paths = {id(layer): path for path, layer in self.layers.items()}
        self.names = pytorch_names(model, weights) if model.built and _variables(model) else {}
        for one in renamed:
            self.names[id(one.variable)] = (_renamed(one.right), self.names[id(one.variable)][1])
        self.pairs = match(
            described(self.layers, self.names, weights), list(modules), str(model.base_model_prefix)
        )
        self.expected = events[0].output if events else None
        self.also = [
            (dict(given), {(e.path, e.call): e for e in more}, more[0].output) for given, more in also if more
        ]
        self.allowed: Optional[Set[Key]] = None
        self.needed: Optional[Set[Any]] = None
        self.unbuilt = [path for path, layer in self.layers.items() if path and not layer.built]
        self.unbuilt_first = list(self.unbuilt)

    def fill(self) -> bool:
        """Gives layers that the model as it is never calls, and an experiment has just built, PyTorch's weights. True if there were any."""
        filled = False
        for path in list(self.unbuilt):
            if not _variables(self.layers[path]):
                continue
            if path not in self.unbuilt:
                continue
            self.unbuilt.remove(path)
            if self._as_sibling(path):
                self.unbuilt = [one for one in self.unbuilt if not one.startswith(path + ".")]
                filled = True
            else:
                filled = self._as_named(path) or filled
        return filled

    def _as_sibling(self, path: str) -> bool:
        """A layer of a list whose other layers have run: its weights are called as theirs, with another number."""
        stem, _, number = path.rpartition(".")
        if not number.isdigit():
            return False
        known = {_renamed(name): name for name in self.weights}
        for other, twin in list(self.pairs.items()):
            layer, sibling = self.layers[path], self.layers.get(other)
            alike = other.rpartition(".")[0] == stem and other != path and type(sibling) is type(layer)
            if not alike or sibling is None or not sibling.built or other in self.unbuilt_first:
                continue
            begin = twin.rpartition(".")[0] + "." + number if "." in twin else number
            for variable, model in zip(_variables(layer), _variables(sibling)):
                name, transpose = self.names.get(id(model), ("", False))
                mine = known.get(begin + name[len(twin) :], "")
                source = self.weights.get(mine) if name.startswith(twin + ".") else None
                array = fitted(source, transpose, tuple(variable.shape)) if source is not None else None
                if array is None:
                    return False
                variable.assign(array)
            for below, module in list(self.pairs.items()):
                if below == other or below.startswith(other + "."):
                    mine = path + below[len(other) :]
                    if mine in self.layers:
                        self.pairs.setdefault(mine, begin + module[len(twin) :])
            return True
        return False

    def _as_named(self, path: str) -> bool:
        """A layer that stands in PyTorch's module under the same attribute."""
        above, attribute = where.owner_of(path, self.layers)
        twin = ".".join(part for part in (self.pairs.get(above, ""), attribute) if part)
        if above not in self.pairs or twin not in self.modules:
            return False
        self.pairs.setdefault(path, twin)
        for variable in _variables(self.layers[path]):
            array = own_weight(self.weights, twin, variable)
            if array is not None:
                variable.assign(array)
        return True

    def unexpected(self, now: Set[Key], before: Set[Key]) -> Set[Key]:
        """Departures that were not there before. A layer that an experiment has just built departs as those of its kind do: some give
        what nobody uses."""
        alike = {(side, general(path)) for side, path, _ in before}
        return {
            (side, path, call)
            for side, path, call in now - before
            if (side, general(path)) not in alike or path not in self.unbuilt_first
        }

    def judged(self, output: Any) -> float:
        """The largest difference of a whole output from PyTorch's."""
        return outputs_gap(output, self.expected)

    def forget(self) -> None:
        """Unbuilds the layers that a failed experiment has built, perhaps for another shape than the right one will have."""
        for path in self.unbuilt_first:
            layer = self.layers[path]
            if layer.built and hasattr(layer, "_trainable_weights"):
                layer._trainable_weights, layer._non_trainable_weights = [], []
                layer.built = False
        self.unbuilt = list(self.unbuilt_first)

    def forcing(self, **options: Any) -> Forcing:
        """A run of the model that can be forced."""
        return Forcing(self.model, self.events, self.pairs, self.limit, paths=self.paths, **options)

    def code(self, departure: Departure) -> str:
        """Class, and for a layer that a library defines the attribute, in whose code a departure lies."""
        path = departure.owner
        cls = type(self.layers[path])
        if not departure.leaf or where.method(cls, "call") is not None:
            return cls.__name__
        above, attribute = where.owner_of(path, self.layers)
        return f"{type(self.layers[above]).__name__}.{attribute}"

    def output(self, only: Set[Key]) -> Any:
        """The model's output with PyTorch's values at these places."""
        return self.forcing(only=only).run(self.inputs)

    def gap(self, only: Set[Key], instead: Optional[Mapping[str, Any]] = None) -> float:
        """The largest difference of the model's outputs, with PyTorch's values at these places; infinite where it raises.

        While a cause is examined it is infinite too where a forced run shows a departure that is not in `allowed`: values that are
        overwritten further on would hide that a change mends the one place and breaks the next.
        """
        try:
            if self.allowed is not None:
                forced = self.forcing(instead=instead or {})
                forced.run(self.inputs)
                if self.unexpected({departure.key for departure in forced.departures}, self.allowed):
                    return float("inf")
            output = self.forcing(only=only, instead=instead or {}).run(self.inputs)
        except Exception:
            return float("inf")
        paths = {path for path, _ in tensors(output)}
        if self.needed is None:
            self.needed = paths
        if not self.needed <= paths:
            return float("inf")  # an output that is lost is not mended
        gap = outputs_gap(output, self.expected)
        if self.allowed is not None and gap <= self.limit:
            gap = max([gap, *(self._again(call, only, instead or {}) for call in self.also)])
        return gap

    def _again(self, call: Any, only: Set[Key], instead: Mapping[str, Any]) -> float:
        inputs, events, expected = call
        again = Forcing(
            self.model, events, self.pairs, self.limit, only=only, instead=instead, paths=self.paths
        )
        try:
            return outputs_gap(again.run(inputs), expected)
        except Exception:
            return float("inf")

    def keep_fit(self, sites: Sequence[Site]) -> None:
        """Of the further calls, keeps those in which nothing but these sites differs: the others would refute every cause."""
        wanted = {key for key in keys(sites) if key[1]}
        self.also = [call for call in self.also if self._again(call, wanted, {}) <= self.limit]


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


def _variables(layer: Any) -> List[Any]:
    """A layer's variables; none where it is not built, as in a model whose forward raises."""
    try:
        return list(layer.trainable_weights) + list(layer.non_trainable_weights)
    except ValueError:
        return []


def described(
    layers: Mapping[str, Any], names: Mapping[int, Tuple[str, Any]], weights: Mapping[str, Any]
) -> List[Layer]:
    """The layers as the matching needs them. Weights that PyTorch does not know are left out."""
    known = {_renamed(name): name for name in weights}
    found: List[Layer] = []

    def named(variables: Any) -> List[str]:
        plausible = (names[id(v)][0] for v in variables if id(v) in names)
        return [known[name] for name in plausible if name in known]

    variables = {path: _variables(layer) for path, layer in layers.items()}
    homes: Dict[int, str] = {}
    # The smallest layer that has it: one that is handed a layer of another (shared embeddings) owns none of its weights.
    for path in sorted(variables, key=lambda one: (-len(variables[one]), one.count("."))):
        homes.update({id(variable): path for variable in variables[path]})
    for path, layer in layers.items():
        below = named(variables[path])
        own = named([v for v in variables[path] if homes[id(v)] == path])
        found.append(Layer(path, type(layer).__name__, own, below, bool(variables[""])))
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
    also: Sequence[Call] = (),
    remake: Optional[Callable[[], Any]] = None,
) -> List[Site]:
    """The confirmed sites of a model whose outputs differ, each with its cause where an experiment has found it.

    Nothing is reported where the outputs agree, or where PyTorch's values at the sites do not make them agree. A forward that raises
    gives the innermost layer that was running, unconfirmed.

    Args:
        seconds: time for experiments, for all sites together.
        also: more calls, see `Comparison`.
        remake: makes, builds and loads the model anew: the experiment for shapes that do not fit.
        found_sites: is told the sites before the experiments begin: an experiment may take the process with it.
    """
    given = (model, inputs, events, modules, weights, limit, root, also)
    wrong = misnamed(model, weights) if model.built and _variables(model) else []
    if wrong:
        before = [one.variable.numpy() for one in wrong]
        free = Comparison(*given).gap(set())
        for one in wrong:
            one.variable.assign(one.array)
        comparison = Comparison(*given, renamed=wrong)
        found = names_of(wrong, comparison.layers, root, free)
        more = _localised(comparison, seconds, found_sites, found, None) if free > limit else []
        if more:
            return more
        for one, value in zip(wrong, before):
            one.variable.assign(value)
    return _localised(Comparison(*given), seconds, found_sites, [], remake)


def _localised(
    comparison: Comparison,
    seconds: float,
    found_sites: Optional[Callable[[List[Site]], None]],
    named: List[Site],
    remake: Optional[Callable[[], Any]],
) -> List[Site]:
    """The sites; with `named`, whose weights the model has been given, before them if that is all or those are confirmed."""
    limit = comparison.limit
    free = comparison.gap(set())
    if free <= limit:
        for site in named:
            _confirm(site, free)
        return named
    run = comparison.forcing(keep=True)
    raised: Optional[Exception] = None
    try:
        run.run(comparison.inputs)
    except Exception as error:
        raised = error
    found = grouped(run.departures, comparison.code)
    for site in found:
        locate(site, comparison)
    if named and raised is not None:
        return []
    if raised is not None or not comparison.names:
        # Without its weights every layer differs: only shapes tell.
        shapes = [site for site in found if math.isinf(site.difference)]
        meant = shapes if not comparison.names else shapes or found
        for site in shapes:
            site.cause = _shapes(site)
        if shapes and shapes[0].kind == "layer" and remake is not None:
            from .causes.remade import diagnose_remade

            diagnose_remade(shapes[0], comparison, remake)
        raises = [_raised(run, comparison, raised)] if raised is not None else []
        return meant[:1] or raises
    sites = confirmed(found, comparison.output, outputs_gap, comparison.expected, limit)
    if named:
        left = comparison.gap({key for key in keys(sites) if key[1]}) if sites else float("inf")
        if left > limit:
            return []
        for site in named:
            _confirm(site, left)
    if found_sites is not None:
        found_sites(sites)
    from .causes import diagnose

    comparison.keep_fit(sites)
    end = time.time() + seconds
    # What goes into a layer inside comes before what comes out of the code around it.
    waiting = sorted(sites, key=lambda site: site.departures[0].key[0] == "out" and site.kind == "between")
    while waiting:
        site = waiting.pop(0)
        others = [other for other in sites if other is not site]
        share = time.time() + (end - time.time()) / (len(waiting) + 1)
        mended = diagnose(site, others, comparison, run, share)
        waiting = [other for other in waiting if not any(other is one for one in mended)]
    return [*named, *sites]


def _confirm(site: Site, after: float) -> None:
    site.confirmed = True
    if site.cause is not None:
        site.cause.confirmed, site.cause.after = True, after


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


def _shapes(site: Site) -> Optional[Cause]:
    first = next((one for one in site.departures if math.isinf(one.difference)), site.departures[0])
    if first.value is None or first.expected is None:
        return None
    ours, theirs = np.shape(first.value), np.shape(first.expected)
    return Cause("shape", f"it gets or gives the shape {ours}, PyTorch {theirs}", False)


def _raised(run: Forcing, comparison: Comparison, error: Exception) -> Site:
    path = run.stack[-1].path if run.stack else ""
    layer = comparison.layers[path]
    site = Site("layer", path, comparison.pairs.get(path, ""), type(layer).__name__, difference=float("inf"))
    site.cause = Cause("raises", f"{type(error).__name__}: {str(error)[:300]}", False)
    call = where.method(type(layer), "call")
    if call is not None:
        site.path, site.line = where.relative(call.file, comparison.root), call.node.lineno
    return site

"""Experiments on what `__init__` sets: the arguments with which a layer is made, numbers and functions kept as attributes, weights."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from .. import where
from ..load import TORCH_NAMES, fitted, own_name, own_weight
from .calls import agrees_again, members, owners
from .live import changed
from .variant import Variant
from .variants import variants

KEYWORDS = {
    "eps": "epsilon",
    "epsilon": "epsilon",
    "variance_epsilon": "epsilon",
    "stride": "strides",
    "dilation": "dilation_rate",
    "groups": "groups",
    "kernel_size": "kernel_size",
    "use_bias": "use_bias",
}
"""PyTorch's attributes and Keras' arguments for the same thing."""


class Scope(dict):
    """Names as `__init__` sees them, as far as they can still be told: `self`, `config`, and attributes that are called alike."""

    def __init__(self, layer: Any, model: Any) -> None:
        config = getattr(layer, "config", None) or model.config
        super().__init__(self=layer, config=config)

    def __missing__(self, name: str) -> Any:
        for holder in (self["self"], self["config"]):
            if name in vars(holder):
                return vars(holder)[name]
        raise KeyError(name)


def _evaluated(function: Any, node: Any, changes: List[Any], scope: Scope) -> Any:
    """The value of an expression of `__init__` with changes."""
    base = node.lineno
    moved = [(a - base + 1, b, c - base + 1, d, text) for a, b, c, d, text in changes]
    lines = function.lines[base - 1 : node.end_lineno]
    lines[-1] = lines[-1][: node.end_col_offset]
    text = "\n".join(changed(lines, moved))[node.col_offset :]
    return eval(compile(f"({text})", function.file, "eval"), vars(function.module), scope)


def within(node: Any, found: List[Variant]) -> List[Variant]:
    begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return [
        v
        for v in found
        if all(begin <= (c[0], c[1]) and (c[2], c[3]) <= end and (c[0], c[1]) != begin for c in v.changes)
    ]


def makers_of(function: Any, statement: Any, layer: Any) -> List[Any]:
    """The calls in a statement that make a layer of this class."""
    return [
        n
        for n in ast.walk(statement)
        if isinstance(n, ast.Call)
        and function.lines[n.func.end_lineno - 1][: n.func.end_col_offset].endswith(type(layer).__name__)
    ]


def made_at(path: str, comparison: Any) -> Optional[Tuple[Any, ast.Call, List[Any], List[Variant]]]:
    """Where `__init__` makes a layer: the function, the call, its arguments as PyTorch's module has them, and its variants; None if unknown."""
    above, attribute = where.owner_of(path, comparison.layers)
    layer = comparison.layers[path]
    found = where.assignment(type(comparison.layers[above]), attribute)
    if found is None:
        return None
    function, statement = found
    makers = makers_of(function, statement, layer)
    if not makers:
        return None
    module = comparison.modules.get(comparison.pairs.get(path, ""))
    hyper = from_hyper(function, makers[0], module, comparison.model.config, layer)
    return function, makers[0], hyper, within(makers[0], variants(function))


def in_constructor(site: Any, rest: Any, comparison: Any, run: Any) -> Iterator[Any]:
    """Trials: the layer is made anew with one argument changed, with the same weights."""
    path = site.departures[0].key[1]
    found = made_at(path, comparison)
    if found is None:
        return
    function, node, hyper, written = found
    candidates = [*hyper, *_pooling(function, node), *written]
    paths = list(dict.fromkeys(d.key[1] for d in site.departures))
    for variant in candidates:

        def instead(variant: Variant = variant) -> Dict[str, Any]:
            return {p: _anew(function, node, variant, p, comparison) for p in paths}

        change: Any = (function, variant.changes)
        if isinstance(variant, Hyper):
            values = [variant.of(comparison.modules.get(comparison.pairs.get(p, ""))) for p in paths]
            if any(value != values[0] for value in values) and not variant.named:
                change = None  # no literal fits all of them

        def agrees(make: Any = instead) -> bool:
            return agrees_again(site, comparison, run, path, instead=make())

        def gap(make: Any = instead) -> float:
            return comparison.gap(rest, make())

        yield variant.rank, variant.kind, variant.text, agrees, gap, change


@dataclass
class Hyper(Variant):
    """An argument set to what PyTorch's module has.

    Attributes:
        torch, keyword: PyTorch's name of it and Keras'.
        named: the new text names a variable, so that it fits each layer which the statement makes.
    """

    torch: str = ""
    keyword: str = ""
    named: bool = False

    def of(self, module: Any) -> Any:
        """The value in this module; None without one."""
        if module is None:
            return None
        return "bias" in module.parameters if self.torch == "use_bias" else module.hyper.get(self.torch)


def _anew(function: Any, node: Any, variant: Variant, path: str, comparison: Any) -> Any:
    above, _ = where.owner_of(path, comparison.layers)
    old = comparison.layers[path]
    module = comparison.modules.get(comparison.pairs.get(path, ""))
    config = old.get_config() if isinstance(variant, Hyper) else {}
    if isinstance(variant, Hyper) and variant.keyword in config and variant.of(module) is not None:
        new = type(old).from_config({**config, variant.keyword: variant.of(module)})
    else:
        scope = Scope(comparison.layers[above], comparison.model)
        scope.update(_arguments(node, old))
        new = _evaluated(function, node, [*variant.changes, *_unnamed(node)], scope)

    def call(*positional: Any, **named: Any) -> Any:
        if not new.built:
            new(*positional, **named)
            _take_weights(new, old, comparison.pairs.get(path, ""), comparison.weights)
        return new(*positional, **named)

    return call


def _arguments(node: Any, layer: Any) -> Dict[str, Any]:
    """Values of the variables that a layer was made with, as it keeps them: arguments of `__init__` can't be asked any more."""
    names = [p for p in inspect.signature(type(layer).__init__).parameters if p != "self"]
    given = [*zip(names, node.args), *((k.arg, k.value) for k in node.keywords)]
    found: Dict[str, Any] = {}
    for name, value in given:
        if isinstance(value, ast.Name) and name is not None and name in vars(layer):
            found[value.id] = vars(layer)[name]
    return found


def _unnamed(node: Any) -> List[Any]:
    """A change to a plain name: the variables in an f-string can't be asked any more."""
    spots = [k.value for k in node.keywords if k.arg == "name" and isinstance(k.value, ast.JoinedStr)]
    return [(n.lineno, n.col_offset, n.end_lineno, n.end_col_offset, '"anew"') for n in spots]


def _take_weights(new: Any, old: Any, pytorch_path: str, weights: Any) -> None:
    """The layer's own; where the change gives it others (a bias, a kernel in groups), PyTorch's."""
    before = old.get_weights()
    variables = new.weights
    if [tuple(v.shape) for v in variables] == [array.shape for array in before]:
        new.set_weights(before)
        return
    for variable in variables:
        array = own_weight(weights, pytorch_path, variable)
        if array is None:
            raise ValueError(f"{pytorch_path} has nothing that fits {variable.name}")
        variable.assign(array)


def from_hyper(function: Any, node: Any, module: Any, config: Any, layer: Any) -> List[Variant]:
    """Arguments set to what PyTorch's module has."""
    found: List[Variant] = []
    if module is None:
        return found
    given = {k.arg: k for k in node.keywords}
    hyper = {**module.hyper, "use_bias": "bias" in module.parameters}
    for name, keyword in KEYWORDS.items():
        if name not in hyper or (keyword == "use_bias" and not hasattr(layer, "use_bias")):
            continue
        value = hyper[name]
        if keyword in vars(layer) and _same(getattr(layer, keyword), value):
            continue
        text = _spelled(name, value, config)
        taken = {a.arg for a in function.node.args.args} & {name, keyword, keyword.rstrip("s")}
        if taken and keyword not in given:  # what the layer is told fits each of its places
            text = sorted(taken)[0]
        width = given.get("filters")
        if keyword == "groups" and width is not None and value == getattr(layer, "filters", None):
            text = _source(function, width.value)
        kind = {"strides": "stride", "use_bias": "bias"}.get(keyword, keyword)
        if keyword in given:
            spot = given[keyword].value
            now = _source(function, spot)
            changes = [(spot.lineno, spot.col_offset, spot.end_lineno, spot.end_col_offset, text)]
            why = f"{keyword} is `{now}`, PyTorch has {value}"
        else:
            ends = [k.value for k in node.keywords] + list(node.args)
            line, column = (
                max((e.end_lineno, e.end_col_offset) for e in ends)
                if ends
                else (node.end_lineno, node.end_col_offset - 1)
            )
            changes = [(line, column, line, column, f"{', ' if ends else ''}{keyword}={text}")]
            why = f"{keyword} is Keras' default, PyTorch has {value}"
        found.append(Hyper(kind, why, changes, 0, name, keyword, not re.match(r"[\d(TF]", text)))
    return found


def _pooling(function: Any, node: Any) -> List[Variant]:
    """The mean instead of the maximum, and the other way round."""
    name = function.lines[node.func.end_lineno - 1][: node.func.end_col_offset].rpartition(".")[2].strip()
    for one, other in (("Max", "Average"), ("Average", "Max")):
        if f"{one}Pool" in name:
            new, end = name.replace(one, other), (node.func.end_lineno, node.func.end_col_offset)
            change = (end[0], end[1] - len(name), *end, new)
            return [Variant("pooling", f"`{name}` should be `{new}`", [change], 0)]
    return []


def _same(ours: Any, theirs: Any) -> bool:
    """The layer has PyTorch's value already."""
    values = [entry if isinstance(entry, (list, tuple)) else (entry,) for entry in (ours, theirs)]
    one, other = (set(entry) for entry in values)
    return one == other if len(one) == 1 or len(other) == 1 else list(values[0]) == list(values[1])


def _source(function: Any, node: Any) -> str:
    return function.lines[node.lineno - 1][
        node.col_offset : node.end_col_offset if node.lineno == node.end_lineno else None
    ]


def _spelled(name: str, value: Any, config: Any) -> str:
    if isinstance(value, list):
        return repr(value[0]) if len(set(value)) == 1 else repr(tuple(value))
    if "eps" in name:
        same = [key for key, entry in vars(config).items() if "eps" in key and entry == value]
        if len(same) == 1:
            return f"config.{same[0]}"
    return repr(value)


def in_attributes(site: Any, rest: Any, comparison: Any, run: Any) -> Iterator[Any]:
    """Trials: an attribute that is no layer is computed anew with one change, in every layer of the class."""
    for path in owners(site, comparison):
        layer = comparison.layers[path]
        call = where.method(type(layer), "call")
        if call is None:
            continue
        departure = site.departures[0]
        near = where.flow(call, departure.last if path == departure.owner else 0, departure.argument)
        functions = [call, *where.helpers(call, type(layer))]
        read = dict.fromkeys(
            n.attr
            for f in functions
            for n in ast.walk(f.node)
            if isinstance(n, ast.Attribute)
            and getattr(n.value, "id", "") == "self"
            and (f is not call or n.lineno in near)
        )
        same = [other for other in comparison.layers.values() if type(other) is type(layer)]
        _, numbers = members(layer)
        for attribute in read:
            if f"{path}.{attribute}".strip(".") in comparison.layers:
                continue
            yield from _of_attribute(site, rest, comparison, run, path, attribute, same, numbers)


def _of_attribute(
    site: Any, rest: Any, comparison: Any, run: Any, path: str, attribute: str, same: List[Any], numbers: Any
) -> Iterator[Any]:
    layer = comparison.layers[path]
    found = where.assignment(type(layer), attribute)
    if found is None or getattr(found[1], "value", None) is None:
        return
    function, statement = found
    node = statement.value
    candidates = _named(function, node, comparison.model.config)
    module = comparison.modules.get(comparison.pairs.get(path, ""))
    candidates += _epsilon(function, node, attribute, module)
    candidates += [
        v for v in variants(function, (), numbers, where.twin_source(type(layer))) if _covers(node, v)
    ]
    for variant in candidates:

        def trial(run_it: Any, variant: Variant = variant) -> Any:
            before = [getattr(other, attribute) for other in same]
            try:
                for other in same:
                    value = _evaluated(function, node, variant.changes, Scope(other, comparison.model))
                    setattr(other, attribute, value)
                return run_it()
            finally:
                for other, value in zip(same, before):
                    setattr(other, attribute, value)

        def agrees(trial: Any = trial) -> bool:
            return trial(lambda: agrees_again(site, comparison, run, path))

        def gap(trial: Any = trial) -> float:
            return trial(lambda: comparison.gap(rest))

        yield variant.rank, variant.kind, variant.text, agrees, gap, (function, variant.changes)


def _covers(node: Any, variant: Variant) -> bool:
    begin, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return all(begin <= (c[0], c[1]) and (c[2], c[3]) <= end for c in variant.changes)


def _epsilon(function: Any, node: Any, attribute: str, module: Any) -> List[Variant]:
    if "eps" not in attribute or module is None:
        return []
    values = [v for k, v in module.hyper.items() if "eps" in k]
    change = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
    return [Variant("epsilon", f"PyTorch has {v}", [(*change, repr(v))], 0) for v in values]


def _named(function: Any, node: Any, config: Any) -> List[Variant]:
    """A literal activation replaced by the configuration's."""
    found: List[Variant] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            for key in ("hidden_act", "activation_function", "dense_act_fn", "hidden_activation"):
                if key in vars(config):
                    change = (
                        inner.lineno,
                        inner.col_offset,
                        inner.end_lineno,
                        inner.end_col_offset,
                        f"config.{key}",
                    )
                    why = f'the activation is "{inner.value}", PyTorch takes config.{key} ("{getattr(config, key)}")'
                    found.append(Variant("activation", why, [change], 0))
    return found


def in_weights(site: Any, rest: Any, comparison: Any, run: Any) -> Iterator[Any]:
    """Trial: the layer gets the weights of the module with which it is paired."""
    departure = site.departures[0]
    path = departure.key[1]
    layer = comparison.layers[path]
    wanted: List[Tuple[Any, Any]] = []
    for place in dict.fromkeys(d.key[1] for d in site.departures):
        wanted += _paired(comparison, place)
    wrong = [(v, a) for v, a in wanted if not np.allclose(v.numpy(), a, rtol=1e-6, atol=0)]
    if not wrong or not layer.built:
        return

    def trial(run_it: Any) -> Any:
        before = [v.numpy() for v, _ in wrong]
        try:
            for variable, array in wrong:
                variable.assign(array)
            return run_it()
        finally:
            for (variable, _), array in zip(wrong, before):
                variable.assign(array)

    names = ", ".join(sorted({str(v.name).rsplit("/", 1)[-1].split(":")[0] for v, _ in wrong}))
    text = f"{names}: not the weights of PyTorch's `{departure.pytorch_path}`; its name leads elsewhere"
    yield (
        -1,
        "weight-name",
        text,
        lambda: trial(lambda: agrees_again(site, comparison, run, path)),
        lambda: trial(lambda: comparison.gap(rest)),
        None,
    )


def _paired(comparison: Any, path: str) -> List[Tuple[Any, Any]]:
    layer, owner = comparison.layers[path], comparison.pairs.get(path, "")
    found: List[Tuple[Any, Any]] = []
    for variable in list(layer.trainable_weights) + list(layer.non_trainable_weights):
        ending = TORCH_NAMES.get(own_name(variable))
        source: Optional[Any] = comparison.weights.get(f"{owner}.{ending}") if ending else None
        if source is None:
            continue
        transpose = comparison.names[id(variable)][1] if id(variable) in comparison.names else False
        array = fitted(source, transpose, tuple(variable.shape))
        if array is not None:
            found.append((variable, array))
    return found

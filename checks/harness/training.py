"""How a model acts in training: which dropouts act, whether statistics of batch norms move, whether a step of `fit` reaches every weight.

Each side runs in a process of its own and says what it saw as plain data; `checks.comparison.training` decides. One model per side does: its
rates are raised for the runs that count dropouts, and its dropouts are passed over (`still`) where numbers are compared.
"""

from __future__ import annotations

import copy
import re
import sys
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np

from .arrays import leaves, to_tf, to_torch

RATE = 0.1
"""Of every dropout, and a little more for each further name."""

DROPS = re.compile(r"Dropout|DropPath|StochasticDepth")
"""Classes of layers that drop something, in either framework."""

_RATES = ("rate", "p", "drop_prob", "drop_path", "drop_rate", "dropout_rate")
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict")
LARGEST = 400
"""Entries of each list that a side may say."""


def with_rates(config: Any, rate: float = RATE) -> Any:
    """A copy of the configuration in which every dropout has the rate, and no whole layer is dropped."""
    new = copy.deepcopy(config)
    _set_rates(new, rate)
    return new


def _set_rates(config: Any, rate: float) -> None:
    for number, (name, value) in enumerate(sorted(vars(config).items())):
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            _set_rates(value, rate)
        elif "layerdrop" in name or name in ("layer_drop", "apply_spec_augment"):
            if isinstance(value, (bool, int, float)):
                setattr(config, name, type(value)(0))
        elif "drop" in name:
            new = _rated(
                value, round(rate + 0.002 * number, 4)
            )  # no two alike, so that one taken for another shows
            if new is not None:
                setattr(config, name, new)


def _rated(value: Any, rate: float) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1:
        return rate
    if isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
        return type(value)(rate for _ in value)
    return None


class Watch:
    """What a run's dropouts did.

    Attributes:
        calls: for each dropout and each place that calls it: the classes that enclose it, outermost first; where it is called (file, line);
            its rate; how often it was called, and how often it changed what it was given.
        still: dropouts are passed over.
        classes: of all layers that ran.
    """

    def __init__(self) -> None:
        self.calls: Dict[Tuple[Any, ...], Dict[str, Any]] = {}
        self.classes: Dict[str, int] = {}
        self.still = False
        self._stack: List[str] = []
        self._inside = 0

    def enter(self, kind: str) -> None:
        """A layer begins."""
        self._stack.append(kind)
        self._inside += bool(DROPS.search(kind))
        self.classes[kind] = self.classes.get(kind, 0) + 1

    def leave(self, kind: str) -> None:
        """It ends."""
        self._stack.pop()
        self._inside -= bool(DROPS.search(kind))

    @property
    def nested(self) -> bool:
        """Within a layer that drops, whose functions are not counted apart."""
        return self._inside > 0

    def saw(self, kind: str, rate: float, given: Any, got: Any, place: Tuple[str, int] = ("", 0)) -> None:
        """A dropout of a positive rate was given something that is not all zero."""
        if self.still or not 0 < rate < 1:
            return
        before, after = _array(given), _array(got)
        if before is None or after is None or before.shape != after.shape or not np.any(before):
            return
        owners = tuple(k for k in self._stack if k not in _CONTAINERS and not DROPS.search(k))
        entry = self.calls.setdefault(
            (owners, kind, place),
            {
                "owners": list(owners),
                "kind": kind,
                "place": list(place),
                "rate": float(rate),
                "calls": 0,
                "acted": 0,
            },
        )
        entry["calls"] += 1
        entry["acted"] += not np.array_equal(before, after)

    def said(self) -> List[Dict[str, Any]]:
        """The calls, and a new start."""
        said, self.calls = list(self.calls.values())[:LARGEST], {}
        return said


def _array(value: Any) -> Optional[np.ndarray]:
    value = value[0] if isinstance(value, (tuple, list)) and value else value
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return value.numpy() if hasattr(value, "numpy") else None


def _rate(layer: Any) -> float:
    """A number, or a tensor that holds one; 0 where there is none."""
    for name in _RATES:
        rate = _number(getattr(layer, name, None))
        if rate is not None:
            return rate
    return 0.0


def _number(value: Any) -> Optional[float]:
    if value is None or isinstance(value, bool) or callable(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _equal(one: Any, other: Any) -> bool:
    left, right = leaves(one), leaves(other)
    return len(left) == len(right) and all(
        a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for (_, a), (_, b) in zip(left, right)
    )


# -- PyTorch -----------------------------------------------------------------------------------------------------------


def reference(model: Any, inputs: Mapping[str, Any], labels: Mapping[str, Any]) -> Dict[str, Any]:
    """What PyTorch does.

    Args:
        model: made with the configuration of `with_rates`, with the weights that the other side gets.
        inputs: arrays by argument.
        labels: what a loss needs in addition; without any there is no step.

    Returns:
        evaluation, training: calls of dropouts; deterministic; classes; norms: by name of the running mean its values before and after one
        training run without dropouts, and the momentum; loss; trained: the weights that the loss's gradient reaches, each with all its names.
    """
    import torch

    given = to_torch(dict(inputs))
    watch = Watch()
    with watched_torch(model, watch):
        with torch.no_grad():
            model.eval()
            one = model(**given)
            evaluation = watch.said()
            other = model(**given)
            watch.said()
            model.train()
            torch.manual_seed(0)
            buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
            model(**given)
            training = watch.said()
            _restore(model, buffers)
            watch.still = True
            norms = _torch_norms(model, buffers, lambda: model(**given))
            _restore(model, buffers)
        with torch.enable_grad():
            loss, trained = _torch_step(model, {**given, **to_torch(dict(labels))}) if labels else (None, [])
    with torch.no_grad():
        _restore(model, buffers)
    model.eval()
    return {
        "evaluation": evaluation,
        "training": training,
        "deterministic": _equal(one, other),
        "classes": sorted(watch.classes),
        "norms": norms,
        "loss": loss,
        "trained": trained,
    }


@contextmanager
def watched_torch(model: Any, watch: Watch) -> Iterator[None]:
    """While this holds, the watch sees every dropout of the model, functional ones too."""
    import torch.nn.functional as functional

    handles = []

    kept: List[Any] = []  # what dropouts were given: some work in place

    def before(module: Any, given: Any) -> None:
        kind = type(module).__name__
        watch.enter(kind)
        if DROPS.search(kind):
            kept.append(given[0].detach().clone() if given and not watch.still else given)

    def after(module: Any, given: Any, got: Any) -> Any:
        kind = type(module).__name__
        watch.leave(kind)
        if DROPS.search(kind):
            watch.saw(kind, _rate(module), kept.pop(), got)
        return None

    for module in model.modules():
        if DROPS.search(type(module).__name__):
            handles.append(_stilled(module, watch))
        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    originals = {
        n: getattr(functional, n)
        for n in ("dropout", "dropout2d", "alpha_dropout", "feature_dropout")
        if hasattr(functional, n)
    }

    def wrapped(original: Callable[..., Any]) -> Callable[..., Any]:
        def drop(input: Any, p: float = 0.5, *rest: Any, **named: Any) -> Any:
            if watch.still:
                return input
            kept_input = input.detach().clone()
            got = original(input, p, *rest, **named)
            if not watch.nested:
                watch.saw("dropout", _number(p) or 0.0, kept_input, got)
            return got

        return drop

    for name, original in originals.items():
        setattr(functional, name, wrapped(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(functional, name, original)
        for handle in handles:
            handle.remove()


class _stilled:
    """A dropout that passes on what it is given while the watch is still."""

    def __init__(self, module: Any, watch: Watch) -> None:
        self._module, forward = module, module.forward

        def pass_on(*given: Any, **named: Any) -> Any:
            return given[0] if watch.still and given else forward(*given, **named)

        module.forward = pass_on

    def remove(self) -> None:
        """Makes it drop again."""
        del self._module.forward


def _restore(model: Any, buffers: Mapping[str, Any]) -> None:
    for name, buffer in model.named_buffers():
        if name in buffers:
            buffer.copy_(buffers[name])


def _torch_norms(model: Any, buffers: Mapping[str, Any], run: Callable[[], Any]) -> Dict[str, Any]:
    means = {n: b for n, b in model.named_buffers() if n.endswith("running_mean")}
    if not means:
        return {}
    modules = dict(model.named_modules())
    run()
    said = {}
    for name, mean in list(means.items())[:LARGEST]:
        module = modules[name.rpartition(".")[0]]
        said[name] = {
            "momentum": getattr(module, "momentum", None),
            "before": buffers[name].double().tolist(),
            "after": mean.detach().double().tolist(),
        }
    return said


def _torch_step(model: Any, given: Dict[str, Any]) -> Tuple[Any, List[List[str]]]:
    model.zero_grad()
    try:
        loss = _loss(model(**given))
        if loss is None or not loss.requires_grad:
            return None, []
        loss.sum().backward()
    except Exception:  # the labels do not fit: nothing to compare with
        return None, []
    by_tensor: Dict[int, List[str]] = {}
    for name, value in model.state_dict(keep_vars=True).items():
        if getattr(value, "grad", None) is not None and bool((value.grad != 0).any()):
            by_tensor.setdefault(id(value), []).append(name)
    return float(loss.detach().sum()), list(by_tensor.values())


def _loss(output: Any) -> Any:
    return output.get("loss") if hasattr(output, "get") else None


# -- TensorFlow --------------------------------------------------------------------------------------------------------


def candidate(
    model: Any,
    inputs: Mapping[str, Any],
    labels: Mapping[str, Any],
    names: Mapping[int, Tuple[str, Any]],
    root: str = "",
) -> Dict[str, Any]:
    """What TensorFlow does.

    Args:
        model: built, made with the configuration of `with_rates`, with PyTorch's weights.
        names: by id of each variable its PyTorch name, as `load.pytorch_names` gives them.
        root: of the tree that is mounted.

    Returns:
        As of `reference`; `defaults_to_training`: a call without the flag gives something else than one with `training=False`;
        `trained`, `untrained`: names of trainable weights that a gradient reaches, or none; `step`: how it was done, `problem`: what it raised.
    """
    from .cases import parameters

    takes = parameters(model.call)
    given = to_tf({k: v for k, v in inputs.items() if k in takes})
    watch = Watch()
    said: Dict[str, Any] = {"evaluation": [], "training": [], "norms": {}, **_no_step()}
    with watched_tf(watch, root):
        one = model(dict(given), training=False)
        said["evaluation"] = watch.said()
        said["deterministic"] = _equal(one, model(dict(given), training=False))
        said["defaults_to_training"] = said["deterministic"] and not _equal(one, model(dict(given)))
        watch.said()
        before = [(variable, variable.numpy()) for variable in model.non_trainable_weights]
        try:
            model(dict(given), training=True)
            said["training"] = watch.said()
            _assign(before)
            watch.still = True
            said["norms"] = _tf_norms(model, names, lambda: model(dict(given), training=True))
            if labels:
                _assign(before)
                data = {k: v for k, v in {**inputs, **labels}.items() if k in takes}
                said.update(_tf_step(model, data, names))
        except Exception as error:
            said["problem"] = _problem(error)
        _assign(before)
    said["classes"] = sorted(watch.classes)
    return said


def _no_step() -> Dict[str, Any]:
    return {"step": "", "loss": None, "trained": [], "untrained": [], "problem": ""}


def _problem(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error) or 'no message'}"[:1000]


@contextmanager
def watched_tf(watch: Watch, root: str = "") -> Iterator[None]:
    """While this holds, the watch sees every dropout of eager runs."""
    import tensorflow as tf

    base = next(c for c in tf.keras.layers.Layer.__mro__ if "__call__" in vars(c))
    original, functional = base.__call__, tf.nn.dropout

    def call(self: Any, *given: Any, **named: Any) -> Any:
        kind = type(self).__name__
        drops = DROPS.search(kind) is not None
        tensors = [*given, *named.values()]
        if drops and watch.still and not watch.nested and tensors:
            return tensors[0]
        watch.enter(kind)
        try:
            got = original(self, *given, **named)
        finally:
            watch.leave(kind)
        if drops and tensors and not watch.nested:
            watch.saw(kind, _rate(self), tensors[0], got, caller(root))
        return got

    def drop(x: Any, rate: Any, *rest: Any, **named: Any) -> Any:
        if watch.nested:
            return functional(x, rate, *rest, **named)
        if watch.still:
            return x
        got = functional(x, rate, *rest, **named)
        watch.saw("dropout", _number(rate) or 0.0, x, got, caller(root))
        return got

    base.__call__, tf.nn.dropout = call, drop
    try:
        yield
    finally:
        base.__call__, tf.nn.dropout = original, functional


def caller(root: str) -> Tuple[str, int]:
    """File (below `root`) and line of the innermost modeling code that is running."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if "/modeling_tf_" in path and not path.endswith(
            ("modeling_tf_utils.py", "modeling_tf_pytorch_utils.py")
        ):
            return (path[len(root) + 1 :] if root and path.startswith(f"{root}/") else path), frame.f_lineno
        frame = frame.f_back
    return "", 0


def _tf_norms(model: Any, names: Mapping[int, Tuple[str, Any]], run: Callable[[], Any]) -> Dict[str, Any]:
    means = {}
    for variable in model.non_trainable_weights:
        name = names.get(id(variable), ("", None))[0]
        if name.endswith(("running_mean", "moving_mean")):
            means[re.sub(r"moving_mean$", "running_mean", name)] = variable
    if not means:
        return {}
    old = {name: variable.numpy() for name, variable in means.items()}
    run()
    return {
        name: {"before": old[name].astype(float).tolist(), "after": v.numpy().astype(float).tolist()}
        for name, v in list(means.items())[:LARGEST]
    }


def _assign(values: List[Tuple[Any, np.ndarray]]) -> None:
    for variable, value in values:
        variable.assign(value)


def _tf_step(model: Any, data: Dict[str, Any], names: Mapping[int, Tuple[str, Any]]) -> Dict[str, Any]:
    """One step of `fit`; where the inputs are no batch (one is a flag, say), the same by hand."""
    import tensorflow as tf

    heard: Dict[str, Any] = {}
    weights = [(variable, variable.numpy()) for variable in model.weights]

    def minimize(loss: Any, var_list: Any, *_: Any, tape: Any = None, **__: Any) -> None:
        heard["loss"] = float(np.sum(_array(loss)))
        heard["gradients"] = list(zip(var_list, tape.gradient(loss, var_list)))

    batch = {len(v) for v in data.values() if isinstance(v, np.ndarray) and v.ndim}
    whole = len(batch) == 1 and all(isinstance(v, np.ndarray) and v.ndim for v in data.values())
    said = {**_no_step(), "step": "fit" if whole else "by hand"}
    try:
        if whole:
            optimizer = tf.keras.optimizers.SGD(1e-3)
            model.compile(optimizer=optimizer, run_eagerly=True)
            model.optimizer.minimize = minimize
            model.fit(to_tf(data), batch_size=batch.pop(), epochs=1, verbose=0, shuffle=False)
        else:
            with tf.GradientTape() as tape:
                loss = _loss(model(to_tf(data), training=True))
                loss = tf.reduce_sum(loss) if loss is not None else None
            if loss is not None:
                minimize(loss, model.trainable_weights, tape=tape)
    except Exception as error:
        said["problem"] = _problem(error)
    _assign(weights)
    if "loss" in heard:
        said["loss"] = heard["loss"]
        for variable, gradient in heard["gradients"]:
            name = names.get(id(variable), (variable.name, None))[0]
            said["trained" if gradient is not None else "untrained"].append(name)
    return said

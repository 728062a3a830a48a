"""Calls a model in every way that users call one, and says which way does not give what keyword arguments give."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np

from .arrays import difference, leaves, to_tf
from .modules import explain

LIMIT = 1e-4
"""Largest difference between two ways, relative to the outputs' scale: a traced graph adds up in another order."""

FORMATS = ("keyword", "dict", "positional", "numpy", "tf-function", "signature", "tuple-output")


class NotHere(Exception):
    """A format does not apply to the model; the text says why."""


def try_formats(model: Any, inputs: Mapping[str, Any], root: str = "") -> Dict[str, Dict[str, Any]]:
    """Runs each format on a built TensorFlow model.

    Args:
        inputs: arrays and plain values by argument.
        root: of the mounted tree, to name places in it.

    Returns:
        For each of FORMATS its `state` (passed, failed, not-applicable), a `reason`, and for an exception its `error`.
    """
    call = _takes(model, inputs)
    results: Dict[str, Dict[str, Any]] = {}
    try:
        reference = _run(model, **to_tf(call))
    except Exception as error:
        failed = {"state": "failed", "reason": "the call raises", "error": explain(error, root)}
        rest = {"state": "not-applicable", "reason": "the call by keywords raises already"}
        return {name: failed if name == "keyword" else rest for name in FORMATS}
    results["keyword"] = {"state": "passed"}
    repeated = _run(model, **to_tf(call))
    if _compare(repeated, reference):
        results["keyword"]["reason"] = "two equal calls differ, so formats are only run, not compared"
        reference = None
    for name, run in _ways(model, call).items():
        try:
            outputs = run()
        except NotHere as reason:
            results[name] = {"state": "not-applicable", "reason": str(reason)}
            continue
        except Exception as error:
            results[name] = {"state": "failed", "reason": "raises", "error": explain(error, root)}
            continue
        wrong = _compare(outputs, reference) if reference is not None and outputs is not None else ""
        results[name] = {"state": "failed", "reason": wrong} if wrong else {"state": "passed"}
    return {name: results[name] for name in FORMATS}


def _takes(model: Any, inputs: Mapping[str, Any]) -> Dict[str, Any]:
    names = inspect.signature(model.call).parameters
    return {key: value for key, value in inputs.items() if key in names}


def _run(model: Any, *positional: Any, **named: Any) -> Any:
    return model(*positional, training=False, **named)


def _ways(model: Any, call: Dict[str, Any]) -> Dict[str, Callable[[], Any]]:
    order = [n for n in inspect.signature(model.call).parameters if n in call]
    tensors = {k: v for k, v in call.items() if isinstance(v, np.ndarray)}
    plain = {k: v for k, v in call.items() if k not in tensors}

    def positional() -> Any:
        first = _first(model)
        if first not in call:
            raise NotHere(f"the case has no {first}")
        rest = {k: v for k, v in call.items() if k != first}
        return _run(model, to_tf(call[first]), **to_tf(rest))

    def numpy() -> Any:
        return _run(model, **call)

    def tf_function() -> Any:
        import tensorflow as tf

        if set(order) - set(tensors) - set(plain):
            raise NotHere("an input is no tensor")
        traced = tf.function(lambda given: _run(model, **given, **plain))
        return traced(to_tf(tensors))

    def tuple_output() -> Any:
        names = inspect.signature(model.call).parameters
        if "return_dict" not in names and "kwargs" not in names:
            raise NotHere("call() takes no return_dict")
        as_dict = _run(model, **to_tf(call), return_dict=True)
        as_tuple = _run(model, **to_tf(call), return_dict=False)
        if not hasattr(as_dict, "to_tuple"):
            raise NotHere("the output has no names")
        _same_tuple(as_tuple, as_dict)
        return None

    return {
        "dict": lambda: _run(model, to_tf(call)),
        "positional": positional,
        "numpy": numpy,
        "tf-function": tf_function,
        "signature": lambda: _signature(model),
        "tuple-output": tuple_output,
    }


def _first(model: Any) -> str:
    return next(name for name in inspect.signature(model.call).parameters if name != "self")


def _same_tuple(as_tuple: Any, as_dict: Any) -> None:
    """Raises ValueError where the tuple is not the named output's values in their order."""
    one = [array for _, array in leaves(as_tuple if isinstance(as_tuple, (tuple, list)) else (as_tuple,))]
    other = leaves(as_dict)
    if len(one) != len(other):
        raise ValueError(
            f"return_dict=False gives {len(one)} tensors, return_dict=True gives {len(other)}: {', '.join(n for n, _ in other)}"[
                :500
            ]
        )
    for array, (name, expected) in zip(one, other):
        gap, why = difference(array, expected)
        if gap > LIMIT:
            raise ValueError(f"return_dict=False differs in {name}: {why or f'{gap:.1e}'}")


def _signature(model: Any) -> None:
    """Traces the model with the shapes that it says it takes, unknown dimensions included, and runs it with two sizes of them.

    Returns nothing, as there is nothing to compare with.
    """
    import tensorflow as tf

    specs = signature(model)
    if not specs:
        raise NotHere("the model has no input signature")
    names = inspect.signature(model.call).parameters
    specs = {key: spec for key, spec in specs.items() if key in names}
    if getattr(model.config, "pad_token_id", 0) is None:
        model.config.pad_token_id = (
            0  # without one, heads for sequences refuse a batch of unknown size, as they should
        )
    traced = tf.function(lambda given: _run(model, **given), input_signature=[specs])
    dummies = _dummies(model)
    for size in (2, 3):
        given = {key: _filled(spec, size, dummies.get(key)) for key, spec in specs.items()}
        try:
            _run(model, **given)
        except Exception:  # a size that the model can't take at all says nothing about its signature
            given = {key: tf.cast(dummies[key], spec.dtype) for key, spec in specs.items() if key in dummies}
            if len(given) != len(specs):
                raise NotHere("no inputs of the signature's shapes are known") from None
        traced(given)


def signature(model: Any) -> Optional[Dict[str, Any]]:
    """The model's input signature: its property, in older trees that of its `serving` function."""
    found = getattr(model, "input_signature", None)
    if isinstance(found, Mapping):
        return dict(found)
    serving = getattr(getattr(model, "serving", None), "input_signature", None)
    if serving and isinstance(serving[0], Mapping):
        return dict(serving[0])
    return None


def _dummies(model: Any) -> Dict[str, Any]:
    try:
        dummies = model.dummy_inputs
    except Exception:
        return {}
    return dict(dummies) if isinstance(dummies, Mapping) else {}


def _filled(spec: Any, size: int, dummy: Any) -> Any:
    import tensorflow as tf

    shape = [size if n is None else int(n) for n in spec.shape]
    known = list(dummy.shape) if dummy is not None else []
    if len(known) == len(shape) and not spec.dtype.is_integer:
        # The sides of an image are free in the signature, but not every size survives a model's strides.
        shape[1:] = [int(n) for n in known[1:]]
    value = 0 if spec.name and "token_type" in spec.name else 1
    return tf.cast(tf.fill(shape, value), spec.dtype)


def _compare(outputs: Any, reference: Any) -> str:
    """What differs between the outputs of two calls, "" for nothing."""
    one, other = dict(leaves(_named(outputs))), dict(leaves(_named(reference)))
    if set(one) != set(other):
        gone, new = sorted(set(other) - set(one)), sorted(set(one) - set(other))
        return ("lacks " + ", ".join(gone[:5]) if gone else "has in addition " + ", ".join(new[:5]))[:300]
    for name, array in one.items():
        gap, why = difference(array, other[name])
        if gap > LIMIT:
            return f"{name} differs: {why or f'{gap:.1e}'}"
    return ""


def _named(outputs: Any) -> Any:
    return outputs if isinstance(outputs, (Mapping, list, tuple)) else {"output": outputs}


def failures(results: Mapping[str, Mapping[str, Any]]) -> List[Tuple[str, str]]:
    """The formats that failed, each with its reason."""
    return [(name, str(r.get("reason", ""))) for name, r in results.items() if r["state"] == "failed"]

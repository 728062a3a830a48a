"""Loads PyTorch weights into the TensorFlow model, and says which of them found no place."""

from __future__ import annotations

import difflib
import inspect
import re
import tempfile
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np

from .arrays import to_tf

Weights = Mapping[str, np.ndarray]


def state_dict(model: Any) -> Dict[str, np.ndarray]:
    """A PyTorch model's weights and persistent buffers as arrays."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def build(model: Any, inputs: Optional[Mapping[str, Any]] = None) -> None:
    """Makes the TensorFlow model's variables: by its `dummy_inputs`, as `from_pretrained` does, else by a case's inputs."""
    dummies = model.dummy_inputs
    model(dummies if dummies is not None else to_tf(dict(inputs or {})), training=False)


def load(model: Any, weights: Weights, torch_model: Any = None) -> Dict[str, Any]:
    """Loads `weights` into a built TensorFlow model, as `from_pretrained(…, from_pt=True)` does.

    Returns:
        missing: TensorFlow weights that no PyTorch weight fills; unexpected: PyTorch weights that nothing takes; mismatched: those
        whose shapes differ. Each with the nearest name on the other side. `only_tensorflow` and `only_pytorch` are the difference of
        the two sets of names, before anything is ignored. `loaded`: how many found their place.
    """
    named = pytorch_names(model, weights)
    known = {_renamed(name): name for name in weights}
    variables = {id(v): v for v in list(model.trainable_weights) + list(model.non_trainable_weights)}
    missing: List[Dict[str, Any]] = []
    mismatched: List[Dict[str, Any]] = []
    used = set()
    values: List[Tuple[Any, np.ndarray]] = []
    for variable in variables.values():
        name, transpose = named[id(variable)]
        if name not in known:
            missing.append({"tf": _clean(variable.name), "name": name, "shape": list(variable.shape)})
            continue
        source = known[name]
        array = fitted(weights[source], transpose, tuple(variable.shape))
        used.add(source)
        if array is None:
            mismatched.append(
                {
                    "tf": _clean(variable.name),
                    "name": source,
                    "shape": list(variable.shape),
                    "pytorch_shape": list(weights[source].shape),
                }
            )
            continue
        values.append((variable, array))
    unexpected = [name for name in weights if name not in used]
    only_tensorflow, only_pytorch = sorted(m["name"] for m in missing), sorted(unexpected)
    missing = [m for m in missing if not _ignored(model, "_keys_to_ignore_on_load_missing", m["name"])]
    unexpected = [n for n in unexpected if not _ignored(model, "_keys_to_ignore_on_load_unexpected", n)]
    for variable, array in values:
        variable.assign(array)
    unfilled = _not_parameters(torch_model, used) if torch_model is not None else set()
    return {
        "missing": [{**m, "nearest": nearest(m, unexpected, weights)} for m in missing],
        "unexpected": [
            {"name": n, "shape": list(weights[n].shape), "parameter": n not in unfilled} for n in unexpected
        ],
        "mismatched": mismatched,
        "only_tensorflow": only_tensorflow,
        "only_pytorch": only_pytorch,
        "loaded": len(values),
        "owners": owners(model, [m["tf"] for m in missing + mismatched]),
    }


def pytorch_names(model: Any, weights: Weights) -> Dict[int, Tuple[str, Any]]:
    """The PyTorch name that upstream derives from each variable's Keras name, and how its values are transposed."""
    from transformers import modeling_tf_pytorch_utils as upstream

    convert = upstream.convert_tf_weight_name_to_pt_weight_name
    takes = inspect.signature(convert).parameters
    prefix = model.base_model_prefix
    remove = "" if any(_renamed(name).startswith(prefix) for name in weights) else f"{prefix}."
    rename = rename_hook(model)
    known = {_renamed(name) for name in weights}
    found: Dict[int, Tuple[str, Any]] = {}
    for variable in list(model.trainable_weights) + list(model.non_trainable_weights):
        options: Dict[str, Any] = {"start_prefix_to_remove": remove}
        if "tf_weight_shape" in takes:
            options["tf_weight_shape"] = variable.shape
        name, transpose = convert(variable.name, **options)
        for alternative in _alternatives(name, rename):
            if alternative in known:
                name = alternative
                break
        found[id(variable)] = (name, transpose)
    return found


TORCH_NAMES = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "embeddings": "weight",
    "gamma": "weight",
    "beta": "bias",
    "bias": "bias",
    "weight": "weight",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""PyTorch's names of a layer's own variables."""


def own_name(variable: Any) -> str:
    """A variable's name in its layer: "kernel"."""
    return str(variable.name).rsplit("/", 1)[-1].split(":")[0]


def own_weight(weights: Weights, module: str, variable: Any) -> Optional[np.ndarray]:
    """The array of a PyTorch module that belongs in a variable which has the same place in its layer; None where none fits."""
    name = own_name(variable)
    source = weights.get(f"{module}.{TORCH_NAMES.get(name, name)}")
    if source is None:
        return None
    shape = tuple(variable.shape)
    if name == "kernel":
        return fitted(source, {3: "conv1d", 4: "conv2d"}.get(source.ndim, "simple"), shape)
    return source if source.shape == shape else fitted(source, False, shape)


def _alternatives(name: str, rename: Any) -> List[str]:
    names = [name]
    if rename is not None:
        try:
            renamed = rename(name)
        except TypeError:
            return names
        names = [renamed] if isinstance(renamed, str) else list(renamed)
    return names


def rename_hook(model: Any) -> Any:
    """What the model's class does to names besides: its method, or in older trees what its `from_pretrained` hands on; else None."""
    hook = getattr(model, "tf_to_pt_weight_rename", None)
    if hook is not None:
        return hook
    from transformers import TFPreTrainedModel

    base = TFPreTrainedModel.from_pretrained.__func__
    if type(model).from_pretrained.__func__ is base:
        return None
    caught: Dict[str, Any] = {}

    def catch(cls: Any, *arguments: Any, **named: Any) -> Any:
        caught.update(named)
        raise _Caught

    with tempfile.TemporaryDirectory() as folder:
        model.config.save_pretrained(folder)
        TFPreTrainedModel.from_pretrained = classmethod(catch)
        try:
            type(model).from_pretrained(folder, from_pt=True)
        except Exception:
            pass
        finally:
            TFPreTrainedModel.from_pretrained = classmethod(base)
    return caught.get("tf_to_pt_weight_rename")


class _Caught(Exception):
    """Ends `from_pretrained` before it loads anything."""


def _renamed(key: str) -> str:
    """A PyTorch name as upstream compares it: with the names that Keras has for old norms, running statistics and weight norms."""
    new = key
    if "gamma" in key:
        new = key.replace("gamma", "weight")
    if "beta" in key:
        new = key.replace("beta", "bias")
    if "running_var" in key:
        new = key.replace("running_var", "moving_variance")
    if "running_mean" in key:
        new = key.replace("running_mean", "moving_mean")
    parts = key.split(".")
    if parts[-3::2] == ["parametrizations", "original0"]:
        new = ".".join([*parts[:-3], parts[-2] + "_g"])
    elif parts[-3::2] == ["parametrizations", "original1"]:
        new = ".".join([*parts[:-3], parts[-2] + "_v"])
    return new


def fitted(array: np.ndarray, transpose: Any, shape: Tuple[int, ...]) -> Optional[np.ndarray]:
    """The array as the variable stores it, None where it can't be. As upstream does it: what has the right number of elements after
    the transposition is reshaped."""
    # An enumeration in newer trees, a boolean in older ones.
    kind = getattr(transpose, "value", transpose)
    if kind in ("simple", True):
        array = np.transpose(array)
        if transpose is True and array.ndim == 4:
            array = np.transpose(array, (1, 0, 2, 3))
    elif kind == "conv1d" and array.ndim == 3:
        array = np.transpose(array, (2, 1, 0))
    elif kind == "conv2d" and array.ndim == 4:
        array = np.transpose(array, (2, 3, 1, 0))
    if len(shape) < array.ndim:
        array = np.squeeze(array)
    elif len(shape) > array.ndim:
        array = np.expand_dims(array, axis=0)
    if array.shape == shape:
        return array
    return array.reshape(shape) if array.size == int(np.prod(shape)) else None


def nearest(missing: Mapping[str, Any], unexpected: List[str], weights: Weights) -> str:
    """The unused PyTorch weight that a missing one most probably means: of the same shape up to its order, and similar name."""
    size = sorted(int(n) for n in missing["shape"] if n != 1)
    same = [n for n in unexpected if sorted(int(s) for s in weights[n].shape if s != 1) == size]
    ranked = sorted(
        same, key=lambda n: -difflib.SequenceMatcher(None, missing["name"], n, autojunk=False).ratio()
    )
    if not ranked:
        return ""
    best = difflib.SequenceMatcher(None, missing["name"], ranked[0], autojunk=False).ratio()
    return ranked[0] if best >= 0.5 else ""


def owners(model: Any, names: List[str]) -> Dict[str, List[List[str]]]:
    """For each variable, the way to it: pairs of the class that holds a layer, and the attribute under which it does."""
    wanted = set(names)
    found: Dict[str, List[List[str]]] = {}
    seen = set()

    def visit(layer: Any, way: List[List[str]]) -> None:
        if id(layer) in seen or len(way) > 40:
            return
        seen.add(id(layer))
        for attribute, value in list(vars(layer).items()):
            if attribute.startswith("_self_") or attribute in (
                "_layers",
                "_metrics_lock",
                "_obj_reference_counts_dict",
            ):
                continue
            for entry, suffix in _parts(value):
                step = [*way, [type(layer).__name__, attribute + suffix]]
                if hasattr(entry, "assign") and hasattr(entry, "name"):
                    name = _clean(str(entry.name))
                    if name in wanted and name not in found:
                        found[name] = step
                elif hasattr(entry, "trainable_weights") and hasattr(entry, "call"):
                    visit(entry, step)

    if wanted:
        visit(model, [])
    return found


def _parts(value: Any) -> List[Tuple[Any, str]]:
    if isinstance(value, dict):
        return [(entry, f"[{key}]") for key, entry in value.items() if isinstance(key, (str, int))]
    if isinstance(value, (list, tuple)):
        return [(entry, f"[{index}]") for index, entry in enumerate(value)]
    return [(value, "")]


def _not_parameters(model: Any, used: set) -> set:
    """Names that need no place in TensorFlow: buffers, and parameters that are tied to one that has found its place."""
    state = model.state_dict(keep_vars=True)
    parameters = {id(p) for p in model.parameters()}
    taken = {id(state[name]) for name in used if name in state}
    addresses = {state[name].data_ptr() for name in used if name in state}
    return {
        name
        for name, value in state.items()
        if id(value) not in parameters or id(value) in taken or value.data_ptr() in addresses
    }


def _ignored(model: Any, attribute: str, name: str) -> bool:
    patterns = getattr(model, attribute, None) or []
    return any(re.search(pattern, name) is not None for pattern in patterns)


def _clean(name: str) -> str:
    return re.sub(r":\d+$", "", name)

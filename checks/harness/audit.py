"""Hyper-parameters of matched layers side by side: what inference on a tiny model cannot show (momentum, rates), or shows only somewhere else."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from . import where
from .load import pytorch_names
from .localise import described
from .match import match
from .record import Module
from .record_tf import layers as all_layers

KINDS: Tuple[Tuple[str, str, Tuple[str, ...], Tuple[str, ...]], ...] = (
    ("epsilon", r"Norm", ("epsilon", "variance_epsilon"), ("eps", "variance_epsilon")),
    ("momentum", r"BatchNorm", ("momentum",), ("momentum",)),
    (
        "dropout-rate",
        r"Dropout|DropPath|StochasticDepth",
        ("rate", "drop_prob", "drop_path"),
        ("p", "drop_prob"),
    ),
    ("stride", r"Conv|Pool", ("strides",), ("stride",)),
    ("dilation", r"Conv", ("dilation_rate",), ("dilation",)),
    ("groups", r"Conv", ("groups",), ("groups",)),
    ("kernel-size", r"Conv|Pool", ("kernel_size", "pool_size"), ("kernel_size",)),
)
"""Name of a difference, classes that have it (of both sides), attributes in Keras, attributes in PyTorch."""


def audit(
    model: Any, modules: Sequence[Module], weights: Mapping[str, Any], root: str = ""
) -> List[Dict[str, Any]]:
    """Differences of a built model from PyTorch's modules.

    Returns:
        For each: kind; tf_path, pytorch_path; symbol (class that holds the layer), path, line of the statement that makes it; value (ours), wanted
        (in Keras' terms), theirs (in PyTorch's).
    """
    objects = all_layers(model)
    names = pytorch_names(model, weights)
    pairs = match(described(objects, names, weights), list(modules), str(model.base_model_prefix))
    known = {module.path: module for module in modules}
    found: List[Dict[str, Any]] = []
    for path, pytorch_path in pairs.items():
        layer, module = objects.get(path), known.get(pytorch_path)
        if not path or layer is None or module is None:
            continue
        for difference in differences(layer, module):
            found.append(
                {**difference, "tf_path": path, "pytorch_path": pytorch_path, **_place(path, objects, root)}
            )
    return found


def differences(layer: Any, module: Module) -> List[Dict[str, Any]]:
    """Of one pair."""
    found = []
    for kind, classes, ours, theirs in KINDS:
        if not re.search(classes, type(layer).__name__) or not re.search(classes, module.kind):
            continue
        mine = _first(lambda name: getattr(layer, name, None), ours)
        value = _first(module.hyper.get, theirs)
        wanted = _wanted(kind, value)
        if mine is None or wanted is None or len(mine) != len(wanted):
            continue
        if any(abs(a - b) > 1e-3 * max(abs(a), abs(b)) for a, b in zip(mine, wanted)):
            found.append(
                {"kind": kind, "value": _plain(mine), "wanted": _plain(wanted), "theirs": _plain(value or [])}
            )
    return found


def _first(get: Callable[[str], Any], names: Sequence[str]) -> Optional[List[float]]:
    for name in names:
        numbers = _numbers(get(name))
        if numbers is not None:
            return numbers
    return None


def _numbers(value: Any) -> Optional[List[float]]:
    if value is None or isinstance(value, (bool, str)) or callable(value):
        return None
    try:
        return [float(entry) for entry in value] if isinstance(value, (list, tuple)) else [float(value)]
    except (TypeError, ValueError):
        return None


def _wanted(kind: str, value: Optional[List[float]]) -> Optional[List[float]]:
    if value is None:
        return None
    if kind == "momentum":
        return [1 - value[0]]
    return value


def _plain(values: Sequence[float]) -> Any:
    shown = [int(v) if float(v).is_integer() and abs(v) >= 1 else float(f"{v:.4g}") for v in values]
    return shown[0] if len(shown) == 1 else shown


def _place(path: str, objects: Mapping[str, Any], root: str) -> Dict[str, Any]:
    owner, attribute = where.owner_of(path, dict(objects))
    holder = type(objects[owner])
    made = where.assignment(holder, attribute)
    if made is None:
        return {"symbol": holder.__name__, "path": "", "line": 0}
    function, node = made
    return {
        "symbol": holder.__name__,
        "path": where.relative(function.file, root),
        "line": node.lineno,
    }

"""What both sides of a comparison do alike: who takes which arguments, and outputs as arrays under their paths."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from .arrays import leaves

LARGEST_OUTPUT = 64 << 20
"""Bytes of one output that is sent; a larger one is left out, and said."""


def arguments(
    inputs: Mapping[str, Any], labels: Mapping[str, Any], variant: Mapping[str, Any], takes: List[str]
) -> Dict[str, Any]:
    """The keyword arguments of one variant of a case.

    Args:
        variant: `labels` (whether to give them), `drop` (names to leave out), `set` (values to put in).
        takes: what the model's function takes.
    """
    given: Dict[str, Any] = dict(inputs)
    if variant.get("labels"):
        given.update(labels)
    for name in variant.get("drop", ()):
        given.pop(name, None)
    given.update(variant.get("set", {}))
    return {name: value for name, value in given.items() if name in takes and value is not None}


def outputs(value: Any) -> Dict[str, np.ndarray]:
    """A model's output as arrays by path; of a tuple, or of a bare tensor, by position."""
    if not isinstance(value, (Mapping, list, tuple)):
        value = (value,)
    return {path: array for path, array in leaves(value) if array.nbytes <= LARGEST_OUTPUT}


def config_dict(config: Any) -> Dict[str, Any]:
    """A configuration as plain data."""
    return json.loads(config.to_json_string(use_diff=False))


def made_config(cls: Any, told: Mapping[str, Any]) -> Any:
    """The configuration of a class, from plain data."""
    return cls.config_class.from_dict(dict(told))


def plain_inputs(inputs: Mapping[str, Any]) -> Dict[str, Any]:
    """Inputs that can be sent: arrays, numbers, and lists of them."""
    return {name: value for name, value in inputs.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_plain(entry) for entry in value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiub"
    return isinstance(value, (bool, int, float, str))


def parameter_names(function: Any) -> List[str]:
    """Names of a function's parameters; a decorator's wrapper is looked through."""
    import inspect

    return list(inspect.signature(function).parameters)


def first_line(text: Optional[str]) -> str:
    """The first line of a message."""
    return (text or "").split("\n", 1)[0][:300]

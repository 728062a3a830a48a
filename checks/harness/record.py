"""What a run of a model did, as plain data: one `Event` per call of a module, one `Module` per module. Both frameworks give the same, and
it crosses from the process of the one to the process of the other."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np


@dataclass
class Event:
    """One call of one module or layer.

    Attributes:
        path: "encoder.layer.0.attention.self"; "" is the model itself.
        kind: name of the class.
        call: n-th call of this path in the run, from 0.
        order: running number of the *start* of the call, which is the event's index.
        parent: index of the enclosing event, -1 for none.
        arguments: bound by name: nested lists and dicts of arrays, numbers, strings and None.
        output: the same.
    """

    path: str
    kind: str
    call: int
    order: int
    parent: int
    arguments: Dict[str, Any]
    output: Any = None


@dataclass
class Module:
    """What is known of a module without running it.

    Attributes:
        bases: names of the class's bases, nearest first, without `object`.
        parameters: shapes of its own parameters (not its children's) by name.
        buffers: shapes of its own buffers.
        hyper: plain attributes that decide what it computes, under PyTorch's names: eps, momentum, p, stride, padding, dilation, groups,
            kernel_size, activation, …
    """

    path: str
    kind: str
    bases: List[str] = field(default_factory=list)
    parameters: Dict[str, List[int]] = field(default_factory=dict)
    buffers: Dict[str, List[int]] = field(default_factory=dict)
    hyper: Dict[str, Any] = field(default_factory=dict)


def plain(value: Any) -> Any:
    """Tensors of either framework as copies of their values, containers as lists and dicts, numbers and strings as they are; whatever
    else there is becomes None."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "detach"):
        return np.array(value.detach().cpu().numpy())
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "numpy") and hasattr(value, "dtype"):
        return np.array(value.numpy())
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return None


def bound(
    function: Callable[..., Any], positional: Tuple[Any, ...], named: Mapping[str, Any]
) -> Dict[str, Any]:
    """Arguments by the names of the function's parameters; those of `*args` as `args[0]`, …"""
    try:
        signature = inspect.signature(function)
        found = signature.bind_partial(*positional, **named).arguments
    except (TypeError, ValueError):
        return {**{f"args[{n}]": value for n, value in enumerate(positional)}, **named}
    arguments: Dict[str, Any] = {}
    for name, value in found.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            arguments.update({f"{name}[{n}]": entry for n, entry in enumerate(value)})
        elif kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        else:
            arguments[name] = value
    return arguments


def tensors(value: Any, path: Tuple[Any, ...] = ()) -> Iterator[Tuple[Tuple[Any, ...], np.ndarray]]:
    """The arrays inside plain data, each with the keys that lead to it."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from tensors(entry, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from tensors(entry, (*path, index))


class Recorder:
    """Collects events while calls nest."""

    def __init__(self) -> None:
        self.events: List[Event] = []
        self._counts: Dict[str, int] = {}
        self._open: List[int] = []

    def start(self, path: str, kind: str, arguments: Dict[str, Any]) -> Event:
        """A call begins."""
        call = self._counts.get(path, 0)
        self._counts[path] = call + 1
        parent = self._open[-1] if self._open else -1
        event = Event(path, kind, call, len(self.events), parent, arguments)
        self.events.append(event)
        self._open.append(event.order)
        return event

    def end(self, event: Event, output: Any) -> None:
        """The innermost open call ends."""
        event.output = output
        self._open.pop()

    @property
    def running(self) -> Optional[Event]:
        """The innermost call that has not ended: after an exception, where it came from."""
        return self.events[self._open[-1]] if self._open else None

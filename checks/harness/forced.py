"""Teacher forcing: a run of the TensorFlow model in which each matched layer's inputs and outputs are compared with PyTorch's, and then
overwritten by them. What differs in spite of it is a defect of exactly that layer, or of the code just before it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, Tuple

import numpy as np

from .layouts import CHANNELS_LAST, fit
from .match import sort
from .record import Event, bound, plain, tensors
from .record_tf import Place, run_tf, through

Key = Tuple[str, str, int]
"""("in" or "out", path of the layer, number of the call)"""


@dataclass
class Departure:
    """A place in which TensorFlow leaves PyTorch's way.

    Attributes:
        key: what has to be overwritten to get back.
        leaf: no matched layer ran inside the layer.
        owner: path of the layer whose `call` holds the code ("between"), or of the layer itself.
        first, last: lines of the statements in question, in `file`; 0 where unknown.
        value, expected: the largest differing tensor of each side, in TensorFlow's layout.
    """

    key: Key
    pytorch_path: str
    leaf: bool
    owner: str
    difference: float
    file: str = ""
    first: int = 0
    last: int = 0
    value: Any = None
    expected: Any = None
    argument: str = ""
    order: int = 0
    call: Tuple[str, int] = ("", 0)
    """Of the owner: which of `Forcing.calls` shows the departure again."""
    called: int = 0
    """Line in which the layer itself was called."""


class Reached(BaseException):
    """Ends a replay. No Exception, as Keras catches those to add to their text."""


@dataclass
class _Frame:
    path: str
    call: int = 0
    matched: int = 0
    line: int = 0
    """Of the last matched child's call."""


@dataclass
class Forcing:
    """One run.

    Args:
        only: the keys to overwrite; None for everything that is matched, and then departures are collected.
        limit: the largest difference that is rounding.
        instead: functions that run in place of a layer's own call, by path.
    """

    model: Any
    events: Mapping[Tuple[str, int], Event]
    pairs: Mapping[str, str]
    limit: float
    only: Optional[Set[Key]] = None
    instead: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    departures: List[Departure] = field(default_factory=list)
    calls: Dict[Tuple[str, int], Tuple[Any, Dict[str, Any], Dict[str, int]]] = field(default_factory=dict)
    """With what each call was made: positional, named, and how often each layer had run before."""
    counts: Dict[str, int] = field(default_factory=dict)
    stack: List[_Frame] = field(default_factory=list)
    keep: bool = False
    until: Optional[Key] = None
    """Where a replay ends: what comes after it does not matter."""
    followers: Optional[Dict[int, Event]] = None
    paths: Optional[Mapping[int, str]] = None
    """Of the layers by id, where they are known."""

    def run(self, inputs: Mapping[str, Any]) -> Any:
        """The model's output as plain data. Exceptions of the model pass through, `stack` then says where."""
        with through(self.model, self.around, self.paths):
            return plain(run_tf(self.model, inputs))

    def replay(self, layer: Any, call: Tuple[Any, Dict[str, Any], Dict[str, int]]) -> None:
        """One kept call again, everything in it forced."""
        positional, named, counts = call
        self.counts = dict(counts)
        with through(self.model, self.around, self.paths), contextlib.suppress(Reached):
            layer(*positional, **named)

    def around(self, layer: Any, path: str, invoke: Any, positional: Any, named: Any, place: Place) -> Any:
        """One call of a layer."""
        call = self.counts.get(path, 0)
        self.counts[path] = call + 1
        event = self.events.get((self.pairs[path], call)) if path in self.pairs else None
        if event is not None and path:
            positional, named = self._inputs(layer, path, call, event, positional, named, place)
            if self.until == ("in", path, call):
                raise Reached
        if self.keep:
            self.calls[path, call] = (positional, named, {**self.counts, path: call})
        if self.stack:
            self.stack[-1].line = place.line
            if event is not None:
                self.stack[-1].matched += 1
        frame = _Frame(path, call)
        self.stack.append(frame)
        output = self.instead.get(path, invoke)(*positional, **named)
        self.stack.pop()
        if self.stack and event is None:
            self.stack[-1].matched += frame.matched
        if event is not None:
            output = self._output(layer, path, call, event, output, frame, place)
        return output

    def _inputs(self, layer, path, call, event, positional, named, place):
        key = ("in", path, call)
        if self.only is not None and key not in self.only:
            return positional, named
        arguments = bound(layer.call, positional, named)
        changed: Dict[int, Any] = {}
        worst: Optional[Departure] = None
        for name, value, reference in _aligned_arguments(arguments, event.arguments):
            converted, gap = fit(reference, plain(value))
            if converted is None:
                continue
            if gap > self.limit and (worst is None or gap > worst.difference):
                owner = self.stack[-1] if self.stack else _Frame("")
                worst = Departure(
                    key, event.path, False, owner.path, gap, place.file, owner.line, place.line,
                    plain(value), converted, name, event.order,
                    (owner.path, owner.call), place.line,
                )  # fmt: skip
            if gap > 0:
                changed[id(value)] = _like(converted, value)
        if worst is not None and self.only is None:
            self.departures.append(worst)
        if changed:
            positional = tuple(_replaced(entry, changed) for entry in positional)
            named = {name: _replaced(entry, changed) for name, entry in named.items()}
        return positional, named

    def _output(self, layer, path, call, event, output, frame, place):
        key = ("out", path, call)
        if self.only is not None and key not in self.only:
            return output
        reference = self._reference(layer, event)
        changed: Dict[Tuple[Any, ...], Any] = {}
        worst: Optional[Departure] = None
        for path_in, value, expected in _aligned_outputs(output, reference):
            array = plain(value)
            converted, gap = fit(expected, array)
            if converted is None:
                converted = _misshapen(layer, expected, array)
                if converted is None:
                    continue
            if gap > self.limit and (worst is None or gap > worst.difference):
                leaf = frame.matched == 0
                worst = Departure(
                    key, event.path, leaf, path, gap, first=frame.line, value=plain(value), expected=converted,
                    order=event.order, call=(path, call), called=place.line,
                )  # fmt: skip
            if gap > 0:
                changed[path_in] = _like(converted, value)
        if worst is not None and self.only is None:
            self.departures.append(worst)
        return _put(output, changed) if changed else output

    def _reference(self, layer: Any, event: Event) -> Any:
        """PyTorch's output; of a `Dense(activation=…)` that of the activation which follows the linear: a module's, else by the function."""
        activation = getattr(layer, "activation", None)
        name = getattr(activation, "__name__", "linear")
        own = "keras" in type(layer).__module__  # a port's head may call its function `activation`, too
        if not own or activation is None or name == "linear" or not isinstance(event.output, np.ndarray):
            return event.output
        if self.followers is None:
            self.followers = _followers(self.events)
        following = self.followers.get(event.order)
        if following is not None:
            return following.output
        import tensorflow as tf

        return plain(activation(tf.constant(event.output)))


def _followers(events: Mapping[Tuple[str, int], Event]) -> Dict[int, Event]:
    """The activation module that takes an event's output, by the event's order."""
    found: Dict[int, Event] = {}
    ordered = sorted(events.values(), key=lambda event: event.order)
    for one, other in zip(ordered, ordered[1:]):
        given = next((array for _, array in tensors(other.arguments)), None)
        if not isinstance(one.output, np.ndarray) or given is None or given.shape != one.output.shape:
            continue
        if sort(other.kind) == "activation" and np.array_equal(given, one.output):
            found[one.order] = other
    return found


def _misshapen(layer: Any, expected: np.ndarray, value: np.ndarray) -> Optional[np.ndarray]:
    """What a convolution, pooling or dense layer should have given where its output has a shape that no layout explains."""
    if expected.ndim != value.ndim or sort(type(layer).__name__) not in ("conv", "pool", "dense"):
        return None
    order = CHANNELS_LAST.get(expected.ndim)
    if order is None or getattr(layer, "data_format", "channels_last") != "channels_last":
        return expected
    return expected.transpose(order) if sort(type(layer).__name__) != "dense" else expected


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "numpy") and hasattr(value, "dtype")


def _leaves(value: Any, path: Tuple[Any, ...] = ()) -> List[Tuple[Tuple[Any, ...], Any]]:
    if _is_tensor(value):
        return [(path, value)]
    if isinstance(value, Mapping):
        return [leaf for key, entry in value.items() for leaf in _leaves(entry, (*path, key))]
    if isinstance(value, (list, tuple)):
        return [leaf for index, entry in enumerate(value) for leaf in _leaves(entry, (*path, index))]
    return []


def _aligned_arguments(arguments: Dict[str, Any], reference: Dict[str, Any]) -> List[Tuple[str, Any, Any]]:
    """(name, TensorFlow's tensor, PyTorch's array): by name; the first also by position."""
    ours, theirs = _leaves(arguments), dict(tensors(reference))
    found: List[Tuple[str, Any, Any]] = []
    first_theirs = next(iter(theirs), None)
    for number, (path, value) in enumerate(ours):
        if path in theirs:
            found.append((str(path[0]), value, theirs[path]))
        elif number == 0 and first_theirs is not None and first_theirs not in {p for p, _ in ours}:
            found.append((str(path[0]), value, theirs[first_theirs]))
    return found


def _aligned_outputs(output: Any, reference: Any) -> List[Tuple[Tuple[Any, ...], Any, Any]]:
    """(path in the output, TensorFlow's tensor, PyTorch's array). One tensor may stand under several paths."""
    ours, theirs = _leaves(output), list(tensors(reference))
    by_path = dict(theirs)
    if (
        ours
        and all(isinstance(path[0], str) for path, _ in ours if path)
        and any(p in by_path for p, _ in ours)
    ):
        return [(path, value, by_path[path]) for path, value in ours if path in by_path]
    if len(ours) == len(theirs):
        return [(path, value, array) for (path, value), (_, array) in zip(ours, theirs)]
    return [(*ours[0], theirs[0][1])] if ours and theirs else []


def _like(array: np.ndarray, value: Any) -> Any:
    import tensorflow as tf

    return tf.cast(tf.constant(np.ascontiguousarray(array)), value.dtype)


def _replaced(value: Any, changed: Mapping[int, Any]) -> Any:
    if id(value) in changed:
        return changed[id(value)]
    if hasattr(value, "to_tuple") and isinstance(value, Mapping):
        return type(value)(**{key: _replaced(entry, changed) for key, entry in value.items()})
    if isinstance(value, Mapping):
        return {key: _replaced(entry, changed) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_replaced(entry, changed) for entry in value)
    return value


def _put(value: Any, changed: Mapping[Tuple[Any, ...], Any], path: Tuple[Any, ...] = ()) -> Any:
    """The value with other tensors at these paths."""
    if path in changed:
        return changed[path]
    if hasattr(value, "to_tuple") and isinstance(value, Mapping):
        return type(value)(**{key: _put(entry, changed, (*path, key)) for key, entry in value.items()})
    if isinstance(value, Mapping):
        return {key: _put(entry, changed, (*path, key)) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_put(entry, changed, (*path, index)) for index, entry in enumerate(value))
    return value

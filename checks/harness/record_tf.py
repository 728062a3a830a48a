"""Runs a TensorFlow model with every call of a layer passing through one function of ours (eager only)."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from .arrays import to_tf
from .record import Event, Recorder, bound, plain

SKIPPED = (
    "_self_",
    "_obj_reference",
    "_layers",
    "_metrics",
    "_inbound",
    "_outbound",
    "_thread_local",
    "_call_",
)


@dataclass
class Place:
    """Where a layer was called: its enclosing layer, and the statement there."""

    file: str = ""
    line: int = 0


Around = Callable[[Any, str, Callable[..., Any], Tuple[Any, ...], Dict[str, Any], Place], Any]
"""(layer, its path, the original call, positional, named, where) -> output"""


def layer_paths(model: Any) -> Dict[int, str]:
    """The path of each layer by its id, by walking attributes, lists and dicts: Keras' own tracking misses lists. The shortest wins."""
    found = {id(model): ""}
    queue: List[Tuple[Any, str]] = [(model, "")]
    while queue:
        layer, path = queue.pop(0)
        for name, value in list(vars(layer).items()):
            if name.startswith(SKIPPED):
                continue
            for entry, suffix in _entries(value):
                if is_layer(entry) and id(entry) not in found:
                    found[id(entry)] = f"{path}.{name}{suffix}" if path else name + suffix
                    queue.append((entry, found[id(entry)]))
    return found


def layers(model: Any) -> Dict[str, Any]:
    """All layers by path, the model itself under ""."""
    objects: Dict[str, Any] = {"": model}
    queue: List[Tuple[Any, str]] = [(model, "")]
    seen = {id(model)}
    while queue:
        layer, path = queue.pop(0)
        for name, value in list(vars(layer).items()):
            if name.startswith(SKIPPED):
                continue
            for entry, suffix in _entries(value):
                if is_layer(entry) and id(entry) not in seen:
                    seen.add(id(entry))
                    own = f"{path}.{name}{suffix}" if path else name + suffix
                    objects[own] = entry
                    queue.append((entry, own))
    return objects


def is_layer(value: Any) -> bool:
    """A Keras layer, of whichever Keras."""
    return hasattr(value, "trainable_weights") and hasattr(value, "call") and not isinstance(value, type)


def _entries(value: Any, suffix: str = "", depth: int = 0) -> Iterator[Tuple[Any, str]]:
    if isinstance(value, Mapping) and depth < 3:
        for key, entry in value.items():
            yield from _entries(entry, f"{suffix}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)) and depth < 3:
        for index, entry in enumerate(value):
            yield from _entries(entry, f"{suffix}.{index}", depth + 1)
    else:
        yield value, suffix


def base_layer(model: Any) -> Any:
    """Keras' base `Layer` class of the model."""
    return next(c for c in type(model).__mro__ if c.__name__ == "Layer" and "keras" in c.__module__)


@contextmanager
def through(model: Any, around: Around, paths: Optional[Mapping[int, str]] = None) -> Iterator[None]:
    """Within it, each call of one of the model's layers goes through `around`.

    Args:
        paths: of `layer_paths`, where they are known.
    """
    base = base_layer(model)
    original = base.__call__
    paths = layer_paths(model) if paths is None else paths

    def call(self: Any, *positional: Any, **named: Any) -> Any:
        path = paths.get(id(self))
        if path is None:
            return original(self, *positional, **named)

        def invoke(*now: Any, **named_now: Any) -> Any:
            return original(self, *now, **named_now)

        return around(self, path, invoke, positional, named, _place())

    base.__call__ = call
    try:
        yield
    finally:
        base.__call__ = original


def _place() -> Place:
    frame: Optional[Any] = sys._getframe(2)
    for _ in range(60):
        if frame is None:
            break
        name = frame.f_code.co_filename
        if "modeling_tf" in name.rsplit("/", 1)[-1]:
            return Place(name, frame.f_lineno)
        frame = frame.f_back
    return Place()


def record_tf(
    model: Any, inputs: Mapping[str, Any]
) -> Tuple[Any, List[Event], List[Place], Optional[Exception]]:
    """Runs the model once with `training=False`.

    Returns:
        Its output as plain data, the calls, where each was made, and the exception that ended the run, if any: then the last event
        without an output is where it came from.
    """
    recorder, places = Recorder(), []

    def around(layer: Any, path: str, invoke: Any, positional: Any, named: Any, place: Place) -> Any:
        event = recorder.start(path, type(layer).__name__, plain(bound(layer.call, positional, named)))
        places.append(place)
        output = invoke(*positional, **named)
        recorder.end(event, plain(output))
        return output

    with through(model, around):
        try:
            output = run_tf(model, inputs)
        except Exception as error:
            return None, recorder.events, places, error
    return plain(output), recorder.events, places, None


def run_tf(model: Any, inputs: Mapping[str, Any]) -> Any:
    """The model's output with `training=False`."""
    return model(**to_tf(dict(inputs)), training=False)

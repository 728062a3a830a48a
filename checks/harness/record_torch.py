"""Records a run of a PyTorch model, and describes its modules."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from .arrays import to_torch
from .record import Event, Module, Recorder, bound, plain

HYPER = (
    "eps",
    "epsilon",
    "variance_epsilon",
    "momentum",
    "p",
    "drop_prob",
    "stride",
    "padding",
    "output_padding",
    "dilation",
    "groups",
    "num_groups",
    "kernel_size",
    "ceil_mode",
    "count_include_pad",
    "normalized_shape",
    "output_size",
    "padding_idx",
    "inplace",
    "approximate",
    "dim",
    "negative_slope",
)
"""Attributes of PyTorch's modules that decide what they compute."""


def record_torch(model: Any, inputs: Mapping[str, Any]) -> Tuple[Any, List[Event], List[Module]]:
    """Runs the model once, without gradients, in the mode in which it is.

    Args:
        inputs: arrays and plain values by argument.

    Returns:
        Its output as plain data, the calls in the order of their start, and its modules.
    """
    import torch

    names = {id(module): name for name, module in model.named_modules()}
    recorder = Recorder()
    original = torch.nn.Module.__call__

    def call(self: Any, *positional: Any, **named: Any) -> Any:
        path = names.get(id(self))
        if path is None:
            return original(self, *positional, **named)
        arguments = plain(bound(self.forward, positional, named))
        event = recorder.start(path, type(self).__name__, arguments)
        output = original(self, *positional, **named)
        recorder.end(event, plain(output))
        return output

    torch.nn.Module.__call__ = call
    try:
        with torch.no_grad():
            output = model(**to_torch(dict(inputs)))
    finally:
        torch.nn.Module.__call__ = original
    return plain(output), recorder.events, describe_torch(model)


def describe_torch(model: Any) -> List[Module]:
    """All modules of a PyTorch model. A parameter that several modules share is listed in each of them."""
    found: List[Module] = []
    for path, module in model.named_modules():
        found.append(
            Module(
                path,
                type(module).__name__,
                [base.__name__ for base in type(module).__mro__[1:-1]],
                {name: list(p.shape) for name, p in module._parameters.items() if p is not None},
                {name: list(b.shape) for name, b in module._buffers.items() if b is not None},
                _hyper(module),
            )
        )
    return found


def _hyper(module: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for name in HYPER:
        value = getattr(module, name, None)
        if isinstance(value, tuple):
            value = list(value)
        if isinstance(value, (bool, int, float, str)) or (
            isinstance(value, list) and all(isinstance(entry, (int, float)) for entry in value)
        ):
            found[name] = value
    return found

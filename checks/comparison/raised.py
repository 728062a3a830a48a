"""Exceptions of a side, as it tells of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.execution import untrusted

_NOISE = re.compile(
    r"\{\{function_node .*?\}\} ?|(Exception encountered when|Error when) calling layer '[^']*' \(type \w+\)\. ?| Call arguments received by .*"
)
"""What Keras puts around the message of TensorFlow: the layer and its arguments are told otherwise."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception on one line, `ValueError: shapes differ`; where in the tree it came from, innermost last."""

    text: str
    frames: tuple[tuple[str, int, str], ...] = ()


def raised_of(value: object) -> Raised | None:
    """The exception that a side tells of; None if it tells of none."""
    told = untrusted.mapping(value)
    if not told:
        return None
    message = " ".join(untrusted.text(told.get("message"), 1_500).split())
    message = _NOISE.sub("", message).strip()
    text = f"{untrusted.text(told.get('type'), 60) or 'error'}: {message}"[:600]
    return Raised(text, untrusted.frames(told.get("frames")))


def error_text(value: object) -> str:
    """Its one line."""
    raised = raised_of(value)
    return raised.text if raised is not None else "an error without words"

"""Exceptions of a side, as it tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from checks.execution import untrusted


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
    text = f"{untrusted.text(told.get('type'), 60) or 'error'}: {message}"[:600]
    return Raised(text, untrusted.frames(told.get("frames")))


def error_text(value: object) -> str:
    """Its one line."""
    raised = raised_of(value)
    return raised.text if raised is not None else "an error without words"

"""The item `tf-weights`: which checkpoints of a port lack weights for TensorFlow. Decided from what the Hub says of their files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

import structlog

from checks.errors import UserError
from checks.report import State
from checks.weights import lacking

log = structlog.get_logger(__name__)

Known = Literal["there", "missing", "unknown"]
FRESH = 600.0
"""Seconds for which the Hub is not asked again of a checkpoint. One that could not be asked is asked at the next look."""


class Weights(NamedTuple):
    """What is known of a port's checkpoints. `why`: of what is unknown; `proposed`: checkpoints whose weights wait on the Hub to be merged;
    `command`: what makes weights here."""

    known: Mapping[str, Known]
    why: str = ""
    proposed: frozenset[str] = frozenset()
    command: str = "tfport convert"


def decide(weights: Weights | None, *, complete: bool) -> tuple[State, str]:
    """State and reason of the item.

    Args:
        weights: None if nobody asked the Hub.
        complete: the port has a public model that could load them.
    """
    if not complete:
        return "waiting", "once there is a model that can load them"
    if weights is None:
        return "unverified", "nobody asked the Hub"
    if not weights.known:
        return "unverified", "the port names no checkpoint"
    missing = [name for name, known in weights.known.items() if known == "missing"]
    waiting = [name for name in missing if name in weights.proposed]
    missing = [name for name in missing if name not in weights.proposed]
    if waiting and not missing:
        return "waiting", f"proposed on the Hub, not merged yet: {', '.join(waiting[:3])}"
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return "waiting", f"missing for {', '.join(missing[:3])}{more}: `{weights.command} {missing[0]}`"
    if "unknown" in weights.known.values():
        return "unverified", weights.why
    return "passed", ""


class Hub:
    """Asks the Hub for the files of checkpoints, and remembers the answers for a while.

    Args:
        files: gives the paths of a repository; raises UserError where there is no answer.
    """

    def __init__(self, files: Callable[[str], Iterable[str]] | None = None) -> None:
        self._files = files or _files
        self._kept: dict[tuple[str, bool], tuple[float, Known]] = {}

    async def weights(self, names: Iterable[str], *, reads_safetensors: bool) -> Weights:
        """What is known of these checkpoints now. Never raises: a Hub that does not answer makes them unknown."""
        return await asyncio.to_thread(self._weights, list(names), reads_safetensors)

    def _weights(self, names: list[str], reads_safetensors: bool) -> Weights:
        found: dict[str, Known] = {}
        why = ""
        for name in names:
            kept = self._kept.get((name, reads_safetensors))
            if kept is not None and time.monotonic() - kept[0] < FRESH:
                found[name] = kept[1]
                continue
            if why:  # the Hub is out of reach: one timeout is enough
                found[name] = "unknown"
                continue
            try:
                without = lacking(self._files(name), reads_safetensors=reads_safetensors)
            except UserError as error:
                found[name], why = "unknown", error.message
                log.info("the hub was asked in vain", checkpoint=name, reason=error.message)
            else:
                found[name] = "missing" if without else "there"
                self._kept[name, reads_safetensors] = (time.monotonic(), found[name])
        return Weights(found, why)

    def forget(self, name: str) -> None:
        """Something changed there."""
        for key in [key for key in self._kept if key[0] == name]:
            del self._kept[key]


def _files(name: str) -> Iterable[str]:
    from bot.hub import checkpoint

    return checkpoint(name).files

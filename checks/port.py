"""What is being ported."""

from __future__ import annotations

from dataclasses import dataclass

from checks.snapshot import Snapshot


@dataclass(frozen=True)
class Port:
    """One port: the model, its files on both sides, and what the base demands."""

    model: str
    base: Snapshot
    head: Snapshot

"""The hub's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(moment: datetime | None) -> str | None:
    """GitHub's form of a time: UTC, whole seconds, `Z`."""
    return moment and moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Clock:
    """The hub's time; tests push it forward instead of waiting."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

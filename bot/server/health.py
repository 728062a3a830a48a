"""Liveness: is this process worth keeping. Readiness: does everything that it needs work."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from bot.inbox import Inbox, InboxUnavailable
from bot.settings import Settings

log = structlog.get_logger("bot.server")
T = TypeVar("T")

QUEUE_SECONDS = 300.0
"""A delivery that waits longer than this means that nobody deals with them."""
FREE_BYTES = 512 * 2**20
PROBE_SECONDS = 10.0


class NotReady(Exception):
    """A probe's bad news, in one sentence that may be public."""


Probe = Callable[[], Awaitable[str]]
"""Checks one thing: returns a short detail, or raises `NotReady`."""


class Cached:
    """The last result of a coroutine function, for some seconds: anyone may ask, but not make us work each time."""

    def __init__(self, function: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._function, self._seconds = function, seconds
        self._lock = asyncio.Lock()
        self._until = 0.0
        self._value: object = None

    async def __call__(self) -> object:
        async with self._lock:
            if time.monotonic() >= self._until:
                self._value = await self._function()
                self._until = time.monotonic() + self._seconds
            return self._value


def own_probes(settings: Settings, inbox: Inbox) -> Mapping[str, Probe]:
    """What the server itself can tell: database, queue, disk, signing key."""

    async def database() -> str:
        try:
            await inbox.probe()
        except InboxUnavailable as error:
            log.warning("the inbox cannot be written", error=str(error))
            raise NotReady("nothing can be stored") from None
        return "postgresql" if settings.is_postgres else "sqlite"

    async def queue() -> str:
        try:
            stats = await inbox.stats()
        except InboxUnavailable:
            raise NotReady("unknown, the database does not answer") from None
        told = f"{stats.counts.get('pending', 0)} waiting, the oldest for {stats.oldest_pending:.0f} s"
        if stats.oldest_pending > QUEUE_SECONDS:
            raise NotReady(told)
        return told

    async def disk() -> str:
        try:
            free = shutil.disk_usage(settings.data_dir).free
        except OSError as error:
            raise NotReady(f"the data folder cannot be read: {error.strerror}") from None
        told = f"{free / 2**30:.1f} GB free"
        if free < FREE_BYTES:
            raise NotReady(told)
        return told

    async def key() -> str:
        return "parsed"  # or Settings would not exist

    return {"database": database, "queue": queue, "disk": disk, "key": key}


async def readiness(probes: Mapping[str, Probe]) -> tuple[bool, dict[str, dict[str, str | bool]]]:
    """Runs all probes; one that hangs or breaks is not ready."""

    async def run(name: str, probe: Probe) -> tuple[bool, str]:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return True, await probe()
        except NotReady as news:
            return False, str(news)
        except TimeoutError:
            return False, f"no answer within {PROBE_SECONDS:g} s"
        except Exception:
            log.exception("a probe broke", probe=name)
            return False, "the probe broke, see the log"

    results = await asyncio.gather(*(run(name, probe) for name, probe in probes.items()))
    told = {name: {"ready": ok, "detail": detail} for name, (ok, detail) in zip(probes, results, strict=True)}
    return all(ok for ok, _ in results), told

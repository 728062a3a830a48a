"""Starts executions, tells how far they are, and ends them: at most so many at the same time, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from bot.execution import Ground, House, Order, Record
from checks.errors import UserError

if TYPE_CHECKING:
    from bot.conversion import Figures
    from bot.conversion import Order as Conversion
    from bot.settings import Settings

log = structlog.get_logger(__name__)

COMMAND: list[str] = [sys.executable, "-m", "bot.execute"]
CONVERT: list[str] = [sys.executable, "-m", "bot.convert"]
SECRETS = frozenset(
    f"TFPORT_{name}"
    for name in ("PRIVATE_KEY", "WEBHOOK_SECRET", "WEBHOOK_SECRET_PREVIOUS", "DATABASE", "HUB_TOKEN")
)
LONGEST_LINE = 64 << 20
"""Bytes of a result."""


@dataclass(slots=True)
class Progress:
    """How far an execution is."""

    text: str = "waiting for a free slot"
    done: int = 0
    total: int = 0
    last: str = ""


class Superseded(Exception):
    """It was ended: the text says why."""


@dataclass(slots=True)
class Slots:
    """Who may run now: `total` at the same time, of them `per_author` for one author, first come first served."""

    total: int
    per_author: int
    _busy: Counter[int] = field(default_factory=Counter[int])
    _free: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def take(self, author: int) -> AsyncGenerator[None]:
        """A slot, as soon as there is one."""
        async with self._free:
            await self._free.wait_for(
                lambda: self._busy.total() < self.total and self._busy[author] < self.per_author
            )
            self._busy[author] += 1
        try:
            yield
        finally:
            # Not under the lock, which would be awaited while we are cancelled.
            self._busy[author] -= 1
            with suppress(RuntimeError):
                asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        async with self._free:
            self._free.notify_all()


class Executor:
    """The operator's machine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._slots: Slots | None = None
        self._running: dict[tuple[int, int], dict[str, asyncio.Future[str]]] = {}
        """Executions by pull request and head; conversions outlive a push's look, and end themselves."""

    @property
    def slots(self) -> Slots:
        if self._slots is None:  # made within the loop that uses it
            self._slots = Slots(self._settings.executions, self._settings.executions_per_author)
        return self._slots

    async def house(self, full_name: str) -> House:
        """What the operator says of a repository."""
        if not self._settings.executes(full_name):
            return House()
        return House(
            True, await asyncio.to_thread(lambda: self._no_sandbox), self._settings.execution_approval
        )

    @cached_property
    def _no_sandbox(self) -> str:
        from checks.execution.sandbox import NoSandbox, find_sandbox

        try:
            find_sandbox(self._settings.execution())
        except NoSandbox as error:
            return error.message
        return ""

    def grounded(self, ground: Ground) -> Ground:
        """The ground together with the operator's words that a result depends on."""
        words = f"{ground['fingerprint']}{self._settings.execution()!r}"
        return Ground(fingerprint=sha256(words.encode()).hexdigest()[:24], sensitive=ground["sensitive"])

    def end(self, repository: int, number: int, why: str, *, keep: str = "") -> None:
        """Ends executions of a pull request, but not those of the commit `keep`."""
        for head, stop in self._running.get((repository, number), {}).items():
            if head != keep and not stop.done():
                stop.set_result(why)

    def busy(self, repository: int, number: int, head: str) -> bool:
        """Whether this commit is being executed, or waits for a slot."""
        return head in self._running.get((repository, number), {})

    async def run(self, order: Order, mirror: Path, tests: list[str] | None, progress: Progress) -> Record:
        """Executes an order.

        Raises:
            Superseded: `end` was called.
        """
        place, head = (order["repository"], order["number"]), order["head"]
        stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._running.setdefault(place, {})[head] = stop
        try:
            found = await self._until(
                stop, order["author"], COMMAND, self._request(order, mirror, tests), progress
            )
        finally:
            if self._running.get(place, {}).get(head) is stop:
                del self._running[place][head]
        return Record(found.get("result"), found.get("error", ""))

    async def convert(
        self,
        order: Conversion,
        base: str,
        head: str,
        mirror: Path,
        folder: Path,
        progress: Progress,
        stop: asyncio.Future[str],
    ) -> Figures:
        """Converts a checkpoint with the code of `head`; the weights are put into `folder`.

        Args:
            stop: ends it, once it has a result.

        Raises:
            Superseded: `stop` did.
            UserError: it could not be converted.
        """
        request = {
            "repository": str(mirror),
            "base": base,
            "head": head,
            "checkpoint": order["checkpoint"],
            "folder": str(folder),
            "checkpoint_bytes": int(self._settings.checkpoint_size * (1 << 30)),
            **self._share(),
        }
        found = await self._until(stop, order["author"], CONVERT, request, progress)
        if "error" in found:
            raise UserError(found["error"], hint=found.get("hint", ""))
        return found["result"]

    async def _until(
        self,
        stop: asyncio.Future[str],
        author: int,
        command: list[str],
        request: dict[str, Any],
        progress: Progress,
    ) -> dict[str, Any]:
        """The process's last word, in a slot of this author."""
        work = asyncio.ensure_future(self._in_slot(author, command, request, progress))
        try:
            await asyncio.wait([work, stop], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Superseded(stop.result())
            return work.result()
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work

    async def _in_slot(
        self, author: int, command: list[str], request: dict[str, Any], progress: Progress
    ) -> dict[str, Any]:
        async with self.slots.take(author):
            progress.text = "starting"
            return await run_process(command, request, progress)

    def _share(self) -> dict[str, Any]:
        """What of this machine one process may take, and the operator's words to it."""
        settings = self._settings
        cores = settings.execution_cores or max(1, len(os.sched_getaffinity(0)) // settings.executions)
        return {
            "cores": cores,
            "memory": settings.execution_memory << 30 or _free_memory() // 2 // settings.executions,
            "variables": settings.execution_variables(),
        }

    def _request(self, order: Order, mirror: Path, tests: list[str] | None) -> dict[str, Any]:
        settings = self._settings
        return {
            "repository": str(mirror),
            "base": order["base"],
            "head": order["head"],
            "ready": order["ready"],
            "expression": order["expression"],
            "tests": tests,
            "seconds": settings.execution_minutes * 60.0,
            "checkpoint_bytes": int(settings.checkpoint_size * (1 << 30)),
            "checkpoint_pickles": settings.checkpoint_pickles,
            **self._share(),
        }


def _free_memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


async def run_process(command: list[str], request: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The last word of a process (see `bot.child`) to one request; cancelled, it is killed with all that it started.

    It gets none of our secrets: neither the app's key nor the token of the Hub.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env={name: value for name, value in os.environ.items() if name not in SECRETS},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=LONGEST_LINE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        async for line in process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "result" in message or "error" in message:
                return message
            if "step" in message:
                progress.text, progress.done, progress.total = message["step"], 0, 0
            else:
                progress.last, progress.done, progress.total = message["over"]
        log.error("execution died", head=request["head"], code=await process.wait())
        return {"error": "the execution ended without a word"}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

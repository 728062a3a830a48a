"""Run one command of a stranger: `find_sandbox().run(Job(...)) -> Result`.

    sandbox = find_sandbox()                       # raises NoSandbox where none holds
    result = sandbox.run(Job(
        command=("/path/of/env/bin/python", "-I", "-B", "/harness/run.py"),
        binds=(Bind.same(environment), Bind(tree, "/job"), Bind(harness, "/harness")),
        limits=Limits(seconds=600),
    ), on_record=progress)
    result.verdict, result.exit_code, result.records, result.output

Inside there is no network, no file of the host but the system's libraries and tools and `binds` (read-only), no environment variable
but the job's, a private /proc and /tmp, no other process, and no right. Results go through a pipe, never through files: the code inside
writes records to the descriptor that `TFPORT_RESULTS_FD` names, each with its length in front::

    payload = len(payload).to_bytes(4, "big") + payload
    while payload:
        payload = payload[os.write(int(os.environ["TFPORT_RESULTS_FD"]), payload):]

from one process at a time. What arrives is bytes from a stranger; `results.decode_object` reads JSON from them safely.

`await sandbox.run_async(job)` is the same for event loops; cancelling it ends the whole tree within a second. Limits hold for the tree as
a whole (`supervise`), and the tree is gone when `run` returns, however it returns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache

from checks.execution.bubblewrap import Bubblewrap
from checks.execution.containers import Container
from checks.execution.inlet import Inlet
from checks.execution.job import Bind, Job, Limits, NoSandbox, Result, SandboxError, Verdict
from checks.execution.settings import Settings
from checks.execution.supervise import Backend, supervise

__all__ = [
    "Bind",
    "Job",
    "Limits",
    "NoSandbox",
    "Result",
    "Sandbox",
    "SandboxError",
    "Verdict",
    "find_sandbox",
]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A backend, and how to wait for it."""

    backend: Backend

    def run(
        self,
        job: Job,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_record: Callable[[bytes], None] | None = None,
        stop: threading.Event | None = None,
        inlet: Inlet | None = None,
    ) -> Result:
        """Runs `job` to its end and blocks meanwhile.

        Args:
            on_output: gets output (standard output and error, merged) in chunks as it comes.
            on_record: gets each complete record of the results as it comes. Both are called from the thread that runs this.
            stop: set by another thread, ends the run within a second.
            inlet: what the job is told while it runs; without one its input ends after `job.input`.

        Raises:
            SandboxError: the sandbox could not start the command.
        """
        return supervise(job, self.backend, on_output=on_output, on_record=on_record, stop=stop, inlet=inlet)

    async def run_async(
        self,
        job: Job,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_record: Callable[[bytes], None] | None = None,
    ) -> Result:
        """`run`, for event loops; the callbacks are called in the loop. When cancelled, everything inside is dead before it raises."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        done: Future[Result] = Future()

        def hand(callback: Callable[[bytes], None] | None) -> Callable[[bytes], None] | None:
            return None if callback is None else lambda chunk: _call_in(loop, callback, chunk)

        def work() -> None:
            try:
                done.set_result(
                    self.run(job, on_output=hand(on_output), on_record=hand(on_record), stop=stop)
                )
            except BaseException as error:
                done.set_exception(error)

        # A thread of its own: bwrap dies with the thread that started it, and pools are shared with others.
        threading.Thread(target=work, name="sandbox", daemon=True).start()
        waits = asyncio.ensure_future(asyncio.wrap_future(done))
        try:
            return await asyncio.shield(waits)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([waits])
            raise


def find_sandbox(settings: Settings | None = None, *, tried: bool = True) -> Sandbox:
    """The sandbox of this host, as the settings (by default the process's own variables) say, and tried: it holds.

    Trying takes some 0.3 s, once in a process. `tried=False` skips it, for those who try it themselves.

    Raises:
        NoSandbox: there is none, or it does not hold; the message says why.
    """
    settings = settings or Settings.of()
    if settings.sandbox == "none":
        raise NoSandbox("switched off by TFPORT_SANDBOX", hint="set it to auto")
    reasons: list[str] = []
    for backend in backends(settings):
        if why := backend.missing():
            reasons.append(why)
            continue
        if tried and (why := _holds(backend)):
            reasons.append(f"{backend.name} does not hold: {why}")
            continue
        return Sandbox(backend)
    raise NoSandbox("; ".join(reasons), hint="tfport doctor shows what was tried")


def backends(settings: Settings) -> tuple[Backend, ...]:
    """What the settings allow, the preferred one first."""
    all_of_them = {
        "bubblewrap": Bubblewrap(),
        "podman": Container("podman", settings.sandbox_image),
        "docker": Container("docker", settings.sandbox_image),
    }
    return tuple(all_of_them.values()) if settings.sandbox == "auto" else (all_of_them[settings.sandbox],)


@cache
def _holds(backend: Backend) -> str:
    from checks.execution.escapes import holds  # it runs its attempts in a sandbox

    return holds(Sandbox(backend))


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[bytes], None], chunk: bytes) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback, chunk)

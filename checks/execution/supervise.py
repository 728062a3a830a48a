"""One run from start to end: reads what comes out, enforces the limits that no kernel setting enforces, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from checks.execution import processes
from checks.execution.inlet import Inlet
from checks.execution.job import GIB, HEADER, MIB, Job, Result, SandboxError, Verdict

FASTEST = 8 * GIB
"""Bytes that a process can fill in one second: decides how soon to look again."""
SOONEST, LATEST = 0.02, 0.25
"""Seconds between two looks."""
RESERVE = 256 * MIB
"""Memory that a run must leave to the machine: what no other limit counts (socket buffers, page tables) ends here."""
CHUNK = 1 << 16
GRACE = 5.0
"""Seconds in which killed processes have to be gone."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a backend starts a job.

    Attributes:
        arguments, environment: of the backend's program.
        inherit: descriptors that it gets; closed on our side once it runs.
        status: descriptor from which bubblewrap's reports are read; None if the exit code of the program is the job's.
        results_on_stdout: results come on standard output, where no descriptor can be handed through.
        kill: command that ends what the death of the program leaves running.
        killed_for_memory: exit code that says so, where the kernel and not the watchdog bounds memory.
        failed: exit codes by which the program says that it could not start the command.
    """

    arguments: tuple[str, ...]
    environment: dict[str, str]
    inherit: tuple[int, ...] = ()
    status: int | None = None
    results_on_stdout: bool = False
    kill: tuple[str, ...] = ()
    killed_for_memory: int | None = None
    failed: tuple[int, ...] = ()


class Backend(Protocol):
    """A way to shut a command in."""

    @property
    def name(self) -> str: ...

    def missing(self) -> str:
        """Why it can't be used on this host, for people; empty if it can."""
        ...

    def launch(self, job: Job, results: int) -> AbstractContextManager[Launch]:
        """The start of `job`, whose results go to the descriptor `results`. The end of the context gives back what it took."""
        ...


def supervise(
    job: Job,
    backend: Backend,
    *,
    on_output: Callable[[bytes], None] | None = None,
    on_record: Callable[[bytes], None] | None = None,
    stop: threading.Event | None = None,
    inlet: Inlet | None = None,
) -> Result:
    """Runs `job`. The callbacks get each chunk of output and each complete record as it comes; `stop` ends the run within a second.
    What `inlet` gets follows the job's input, which then stays open until the inlet is closed.

    Raises:
        SandboxError: the backend could not start the command; its words.
    """
    reads, writes = os.pipe()
    try:
        with backend.launch(job, writes) as launch:
            run = _Run(job, launch, on_output, on_record, stop or threading.Event(), inlet)
            try:
                run.start(reads)
            finally:
                for descriptor in launch.inherit:
                    os.close(descriptor)
                if launch.results_on_stdout:
                    os.close(writes)
                writes = -1
            try:
                run.watch()
            finally:
                run.end()
            return run.result()
    finally:
        os.close(reads)
        if writes != -1:
            os.close(writes)


class _Run:
    """The state of one run. Used by one thread."""

    def __init__(
        self,
        job: Job,
        launch: Launch,
        on_output: Callable[[bytes], None] | None,
        on_record: Callable[[bytes], None] | None,
        stop: threading.Event,
        inlet: Inlet | None,
    ) -> None:
        self.job, self.limits, self.launch, self.stop = job, job.limits, launch, stop
        self.inlet, self._heard_all = inlet, inlet is None
        self.on_output, self.on_record = on_output, on_record
        self.verdict: Verdict | None = None
        self.exit_code: int | None = None
        self.output = bytearray()
        self.records: list[bytes] = []
        self.seconds = 0.0
        self.peak = 0
        self._partial = bytearray()
        self._results_size = 0
        self._status = bytearray()
        self._first: int | None = None  # pid, on the host, of the first process inside
        self._first_handle: int | None = None
        self._scratch: list[int] = []  # the sandbox's /tmp and /dev/shm
        self._input = memoryview(job.input)
        self._selector = selectors.DefaultSelector()

    def start(self, results: int) -> None:
        launch, merged = self.launch, not self.launch.results_on_stdout
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            launch.arguments,
            env=launch.environment,
            stdin=subprocess.PIPE if self.job.input or self.inlet is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            pass_fds=launch.inherit,
            start_new_session=True,
            cwd="/",
            bufsize=0,
        )
        process = self._process
        assert process.stdout is not None
        if merged:
            self._read_from(process.stdout.fileno(), self._take_output)
            self._read_from(results, self._take_results)
        else:
            assert process.stderr is not None
            self._read_from(process.stderr.fileno(), self._take_output)
            self._read_from(process.stdout.fileno(), self._take_results)
        if launch.status is not None:
            self._read_from(launch.status, self._take_status)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin.fileno(), selectors.EVENT_WRITE, self._feed)
        if self.inlet is not None:
            self._selector.register(self.inlet.descriptor, selectors.EVENT_READ, self._hear)
        self._ended = os.pidfd_open(process.pid)
        self._selector.register(self._ended, selectors.EVENT_READ)

    def watch(self) -> None:
        """Until the program has ended or a limit is reached."""
        deadline = self._began + self.limits.seconds
        look = self._began + SOONEST
        while self.verdict is None and self._process.poll() is None:
            now = time.monotonic()
            if self.stop.is_set():
                self.verdict = "stopped"
            elif now >= deadline:
                self.verdict = "timeout"
            elif now >= look:
                look = now + self._look()
            else:
                self._turn(min(look, deadline) - now)

    def end(self) -> None:
        """Kills what is left, waits until it is gone, and takes what is still in the pipes."""
        try:
            self._kill()
            until = time.monotonic() + GRACE
            self._drain(until)
            self._process.wait(max(0.1, until - time.monotonic()))
            self._wait_for_all(until)
        finally:
            self.seconds = time.monotonic() - self._began
            if self.inlet is not None:
                self.inlet.close()
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
            handles = [self._ended, self._first_handle, *self._scratch]
            for descriptor in handles:
                if descriptor is not None:
                    os.close(descriptor)
            self._selector.close()

    def result(self) -> Result:
        verdict = self.verdict
        if verdict is None:
            if self.launch.status is None:
                code = self._process.returncode
                self.exit_code = None if code in self.launch.failed else code
            if self.exit_code is None:
                words = self.output.decode(errors="backslashreplace").strip()
                raise SandboxError(words[-2000:] or f"it ended with exit code {self._process.returncode}")
            if self.exit_code < 0:
                self.exit_code = 128 - self.exit_code
            verdict = "crashed" if self.exit_code > 128 else "results" if self._partial else "finished"
            if self.exit_code == self.launch.killed_for_memory:
                verdict = "memory"
        return Result(
            verdict,
            self.exit_code,
            bytes(self.output),
            tuple(self.records),
            self.seconds,
            self.peak,
            self.limits,
        )

    # -- reading -------------------------------------------------------------------------------------------------------

    def _read_from(self, descriptor: int, take: Callable[[bytes], None]) -> None:
        os.set_blocking(descriptor, False)
        self._selector.register(descriptor, selectors.EVENT_READ, take)

    def _turn(self, seconds: float) -> bool:
        """Takes what is ready. Whether there was anything."""
        ready = self._selector.select(max(0.0, seconds))
        for key, _ in ready:
            if key.data in (self._feed, self._hear):
                key.data()
            elif key.data is not None:
                take = cast("Callable[[bytes], None]", key.data)
                try:
                    chunk = os.read(key.fd, CHUNK)
                except BlockingIOError:
                    continue
                if chunk:
                    take(chunk)
                else:
                    self._selector.unregister(key.fd)
        return bool(ready)

    def _drain(self, until: float) -> None:
        def readers() -> bool:
            return any(
                key.data not in (None, self._feed, self._hear) for key in self._selector.get_map().values()
            )

        with contextlib.suppress(KeyError):
            self._selector.unregister(self._ended)
        while readers() and time.monotonic() < until:
            self._turn(0.1)

    def _take_output(self, chunk: bytes) -> None:
        room = self.limits.output - len(self.output)
        self.output += chunk[:room]
        if len(chunk) > room:
            self.verdict = self.verdict or "output"
        if self.on_output is not None and chunk[:room]:
            self.on_output(chunk[:room])

    def _take_results(self, chunk: bytes) -> None:
        self._results_size += len(chunk)
        if self._results_size > self.limits.results:
            self.verdict = self.verdict or "results"
        if self.verdict == "results":
            return
        self._partial += chunk
        while len(self._partial) >= HEADER:
            end = HEADER + int.from_bytes(self._partial[:HEADER], "big")
            if end - HEADER > self.limits.record:
                self.verdict = self.verdict or "results"
                return
            if len(self._partial) < end:
                return
            record = bytes(self._partial[HEADER:end])
            del self._partial[:end]
            # In a conversation each is dealt with when it comes, and all together may be large.
            if self.job.keep and self.inlet is None:
                self.records.append(record)
            if self.on_record is not None:
                self.on_record(record)

    def _take_status(self, chunk: bytes) -> None:
        """Bubblewrap's own words, which the code inside cannot write: `{"child-pid": 7, …}`, later `{"exit-code": 0}`."""
        self._status += chunk
        *lines, self._status = self._status.split(b"\n")
        for line in lines:
            report = cast("dict[str, int]", json.loads(line))
            if "child-pid" in report:
                self._first = report["child-pid"]
                with contextlib.suppress(ProcessLookupError):
                    self._first_handle = os.pidfd_open(self._first)
            self.exit_code = report.get("exit-code", self.exit_code)

    def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            self._input = self._input[os.write(self._process.stdin.fileno(), self._input[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._input = self._input[:0]
        if not self._input:
            self._selector.unregister(self._process.stdin.fileno())
            if self._heard_all:
                self._process.stdin.close()

    def _hear(self) -> None:
        """More input has come, or its end."""
        assert self.inlet is not None
        assert self._process.stdin is not None
        content, self._heard_all = self.inlet.take()
        if self._heard_all:
            self._selector.unregister(self.inlet.descriptor)
        if self._process.stdin.closed:
            return
        self._input = memoryview(bytes(self._input) + content) if content else self._input
        if self._process.stdin.fileno() not in self._selector.get_map():
            self._selector.register(self._process.stdin.fileno(), selectors.EVENT_WRITE, self._feed)

    # -- watching ------------------------------------------------------------------------------------------------------

    def _look(self) -> float:
        """Compares what is used with the limits. Seconds until the next look."""
        limits, soon = self.limits, LATEST
        if processes.available() < RESERVE:
            self.verdict = "host-memory"
        elif self._first is not None:
            used = processes.usage(self._first)
            self.peak = max(self.peak, used.resident)
            if used.tasks >= limits.processes:
                self.verdict = "processes"
            elif used.resident > limits.memory and processes.proportional(used.pids) > limits.memory:
                self.verdict = "memory"
            elif self._scratch_is_full(used.pids):
                self.verdict = "disk"
            # Above the limit by a sum that counts shared pages repeatedly, looking is expensive.
            room = limits.memory - used.resident
            soon = min(LATEST, max(SOONEST, room / FASTEST)) if room > 0 else LATEST / 2
        return soon

    def _scratch_is_full(self, pids: tuple[int, ...]) -> bool:
        if not self._scratch:
            self._scratch = _open_scratch(pids)
        sizes = [os.fstatvfs(folder) for folder in self._scratch]
        full = any(size.f_blocks and not size.f_bavail for size in sizes[:1])
        return full or sum(size.f_files - size.f_ffree for size in sizes) > self.limits.files

    # -- ending --------------------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        if self._first_handle is not None:  # the first process of a pid namespace takes all others with it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._first_handle, signal.SIGKILL)
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if self.launch.kill:
            subprocess.run(self.launch.kill, capture_output=True, timeout=GRACE * 2, check=False)

    def _wait_for_all(self, until: float) -> None:
        if self._first_handle is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._first_handle, selectors.EVENT_READ)
            if not selector.select(max(0.1, until - time.monotonic())):
                raise SandboxError(f"processes did not end within {GRACE:g} seconds of being killed")


def _open_scratch(pids: tuple[int, ...]) -> list[int]:
    """Handles of the sandbox's /tmp and /dev/shm, once it has its own; the first process may not let us look, its children do."""
    for pid in reversed(pids):
        handles: list[int] = []
        try:
            for folder in ("tmp", "dev/shm"):
                path = f"/proc/{pid}/root/{folder}"
                handles.append(os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC))
                if os.fstat(handles[-1]).st_dev in _host_devices():
                    raise FileNotFoundError(path)  # it has not left the host's root yet
            return handles
        except OSError:
            for handle in handles:
                os.close(handle)
    return []


def _host_devices() -> set[int]:
    devices: set[int] = set()
    for folder in ("/", "/tmp", "/dev", "/dev/shm"):
        with contextlib.suppress(OSError):
            devices.add(os.stat(folder).st_dev)
    return devices

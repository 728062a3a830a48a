"""Attempts to get out of the sandbox and to exhaust the host. Each fails to do harm, each with the verdict that is right for it."""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from checks.execution import attempts, escapes
from checks.execution.bubblewrap import Bubblewrap
from checks.execution.job import MIB, Bind, Job, Limits, Result
from checks.execution.sandbox import Sandbox
from tests.execution.conftest import Run, as_mode

SMALL = escapes.SMALL
WRITE = "import os\ndef send(b): os.write(int(os.environ['TFPORT_RESULTS_FD']), b)\n"


@pytest.fixture
def asleep() -> str:
    """A call that sleeps for ever, by which its processes can be found among those of tests that run at the same time."""
    return f"sleep({random.uniform(1000, 2000)!r})"


def processes_of(marker: str) -> list[str]:
    """Processes on this host whose command line has `marker` in it."""
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in words:
                found.append(folder.name)
    return found


# -- getting out -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def said() -> dict[tuple[str, str], str]:
    """What came of the attempts, by mode and name; each mode runs all of them once."""
    return {}


@pytest.mark.parametrize("attempt", [attempt.__name__ for attempt in attempts.ATTEMPTS])
def test_does_not_get_out(mode: str, attempt: str, said: dict[tuple[str, str], str]) -> None:
    if not any(known == mode for known, _ in said):
        findings = as_mode(mode, lambda: list(escapes._escape(Sandbox(Bubblewrap()))))
        pairs = zip(attempts.ATTEMPTS, findings, strict=True)
        said.update({(mode, tried.__name__): finding.escaped for tried, finding in pairs})
    assert said[mode, attempt] == ""


@pytest.mark.parametrize("attempt", [attempt.__name__ for attempt in attempts.ATTEMPTS])
def test_outside_the_attempt_would_succeed(attempt: str) -> None:
    """The attempts are real: without a sandbox nearly all of them get something (on this host, as root)."""
    harmless_outside = {
        "host_folders", "network", "local_sockets", "links", "environment", "other_processes", "inherited_files", "raising_limits",
        "rights", "machine_sockets", "namespaces", "other_architecture", "hidden_memory",
    }  # fmt: skip
    if attempt not in harmless_outside or os.geteuid() != 0:
        pytest.skip("would change this machine, or needs root")
    got = ""
    with escapes.host() as facts:
        child_reads, child_writes = os.pipe()
        if os.fork() == 0:
            os.environ["TFPORT_RESULTS_FD"] = str(child_writes)
            os.dup2(os.open("/dev/null", os.O_RDONLY), 19)
            attempts.FACTS.update(
                secret=str(facts.secret), socket=str(facts.socket), abstract=facts.abstract, port=facts.port, pid=os.getppid(),
                variable=escapes.VARIABLE, bound=str(facts.bound), roots=[],
            )  # fmt: skip
            try:
                got = getattr(attempts, attempt)()
            except BaseException as error:
                got = repr(error)
            os.write(child_writes, got.encode())
            os._exit(0)
        os.close(child_writes)
        with os.fdopen(child_reads) as pipe:
            got = pipe.read()
        os.wait()
    for link in ("/tmp/link", "/tmp/up", "/tmp/hard"):
        Path(link).unlink(missing_ok=True)
    assert got, f"{attempt} finds nothing even without a sandbox"


# -- exhausting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exhaustion", escapes.EXHAUSTION, ids=lambda one: one.name)
def test_does_not_exhaust_the_host(mode: str, exhaustion: escapes.Exhaustion) -> None:
    assert as_mode(mode, lambda: escapes._exhaust(Sandbox(Bubblewrap()), exhaustion)) == ""


def test_thread_bomb(python: Run) -> None:
    result = python(
        "import threading, time\nwhile True:\n try: threading.Thread(target=time.sleep, args=(60,)).start()\n except Exception: pass",
        SMALL,
    )
    assert result.verdict == "processes"


def test_allocating_100_gb_at_once(python: Run) -> None:
    result = python("x = bytearray(100 << 30)", SMALL)
    assert (result.verdict, result.exit_code) == ("finished", 1)
    assert b"MemoryError" in result.output
    assert result.peak_memory < 300 * MIB


def test_children_that_stay_below_the_limit_each(python: Run) -> None:
    code = "import os, time\nfor _ in range(8):\n if os.fork() == 0: break\nx = bytearray(b'x' * (60 << 20))\ntime.sleep(30)"
    assert python(code, SMALL).verdict == "memory"


def test_forks_that_share_their_memory_are_within_the_limit(python: Run) -> None:
    """Proportional, not resident: ten processes that share 60 MB have 60 MB."""
    code = "import os, time\nx = bytearray(b'x' * (60 << 20))\nfor _ in range(9):\n if os.fork() == 0: break\ntime.sleep(1)"
    assert python(code, SMALL).verdict == "finished"


def test_filling_shared_memory_files(python: Run) -> None:
    code = "f = open('/dev/shm/x', 'wb')\nwhile True: f.write(bytes(1 << 20))"
    result = python(code, SMALL)
    assert (result.verdict, result.exit_code) == ("finished", 1)
    assert b"No space left" in result.output


def test_a_file_of_1_gb(python: Run) -> None:
    result = python("f = open('/tmp/x', 'wb')\nf.truncate(1 << 30)\nf.write(b'x')", SMALL)
    assert (result.verdict, result.exit_code) == ("finished", 1)
    assert b"File too large" in result.output


def test_no_file_of_the_host_grows(python: Run, tmp_path: Path) -> None:
    result = python("print(open('/shown/x', 'w'))", SMALL, environment={})
    assert result.exit_code == 1


def test_deaf_to_sigterm_and_in_another_session(python: Run, asleep: str) -> None:
    code = f"import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.fork()\nos.setsid() if os.getpid() != 2 else 0\ntime.{asleep}"
    assert python(code, Limits(seconds=0.6)).verdict == "timeout"
    assert not processes_of(asleep)


def test_a_daemon_is_gone_when_the_run_ends(python: Run, asleep: str) -> None:
    code = f"import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0: time.{asleep}\n os._exit(0)\ntime.sleep(.2)"
    result = python(code, SMALL)
    assert result.verdict == "finished"
    assert not processes_of(asleep)


def test_a_grandchild_that_holds_the_output_does_not_hold_us_up(python: Run, asleep: str) -> None:
    result = python(f"import os, time\nif os.fork() == 0:\n time.{asleep}\nprint('bye')", SMALL)
    assert result.verdict == "finished"
    assert result.seconds < 60
    assert b"bye" in result.output
    assert not processes_of(asleep)


def test_hard_end_with_code_0_brings_no_results(python: Run) -> None:
    result = python("import os\nos._exit(0)", SMALL)
    assert (result.verdict, result.exit_code, result.records) == ("finished", 0, ())


def test_closing_the_results_brings_no_results(python: Run) -> None:
    result = python("import os\nos.close(int(os.environ['TFPORT_RESULTS_FD']))\nprint('still here')", SMALL)
    assert (result.verdict, result.records) == ("finished", ())
    assert b"still here" in result.output


@pytest.mark.parametrize(
    ("sent", "records", "verdict"),
    [
        (r"b'\0\0\0\2hi' * 3", (b"hi",) * 3, "finished"),
        (r"b'\0\0\0\2hi\0\0\0\5half'", (b"hi",), "results"),
        (r"b'\xff\xff\xff\xff' + b'x' * 99", (), "results"),
        (r"b'garbage'", (), "results"),
        (r"b'\0'", (), "results"),
        (r"b'\0\0\0\0'", (b"",), "finished"),
    ],
)
def test_results_that_are_no_records(
    python: Run, sent: str, records: tuple[bytes, ...], verdict: str
) -> None:
    result = python(f"{WRITE}send({sent})", SMALL)
    assert (result.records, result.verdict) == (records, verdict)


def test_crash(python: Run) -> None:
    result = python("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", SMALL)
    assert (result.verdict, result.exit_code) == ("crashed", 139)
    assert "SIGSEGV" in result.reason


# -- what is meant to work ---------------------------------------------------------------------------------------------


def test_input_larger_than_a_pipe(python: Run) -> None:
    sent = os.urandom(3 * MIB)
    result = python("import sys, zlib\nprint(zlib.crc32(sys.stdin.buffer.read()))", SMALL, input=sent)
    import zlib

    assert int(result.output) == zlib.crc32(sent)


def test_input_that_nobody_reads(python: Run) -> None:
    assert python("pass", SMALL, input=bytes(3 * MIB)).verdict == "finished"


def test_a_large_record_arrives_whole(python: Run) -> None:
    code = f"{WRITE}b = bytes(range(256)) * 4096 * 5\nb = len(b).to_bytes(4, 'big') + b\nwhile b:\n b = b[os.write(int(os.environ['TFPORT_RESULTS_FD']), b):]"
    (record,) = python(code, Limits(seconds=20)).records
    assert record == bytes(range(256)) * 4096 * 5


def test_shown_folders(run: Run, tmp_path: Path) -> None:
    shared = Path("/tmp") / f"tfport-shown-{os.getpid()}"
    shared.mkdir(mode=0o755)
    try:
        (shared / "odd\nname").write_text("content")
        job = Job(("/bin/sh", "-c", "cat /job/deep/odd* && ls /"), (Bind(shared, "/job/deep"),))
        result = run(job)
        assert result.output.startswith(b"content")
    finally:
        (shared / "odd\nname").unlink()
        shared.rmdir()


def test_environment_holds_what_the_job_says_and_nothing_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "of-the-service")
    result = run(Job(("/usr/bin/env",), environment={"OMP_NUM_THREADS": "2"}))
    assert b"OMP_NUM_THREADS=2" in result.output
    assert b"HF_HUB_OFFLINE=1" in result.output
    assert b"of-the-service" not in result.output


@pytest.mark.parametrize("target", ["relative", "/a/../b", "/a//b", "/a\0b", "/a/"])
def test_a_target_is_a_normal_path(target: str) -> None:
    with pytest.raises(ValueError):
        Bind(Path("/tmp"), target)


def test_output_and_records_come_while_it_runs(sandbox: Sandbox) -> None:
    tester = escapes.tester()
    code = f"{WRITE}import time\nprint('one', flush=True); send(b'\\0\\0\\0\\1a'); time.sleep(.5); print('two'); send(b'\\0\\0\\0\\1b')"
    seen: list[tuple[bytes, float]] = []

    def note(chunk: bytes) -> None:
        seen.append((chunk, time.monotonic()))

    job = Job((str(tester.path), "-I", "-c", code), tester.binds())
    sandbox.run(job, on_output=note, on_record=note)
    times = dict(seen)
    assert set(times) == {b"one\n", b"two\n", b"a", b"b"}
    assert times[b"b"] - times[b"a"] > 0.3


async def test_cancelling_ends_the_tree_within_a_second(sandbox: Sandbox, asleep: str) -> None:
    code = f"import os, time, signal\nsignal.signal(15, signal.SIG_IGN)\nfor _ in range(3): os.fork()\nprint('up', flush=True)\ntime.{asleep}"
    tester = escapes.tester()
    up = asyncio.Event()
    job = Job((str(tester.path), "-I", "-c", code), tester.binds())
    task = asyncio.create_task(sandbox.run_async(job, on_output=lambda _: up.set()))
    await asyncio.wait_for(up.wait(), 10)
    assert processes_of(asleep)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 30  # not 984; a second on an idle machine
    assert not processes_of(asleep)


async def test_the_event_loop_stays_responsive_beside_a_fork_bomb(sandbox: Sandbox) -> None:
    tester = escapes.tester()
    bomb = next(one for one in escapes.EXHAUSTION if one.name == "A fork bomb")
    job = Job((str(tester.path), "-I", "-c", bomb.code), tester.binds(), limits=bomb.limits)
    task = asyncio.create_task(sandbox.run_async(job))
    turns = 0
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    result: Result = task.result()
    assert result.verdict == "processes"
    assert turns > 2


def test_killing_the_service_kills_what_it_runs(asleep: str) -> None:
    if os.geteuid() == 0 and Bubblewrap().missing():
        pytest.skip(Bubblewrap().missing())
    tester = escapes.tester()
    job = Job((str(tester.path), "-I", "-c", f"import time; time.{asleep}"), tester.binds())
    child = os.fork()
    if child == 0:
        Sandbox(Bubblewrap()).run(job)
        os._exit(0)
    until = time.monotonic() + 10
    while not processes_of(asleep) and time.monotonic() < until:
        time.sleep(0.05)
    assert processes_of(asleep)
    os.kill(child, 9)
    os.waitpid(child, 0)
    while processes_of(asleep) and time.monotonic() < until:
        time.sleep(0.05)
    assert not processes_of(asleep)

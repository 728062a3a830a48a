"""Talking to a job while it runs."""

from __future__ import annotations

import threading
import time

import pytest

from checks.execution import escapes
from checks.execution.bubblewrap import Bubblewrap
from checks.execution.inlet import Inlet, InletFull
from checks.execution.job import Job, Limits
from checks.execution.sandbox import Sandbox

ECHO = """
import os, sys
out = int(os.environ["TFPORT_RESULTS_FD"])
for line in sys.stdin.buffer:
    answer = b"heard " + line.strip()[-20:] + b" %d" % len(line)
    os.write(out, len(answer).to_bytes(4, "big") + answer)
"""


def _job(code: str, **options: object) -> Job:
    tester = escapes.tester()
    command = (str(tester.path), "-I", "-B", "-c", code)
    return Job(command, tester.binds(), limits=Limits(seconds=20), **options)  # type: ignore[arg-type]


@pytest.fixture
def sandbox() -> Sandbox:
    backend = Bubblewrap()
    if backend.missing():
        pytest.skip(backend.missing())
    return Sandbox(backend)


def test_a_conversation(sandbox: Sandbox) -> None:
    inlet, heard = Inlet(), []

    def answer(record: bytes) -> None:
        heard.append(record)
        if len(heard) < 4:
            inlet.put(b"word %d\n" % len(heard))
        else:
            inlet.close()

    result = sandbox.run(_job(ECHO, input=b"first\n"), on_record=answer, inlet=inlet)
    assert result.verdict == "finished"
    assert [record.split()[1] for record in heard] == [b"first", b"word", b"word", b"word"]


def test_much_at_once(sandbox: Sandbox) -> None:
    inlet = Inlet()
    inlet.put(b"x" * 5_000_000 + b"\n")
    inlet.close()
    result = sandbox.run(_job(ECHO), inlet=inlet)
    assert result.records[0].endswith(b" 5000001")


def test_a_job_that_does_not_read_is_ended_in_time(sandbox: Sandbox) -> None:
    inlet, stop = Inlet(), threading.Event()
    inlet.put(b"x" * 1_000_000)
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    result = sandbox.run(_job("import time; time.sleep(60)"), inlet=inlet, stop=stop)
    assert result.verdict == "stopped"
    assert time.monotonic() - began < 10
    inlet.put(b"nobody hears this any more")


def test_a_job_that_closes_its_input_loses_only_that(sandbox: Sandbox) -> None:
    inlet = Inlet()
    threading.Timer(0.3, lambda: (inlet.put(b"x" * 200_000), inlet.close())).start()
    result = sandbox.run(_job("import os, time; os.close(0); time.sleep(1); print('alive')"), inlet=inlet)
    assert result.verdict == "finished"
    assert b"alive" in result.output


def test_what_waits_is_bounded() -> None:
    inlet = Inlet(most=10)
    inlet.put(b"12345")
    with pytest.raises(InletFull):
        inlet.put(b"123456")
    assert inlet.take() == (b"12345", False)
    inlet.put(b"1234567890")

"""One side of a comparison: a process in a sandbox that answers questions.

It is started once, imports its libraries while nobody waits, and takes the questions of one port. What it answers is a stranger's.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from checks.comparison.raised import error_text
from checks.comparison.wire import frame, is_packed, unpack
from checks.execution import untrusted
from checks.execution.inlet import Inlet, InletFull
from checks.execution.job import GIB, MIB, Job, Result, SandboxError
from checks.execution.results import Malformed
from checks.execution.workplace import Workplace

Side = Literal["reference", "candidate"]

RECORD = 256 * MIB
"""Bytes of one answer."""
RESULTS = 8 * GIB
"""Bytes of all answers of one process."""
RESTARTS = 3
"""Processes that may die under their questions before the rest is given up."""


class Gone(Exception):
    """The process ended, or did not answer: in words for people. A question that it had is lost, the next one gets a new process."""


@dataclass(slots=True)
class _Talk:
    """One process and what it has said."""

    inlet: Inlet = field(default_factory=Inlet)
    stop: threading.Event = field(default_factory=threading.Event)
    answers: queue.SimpleQueue[Mapping[str, Any] | str] = field(
        default_factory=queue.SimpleQueue[Mapping[str, Any] | str]
    )
    thread: threading.Thread | None = None
    peak: int = 0


class Peer:
    """One side. Several threads may ask; each question waits until the one before is answered.

    Args:
        workplace: with the tree of this side.
        seconds: for one answer.
        threads: that its library may use.
        torch: the candidate has torch too, which some tests need to make a case.
    """

    def __init__(
        self,
        workplace: Workplace,
        side: Side,
        *,
        seconds: float = 120.0,
        threads: int = 1,
        torch: bool = False,
    ) -> None:
        self.side, self.workplace, self.torch = side, workplace, torch
        self._seconds, self._threads = seconds, threads
        self._lock = threading.Lock()
        self._talk: _Talk | None = None
        self._opening: Mapping[str, Any] | None = None
        self._number = 0
        self._deaths = 0
        self.peak_memory = 0

    def start(self) -> Peer:
        """Starts the process, which then warms up; without waiting for it."""
        with self._lock:
            if self._talk is None:
                self._talk = self._started()
        return self

    def open(self, opening: Mapping[str, Any]) -> None:
        """Says which port the questions are about; asked again of a new process.

        Raises:
            Gone: it can't be imported, or the process ended.
        """
        self._opening = opening
        answer = self.ask("open", **opening)
        if "error" in answer:
            raise Gone(f"the {self.side} cannot be imported: {error_text(answer['error'])}")

    def ask(self, do: str, **fields: Any) -> Mapping[str, Any]:
        """The answer to one question.

        Raises:
            Gone: there is none.
        """
        with self._lock:
            if self._talk is None:
                if self._deaths > RESTARTS:
                    raise Gone(f"the {self.side} died {self._deaths} times")
                self._talk = self._started()
                if self._opening is not None and do != "open":
                    self._exchange("open", self._opening)
            return self._exchange(do, fields)

    def close(self) -> None:
        """Ends the process, and waits until it is gone."""
        with self._lock:
            talk, self._talk = self._talk, None
        if talk is not None:
            self._end(talk)

    # ------------------------------------------------------------------------------------------------------------------

    def _exchange(self, do: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        talk = self._talk
        assert talk is not None
        self._number += 1
        try:
            talk.inlet.put(frame({"do": do, "number": self._number, **fields}))
            while True:
                told = talk.answers.get(timeout=self._seconds)
                if isinstance(told, str):
                    raise Gone(f"the {self.side} {told}")
                if told.get("kind") == "answer" and told.get("number") == self._number:
                    return told
        except (queue.Empty, InletFull):
            self._lost(talk)
            raise Gone(f"the {self.side} did not answer within {self._seconds:g} seconds") from None
        except Gone:
            self._lost(talk)
            raise

    def _lost(self, talk: _Talk) -> None:
        self._deaths += 1
        self._talk = None
        self._end(talk)

    def _end(self, talk: _Talk) -> None:
        talk.stop.set()
        talk.inlet.close()
        if talk.thread is not None:
            talk.thread.join(timeout=30)
        self.peak_memory = max(self.peak_memory, talk.peak)

    def _started(self) -> _Talk:
        talk = _Talk()
        job = self._job()

        def work() -> None:
            try:
                result = self.workplace.sandbox.run(
                    job, on_record=lambda record: _take(record, talk), stop=talk.stop, inlet=talk.inlet
                )
            except SandboxError as error:
                talk.answers.put(f"could not be started: {error}"[:1_000])
                return
            talk.peak = result.peak_memory
            talk.answers.put(_end_of(result))

        # bwrap dies with the thread that started it, so each has its own.
        talk.thread = threading.Thread(target=work, name=f"tfport-{self.side}", daemon=True)
        talk.thread.start()
        return talk

    def _job(self) -> Job:
        request = {"task": self.side, "threads": self._threads, "torch": self.torch}
        job = self.workplace.job(request, seconds=3_600)
        variables = {"OMP_NUM_THREADS": str(self._threads), "TF_ENABLE_ONEDNN_OPTS": "0"}
        return replace(
            job,
            input=job.input + b"\n",
            environment={**job.environment, **variables},
            limits=replace(job.limits, record=RECORD, results=RESULTS),
        )


def _take(record: bytes, talk: _Talk) -> None:
    if not is_packed(record):
        return
    with contextlib.suppress(Malformed):
        talk.answers.put(unpack(record))


def _end_of(result: Result) -> str:
    last = untrusted.text(result.output[-2_000:].decode("utf-8", "replace")).strip().rsplit("\n", 1)[-1]
    return (result.reason or "ended without a word") + (f": {last[:300]}" if last else "")

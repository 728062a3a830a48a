"""Runs a port's tests as the guide demands, in the sandbox:

    NVIDIA_TF32_OVERRIDE=0 RUN_SLOW=1 RUN_PT_TF_CROSS_TESTS=1 python -m pytest -vv tests/models/<m>/test_modeling_tf_<m>.py

What a run says is what the pull request's own process says. Which tests there have to be is known beforehand (`expected`); one that does
not report is an error, not a pass.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from checks.execution import untrusted
from checks.execution.expected import Expected, is_member
from checks.execution.job import Result
from checks.execution.needs import Need
from checks.execution.workplace import Workplace

Outcome = Literal["passed", "failed", "skipped", "xfailed", "xpassed", "error", "flaky", "unverified"]
"""`error`: it did not report, or raised outside of the test. `flaky`: it failed, and passed when repeated alone."""

OUTCOMES = (
    "passed",
    "failed",
    "skipped",
    "xfailed",
    "xpassed",
    "error",
)  # a tuple: what is looked for in it may be anything
RANK: Mapping[str, int] = {"passed": 0, "skipped": 1, "xfailed": 2, "xpassed": 2, "failed": 3, "error": 4}
MOST_EXTRA = 2_000
"""Tests beyond the expected ones that are listened to (parametrised ones, above all)."""

GUIDE = "NVIDIA_TF32_OVERRIDE=0 RUN_SLOW=1 RUN_PT_TF_CROSS_TESTS=1 python -m pytest -vv"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test.

    Attributes:
        id: as pytest names it.
        seconds: setup, call and teardown.
        message: the assertion or exception, masked and bounded: what the pull request's own process says.
        path, line: the deepest place inside the pull request's files that the exception came through, else of the test; 0 unknown.
        reason: why it is no plain `passed` or `failed`.
        command: runs it locally.
    """

    __test__ = False  # no test class

    id: str
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    path: str = ""
    line: int = 0
    reason: str = ""

    @property
    def command(self) -> str:
        return f"{GUIDE} {shlex.quote(self.id)}"

    @property
    def symbol(self) -> str:
        """`TFBertModelTest.test_save_load`."""
        return ".".join(self.id.split("::")[1:])

    def to_json(self) -> dict[str, Any]:
        """For the report's `tests`."""
        names = ("id", "outcome", "seconds", "message", "path", "line", "reason", "command")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class TestRun:
    """All tests of a port. `problem`: why the run as a whole is incomplete ("was ended after 600 seconds"), "" if it is not.

    Attributes:
        uncollected: what pytest says where it cannot import the test file.
        seconds: wall time.
        output: the end of what the run printed, masked.
    """

    __test__ = False

    results: tuple[TestResult, ...]
    problem: str = ""
    uncollected: str = ""
    seconds: float = 0.0
    output: str = ""


@dataclass(slots=True)
class Heard:
    """What has been heard of a run so far."""

    expected: Expected
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    repeated: dict[str, str] = field(default_factory=dict[str, str])
    running: dict[str, None] = field(default_factory=dict[str, None])
    crashes: dict[str, str] = field(default_factory=dict[str, str])
    uncollected: str = ""
    extra: dict[str, None] = field(default_factory=dict[str, None])
    lost: str = ""
    done: bool = False
    complete: bool = False

    def take(self, content: bytes) -> str:
        """Takes a record; gives the id of the test whose result it was, "" for everything else. Nonsense is left aside."""
        message = untrusted.record(content)
        if message is None:
            return ""
        kind, first = message["kind"], message.get("round") == "first"
        if kind == "done":
            self.done, self.complete = True, message.get("complete") is True
            return ""
        if kind == "uncollected":
            self.uncollected = self.uncollected or untrusted.text(message.get("message"), 4_000)
            return ""
        id = self._identify(message.get("id"))
        if not id:
            if kind == "crash" and first:  # between two tests, or during one that had claimed to be over
                self.lost = f"had a process that ended early (exit code {_signed(message.get('exit'))})"
            return ""
        if kind == "start" and first:
            self.running[id] = None
        elif kind == "crash" and first:
            self.running.pop(id, None)
            self.crashes[id] = (
                f"the process ended during this test (exit code {int(_signed(message.get('exit')))})"
            )
        elif kind == "result" and message.get("outcome") in OUTCOMES:
            if not first:
                if id in self.results:
                    self.repeated.setdefault(id, str(message["outcome"]))
                return ""
            self.running.pop(id, None)
            before = self.results.get(id)
            # Of two results the worse one counts: the code under test may write here too.
            if before is None or RANK[str(before["outcome"])] < RANK[str(message["outcome"])]:
                self.results[id] = message
            return id
        return ""

    def _identify(self, id: object) -> str:
        if not isinstance(id, str) or len(id) > 500 or not id.isprintable():
            return ""
        if self.expected.knows(id) or id in self.extra:
            if id not in self.expected.ids:
                self.extra[id] = None
            return id
        if not id.startswith(f"{self.expected.path}::") or len(self.extra) >= MOST_EXTRA:
            return ""
        self.extra[id] = None
        return id


def run_tests(
    workplace: Workplace,
    expected: Expected,
    *,
    changed: Iterable[str],
    unavailable: Mapping[str, Sequence[Need]],
    only: Iterable[str] | None = None,
    seconds: float = 3_600.0,
    on_result: Callable[[str, int, int], None] | None = None,
    run: Callable[..., Result] | None = None,
) -> TestRun:
    """Runs the expected tests of one file.

    Args:
        changed: paths that the pull request changes; failures are shown there.
        unavailable: by test, what it needs from outside and can't be had. Such tests are not run.
        only: ids to run; None for all.
        seconds: wall clock for all of it.
        on_result: gets the id, the number of tests that are over, and how many there are, whenever one is over.
        run: in place of the sandbox's own `run`.

    Raises:
        checks.execution.job.SandboxError: the sandbox itself failed.
    """
    chosen = list(expected.ids) if only is None else list(only)
    leave = [id for id in chosen if id in unavailable]
    wanted = [id for id in chosen if id not in unavailable]
    heard = Heard(expected)
    total = len(wanted)
    if not wanted and not (only is None and expected.families):
        return TestRun(tuple(_conclude(heard, chosen, unavailable, frozenset(), "", only is not None)))

    def listen(content: bytes) -> None:
        id = heard.take(content)
        if id and on_result is not None:
            on_result(id, len(heard.results), max(total, len(heard.results)))

    workers = max(1, min(workplace.workers, (total + 1) // 2))
    request = {
        "task": "tests",
        "files": [expected.path],
        "leave": leave,
        "only": None if only is None else wanted,
        "workers": workers,
    }
    job = workplace.job(request, seconds=seconds, workers=workers)
    result = (run or workplace.sandbox.run)(job, on_record=listen)
    problem = result.reason if not heard.done or result.verdict != "finished" else ""
    if not problem and not heard.done:
        problem = "ended before all tests were run"
    elif not problem and not heard.complete and not heard.uncollected:
        problem = "was given up, as its processes kept ending"
    problem = problem or heard.lost
    results = _conclude(heard, chosen, unavailable, frozenset(changed), problem, only is not None)
    return TestRun(
        tuple(results),
        problem,
        heard.uncollected,
        result.seconds,
        untrusted.text(result.output[-20_000:].decode("utf-8", "replace"), 20_000),
    )


class _Place(NamedTuple):
    path: str
    line: int


def _conclude(
    heard: Heard,
    chosen: list[str],
    unavailable: Mapping[str, Sequence[Need]],
    changed: frozenset[str],
    problem: str,
    narrowed: bool,
) -> Iterator[TestResult]:
    expected = heard.expected
    path = expected.path
    for id in [*chosen, *(id for id in heard.extra if id not in chosen)]:
        place = _Place(path if id in expected.lines else "", expected.lines.get(id, 0))
        if id in unavailable:
            reason = f"{_listed(unavailable[id])} not available"
            yield TestResult(id, "unverified", reason=reason, path=place.path, line=place.line)
        elif reason := _silence(id, heard, problem):
            yield TestResult(id, "error", reason=reason, path=place.path, line=place.line)
        else:
            yield _result(id, heard, changed, place)
    for family in () if narrowed else expected.families:
        if not any(is_member(id, family) for id in heard.extra):
            yield TestResult(
                family,
                "error",
                reason="its file cannot be imported" if heard.uncollected else "pytest ran none of its cases",
            )


def _silence(id: str, heard: Heard, problem: str) -> str:
    """Why there is no result of a test that counts, "" if there is one."""
    if id in heard.crashes:
        return heard.crashes[id]
    if id in heard.running and (problem or id not in heard.results):
        return f"did not end: the run {problem or 'stopped'}"
    if id in heard.results:
        return ""
    if heard.uncollected:
        return "its file cannot be imported"
    return f"not run: the run {problem}" if problem else "pytest did not run it"


def _result(id: str, heard: Heard, changed: frozenset[str], place: _Place) -> TestResult:
    told = heard.results[id]
    outcome: Outcome = told["outcome"]
    reason = ""
    message = untrusted.text(told.get("message"))
    if outcome == "skipped":
        message, reason = "", untrusted.text(told.get("message"), 300)
    found = TestResult(
        id,
        outcome,
        round(untrusted.number(told.get("seconds"), 1e6), 3),
        message,
        reason=reason,
        path=place.path,
        line=place.line,
    )
    if outcome not in ("failed", "error"):
        return found
    ours = [frame for frame in untrusted.frames(told.get("frames")) if frame[0] in changed]
    if ours:
        found = replace(found, path=ours[-1][0], line=ours[-1][1])
    repeated = heard.repeated.get(id)
    if repeated == "passed":
        return replace(found, outcome="flaky", reason="failed once, passed when repeated alone")
    if repeated in ("failed", "error"):
        return replace(found, reason="failed again when repeated alone")
    return found


def _listed(needs: Sequence[Need]) -> str:
    names = [str(need) for need in sorted(needs)]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _signed(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10_000 else -1

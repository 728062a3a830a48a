"""From the results of tests to the state of `cross-tests` and findings at the lines where tests fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from checks.execution.cross_tests import TestResult, TestRun
from checks.port import Port
from checks.report import Finding, ItemResult, Level, State

ITEM = "cross-tests"
MOST_GROUPS = 50
"""Findings of one run; the report's `tests` has all of them."""


def conclude(port: Port, run: TestRun) -> tuple[ItemResult, tuple[Finding, ...]]:
    """The item, and a finding for each place where tests fail."""
    state, reason = _state(run)
    return ItemResult(ITEM, "execution", port.model, state, reason), tuple(_findings(run))[:MOST_GROUPS]


def _state(run: TestRun) -> tuple[State, str]:
    counts = Counter(result.outcome for result in run.results)
    broken = [r for r in run.results if r.outcome == "error" and not r.message]
    raised = counts["error"] - len(broken)
    if run.uncollected:
        return "failed", f"the test file cannot be imported: {last_line(run.uncollected)}"[:300]
    if counts["failed"] or raised:
        return "failed", f"{counts['failed'] + raised} of {len(run.results)} tests fail"
    if run.problem:
        return "error", f"the run {run.problem}"
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        return "error", f"{broken[0].symbol}: {broken[0].reason}{more}"
    if not run.results:
        return "failed", "the test file has no tests"
    if counts["unverified"] and counts["unverified"] == len(run.results):
        return "unverified", run.results[0].reason
    notes = [f"{counts[word]} {word}" for word in ("flaky", "unverified", "skipped") if counts[word]]
    return "passed", ", ".join(notes)


def _findings(run: TestRun) -> Iterator[Finding]:
    if run.uncollected:
        path = run.results[0].id.split("::")[0] if run.results else ""
        yield _finding(
            "error",
            path,
            1,
            "",
            f"The test file cannot be imported: {last_line(run.uncollected)}",
            "Run it: python -m pytest --collect-only " + path,
        )
        return
    groups: dict[tuple[str, int, str], list[TestResult]] = {}
    for result in run.results:
        if result.outcome in ("failed", "flaky") or (result.outcome == "error" and result.message):
            level = "warning" if result.outcome == "flaky" else "error"
            path = result.path or result.id.split("::")[0]
            # One cause often fails many tests: at the same line, with the same first words.
            line = result.line or 1
            groups.setdefault((path, line, level), []).append(result)
    for (path, line, level), results in groups.items():
        first = results[0]
        what = first_line(first.message) or "no message"
        if level == "warning":
            message = f"{_tests(results)} failed once and passed when repeated alone: {what}"
            advice = f"Its inputs are random, most likely: run it some times. {first.command}"
        else:
            message = f"{_tests(results)} {'fails' if len(results) == 1 else 'fail'} here: {what}"
            advice = f"Run it: {first.command}"
        yield _finding(level, path, line, first.symbol, message, advice)


def _finding(level: Level | str, path: str, line: int, symbol: str, message: str, advice: str) -> Finding:
    return Finding(
        ITEM, ITEM, "warning" if level == "warning" else "error", path, line, message[:1_000], advice, symbol
    )


def _tests(results: Sequence[TestResult]) -> str:
    names = [result.symbol.rsplit(".", 1)[-1] for result in results]
    shown = ", ".join(dict.fromkeys(names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more tests"


def first_line(text: str) -> str:
    """The first line with something in it."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")[:400]


def last_line(text: str) -> str:
    """The last line of a traceback that says what it is about: pytest marks it with an E."""
    marked = [line[2:].strip() for line in text.split("\n") if line.startswith("E ")]
    return (marked[-1] if marked else first_line(text))[:300]


def counted(run: TestRun) -> Mapping[str, int]:
    """How many tests had which outcome."""
    return Counter(result.outcome for result in run.results)

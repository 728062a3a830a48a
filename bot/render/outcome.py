"""What a report comes to, in two sentences: how it stands, and what to do next. For terminal and Markdown alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from checks.report import PortSummary, Report


@dataclass(frozen=True, slots=True)
class Outcome:
    """`standing` says how it is; `next` what to do. What stands between backticks is code."""

    standing: str
    next: str


def outcome(report: Report) -> Outcome:
    """The two sentences for `report`."""
    counts = Counter(item.state for item in report.items)
    failures, done = counts["failed"], counts["passed"]
    if failures:
        failed = sorted({finding.rule for finding in report.blocking})
        named = f"`tfport explain {failed[0]}`"
        again = "it" if failures == 1 else "them"
        return Outcome(
            f"{failures} of {_items(failures + counts['error'] + counts['waiting'] + done)} failed.",
            f"fix {again}, then `tfport check` again; {named} says more.",
        )
    if counts["error"]:
        return Outcome(
            f"{_items(counts['error'])} could not be checked: an error in tfport, not in your port.",
            "run `tfport check --debug` and report what it prints.",
        )
    for port in report.ports:
        if port.stage in ("empty", "copied"):
            return _beginning(port)
    if counts["waiting"]:
        waiting = [item.id for item in report.items if item.state == "waiting"]
        shown = ", ".join(f"`{item}`" for item in waiting[:3]) + (" …" if len(waiting) > 3 else "")
        return Outcome(f"Nothing wrong so far; {_items(counts['waiting'])} to do.", f"{shown}.")
    tests = " ".join(
        f"tests/models/{port.model}/test_{port.path.rsplit('/', 1)[-1]}" for port in report.ports
    )
    return Outcome(
        f"{'All ' if done > 1 else ''}{_items(done)} that can be checked here hold{'s' if done == 1 else ''}."
        if done
        else "Nothing was checked here.",
        f"`RUN_PT_TF_CROSS_TESTS=1 python -m pytest {tests}`",
    )


def _beginning(port: PortSummary) -> Outcome:
    file = port.path.rsplit("/", 1)[-1]
    if port.stage == "empty" or port.progress is None:
        return Outcome(
            f"`{file}` has no class yet.",
            f"copy `{file.replace('modeling_tf_', 'modeling_', 1)}` into it and convert it class by class.",
        )
    left, whole = port.progress
    return Outcome(
        f"{left} of {whole} torch expressions left in `{file}`.",
        "keep converting class by class; the rest is checked once TensorFlow classes appear.",
    )


def _items(number: int) -> str:
    return f"{number} item{'s' if number != 1 else ''}"

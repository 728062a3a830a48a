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
        items = {(item.model, item.id) for item in report.items if item.state == "failed"}
        wrong = [finding for finding in report.blocking if (finding.model, finding.item) in items]
        failed = sorted({finding.rule for finding in wrong})
        fixable = sum(bool(finding.edits) for finding in wrong)
        more = f"`tfport explain {failed[0]}` says more."
        return Outcome(
            f"{failures} of {_items(failures + counts['error'] + counts['waiting'] + done)} failed.",
            f"`tfport fix` mends {_share(fixable, len(wrong))}; {more}"
            if fixable
            else f"fix {'it' if failures == 1 else 'them'}, then `tfport check` again; {more}",
        )
    if counts["error"]:
        return Outcome(
            f"{_items(counts['error'])} could not be checked: an error in tfport, not in your port.",
            "run `tfport check --debug` and report what it prints.",
        )
    if counts["waiting"]:
        steps = [step.text for port in report.ports for step in port.steps]
        waiting = [item.id for item in report.items if item.state == "waiting"]
        shown = ", ".join(f"`{item}`" for item in waiting[:3]) + (" …" if len(waiting) > 3 else "")
        begun = f"{done} of {_items(done + counts['waiting'])} done."
        return Outcome(f"Nothing wrong so far; {begun}", steps[0] if steps else f"{shown}.")
    tests = " ".join(
        f"tests/models/{port.model}/test_{port.path.rsplit('/', 1)[-1]}" for port in report.ports
    )
    return Outcome(
        f"{'All ' if done > 1 else ''}{_items(done)} that can be checked here hold{'s' if done == 1 else ''}."
        if done
        else "Nothing was checked here.",
        f"`RUN_PT_TF_CROSS_TESTS=1 python -m pytest {tests}`",
    )


def progress(port: PortSummary) -> str:
    """How far a port is, in figures: "3 of 18 classes converted, 37 of 120 torch expressions left"."""
    parts: list[str] = []
    if port.converted is not None:
        parts.append(f"{port.converted[0]} of {port.converted[1]} classes converted")
    if port.progress is not None:
        parts.append(f"{port.progress[0]} of {port.progress[1]} torch expressions left")
    if not parts:
        return f"`{port.path.rsplit('/', 1)[-1]}` has no class yet" if port.stage == "empty" else ""
    return ", ".join(parts)


def size(port: PortSummary) -> str:
    """ "7 classes": the public models; while there are none, whatever is TensorFlow already."""
    number = len(port.classes) or (port.converted[0] if port.converted is not None else 0)
    return f"{number} class{'es' if number != 1 else ''}"


def welcome(port: PortSummary) -> str:
    """The first sentence to whoever begins a port."""
    if port.stage == "empty":
        return f"Welcome! The TensorFlow port of `{port.model}` begins here."
    return f"The TensorFlow port of `{port.model}` is on its way."


def _share(part: int, whole: int) -> str:
    """ "it", "both", "all 7", "6 of 7"."""
    if part < whole:
        return f"{part} of {whole}"
    return {1: "it", 2: "both"}.get(whole, f"all {whole}")


def _items(number: int) -> str:
    return f"{number} item{'s' if number != 1 else ''}"

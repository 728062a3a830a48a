"""A comparison for a terminal: each class with its figures, then each place where TensorFlow and PyTorch part, then what was not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from bot.cli.command import console
from bot.render.visible import visible
from checks.report import Finding

Entry = Mapping[str, Any]

MARKS = {
    "equal": ("✓", "green"),
    "different": ("✗", "bold red"),
    "unverified": ("?", "bright_black"),
    "error": ("‼", "bold red"),
}
MOST_LINES = 8
"""Places that were never run that are shown."""


def print_comparison(entries: Sequence[Entry], findings: Sequence[Finding]) -> None:
    """Prints it on standard output."""
    out = console()
    for line in lines(entries, findings):
        out.print(line, soft_wrap=True, highlight=False)


def lines(entries: Sequence[Entry], findings: Sequence[Finding]) -> Iterator[Text]:
    """What is printed."""
    width = max((len(entry["class"]) for entry in entries), default=0)
    yield Text(f"  {'class':<{width}}   float64   float32   first difference", style="bright_black")
    for entry in entries:
        yield _class(entry, width)
    for finding in findings:
        yield Text()
        yield from _finding(finding)
    missed = list(_missed(entries))
    if missed:
        yield Text()
        count = sum(end - start + 1 for _, start, end, _ in missed)
        yield Text(f"{count} lines of call() were never run, so nothing is known of them:")
        for path, start, end, test in missed[:MOST_LINES]:
            span = f"{start}" if start == end else f"{start}-{end}"
            yield Text(
                f"  {visible(path)}:{span}" + (f"  if {visible(test)}" if test else ""), "bright_black"
            )
        if len(missed) > MOST_LINES:
            yield Text(f"  and {len(missed) - MOST_LINES} more places", "bright_black")
    yield Text()
    yield Text(_summary(entries))


def _class(entry: Entry, width: int) -> Text:
    mark, style = MARKS[entry["state"]]
    line = Text()
    line.append(f"{mark} ", style)
    line.append(f"{visible(entry['class']):<{width}}")
    for precision in ("float64", "float32"):
        line.append(f"   {_figure(entry['difference'].get(precision, '')):>7}")
    line.append("   ")
    site = next(iter(entry["sites"]), None)
    if site is not None:
        line.append(visible(site["pytorch_path"] or site["tf_path"]))
    elif entry["state"] != "equal":
        line.append(visible(entry["reason"])[:200])
    for note in entry["notes"]:
        line.append(f"\n    {visible(note)}", "bright_black")
    return line


def _figure(value: object) -> str:
    from checks.comparison.policy import figure

    if value is None:
        return "∞"
    return figure(value) if isinstance(value, float) else ""


def _finding(finding: Finding) -> Iterator[Text]:
    mark, style = ("✗", "bold red") if finding.level == "error" else ("!", "bold yellow")
    line = Text()
    line.append(f"{mark} ", style)
    line.append(f"{visible(finding.path)}:{finding.line}", "bold")
    line.append(f"  {visible(finding.symbol)}")
    yield line
    yield Text(f"    {visible(finding.message)}")
    if finding.advice:
        yield Text(f"    → {visible(finding.advice)}" + ("        [fix available]" if finding.edits else ""))


def _missed(entries: Sequence[Entry]) -> Iterator[tuple[str, int, int, str]]:
    seen: set[tuple[str, int, int]] = set()
    for entry in entries:
        for gap in entry["not_run"]:
            key = (gap["path"], gap["start"], gap["end"])
            if key not in seen:
                seen.add(key)
                yield (*key, gap["test"])


def _summary(entries: Sequence[Entry]) -> str:
    equal = sum(entry["state"] == "equal" for entry in entries)
    if equal == len(entries):
        count = "The class agrees" if equal == 1 else f"All {equal} classes agree"
        return f"{count} with PyTorch in every output, hidden state, attention and loss that was compared."
    return f"{equal} of {len(entries)} classes agree with PyTorch."

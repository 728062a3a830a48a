"""A report for a terminal: how each item stands, each finding with the code it is about, and the next step.

The text of strangers (code, names, paths) is shown, never obeyed: control characters, escape codes and characters that turn the
direction of writing are spelled out.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bot.render.outcome import outcome, progress, size, welcome
from bot.render.visible import visible
from checks.checklist import GUIDE, sections
from checks.report import Edit, Finding, ItemResult, Level, PortSummary, Report, State

Read = Callable[[str], "str | None"]
"""Text of the head's file at a path, None where there is none."""

MOST = 30
"""Findings shown; nobody reads more at once."""

MOST_TO_DO = 5
"""Things to do that are shown; one comes after the other."""

MOST_LINES = 8
"""Lines of a suggestion shown."""

STATES: dict[State, tuple[str, str, str]] = {  # mark, word, style; in the order shown
    "failed": ("✗", "failed", "bold red"),
    "error": ("‼", "error", "bold red"),
    "waiting": ("○", "to do", "yellow"),
    "passed": ("✓", "ok", "green"),
    "needs-human": ("◇", "for people", "magenta"),
    "unverified": ("?", "not verified", "bright_black"),
    "not-applicable": ("–", "not needed", "bright_black"),
}
LEVELS: dict[Level, tuple[str, str]] = {
    "error": ("✗", "bold red"),
    "warning": ("!", "bold yellow"),
    "suggestion": ("·", "bold cyan"),
}


def print_report(console: Console, report: Report, read: Read) -> None:
    """Prints `report`; `read` gives the files that its findings point into."""
    width = max(console.width, 40)
    for line in _lines(report, read, width):
        console.print(line, soft_wrap=True, highlight=False)


def _lines(report: Report, read: Read, width: int) -> Iterator[Text]:
    for port in report.ports:
        yield _title(port, report)
        yield Text()
        if port.early:
            yield from _welcome(port, width)
        else:
            items = [item for item in report.items if item.model == port.model]
            yield from _items(items, width)
            yield from _steps(port, width, also=not _failed(report))
        yield Text()
    waiting = {(item.model, item.id) for item in report.items if item.state == "waiting"}
    shown = [finding for finding in report.findings if finding.ignored is None]
    shown.sort(key=lambda finding: list(LEVELS).index(finding.level))
    to_do = [f for f in shown if f.level == "error" and (f.model, f.item) in waiting]
    shown = [finding for finding in shown if finding not in to_do]
    for finding in shown[:MOST]:
        yield from _finding(finding, read, width)
        yield Text()
    if len(shown) > MOST:
        yield Text(f"… and {len(shown) - MOST} more: tfport check --format json")
        yield Text()
    yield from _to_do(to_do, width)
    for finding in report.findings:
        if finding.ignored is not None:
            place = f"{visible(finding.path)}:{finding.line}"
            yield from wrapped(
                f"ignored on request: {finding.rule} {place} ({visible(finding.ignored)})", width
            )
    for note in report.notes:
        yield from wrapped(f"note: {visible(note)}", width)
    told = outcome(report)
    style = "bold red" if _failed(report) else "bold"
    yield from wrapped(without_ticks(told.standing), width, style=style)
    if _failed(report) or not any(port.steps for port in report.ports):  # else the steps have said it
        yield from wrapped(without_ticks(told.next), width, first="Next: ", rest="      ")


def _failed(report: Report) -> bool:
    return any(item.state == "failed" for item in report.items)


def _title(port: PortSummary, report: Report) -> Text:
    head = "working tree" if report.head is None else report.head[:9]
    facts = [size(port), port.stage]
    facts.append(f"{report.base[:9]}..{head}")
    if "total" in report.timings:
        facts.append(f"{report.timings['total']:.1f} s")
    return Text.assemble((visible(port.model), "bold"), *(f" · {fact}" for fact in facts))


def _welcome(port: PortSummary, width: int) -> Iterator[Text]:
    """Instead of the checklist, as long as nothing of it can be begun: how far the port is, and what comes next."""
    yield from wrapped(visible(without_ticks(welcome(port))), width, style="bold")
    yield from _steps(port, width)


def _steps(port: PortSummary, width: int, *, also: bool = True) -> Iterator[Text]:
    """The progress figure, and the steps if they are wanted, too."""
    if told := progress(port):
        yield Text()
        bar = f" {_bar(port)}"
        yield from wrapped(visible(without_ticks(told)), width, first=bar, rest=" " * len(bar))
    if not also or not port.steps:
        return
    yield Text()
    for number, step in enumerate(port.steps, 1):
        yield from wrapped(visible(without_ticks(step.text)), width, first=f" {number}. ", rest="    ")
    anchor = next((step.anchor for step in port.steps if step.anchor), "")
    if anchor:
        yield Text(f"    {GUIDE}{anchor}", "bright_black")


def _bar(port: PortSummary) -> str:
    if port.converted is None:
        return ""
    done = round(20 * port.converted[0] / port.converted[1])
    return f"{'█' * done}{'░' * (20 - done)}  "


def _items(results: list[ItemResult], width: int) -> Iterator[Text]:
    """Section by section, one line for each state: how many, and which."""
    for section in sections():
        title = section.id
        for state, (mark, word, style) in STATES.items():
            of_state = [item for item in results if item.section == section.id and item.state == state]
            if not of_state:
                continue
            head = Text.assemble(f" {title:<12} ", (f"{mark} {len(of_state):>2} {word:<12}", style), "  ")
            indent = cell_len(head.plain)
            names = ", ".join(item.id for item in of_state) + _shared_reason(of_state)
            for line in textwrap.wrap(names, max(width - indent, 20), break_on_hyphens=False):
                yield head.append(line, _quiet(state))
                head = Text(" " * indent)
            title = ""


def _quiet(state: State) -> str:
    return "bright_black" if state in ("unverified", "not-applicable") else ""


def _shared_reason(results: list[ItemResult]) -> str:
    """The reason that they have in common, if it is short and no finding says it."""
    reasons = {item.reason for item in results}
    if len(reasons) != 1 or results[0].state in ("passed", "failed"):
        return ""
    reason = visible(reasons.pop())
    return f" ({reason})" if 0 < len(reason) <= 80 else ""


def _to_do(findings: list[Finding], width: int) -> Iterator[Text]:
    """What is not there yet, in brief."""
    mark, _, style = STATES["waiting"]
    for finding in findings[:MOST_TO_DO]:
        place = f"  {visible(finding.path)}:{finding.line}"
        yield Text.assemble((f"{mark} {finding.rule}", style), (place, "bright_black"))
        yield from wrapped(visible(without_ticks(finding.message)), width, first="  ", rest="  ")
    if len(findings) > MOST_TO_DO:
        yield Text(f"{mark} and {len(findings) - MOST_TO_DO} more to do", style)
    if findings:
        yield Text()


def _finding(finding: Finding, read: Read, width: int) -> Iterator[Text]:
    mark, style = LEVELS[finding.level]
    place = f"{visible(finding.path)}:{finding.line}"
    head = Text.assemble((f"{mark} {finding.rule}", style))
    if cell_len(head.plain) + 2 + cell_len(place) <= width:
        yield head.append(f"  {place}", "bright_black")
    else:
        yield head
        yield Text(f"  {place}", "bright_black")
    yield from wrapped(visible(without_ticks(finding.message)), width, first="  ", rest="  ")
    text = _read(read, finding.path)
    yield from _excerpt(finding, text.split("\n"), width)
    for other in _others(finding):
        yield from wrapped(other, width, first="  ", rest="    ")
    if finding.advice:
        yield from wrapped(
            visible(without_ticks(finding.advice)), width, first="  → ", rest="    ", style="green"
        )
    if finding.edits:
        yield from _suggestion(finding, read, width)


def _read(read: Read, path: str) -> str:
    return read(path) or ""


def _others(finding: Finding) -> Iterator[str]:
    """The other places of the same defect, lines of the same file together."""
    here = [str(place.line) for place in finding.locations if place.path == finding.path]
    if here:
        yield f"also on line{'s' if len(here) > 1 else ''} {', '.join(here)}"
    for place in finding.locations:
        if place.path != finding.path:
            yield f"also in {visible(place.path)}:{place.line}"


def _excerpt(finding: Finding, lines: list[str], width: int) -> Iterator[Text]:
    """The line before, the line, and a caret below what it is about."""
    if not 1 <= finding.line <= len(lines):
        return
    digits = len(str(finding.line))
    room = max(width - digits - 7, 20)
    line = lines[finding.line - 1]
    start, end = _meant(line, finding.column)
    before, meant, after = (
        _shown(part, len(line) > room) for part in (line[:start], line[start:end], line[end:])
    )
    # A line that is still too long is shown around what is meant.
    skip = max(0, len(before) - room // 2) if cell_len(before + meant + after) > room else 0
    above = _shown(lines[finding.line - 2], len(line) > room)[skip:] if finding.line > 1 else ""
    if above.strip():
        yield Text.assemble((f"    {finding.line - 1:>{digits}} │ ", "bright_black"), _cut(above, room))
    yield Text.assemble(
        (f"    {finding.line} │ ", "bright_black"), _cut((before + meant + after)[skip:], room)
    )
    caret = " " * cell_len(before[skip:]) + "^" * max(1, cell_len(meant))
    yield Text.assemble((f"    {'':>{digits}} │ ", "bright_black"), (_cut(caret, room, ""), "bold red"))


def _shown(part: str, squeeze: bool) -> str:
    """A piece of a line of code; in a row of a table that is too long with less of the space between its cells."""
    return re.sub(r"(?<=\S) {3,}| {3,}(?=\|)", "  ", visible(part)) if squeeze else visible(part)


def _meant(line: str, column: int) -> tuple[int, int]:
    """Start and end, in characters from 0, of what stands at `column` (from 1): a name, a string, a sign, else the line."""
    start = column - 1
    if start >= len(line) or not line[:start].strip():
        start = len(line) - len(line.lstrip())
        definition = re.compile(r"(?:def|class)\s+(\w+)").match(line, start)
        return definition.span(1) if definition else (start, max(len(line.rstrip()), start + 1))
    found = re.compile(r"[\w.]+|\"[^\"]*\"|'[^']*'|@\w+|\S").match(line, start)
    return (start, found.end()) if found else (start, start + 1)


def _cut(text: str, room: int, mark: str = "…") -> str:
    """`text` in at most `room` cells."""
    if cell_len(text) <= room:
        return text
    while cell_len(text) > room - len(mark):
        text = text[: len(text) - max(1, (cell_len(text) - room) // 2)]
    return text + mark


def _suggestion(finding: Finding, read: Read, width: int) -> Iterator[Text]:
    """What the edits make of the lines they touch: a few lines of the first, and how many more there are."""
    edit = finding.edits[0]
    first, old, new = touched(_read(read, edit.path), edit)
    if edit.path != finding.path:
        yield Text(f"    in {visible(edit.path)}", "bright_black")
    digits = len(str(max(finding.line, first)))
    room = max(width - digits - 7, 20)
    for sign, lines, style in (("-", old, "red"), ("+", new, "green")):
        for index, line in enumerate(lines[:MOST_LINES]):
            other = new if lines is old else old
            shown = _shown(line, len(line) > room)
            if index < len(other):
                shown = _from_change(shown, _shown(other[index], len(other[index]) > room), room)
            yield Text(f"    {first + index:>{digits}} {sign} {_cut(shown, room)}".rstrip(), style)
        if len(lines) > MOST_LINES:
            yield Text(f"    {'':>{digits}} {sign} … {len(lines) - MOST_LINES} more lines", style)
    if len(finding.edits) > 1:
        more = len(finding.edits) - 1
        yield Text(f"    and {more} more change{'s' if more > 1 else ''}", "bright_black")


def _from_change(line: str, other: str, room: int) -> str:
    """The line without its beginning, if what differs from the other one would be cut off at the end."""
    same = next(
        (n for n, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), min(len(line), len(other))
    )
    if cell_len(line) <= room or same <= room // 2:
        return line
    indent = len(line) - len(line.lstrip())
    return f"{line[:indent]}…{line[same - room // 3 :]}"


def touched(text: str, edit: Edit) -> tuple[int, list[str], list[str]]:
    """The first line that `edit` changes (from 1), the lines that it takes away, and those that it puts there."""
    lines = text.split("\n")
    number = edit.start[0]
    old = lines[number - 1 : edit.end[0]]
    head = old[0][: edit.start[1] - 1] if old else ""
    tail = old[-1][edit.end[1] - 1 :] if old else ""
    new = (head + edit.text + tail).split("\n")
    while old and new and old[-1] == new[-1]:  # whole lines put in before a line leave that line as it is
        old.pop()
        new.pop()
    while old and new and old[0] == new[0]:
        old.pop(0)
        new.pop(0)
        number += 1
    return number, old, new


def without_ticks(text: str) -> str:
    """A sentence of ours without its marks of code: a terminal has none."""
    return text.replace("`", "")


def wrapped(text: str, width: int, *, first: str = "", rest: str = "", style: str = "") -> Iterable[Text]:
    """A sentence in lines of at most `width`, the first indented by `first`, the others by `rest`."""
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [Text(line, style) for line in lines]

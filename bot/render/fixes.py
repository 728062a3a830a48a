"""What `tfport fix` did, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bot.render.terminal import LEVELS, without_ticks, wrapped
from bot.render.visible import visible
from checks.fix import Fixed
from checks.report import Finding


def print_fixed(console: Console, fixed: Fixed) -> None:
    """Prints what was fixed, what was not and why, and what comes next."""
    for line in _lines(fixed, max(console.width, 40)):
        console.print(line, soft_wrap=True, highlight=False)


def _lines(fixed: Fixed, width: int) -> Iterator[Text]:
    for finding in fixed.applied:
        yield from _finding(finding, "✓ fixed", "bold green", width)
    for finding in fixed.stuck:
        yield from _finding(finding, "! kept", "bold yellow", width)
        yield from wrapped(
            "its automatic fix did not mend it, so it was taken back", width, first="  ", rest="  "
        )
    left = sorted(fixed.left, key=lambda finding: list(LEVELS).index(finding.level))
    for finding in left:
        mark, style = LEVELS[finding.level]
        yield from _finding(finding, f"{mark} left", style, width)
        if finding.advice:
            advice = visible(without_ticks(finding.advice))
            yield from wrapped(advice, width, first="  → ", rest="    ", style="green")
    if fixed.applied or fixed.stuck or left:
        yield Text()
    yield from wrapped(_standing(fixed), width, style="bold")
    yield from wrapped(_next(fixed), width, first="Next: ", rest="      ")


def _finding(finding: Finding, word: str, style: str, width: int) -> Iterator[Text]:
    place = f"{visible(finding.path)}:{finding.line}"
    head = Text.assemble((f"{word} {finding.rule}", style))
    if len(head.plain) + 2 + len(place) <= width:
        yield head.append(f"  {place}", "bright_black")
    else:
        yield head
        yield Text(f"  {place}", "bright_black")
    yield from wrapped(visible(without_ticks(finding.message)), width, first="  ", rest="  ")


def _standing(fixed: Fixed) -> str:
    done, left = len(fixed.applied), len(fixed.left) + len(fixed.stuck)
    if not done:
        return (
            "Nothing to fix." if not left else f"Nothing can be fixed automatically; {_findings(left)} left."
        )
    files = f"{len(fixed.after)} file{'s' if len(fixed.after) != 1 else ''}"
    rest = f"; {left} left without an automatic fix" if left else ", none left"
    return f"{_findings(done)} fixed in {files}{rest}."


def _findings(number: int) -> str:
    return f"{number} finding{'s' if number != 1 else ''}"


def _next(fixed: Fixed) -> str:
    if not fixed.applied:
        return "tfport check" if not fixed.left else "mend what is left by hand, then tfport check."
    by_hand = " mend what is left by hand," if fixed.left or fixed.stuck else ""
    return f"look at git diff,{by_hand} then tfport check."

"""Notes at lines, and the text of the review that holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.commands import PREFIX
from bot.markers import tail, with_markers
from bot.render.environment import render
from bot.render.text import fit
from bot.render.view import ReportView
from bot.situation import Situation
from bot.suggest import Suggestion, fence
from checks.report import Finding, Report
from checks.rules import all_rules

NOTE_BUDGET = 20_000

_HIDDEN = re.compile(r"<!-- tfport:(?:finding|extra) ([0-9a-f]{16})[^>]*-->")


def note(situation: Situation, finding: Finding, suggestion: Suggestion | None, more: int) -> str:
    """One finding: what is wrong, where else, what to do, why it matters, and the suggestion.

    Args:
        more: further suggestions of the same fix in the same review.
    """
    view = ReportView(situation.repository, situation.pull, Report("", "", None, (), (), (finding,)))
    rule = all_rules().get(finding.rule)
    block = fence(suggestion) if suggestion else ""
    values = {"view": view, "finding": finding, "why": rule.why if rule else "", "more": more}
    text = render("comment/note.md.j2", block=block, **values)
    if len(text.encode()) > NOTE_BUDGET:  # a suggestion that is cut would delete code
        text = render("comment/note.md.j2", block="", **values)
    return fit(text, NOTE_BUDGET)


def further(finding: Finding, suggestion: Suggestion) -> str:
    """A further place of a finding's fix."""
    return fit(render("comment/further.md.j2", finding=finding, block=fence(suggestion)), NOTE_BUDGET)


def review(situation: Situation, report: Report, findings: Sequence[Finding]) -> str:
    """What the notes come to: what blocks first, then what is worth doing, then nits."""
    view = ReportView(situation.repository, situation.pull, report)
    groups = [
        ("To fix", [f for f in findings if f.level == "error"]),
        ("Worth doing", [f for f in findings if f.level == "warning"]),
        ("Nits", [f for f in findings if f.level == "suggestion"]),
    ]
    return fit(render("comment/review.md.j2", view=view, groups=groups, findings=findings, prefix=PREFIX))


def settled(situation: Situation, body: str, reason: str) -> str:
    """A note whose finding is gone: what it said stays, folded."""
    end = tail(body)
    said = body.rstrip().removesuffix(end).strip()
    said = re.sub(r"^(`{3,})suggestion$", r"\1python", said, flags=re.MULTILINE)
    found = _HIDDEN.search(end)
    text = render("comment/settled.md.j2", head=situation.pull.head_sha, reason=reason, said=said)
    return with_markers(text, f"<!-- tfport:settled {found[1] if found else ''} -->")

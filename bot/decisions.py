"""What people decided on a pull request: waivers, disputes, pauses, calls for help.

A decision is given by a command, checked once for the rights of who gave it, and confirmed by a comment of ours. That comment carries the
decision in a hidden marker, and is where it is read from: so a lost database, an edited command or a renamed account change nothing,
and what a waiver covers is told by the identities of findings, not by lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Literal

from bot import markers
from bot.state import Comment
from checks.comparison.policy import figure
from checks.report import Finding, ItemResult, Report

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Kind = Literal["waive", "unwaive", "dispute", "ask", "pause", "resume", "approve", "cancel", "convert"]

ROUNDED = 1.01
"""Reports give three digits of a difference."""

_MARKER = re.compile(r"<!-- tfport:decision (\{.*?\}) -->")


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        name: item or rule that it is about, "" where it is about the whole pull request.
        by, by_id: who decided.
        text: their reason or question, as they wrote it.
        findings: identities of the findings that it covers.
        head: the commit that it was made on. A waiver of an item that failed without a finding holds for this commit only.
        url: of the comment that asked for it.
        at: when that comment was written.
        limit: the difference from PyTorch that a maintainer accepts: of a conversion, or of a waived comparison (of the output's scale;
            it holds for later pushes too).
    """

    kind: Kind
    name: str
    by: str
    by_id: int
    text: str = ""
    findings: tuple[str, ...] = ()
    head: str = ""
    url: str = ""
    at: str = ""
    limit: float | None = None

    @property
    def reason(self) -> str:
        """What a waiver says of what it covers."""
        most = "" if self.limit is None else f" up to {figure(self.limit)}"
        return f"waived by {self.by}{most}: {self.text}"

    @property
    def time(self) -> datetime | None:
        """`at` as a time; None if the marker was tampered with."""
        try:
            return datetime.fromisoformat(self.at)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds now.

    Attributes:
        waivers, disputes: by name, the newest of each.
        paused: the pause that nobody has ended.
        asked: the newest call for help.
        approved: by commit, who allowed to execute it.
        cancelled: executions (commit, attempt) that somebody called off.
    """

    waivers: dict[str, Decision] = field(default_factory=dict[str, Decision])
    disputes: dict[str, Decision] = field(default_factory=dict[str, Decision])
    paused: Decision | None = None
    asked: Decision | None = None
    approved: dict[str, Decision] = field(default_factory=dict[str, Decision])
    cancelled: dict[tuple[str, str], Decision] = field(default_factory=dict[tuple[str, str], Decision])


def marker(decision: Decision) -> str:
    """The decision as a hidden comment."""
    said = {key: value for key, value in asdict(decision).items() if value is not None}
    return markers.marker("decision", said)


def decisions(mine: Iterable[Comment]) -> list[Decision]:
    """All decisions that our replies carry at their end, oldest first. What cannot be read is none."""
    found: list[Decision] = []
    for comment in mine:
        if comment.kind == "issue":
            found += filter(None, map(_read, _MARKER.findall(markers.tail(comment.body))))
    return found


def standing(all_of_them: Iterable[Decision]) -> Standing:
    """What the decisions, oldest first, come to."""
    waivers: dict[str, Decision] = {}
    disputes: dict[str, Decision] = {}
    paused = asked = None
    approved: dict[str, Decision] = {}
    cancelled: dict[tuple[str, str], Decision] = {}
    for decision in all_of_them:
        match decision.kind:
            case "waive":
                waivers[decision.name] = decision
            case "unwaive":
                waivers.pop(decision.name, None)
            case "dispute":
                disputes[decision.name] = decision
            case "pause":
                paused = decision
            case "resume":
                paused = None
            case "ask":
                asked = decision
            case "approve":
                approved[decision.head] = decision
            case "cancel":
                cancelled[decision.head, decision.name] = decision
            case "convert":
                pass  # the reply tells how it stands: bot.conversion
    return Standing(waivers, disputes, paused, asked, approved, cancelled)


def covered(report: Report, name: str) -> tuple[Finding, ...]:
    """The blocking findings of an item or a rule."""
    return tuple(f for f in report.blocking if name in (f.item, f.rule))


def covers(waiver: Decision, report: Report) -> frozenset[str]:
    """Identities of the findings of a report that a waiver covers."""
    if waiver.limit is None:
        return frozenset(waiver.findings)
    measured = difference(report)
    if measured is None or measured > waiver.limit * ROUNDED:
        return frozenset()
    return frozenset(finding.id for finding in report.findings if waiver.name in (finding.item, finding.rule))


def difference(report: Report) -> float | None:
    """The largest difference from PyTorch, of the output's scale; None where nothing differs, or what differs has no figure."""
    different = [entry for entry in report.comparison if entry["state"] == "different"]
    if any("raised" in variant for entry in different for variant in entry["variants"]):
        return None
    found = [entry["difference"].get(entry["precision"]) for entry in different]
    return max(found) if found and None not in found else None


def failed(report: Report, name: str) -> bool:
    """Whether an item of this name, or the item that a rule of this name serves, has failed."""
    states = {item.state for item in report.items if item.id == name}
    return "failed" in states or bool(covered(report, name))


def applied(report: Report, now: Standing) -> Report:
    """The report with the waivers in force: what they cover is shown with name and reason, and decides nothing.

    A finding whose code changed has another identity, so its waiver is void. One of a difference holds as long as that is no larger.
    """
    if not now.waivers:
        return report
    reasons = {id: waiver.reason for waiver in now.waivers.values() for id in covers(waiver, report)}
    findings = tuple(
        replace(f, ignored=reasons[f.id]) if f.id in reasons and f.ignored is None else f
        for f in report.findings
    )
    waived = replace(report, findings=findings)
    return replace(waived, items=tuple(_item(waived, item, now, reasons) for item in report.items))


def _item(report: Report, item: ItemResult, now: Standing, reasons: dict[str, str]) -> ItemResult:
    if item.state != "failed":
        return item
    of_item = [f for f in report.findings if (f.item, f.model) == (item.id, item.model)]
    if any(f.level == "error" and f.ignored is None for f in of_item):
        return item
    said = next((reasons[f.id] for f in of_item if f.id in reasons), "")
    waiver = now.waivers.get(item.id)
    if not said and waiver is not None and waiver.head == report.head:
        said = waiver.reason
    return replace(item, state="passed", reason=said) if said else item


@cache
def _adapter() -> TypeAdapter[Decision]:
    from pydantic import (
        TypeAdapter,  # not at import: the command line renders reports without the bot's extras
    )

    return TypeAdapter(Decision)


def _read(text: str) -> Decision | None:
    from pydantic import ValidationError

    try:
        return _adapter().validate_json(text, strict=True)
    except ValidationError:  # somebody who may edit our comments did
        return None

"""What is said to commands. Each text is a template below `templates/comment/reply/`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.commands import PREFIX, Command
from bot.conversion import Order, Outcome
from bot.decisions import Decision, Standing
from bot.markers import inert_markers
from bot.render.environment import render
from bot.render.text import fit
from bot.render.view import ReportView, quoted
from bot.repair import MOST_PATCH, Repaired
from bot.situation import Situation
from checks.explain import explain
from checks.report import Finding, Report

EXPLAINED = 6_000
"""Bytes of one explanation; the whole page is in the docs."""


def help_text(commands: Iterable[Command]) -> str:
    """The table of commands."""
    return render("comment/help.md.j2", commands=list(commands), prefix=PREFIX)


def denied(command: Command) -> str:
    """A command that its writer may not use."""
    return _reply("denied", command=command)


def explained(name: str) -> str:
    """The page of an item or rule, its headings made smaller."""
    page = explain(name)
    small = "\n".join(f"###{line}" if line.startswith("# ") else line for line in page.split("\n"))
    return fit(small, EXPLAINED, rest=f"… the rest: `tfport explain {name}`.")


def status(situation: Situation, report: Report, now: Standing) -> str:
    """How far the port is, and who has to act."""
    view = ReportView(situation.repository, situation.pull, report)
    return _reply("status", view=view, now=now, pull=situation.pull)


def repaired(situation: Situation, done: Repaired, *, clicked: bool = False) -> str:
    """What came of a request for fixes; "" where the commit says it all."""
    if done.kind == "pushed":
        return ""
    marks = "```"
    while marks in done.patch:
        marks += "`"
    shown = done.patch if len(done.patch.encode()) <= MOST_PATCH else ""
    return _reply(
        "repaired", done=done, patch=inert_markers(shown), marks=marks, clicked=clicked, pull=situation.pull
    )


def ask(situation: Situation, report: Report, decision: Decision, names: Sequence[str]) -> str:
    """The call for help: names the maintainers, and says where the port is stuck."""
    view = ReportView(situation.repository, situation.pull, report)
    return _reply("ask", view=view, decision=decision, names=names, question=quoted(decision.text))


def asked_already(before: Decision) -> str:
    """A second call for help within a day."""
    return _reply("asked_already", decision=before)


def nobody_to_ask() -> str:
    """The configuration names nobody but the one who asks."""
    return _reply("nobody_to_ask")


def dispute(
    situation: Situation, decision: Decision, findings: Sequence[Finding], names: Sequence[str]
) -> str:
    """A finding that the author holds wrong: the maintainers are asked."""
    view = ReportView(situation.repository, situation.pull, Report("", "", None, (), (), tuple(findings)))
    return _reply("dispute", view=view, decision=decision, names=names, reason=quoted(decision.text))


def waived(decision: Decision, findings: Sequence[Finding]) -> str:
    """What fails is accepted."""
    return _reply("waived", decision=decision, count=len(findings))


def head_moved() -> str:
    """A waiver that came while the head moved."""
    return _reply("head_moved")


def unwaived(decision: Decision) -> str:
    """What failed counts again."""
    return _reply("unwaived", decision=decision)


def nothing_of(name: str, what: str) -> str:
    """There is nothing that the command could be about."""
    return _reply("nothing_of", name=name, what=what)


def paused(decision: Decision) -> str:
    """Silence from here on."""
    return _reply("paused", decision=decision)


def paused_already(decision: Decision) -> str:
    """It is silent already."""
    return _reply("paused_already", decision=decision)


def not_paused() -> str:
    """There is nothing to resume."""
    return _reply("not_paused")


def approved(decision: Decision) -> str:
    """The code of a commit may be executed."""
    return _reply("approved", decision=decision)


def not_approved(why: str, head: str) -> str:
    """An approval that is none."""
    return _reply("not_approved", why=why, head=head)


def cancelled(decision: Decision) -> str:
    """An execution ends."""
    return _reply("cancelled", decision=decision)


def nothing_runs() -> str:
    """There is no execution to cancel."""
    return _reply("nothing_runs")


def not_converted(name: str, why: str) -> str:
    """A conversion that is not begun."""
    return _reply("not_converted", name=name, why=why)


def converting(name: str, progress: str = "it waits for its turn") -> str:
    """A conversion that is under way; `progress` is a process's word."""
    return _reply("converting", name=name, progress=progress)


def converted(order: Order, came: Outcome) -> str:
    """What came of a conversion."""
    return _reply("converted", name=order["checkpoint"], order=order, came=came)


def resumed() -> str:
    """Back again."""
    return _reply("resumed")


def _reply(template: str, **values: object) -> str:
    return render(f"comment/reply/{template}.md.j2", prefix=PREFIX, **values)

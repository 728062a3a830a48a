"""The check runs that should exist on a pull request: one for each section, and the gate. Part of `bot.plan`; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from bot.outbox import Button, CreateCheckRun, Output, UpdateCheckRun, Write
from bot.render import checks as render_checks
from bot.repair import ACTION, AGAIN, fixable
from bot.situation import Situation
from bot.state import CheckRun
from checks.report import Conclusion, Report

SECTIONS: tuple[str, ...] = ("architecture", "registration", "docs", "tests", "execution")
"""Sections with a check run of their own; the gate stands for the whole and shows `start`, `submit` and `share`."""

GATE: str = "gate"

Phase = Literal["announced", "running", "reported"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the check runs show. `at_lines` are identities of findings that stand at their lines and so are not repeated as annotations.
    `unfinished` are sections whose result is still to come."""

    report: Report
    at_lines: frozenset[str]
    unfinished: frozenset[str] = frozenset()


def check_run_name(section: str) -> str:
    """The fixed name; branch protection goes by it."""
    return "tfport" if section == GATE else f"tfport / {section}"


def external_id(situation: Situation, section: str, attempt: str = "0") -> str:
    """Our key of a check run: what a result depends on besides the commit is part of it (base branch, draft)."""
    pull = situation.pull
    ground = sha256(f"{pull.base_ref}\0{pull.draft}".encode()).hexdigest()[:8]
    return f"tfport:{pull.number}:{section}:{ground}:{attempt}"


def check_runs(
    situation: Situation, phase: Phase, found: Found | None, rerun: Mapping[str, str]
) -> Iterable[Write]:
    """What is missing of the head's check runs, and the end of those that nobody comes back to.

    Args:
        rerun: section -> attempt of what is judged anew.
    """
    head = situation.pull.head_sha
    yield from retire(
        (run for run in situation.check_runs if run.head_sha != head), f"Superseded by {head[:9]}."
    )
    for section in (GATE, *SECTIONS):
        prefix = external_id(situation, section, "")
        here = [r for r in situation.check_runs if r.head_sha == head and r.external_id.startswith(prefix)]
        current = here[-1] if here else None
        attempt = rerun.get(section)
        asked_again = attempt is not None and not any(r.external_id.endswith(f":{attempt}") for r in here)
        if current is None or (asked_again and current.status == "completed"):
            yield _new_check_run(
                situation, section, external_id(situation, section, attempt or "0"), phase, found
            )
        elif current.status != "completed":
            yield from _progress(situation, section, current, phase, found)
        elif section == GATE and phase == "reported" and found is not None:
            yield from _refreshed(situation, current, found)
    yield from retire(_strays(situation), "Checked anew: the base branch or the draft state changed.")


def _new_check_run(
    situation: Situation, section: str, key: str, phase: Phase, found: Found | None
) -> CreateCheckRun:
    name, head = check_run_name(section), situation.pull.head_sha
    if phase == "reported" and found is not None and section not in found.unfinished:
        output, conclusion = _result(situation, section, found)
        return CreateCheckRun(name, head, key, "completed", output, conclusion)
    status = "in_progress" if phase == "running" and section != "execution" else "queued"
    return CreateCheckRun(name, head, key, status, _waiting_output(status))


def _progress(
    situation: Situation, section: str, run: CheckRun, phase: Phase, found: Found | None
) -> Iterable[Write]:
    if phase == "reported" and found is not None:
        if section not in found.unfinished:
            output, conclusion = _result(situation, section, found)
            yield UpdateCheckRun(run.id, "completed", output, conclusion)
    elif phase == "running" and run.status == "queued" and section != "execution":
        yield UpdateCheckRun(run.id, "in_progress", _waiting_output("in_progress"))


def _refreshed(situation: Situation, gate: CheckRun, found: Found) -> Iterable[Write]:
    """Reviews, CI and the draft state move without a push: the gate follows them."""
    output, conclusion = _result(situation, GATE, found)
    if (gate.title, gate.conclusion) != (output.title, conclusion):
        yield UpdateCheckRun(gate.id, "completed", output, conclusion)


def _waiting_output(status: str) -> Output:
    return Output("Queued" if status == "queued" else "Checking", "The result is here in seconds.")


def _result(situation: Situation, section: str, found: Found) -> tuple[Output, Conclusion]:
    report = found.report
    page = render_checks.Page(
        situation.repository, situation.pull, report, situation.config_error, _clicked_by(situation, section)
    )
    if section == GATE:
        title, summary, text, conclusion = render_checks.gate(page)
        return Output(title, summary, text, buttons=_buttons(report)), conclusion
    title, summary, conclusion = render_checks.section(page, section)
    annotations = tuple(render_checks.section_annotations(report, section, without=found.at_lines))
    return Output(title, summary, "", annotations, _buttons(report, section)), conclusion


def _clicked_by(situation: Situation, section: str) -> str:
    """Who asked in the Checks tab that this is judged again."""
    click = situation.click
    return click["by"] if click is not None and section in situation.rerequested else ""


def _buttons(report: Report, section: str | None = None) -> tuple[Button, ...]:
    """Below the check run of a section, or of the gate. GitHub shows three at most, and not to everybody: each has its command."""
    number = fixable(report, section)
    fix = Button(
        ACTION, f"Apply {number} fix{'es' if number != 1 else ''}", "As a commit, or as a patch to apply"
    )
    again = Button(AGAIN, "Check again", "Judge this part anew")
    return (fix, again) if number else (again,)


def _strays(situation: Situation) -> Iterable[CheckRun]:
    """Check runs of this head from before the base branch or the draft state changed."""
    valid = {external_id(situation, section, "") for section in (GATE, *SECTIONS)}
    for run in situation.check_runs:
        ground = run.external_id.rpartition(":")[0] + ":"
        mine = ground.startswith(f"tfport:{situation.pull.number}:")
        if run.head_sha == situation.pull.head_sha and mine and ground not in valid:
            yield run


def retire(check_runs: Iterable[CheckRun], reason: str) -> Iterable[Write]:
    """End those that are not over, without a verdict."""
    for run in check_runs:
        if run.status != "completed":
            yield UpdateCheckRun(run.id, "completed", Output("Not finished", reason), "cancelled")

"""The decision: what should exist on a pull request, as a pure function of what GitHub says now and of the report.

`plan` compares what should be with what is and returns the writes that are missing. Run twice it returns nothing the second time,
so a crash between two writes, a doubled delivery or a lost database cost nothing: the bot looks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Literal

from bot import answers, review
from bot.answers import Answer
from bot.commands import names
from bot.decisions import Standing, applied, decisions, standing
from bot.execution import Execution, is_ours, overlaid
from bot.markers import tail, with_markers
from bot.outbox import (
    Button,
    CreateCheckRun,
    CreateComment,
    CreateReview,
    EditComment,
    MinimizeComment,
    Output,
    RequestReview,
    UpdateCheckRun,
    Write,
)
from bot.policy import CONFIG_PATH, configured
from bot.render import checks as render_checks
from bot.render import comments as render_comments
from bot.render.text import code, inert, plain
from bot.repair import ACTION, AGAIN, fixable
from bot.review import Suggestions
from bot.situation import Situation
from bot.state import Annotation, CheckRun, Comment
from bot.submission import with_submission
from checks.report import Conclusion, Report

SECTIONS: tuple[str, ...] = ("architecture", "registration", "docs", "tests", "execution")
"""Sections with a check run of their own; the gate stands for the whole and shows `start`, `submit` and `share`."""

GATE: str = "gate"
CONFIGURATION = "tfport / configuration"

Phase = Literal["announced", "running", "reported"]


@dataclass(frozen=True, slots=True)
class Found:
    """What the check runs show. `at_lines` are identities of findings that stand at their lines and so are not repeated as annotations.
    `unfinished` are sections whose result is still to come."""

    report: Report
    at_lines: frozenset[str]
    unfinished: frozenset[str] = frozenset()


def plan(
    situation: Situation,
    phase: Phase,
    report: Report | None = None,
    suggested: Suggestions | None = None,
    execution: Execution | None = None,
) -> list[Write]:
    """The writes that are missing on the pull request.

    Args:
        phase: how far the work is. `announced`: check runs are queued, commands are answered. `running`: the check runs are in
            progress. `reported`: they are concluded from `report`, and the summary stands; without a report there is no port.
        suggested: by finding, what its edits are as suggestion blocks.
        execution: what is known of the execution of this head; None where there is none at all.
    """
    return [*_configuration(situation), *_of_port(situation, phase, report, suggested or {}, execution)]


def _of_port(
    situation: Situation,
    phase: Phase,
    report: Report | None,
    suggested: Suggestions,
    execution: Execution | None,
) -> list[Write]:
    if not situation.config.enabled:
        return list(_retire(situation.check_runs, "tfport is switched off in this repository."))
    elsewhere = [] if situation.means is None else answers.conversions_elsewhere(situation)
    if not situation.pull.open:
        return [*_closed(situation), *answers.writes(situation, elsewhere if situation.pull.merged else ())]
    if situation.brings_port is False or (phase == "reported" and report is None):
        return [*_nothing_left(situation), *answers.writes(situation, elsewhere)]
    if not situation.tensorflow:
        return _no_tensorflow(situation)
    if situation.brings_port is None and report is None and not _known(situation):
        return []
    writes: list[Write] = []
    answered = answers.answers(situation, report if phase == "reported" else None)
    now = _now(situation, answered)
    if now.paused is not None:
        writes += _paused(situation, now)
    else:
        rerun = _rerun(situation, answered)
        pending = False
        if report is not None and execution is not None:
            attempt = _attempt(situation, rerun)
            report, stands = overlaid(situation, report, execution, now, attempt)
            pending = stands.kind == "due"
        decided = report and _decided(situation, report, now)
        unfinished = frozenset({"execution"} if pending else ())
        found = decided and Found(decided, review.at_lines(situation, decided, suggested), unfinished)
        writes += _check_runs(situation, phase, found, rerun)
        if phase == "reported" and decided is not None:
            notes = review.plan_review(situation, decided, suggested)
            writes += notes
            reviewed = review.reviewed(situation) or any(isinstance(w, CreateReview) for w in notes)
            writes += answers.click_writes(situation)
            if not situation.config.quiet:
                writes += _summary(situation, decided, now, reviewed=reviewed, pending=pending)
        writes += _reminder(situation)
    writes += answers.writes(situation, answered)
    return writes


def _attempt(situation: Situation, rerun: Mapping[str, str]) -> str:
    """The attempt that the check run of the execution has once these writes are made."""
    prefix, head = external_id(situation, "execution", ""), situation.pull.head_sha
    here = [r for r in situation.check_runs if r.head_sha == head and r.external_id.startswith(prefix)]
    wanted = rerun.get("execution")
    if not here:
        return wanted or "0"
    known = any(run.external_id.endswith(f":{wanted}") for run in here)
    if wanted and not known and here[-1].status == "completed":
        return wanted
    return here[-1].external_id.rpartition(":")[2]


def settled(situation: Situation, *, busy: bool = False) -> bool:
    """Whether nothing is left to examine: every check run of the head is concluded, none asked for again, the summary speaks of it.

    Args:
        busy: the head is being executed; a look follows when that is over.
    """
    if (
        not (situation.config.enabled and situation.pull.open and situation.tensorflow)
        or situation.brings_port is False
    ):
        return True
    if answers.waits_for_report(situation) or answers.repairs_wanted(situation):
        return False
    if _now(situation, answers.answers(situation)).paused is not None:
        return all(run.status == "completed" for run in situation.check_runs)
    summaries = _summaries(situation)
    marker = render_comments.read_marker(summaries[-1].body) if summaries else None
    if marker is None or (marker.head, marker.around) != (situation.pull.head_sha, situation.surroundings):
        return False
    reachable = plan(situation, "running")
    running = [run for run in situation.check_runs if run.status != "completed"]
    if busy:
        running = [run for run in running if not (is_ours(run) and run.head_sha == situation.pull.head_sha)]
    return not running and not any(isinstance(w, CreateCheckRun | UpdateCheckRun) for w in reachable)


def first_visit(situation: Situation, progress: str) -> list[Write]:
    """The gate tells how far the first fetch of this repository is. `progress` is git's own line, or empty."""
    output = Output(
        "First visit here: fetching the repository", code(progress) if progress else "This happens once."
    )
    prefix = external_id(situation, GATE, "")
    return [
        UpdateCheckRun(run.id, "in_progress", output)
        for run in situation.check_runs
        if run.status != "completed" and run.external_id.startswith(prefix)
    ]


def confess(situation: Situation) -> list[Write]:
    """Our own failure: nothing of it is the contributor's, so no check fails and no comment is written."""
    output = Output(
        "Internal error",
        "tfport could not finish. The maintainers of the bot know; nothing is wrong with this pull request.",
    )
    return [
        UpdateCheckRun(run.id, "completed", output, "cancelled")
        for run in situation.check_runs
        if run.status != "completed"
    ]


def _decided(situation: Situation, report: Report, now: Standing) -> Report:
    """The report with what people decided, what GitHub says, and what the repository wants."""
    full = applied(report, now)
    if situation.around is not None:
        asked = _asked(situation)
        full = with_submission(
            full, situation.pull, situation.config, situation.around, asked=asked, weights=situation.weights
        )
    return configured(full, situation.config)


def _asked(situation: Situation) -> bool:
    """The maintainers were asked for review, by us or by somebody else."""
    summaries = _summaries(situation)
    marker = render_comments.read_marker(summaries[-1].body) if summaries else None
    if marker is not None and marker.asked:
        return True
    around, names_ = situation.around, {name.casefold() for name in situation.config.maintainers}
    heard = {*around.requested, *(review.login for review in around.reviews)} if around else set[str]()
    return any(login.casefold() in names_ for login in heard)


def _closed(situation: Situation) -> list[Write]:
    """Nothing hangs; of a port that was merged, a last word."""
    writes = list(_retire(situation.check_runs, "The pull request is closed."))
    marker = "<!-- tfport:merged -->"
    silent = situation.config.quiet or situation.pull.locked
    told = any(marker in tail(comment.body) for comment in situation.mine)
    summaries = _summaries(situation)
    if situation.pull.merged and summaries and not silent and not told:
        text = render_comments.merged(situation.pull, list(situation.models), summaries[-1].body)
        writes.append(CreateComment(marker, with_markers(text, marker)))
    return writes


def _reminder(situation: Situation) -> Iterable[Write]:
    """A draft that rests is asked once whether it goes on, and again only after something has happened."""
    pull, config, standing_ = situation.pull, situation.config, _summaries(situation)
    silent = config.quiet or pull.locked or not config.remind_after_days
    if situation.at is None or not pull.draft or silent or not standing_:
        return
    name = "<!-- tfport:resting -->"
    heard = [
        c.updated_at
        for c in situation.comments
        if not (c.app_id == situation.app_id and name in tail(c.body))
    ]
    last = max([pull.created_at, *heard])
    asked = [c.created_at for c in situation.mine if name in tail(c.body)]
    if situation.at - last < timedelta(days=config.remind_after_days) or any(at >= last for at in asked):
        return
    # One comment for one rest: its marker names what came before it.
    marker = f"<!-- tfport:resting {last:%Y%m%dT%H%M%S} -->"
    text = render_comments.resting(pull, config.remind_after_days)
    yield CreateComment(marker, with_markers(text, name, marker))


def _now(situation: Situation, answered: Iterable[Answer]) -> Standing:
    """What holds, with what the open commands decide."""
    return standing([*decisions(situation.mine), *(d for answer in answered for d in answer.decided)])


def _rerun(situation: Situation, answered: Iterable[Answer]) -> dict[str, str]:
    """Section -> attempt of every section that has to be judged anew: a `check` asks for it, or a decision concerns it."""
    wanted: dict[str, str] = dict(situation.rerequested)
    for answer in answered:
        for invocation in answer.accepted:
            match invocation.command.name:
                case "check":
                    asked = {names()[name] for name in invocation.arguments} or set(SECTIONS)
                case "test" | "approve":
                    asked = {"execution"}
                case "waive" | "unwaive":
                    asked = {names()[invocation.arguments[0]]}
                case "resume":
                    asked = set(SECTIONS)
                case _:
                    continue
            for section in (asked & set(SECTIONS)) | {GATE}:
                wanted[section] = answer.key
    return wanted


def _configuration(situation: Situation) -> Iterable[Write]:
    """A pull request that changes `.github/tfport.yml` hears at once whether it can be used. It takes effect once it is on the base."""
    if situation.proposed is None or not situation.pull.open:
        return
    wrong, head = situation.proposed, situation.pull.head_sha
    key = f"tfport:{situation.pull.number}:configuration:{sha256(wrong.encode()).hexdigest()[:8]}:0"
    if any((run.external_id, run.head_sha) == (key, head) for run in situation.check_runs):
        return
    if not wrong:
        output = Output("It can be used", f"{code(CONFIG_PATH)} takes effect once it is on the base branch.")
        yield CreateCheckRun(CONFIGURATION, head, key, "completed", output, "success")
        return
    line = wrong.partition(":")[0]
    at = int(line) if line.isdecimal() else 1
    note = Annotation(CONFIG_PATH, at, at, "failure", plain(wrong), "This cannot be used")
    output = Output("It cannot be used", f"{code(CONFIG_PATH)}: {inert(wrong)}", annotations=(note,))
    yield CreateCheckRun(CONFIGURATION, head, key, "completed", output, "failure")


def _paused(situation: Situation, now: Standing) -> Iterable[Write]:
    """Nothing but the gate, which says so."""
    assert now.paused is not None
    yield from _retire(situation.check_runs, "Paused.")
    head, name = situation.pull.head_sha, check_run_name(GATE)
    if not any(run.head_sha == head and run.name == name for run in situation.check_runs):
        said = f"{inert(now.paused.by)} asked for it. `/tfport resume` goes on."
        output = Output("Paused", said)
        yield CreateCheckRun(
            name, head, external_id(situation, GATE, "paused"), "completed", output, "neutral"
        )


# --- check runs


def check_run_name(section: str) -> str:
    """The fixed name; branch protection goes by it."""
    return "tfport" if section == GATE else f"tfport / {section}"


def external_id(situation: Situation, section: str, attempt: str = "0") -> str:
    """Our key of a check run: what a result depends on besides the commit is part of it (base branch, draft)."""
    pull = situation.pull
    ground = sha256(f"{pull.base_ref}\0{pull.draft}".encode()).hexdigest()[:8]
    return f"tfport:{pull.number}:{section}:{ground}:{attempt}"


def _check_runs(
    situation: Situation, phase: Phase, found: Found | None, rerun: Mapping[str, str]
) -> Iterable[Write]:
    head = situation.pull.head_sha
    yield from _retire(
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
    yield from _retire(_strays(situation), "Checked anew: the base branch or the draft state changed.")


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


def _retire(check_runs: Iterable[CheckRun], reason: str) -> Iterable[Write]:
    for run in check_runs:
        if run.status != "completed":
            yield UpdateCheckRun(run.id, "completed", Output("Not finished", reason), "cancelled")


# --- the summary


def _known(situation: Situation) -> bool:
    """An earlier look found a port here."""
    return bool(_summaries(situation)) or bool(situation.check_runs)


def _nothing_left(situation: Situation) -> list[Write]:
    """No port (any more): silence, but for a pull request that brought one before."""
    writes = list(_retire(situation.check_runs, "The pull request adds no TensorFlow port any more."))
    for comment in _summaries(situation):
        body = render_comments.no_port_any_more(comment.body)
        if body != comment.body:
            writes.append(EditComment(comment.id, body))
    return writes


def _no_tensorflow(situation: Situation) -> list[Write]:
    writes = list(_retire(situation.check_runs, "The base branch has no TensorFlow support."))
    marker = "<!-- tfport:no-tensorflow -->"
    if not any(marker in tail(comment.body) for comment in situation.mine):
        text = render_comments.no_tensorflow(situation.pull.base_ref)
        writes.append(CreateComment(marker, with_markers(text, marker)))
    return writes


def _summaries(situation: Situation) -> list[Comment]:
    """Our summaries that are not outdated, oldest first."""
    return [
        c for c in situation.mine if c.kind == "issue" and render_comments.read_marker(c.body) is not None
    ]


def _asking(situation: Situation, report: Report) -> render_comments.Asking:
    """Whether it is the maintainers' turn, and how they hear of it: once in the life of a port."""
    around, config = situation.around, situation.config
    asked = _asked(situation)
    turn = render_comments.verdict_of(report) == "ready" and not situation.pull.draft
    if around is None or not turn or not config.request_review:
        return render_comments.Asking(asked)
    author = situation.pull.author.login.casefold()
    people = tuple(name for name in config.maintainers if name.casefold() != author)
    able = tuple(name for name in people if name in around.reviewers)
    experts = situation.experts.without([*config.maintainers, situation.pull.author.login])
    return render_comments.Asking(
        asked or bool(people), able or people, mention=not able, fresh=not asked, experts=experts
    )


def _summary(
    situation: Situation, report: Report, now: Standing, *, reviewed: bool, pending: bool
) -> Iterable[Write]:
    """Edited while the verdict stays; posted anew when it flips, unless a review of this head tells the news already.

    While the execution is `pending`, a verdict that waits for it is no news: the one that stands is edited.
    """
    standing = _summaries(situation)
    current = standing[-1] if standing else None
    before = render_comments.read_marker(current.body) if current else None
    greets = not any(render_comments.was_summary(comment.body) for comment in situation.mine)
    asking = _asking(situation, report)
    wanted = render_comments.summary(
        render_comments.Conversation(
            situation.repository,
            situation.pull,
            situation.config,
            situation.config_error,
            now,
            situation.surroundings,
        ),
        report,
        before,
        greets=greets,
        asking=asking,
    )
    if asking.fresh and asking.people and not asking.mention:
        yield RequestReview(asking.people)
        reviewed = True
    if (
        current is not None
        and before is not None
        and (
            before.verdict == wanted.marker.verdict
            or wanted.marker.verdict == "trouble"
            or (pending and wanted.marker.verdict == "under-way")
            or reviewed
        )
    ):
        outdated = standing[:-1]
        if current.body != wanted.body:
            yield EditComment(current.id, wanted.body)
    else:
        outdated = standing
        yield CreateComment(str(wanted.marker), wanted.body)
    for comment in outdated:
        yield MinimizeComment(comment.node_id)
        yield EditComment(comment.id, render_comments.outdated(comment.body))

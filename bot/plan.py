"""The decision: what should exist on a pull request, as a pure function of what GitHub says now and of the report.

`plan` compares what should be with what is and returns the writes that are missing. Run twice it returns nothing the second time,
so a crash between two writes, a doubled delivery or a lost database cost nothing: the bot looks again.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from bot.commands import COMMANDS, Invocation, Mistake, allowed, names, parse
from bot.policy import RepositoryConfig
from bot.render import checks as render_checks
from bot.render import comments as render_comments
from bot.render.text import code
from bot.state import Annotation, ChangedFile, CheckRun, Comment, Permission, Pull, Repository
from checks.discover import INFRASTRUCTURE
from checks.report import Conclusion, Report

SECTIONS: tuple[str, ...] = ("architecture", "registration", "docs", "tests", "execution")
"""Sections with a check run of their own; the gate stands for the whole and shows `start`, `submit` and `share`."""

GATE: str = "gate"
IN_PLACE = re.compile(r"src/transformers/models/\w+/modeling_tf_\w+\.py")
MODULE = re.compile(r"(?:^|/)modeling_tf_(\w+)\.py$")

Content = Literal["eyes", "confused", "-1"]
HANDLED: frozenset[str] = frozenset({"eyes", "confused", "-1"})
"""Our reactions that say: this comment's commands are dealt with."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision may depend on.

    Attributes:
        app_id, app_slug: who we are; only comments and check runs of this app are ours.
        files: changed files, or None where GitHub cannot list them all.
        tensorflow: the base tree has TensorFlow support.
        comments: the whole conversation, oldest first.
        check_runs: ours on the head (and on heads that a running workflow left), in the order of their ids.
        rights: permission by user id of everybody whose command is open.
        rerequested: section -> attempt, of check runs that somebody asked to run again in the Checks tab.
    """

    app_id: int
    app_slug: str
    repository: Repository
    pull: Pull
    files: tuple[ChangedFile, ...] | None
    tensorflow: bool
    config: RepositoryConfig
    config_error: str
    comments: tuple[Comment, ...]
    check_runs: tuple[CheckRun, ...]
    rights: Mapping[int, Permission] = field(default_factory=dict[int, Permission])
    rerequested: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def brings_port(self) -> bool | None:
        """Whether the pull request adds a TensorFlow module; None: only a look into the files can tell."""
        if self.files is None:
            return None
        gone = {file.path.rpartition("/")[2] for file in self.files if file.status == "removed"}
        found = {_brings(file, gone) for file in self.files}
        return True if True in found else None if None in found else False

    @property
    def mine(self) -> tuple[Comment, ...]:
        """Our own comments: by app id, for anybody can copy a marker."""
        return tuple(comment for comment in self.comments if comment.app_id == self.app_id)


@dataclass(frozen=True, slots=True)
class Output:
    """What a check run shows."""

    title: str
    summary: str
    text: str = ""
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateCheckRun:
    name: str
    head_sha: str
    external_id: str
    status: Literal["queued", "in_progress", "completed"]
    output: Output
    conclusion: Conclusion | None = None


@dataclass(frozen=True, slots=True)
class UpdateCheckRun:
    """`output.annotations` are all that there should be; the writer asks how many GitHub has and sends the rest."""

    id: int
    status: Literal["queued", "in_progress", "completed"]
    output: Output
    conclusion: Conclusion | None = None


@dataclass(frozen=True, slots=True)
class CreateComment:
    """`marker` is contained in `body`; a comment of ours with it is this comment."""

    marker: str
    body: str


@dataclass(frozen=True, slots=True)
class EditComment:
    id: int
    body: str


@dataclass(frozen=True, slots=True)
class MinimizeComment:
    node_id: str


@dataclass(frozen=True, slots=True)
class React:
    comment: Comment
    content: Content


Write = CreateCheckRun | UpdateCheckRun | CreateComment | EditComment | MinimizeComment | React

Phase = Literal["announced", "running", "reported"]


def plan(situation: Situation, phase: Phase, report: Report | None = None) -> list[Write]:
    """The writes that are missing on the pull request.

    Args:
        phase: how far the work is. `announced`: check runs are queued, commands are answered. `running`: the check runs are in
            progress. `reported`: they are concluded from `report`, and the summary stands; without a report there is no port.
    """
    if not situation.config.enabled:
        return list(_retire(situation.check_runs, "tfport is switched off in this repository."))
    if not situation.pull.open:
        return list(_retire(situation.check_runs, "The pull request is closed."))
    if situation.brings_port is False or (phase == "reported" and report is None):
        return _nothing_left(situation)
    if not situation.tensorflow:
        return _no_tensorflow(situation)
    if situation.brings_port is None and report is None and not _known(situation):
        return []
    writes: list[Write] = []
    answers = open_commands(situation)
    writes += _check_runs(situation, phase, report, _rerun(situation, answers))
    if phase == "reported" and report is not None:
        writes += _summary(situation, report)
    writes += _replies(situation, answers)
    return writes


def settled(situation: Situation) -> bool:
    """Whether nothing is left to examine: every check run of the head is concluded, none asked for again, the summary speaks of it."""
    if (
        not (situation.config.enabled and situation.pull.open and situation.tensorflow)
        or situation.brings_port is False
    ):
        return True
    summaries = _summaries(situation)
    marker = render_comments.read_marker(summaries[-1].body) if summaries else None
    if marker is None or marker.head != situation.pull.head_sha:
        return False
    reachable = plan(situation, "running")
    return not any(isinstance(write, CreateCheckRun | UpdateCheckRun) for write in reachable) and not any(
        run.status != "completed" for run in situation.check_runs
    )


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


# --- commands


@dataclass(frozen=True, slots=True)
class Answer:
    """A comment with commands that nobody has dealt with yet."""

    comment: Comment
    accepted: tuple[Invocation, ...]
    reply: str
    reaction: Content


def open_commands(situation: Situation) -> list[Answer]:
    """Comments with commands that carry no reaction of ours yet, and what is to be said to each."""
    return [
        _answer(situation, comment)
        for comment in commented(situation.comments)
        if not comment.reactions & HANDLED
    ]


def commented(comments: Iterable[Comment]) -> list[Comment]:
    """Comments of people (not of apps or bots) that hold a command."""
    return [comment for comment in comments if may_command(comment)]


def may_command(comment: Comment) -> bool:
    """Whether a person wrote it and it holds a command, right or wrong."""
    return not comment.author.bot and comment.app_id is None and bool(parse(comment.body))


def _answer(situation: Situation, comment: Comment) -> Answer:
    accepted: list[Invocation] = []
    replies: list[str] = []
    denied = False
    permission = situation.rights.get(comment.author.id, "none")
    for entry in parse(comment.body):
        if isinstance(entry, Mistake):
            replies.append(entry.text)
        elif not allowed(
            entry.command.who, permission, is_author=comment.author.id == situation.pull.author.id
        ):
            denied = True
            replies.append(render_comments.denied(entry.command))
        else:
            accepted.append(entry)
            if entry.command.name == "help":
                replies.append(render_comments.help_text(COMMANDS.values()))
    reaction: Content = "eyes" if accepted else "-1" if denied else "confused"
    return Answer(comment, tuple(accepted), "\n\n".join(replies), reaction)


def _replies(situation: Situation, answers: Iterable[Answer]) -> Iterable[Write]:
    for answer in answers:
        marker = f"<!-- tfport:reply {answer.comment.kind} {answer.comment.id} -->"
        if answer.reply and not any(marker in comment.body for comment in situation.mine):
            yield CreateComment(marker, f"{answer.reply}\n\n{marker}")
        yield React(answer.comment, answer.reaction)


def _rerun(situation: Situation, answers: Iterable[Answer]) -> dict[str, str]:
    """Section -> attempt (the asking comment's id) for every section that an open `check` command asks for."""
    wanted: dict[str, str] = dict(situation.rerequested)
    for answer in answers:
        for invocation in answer.accepted:
            if invocation.command.name == "check":
                asked = {names()[name] for name in invocation.arguments} or set(SECTIONS)
                for section in (asked & set(SECTIONS)) | {GATE}:
                    wanted[section] = f"{answer.comment.kind[0]}{answer.comment.id}"
    return wanted


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
    situation: Situation, phase: Phase, report: Report | None, rerun: Mapping[str, str]
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
                situation, section, external_id(situation, section, attempt or "0"), phase, report
            )
        elif current.status != "completed":
            yield from _progress(situation, section, current, phase, report)
    yield from _retire(_strays(situation), "Checked anew: the base branch or the draft state changed.")


def _new_check_run(
    situation: Situation, section: str, key: str, phase: Phase, report: Report | None
) -> CreateCheckRun:
    name, head = check_run_name(section), situation.pull.head_sha
    if phase == "reported" and report is not None:
        output, conclusion = _result(situation, section, report)
        return CreateCheckRun(name, head, key, "completed", output, conclusion)
    status = "in_progress" if phase == "running" else "queued"
    return CreateCheckRun(name, head, key, status, _waiting_output(status))


def _progress(
    situation: Situation, section: str, run: CheckRun, phase: Phase, report: Report | None
) -> Iterable[Write]:
    if phase == "reported" and report is not None:
        output, conclusion = _result(situation, section, report)
        yield UpdateCheckRun(run.id, "completed", output, conclusion)
    elif phase == "running" and run.status == "queued":
        yield UpdateCheckRun(run.id, "in_progress", _waiting_output("in_progress"))


def _waiting_output(status: str) -> Output:
    return Output("Queued" if status == "queued" else "Checking", "The result is here in seconds.")


def _result(situation: Situation, section: str, report: Report) -> tuple[Output, Conclusion]:
    page = render_checks.Page(situation.repository, situation.pull, report, situation.config_error)
    if section == GATE:
        title, summary, text, conclusion = render_checks.gate(page)
        return Output(title, summary, text), conclusion
    title, summary, conclusion = render_checks.section(page, section)
    return Output(title, summary, "", tuple(render_checks.section_annotations(report, section))), conclusion


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
    if not any(marker in comment.body for comment in situation.mine):
        text = render_comments.no_tensorflow(situation.pull.base_ref)
        writes.append(CreateComment(marker, f"{text}\n\n{marker}"))
    return writes


def _summaries(situation: Situation) -> list[Comment]:
    """Our summaries that are not outdated, oldest first."""
    return [c for c in situation.mine if render_comments.read_marker(c.body) is not None]


def _summary(situation: Situation, report: Report) -> Iterable[Write]:
    standing = _summaries(situation)
    current = standing[-1] if standing else None
    before = render_comments.read_marker(current.body) if current else None
    greets = not any(render_comments.was_summary(comment.body) for comment in situation.mine)
    wanted = render_comments.summary(
        render_comments.Conversation(
            situation.repository, situation.pull, situation.config, situation.config_error
        ),
        report,
        before,
        greets=greets,
    )
    if (
        current is not None
        and before is not None
        and (before.verdict == wanted.marker.verdict or wanted.marker.verdict == "trouble")
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


def _brings(file: ChangedFile, gone: Container[str]) -> bool | None:
    """Whether this file alone makes it a port. None: only its content tells (another folder, a class added, a moved file).

    Args:
        gone: names of the files that the pull request removes elsewhere.
    """
    match = MODULE.search(file.path)
    if match is None or match[1] in INFRASTRUCTURE or file.status == "removed":
        return False
    in_place = IN_PLACE.fullmatch(file.path) is not None
    return True if in_place and file.status == "added" and match[0].strip("/") not in gone else None

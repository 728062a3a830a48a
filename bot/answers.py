"""Commands that nobody has dealt with yet, and what is said to them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot import conversion
from bot.approval import refused
from bot.commands import COMMANDS, Invocation, Line, Mistake, allowed, digest, lines, max_error
from bot.decisions import (
    Decision,
    Standing,
    covered,
    decisions,
    difference,
    failed,
    marker,
    standing,
)
from bot.execution import attempt_of, is_ours
from bot.markers import tail, with_markers
from bot.outbox import HANDLED, Content, CreateComment, React, Remember, Write
from bot.render import replies
from bot.repair import Request, of_click
from bot.situation import Situation
from bot.state import Comment
from checks.comparison.policy import ITEM as COMPARED
from checks.report import Report

ASK_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the open command lines of one comment.

    Attributes:
        key: names the comment and the lines; check runs that it asks for and the reply carry it.
        accepted: the commands that its author may give.
        decided: what they decide.
    """

    comment: Comment
    lines: tuple[Line, ...]
    accepted: tuple[Invocation, ...]
    reply: str
    reaction: Content
    decided: tuple[Decision, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.comment, self.lines)


def key_of(comment: Comment, some: Iterable[Line]) -> str:
    """Names a comment and lines of it."""
    return f"{comment.kind}{comment.id}.{digest(some)}"


def commented(comments: Iterable[Comment]) -> list[Comment]:
    """Comments of people (not of apps or bots) that hold a command."""
    return [comment for comment in comments if may_command(comment)]


def may_command(comment: Comment) -> bool:
    """Whether a person wrote it and it holds a command, right or wrong."""
    return not comment.author.bot and comment.app_id is None and bool(lines(comment.body))


def open_lines(comment: Comment) -> tuple[Line, ...]:
    """The command lines of a comment that nobody has dealt with: all of a new one, of an edited one what the edit added."""
    if not may_command(comment):
        return ()
    if not comment.reactions & HANDLED:
        return tuple(lines(comment.body))
    if comment.handled is None:
        return ()
    return tuple(line for line in lines(comment.body) if line.digest not in comment.handled)


def open_comments(comments: Iterable[Comment]) -> list[Comment]:
    """Comments with open command lines, oldest first."""
    return [comment for comment in comments if open_lines(comment)]


def waits_for_report(situation: Situation) -> bool:
    """Whether a command is open that only the report can answer."""
    return any(
        isinstance(line.said, Invocation) and line.said.command.needs_report
        for comment in situation.comments
        for line in open_lines(comment)
    )


def repairs_wanted(situation: Situation) -> list[Request]:
    """Open requests for fixes of people who may make them, oldest first; a click comes last."""
    found = [_repair_wanted(situation, c, open_lines(c)) for c in open_comments(situation.comments)]
    click = situation.click
    if click is not None:
        permission = situation.rights.get(click["by_id"], "none")
        found.append(of_click(click, permission, situation.pull.author))
    return [request for request in found if request is not None]


def _repair_wanted(situation: Situation, comment: Comment, todo: Iterable[Line]) -> Request | None:
    """What the `fix` commands among the lines ask for, if their writer may."""
    asked = [x.said for x in todo if isinstance(x.said, Invocation) and x.said.command.name == "fix"]
    permission = situation.rights.get(comment.author.id, "none")
    is_author = comment.author.id == situation.pull.author.id
    if not asked or not allowed(asked[0].command.who, permission, is_author=is_author):
        return None
    everything = any(not said.arguments for said in asked)
    names = () if everything else tuple(dict.fromkeys(name for said in asked for name in said.arguments))
    return Request(key_of(comment, todo), comment.author, names, comment.created_at.isoformat())


def answers(situation: Situation, report: Report | None = None) -> list[Answer]:
    """Of every comment with open commands. Without a report those are left out that need one."""
    now = decisions(situation.mine)
    found: list[Answer] = []
    for comment in open_comments(situation.comments):
        todo = open_lines(comment)
        needs = any(isinstance(x.said, Invocation) and x.said.command.needs_report for x in todo)
        if needs and report is None:
            continue
        asked = _repair_wanted(situation, comment, todo)
        if asked is not None and asked.key not in situation.repairs:
            continue  # it came in this moment; the look that it brings deals with it
        answer = _answer(situation, comment, todo, standing(now), report)
        now += answer.decided
        found.append(answer)
    return found


def conversions_wanted(situation: Situation) -> bool:
    """Whether a `convert` is open."""
    return any(_converts(line) for c in open_comments(situation.comments) for line in open_lines(c))


def conversions_elsewhere(situation: Situation) -> list[Answer]:
    """Answers where there is no port to look at: one that was merged, or a pull request that never brought one.

    The code of the base branch converts there, and only maintainers may ask. To others nothing is said.
    """
    found: list[Answer] = []
    now = decisions(situation.mine)
    for comment in open_comments(situation.comments):
        todo = tuple(line for line in open_lines(comment) if _converts(line))
        if todo and situation.rights.get(comment.author.id) in ("admin", "write"):
            found.append(_answer(situation, comment, todo, standing(now), None))
            now += found[-1].decided
    return found


def _converts(line: Line) -> bool:
    return isinstance(line.said, Invocation) and line.said.command.name == "convert"


def writes(situation: Situation, answered: Iterable[Answer]) -> Iterable[Write]:
    """Replies, then reactions, so that a reaction never stands without what it acknowledges."""
    for answer in answered:
        name = f"<!-- tfport:reply {answer.key} -->"
        if answer.reply and not any(name in tail(comment.body) for comment in situation.mine):
            hidden = [marker(decision) for decision in answer.decided]
            yield CreateComment(name, with_markers(answer.reply, name, *hidden))
        if answer.reaction not in answer.comment.reactions:
            yield React(answer.comment, answer.reaction)
        yield Remember(answer.comment, frozenset(line.digest for line in lines(answer.comment.body)))


def click_writes(situation: Situation) -> Iterable[Write]:
    """What is said to a click on the fix button: nothing where a commit is the answer."""
    click = situation.click
    if click is None or click["key"] not in situation.repairs:
        return
    name = f"<!-- tfport:reply {click['key']} -->"
    text = replies.repaired(situation, situation.repairs[click["key"]], clicked=True)
    if text and not any(name in tail(comment.body) for comment in situation.mine):
        yield CreateComment(name, with_markers(text, name))


@dataclass(frozen=True, slots=True)
class _Said:
    """What one command comes to."""

    reply: str = ""
    decision: Decision | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command with all that its handler may look at."""

    situation: Situation
    comment: Comment
    invocation: Invocation
    now: Standing
    report: Report | None
    key: str

    def decide(self, findings: Sequence[str] = ()) -> Decision:
        """The decision that this command makes."""
        command = self.invocation
        return Decision(
            kind=command.command.name,  # pyright: ignore[reportArgumentType]
            name=command.arguments[0] if command.arguments else "",
            by=self.comment.author.login,
            by_id=self.comment.author.id,
            text=command.text,
            findings=tuple(findings),
            head=self.situation.pull.head_sha,
            url=self.comment.html_url,
            at=self.comment.created_at.isoformat(),
        )

    @property
    def maintainers(self) -> list[str]:
        """Who is told, without who asks."""
        asker = self.comment.author.login.casefold()
        return [name for name in self.situation.config.maintainers if name.casefold() != asker]


def _answer(
    situation: Situation, comment: Comment, todo: tuple[Line, ...], now: Standing, report: Report | None
) -> Answer:
    accepted: list[Invocation] = []
    texts: list[str] = []
    decided: list[Decision] = []
    denied = declined = False
    permission = situation.rights.get(comment.author.id, "none")
    is_author = comment.author.id == situation.pull.author.id
    for line in todo:
        if isinstance(line.said, Mistake):
            declined = True
            texts.append(line.said.text)
            continue
        if not allowed(line.said.command.who, permission, is_author=is_author):
            denied = True
            texts.append(replies.denied(line.said.command))
            continue
        handler = _HANDLERS.get(line.said.command.name)
        said = (
            handler(_Asked(situation, comment, line.said, now, report, key_of(comment, todo)))
            if handler
            else _Said()
        )
        texts.append(said.reply)
        if said.refused:
            declined = True
            continue
        accepted.append(line.said)
        if said.decision is not None:
            decided.append(said.decision)
            if said.decision.kind == "approve":  # what follows in the same comment counts on it
                now = replace(now, approved={**now.approved, said.decision.head: said.decision})
    reaction: Content = "eyes" if accepted else "-1" if denied else "confused"
    assert accepted or denied or declined
    return Answer(comment, todo, tuple(accepted), "\n\n".join(filter(None, texts)), reaction, tuple(decided))


def _help(asked: _Asked) -> _Said:
    return _Said(replies.help_text(COMMANDS.values()))


def _explain(asked: _Asked) -> _Said:
    return _Said("\n\n".join(replies.explained(name) for name in asked.invocation.arguments[:3]))


def _status(asked: _Asked) -> _Said:
    assert asked.report is not None
    return _Said(replies.status(asked.situation, asked.report, asked.now))


def _fix(asked: _Asked) -> _Said:
    return _Said(replies.repaired(asked.situation, asked.situation.repairs[asked.key]))


def _ask(asked: _Asked) -> _Said:
    assert asked.report is not None
    before = asked.now.asked.time if asked.now.asked else None
    if before is not None and asked.comment.created_at - before < ASK_EVERY:
        return _Said(replies.asked_already(asked.now.asked), refused=True)  # pyright: ignore[reportArgumentType]
    if not asked.maintainers:
        return _Said(replies.nobody_to_ask(), refused=True)
    decision = asked.decide()
    return _Said(replies.ask(asked.situation, asked.report, decision, asked.maintainers), decision)


def _dispute(asked: _Asked) -> _Said:
    assert asked.report is not None
    name = asked.invocation.arguments[0]
    found = [f for f in asked.report.findings if name in (f.rule, f.item) and f.ignored is None]
    if not found:
        return _Said(replies.nothing_of(name, "to dispute"), refused=True)
    decision = asked.decide([f.id for f in found])
    return _Said(replies.dispute(asked.situation, decision, found, asked.maintainers), decision)


def _waive(asked: _Asked) -> _Said:
    assert asked.report is not None
    name = asked.invocation.arguments[0]
    if not _published(asked.situation):
        return _Said(replies.head_moved(), refused=True)
    if not failed(asked.report, name):
        return _Said(replies.nothing_of(name, "to waive"), refused=True)
    found = covered(asked.report, name)
    decision = asked.decide([f.id for f in found])
    if name == COMPARED:
        decision = replace(decision, limit=difference(asked.report))
    return _Said(replies.waived(decision, found), decision)


def _published(situation: Situation) -> bool:
    """The verdict on this head stood on GitHub before: nobody waives what nobody has seen, pushed a moment ago."""
    head = situation.pull.head_sha
    return any((run.head_sha, run.status) == (head, "completed") for run in situation.check_runs)


def _unwaive(asked: _Asked) -> _Said:
    name = asked.invocation.arguments[0]
    if name not in asked.now.waivers:
        return _Said(replies.nothing_of(name, "waived"), refused=True)
    decision = asked.decide()
    return _Said(replies.unwaived(decision), decision)


def _approve(asked: _Asked) -> _Said:
    situation = asked.situation
    sha, head = asked.invocation.arguments[0], situation.pull.head_sha
    why = refused(sha, head, situation.check_runs, asked.comment.updated_at)
    if why:
        return _Said(replies.not_approved(why, head), refused=True)
    decision = replace(asked.decide(), name="")
    return _Said(replies.approved(decision), decision)


def _cancel(asked: _Asked) -> _Said:
    head, attempt = asked.situation.pull.head_sha, attempt_of(asked.situation)
    here = [run for run in asked.situation.check_runs if run.head_sha == head and is_ours(run)]
    if not here or here[-1].status == "completed":
        return _Said(replies.nothing_runs(), refused=True)
    decision = replace(asked.decide(), name=attempt)
    return _Said(replies.cancelled(decision), decision)


def _convert(asked: _Asked) -> _Said:
    situation, means = asked.situation, asked.situation.means
    assert means is not None
    name, (limit, reason) = asked.invocation.arguments[0], max_error(asked.invocation.text)
    permission = situation.rights.get(asked.comment.author.id, "none")
    why = conversion.refused(situation, means, permission, asked.now.approved, name, limit)
    if why:
        return _Said(replies.not_converted(name, why), refused=True)
    head = situation.pull.head_sha if means.ground is not None else ""
    decision = replace(asked.decide(), text=reason, limit=limit, head=head)
    return _Said(conversion.framed(name, replies.converting(name)), decision)


def _pause(asked: _Asked) -> _Said:
    if asked.now.paused is not None:
        return _Said(replies.paused_already(asked.now.paused), refused=True)
    decision = asked.decide()
    return _Said(replies.paused(decision), decision)


def _resume(asked: _Asked) -> _Said:
    if asked.now.paused is None:
        return _Said(replies.not_paused(), refused=True)
    decision = asked.decide()
    return _Said(replies.resumed(), decision)


_HANDLERS: dict[str, Callable[[_Asked], _Said]] = {
    "help": _help,
    "explain": _explain,
    "fix": _fix,
    "status": _status,
    "ask": _ask,
    "dispute": _dispute,
    "waive": _waive,
    "unwaive": _unwaive,
    "approve": _approve,
    "cancel": _cancel,
    "convert": _convert,
    "pause": _pause,
    "resume": _resume,
}
"""By command. `check`, `test` and `compare` have no words of their own: their check runs are the answer."""

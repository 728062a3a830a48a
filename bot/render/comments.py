"""Comments: the summary of a port and the replies to commands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from bot.commands import PREFIX, Command
from bot.policy import RepositoryConfig
from bot.render.environment import render
from bot.render.outcome import progress
from bot.render.text import fit
from bot.render.view import ReportView
from bot.state import Pull, Repository
from checks.report import Report, conclude

Verdict = Literal["to-fix", "under-way", "ready", "trouble"]
"""What a person needs to hear; a new comment is posted only when it flips."""

_SUMMARY = re.compile(
    r"<!-- tfport:summary verdict=(?P<verdict>[a-z-]+) head=(?P<head>[0-9a-f]{40}) failed=(?P<failed>\d+) was=(?P<was>\d+|none)"
    r" cc=(?P<cc>yes|no) -->"
)
_OUTDATED = "<!-- tfport:outdated-summary -->"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a summary says about itself, hidden in its last line.

    Attributes:
        head: the commit it speaks of.
        failed: blocking findings at that head; `was`: those of the head before, None if there was none.
        cc: it names the maintainers.
    """

    verdict: Verdict
    head: str
    failed: int
    was: int | None
    cc: bool

    def __str__(self) -> str:
        was = "none" if self.was is None else self.was
        return (
            f"<!-- tfport:summary verdict={self.verdict} head={self.head} failed={self.failed} was={was}"
            f" cc={'yes' if self.cc else 'no'} -->"
        )


@dataclass(frozen=True, slots=True)
class Conversation:
    """The pull request as far as a comment needs it."""

    repository: Repository
    pull: Pull
    config: RepositoryConfig
    config_error: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary comment: the whole body, marker included."""

    marker: Marker
    body: str


def read_marker(body: str) -> Marker | None:
    """The marker of a summary that is not outdated."""
    found = _SUMMARY.search(body)
    if found is None or found["verdict"] not in get_args(Verdict):
        return None
    was = None if found["was"] == "none" else int(found["was"])
    verdict: Verdict = found["verdict"]  # pyright: ignore[reportAssignmentType]
    return Marker(verdict, found["head"], int(found["failed"]), was, found["cc"] == "yes")


def was_summary(body: str) -> bool:
    """Whether a comment is a summary, outdated ones included."""
    return read_marker(body) is not None or _OUTDATED in body


def outdated(body: str) -> str:
    """The same comment, marked so that it is not taken for the current one again."""
    return _SUMMARY.sub(_OUTDATED, body)


def verdict_of(report: Report) -> Verdict:
    """What the report comes to, for a person."""
    match conclude(item.state for item in report.items):
        case "failure":
            return "to-fix"
        case "cancelled":
            return "trouble"
        case "neutral":
            return "under-way"
        case _:
            return "ready"


def summary(talk: Conversation, report: Report, before: Marker | None, *, greets: bool) -> Summary:
    """The summary that should stand.

    Args:
        before: marker of the summary that stands now.
        greets: it is the first one of this pull request, so it welcomes and names the maintainers.
    """
    verdict = verdict_of(report)
    head = talk.pull.head_sha
    edits = before is not None and before.verdict == verdict
    names = talk.config.maintainers if talk.config.mention_on_open else ()
    cc = [name for name in names if name.casefold() != talk.pull.author.login.casefold()]
    marker = Marker(
        verdict=verdict,
        head=head,
        failed=len(report.blocking),
        was=None if before is None else before.was if before.head == head else before.failed,
        cc=bool(cc) and (greets or (before is not None and before.cc and edits)),
    )
    text = render(
        "comment/summary.md.j2",
        view=ReportView(talk.repository, talk.pull, report),
        marker=marker,
        cc=cc if marker.cc else [],
        greets=greets or (before is not None and before.cc and edits),
        config_error=talk.config_error,
        prefix=PREFIX,
        progress=progress,
    )
    return Summary(marker, f"{fit(text)}\n\n{marker}")


def no_port_any_more(body: str) -> str:
    """The last summary of a pull request that stopped bringing a port."""
    marker = _SUMMARY.search(body)
    kept = replace_marker(marker.group(0)) if marker else ""
    return f"{render('comment/no_port.md.j2')}\n\n{kept}".strip()


def replace_marker(marker: str) -> str:
    """The marker with the verdict `under-way`, so that a port that comes back is told anew."""
    read = read_marker(marker)
    return str(replace(read, verdict="under-way", failed=0)) if read else marker


def no_tensorflow(base_ref: str) -> str:
    """The one sentence for a base without TensorFlow."""
    return render("comment/no_tensorflow.md.j2", base_ref=base_ref)


def denied(command: Command) -> str:
    """A command that its writer may not use."""
    who = "the author of this pull request and maintainers" if command.who == "author" else "maintainers"
    return f"`{PREFIX} {command.name}` is for {who}. {PREFIX_HELP}"


PREFIX_HELP = f"`{PREFIX} help` shows what you can use."


def help_text(commands: Iterable[Command]) -> str:
    """The table of commands."""
    return render("comment/help.md.j2", commands=list(commands), prefix=PREFIX)

"""Comments: the summary of a port and the replies to commands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from bot.commands import PREFIX
from bot.decisions import Standing
from bot.experts import Experts
from bot.markers import tail, with_markers
from bot.policy import RepositoryConfig
from bot.render.environment import render
from bot.render.outcome import progress
from bot.render.text import fit
from bot.render.view import ReportView
from bot.state import Pull, Repository
from bot.submission import judged
from checks.report import Report, conclude

Verdict = Literal["to-fix", "under-way", "ready", "trouble"]
"""What a person needs to hear; a new comment is posted only when it flips."""

_SUMMARY = re.compile(r"<!-- tfport:summary ([\w= -]{1,300})-->")
_OUTDATED = "<!-- tfport:outdated-summary -->"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a summary says about itself, hidden in its last line.

    Attributes:
        head: the commit it speaks of.
        failed: blocking findings at that head; `was`: those of the head before, None if there was none.
        cc: it names the maintainers.
        asked: the maintainers were asked for review, in this summary or an earlier one.
        around: digest of what was around the code (reviews, CI, …).
    """

    verdict: Verdict
    head: str
    failed: int
    was: int | None
    cc: bool
    asked: bool = False
    around: str = "none"

    def __str__(self) -> str:
        said = {
            "verdict": self.verdict,
            "head": self.head,
            "failed": self.failed,
            "was": "none" if self.was is None else self.was,
            "cc": "yes" if self.cc else "no",
            "asked": "yes" if self.asked else "no",
            "around": self.around,
        }
        return f"<!-- tfport:summary {' '.join(f'{key}={value}' for key, value in said.items())} -->"


@dataclass(frozen=True, slots=True)
class Conversation:
    """The pull request as far as a comment needs it."""

    repository: Repository
    pull: Pull
    config: RepositoryConfig
    config_error: str = ""
    now: Standing = field(default_factory=Standing)
    around: str = "none"


@dataclass(frozen=True, slots=True)
class Asking:
    """The maintainers' turn.

    Attributes:
        asked: they were asked before, or are now.
        people: their logins, while it is their turn.
        mention: they have to be mentioned, as nobody of them can be asked by GitHub's own means.
        fresh: it is this look that asks them.
        experts: more people whom the maintainers may want to ask.
    """

    asked: bool = False
    people: tuple[str, ...] = ()
    mention: bool = False
    fresh: bool = False
    experts: Experts = field(default_factory=Experts)


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary comment: the whole body, marker included."""

    marker: Marker
    body: str


def read_marker(body: str) -> Marker | None:
    """The marker of a summary that is not outdated."""
    found = _SUMMARY.search(tail(body))
    if found is None:
        return None
    said = dict(part.split("=", 1) for part in found[1].split() if "=" in part)
    verdict, was, failed = said.get("verdict"), said.get("was", "none"), said.get("failed", "0")
    if verdict not in get_args(Verdict) or not failed.isdecimal():
        return None
    return Marker(
        verdict=verdict,  # pyright: ignore[reportArgumentType]
        head=said.get("head", ""),
        failed=int(failed),
        was=int(was) if was.isdecimal() else None,
        cc=said.get("cc") == "yes",
        asked=said.get("asked") == "yes",
        around=said.get("around", "none"),
    )


def was_summary(body: str) -> bool:
    """Whether a comment is a summary, outdated ones included."""
    return read_marker(body) is not None or _OUTDATED in tail(body)


def outdated(body: str) -> str:
    """The same comment, marked so that it is not taken for the current one again."""
    end = tail(body)
    return body.rstrip().removesuffix(end) + _SUMMARY.sub(_OUTDATED, end)


def verdict_of(report: Report) -> Verdict:
    """What the report comes to, for a person."""
    match conclude(item.state for item in judged(report)):
        case "failure":
            return "to-fix"
        case "cancelled":
            return "trouble"
        case "neutral":
            return "under-way"
        case _:
            return "ready"


def summary(
    talk: Conversation, report: Report, before: Marker | None, *, greets: bool, asking: Asking
) -> Summary:
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
        asked=asking.asked,
        around=talk.around,
    )
    text = render(
        "comment/summary.md.j2",
        view=ReportView(talk.repository, talk.pull, report, talk.now),
        marker=marker,
        cc=cc if marker.cc else [],
        greets=greets or (before is not None and before.cc and edits),
        config_error=talk.config_error,
        asking=asking,
        prefix=PREFIX,
        progress=progress,
    )
    return Summary(marker, with_markers(fit(text), str(marker)))


def no_port_any_more(body: str) -> str:
    """The last summary of a pull request that stopped bringing a port."""
    marker = _SUMMARY.search(tail(body))
    kept = replace_marker(marker.group(0)) if marker else ""
    return f"{render('comment/no_port.md.j2')}\n\n{kept}".strip()


def replace_marker(marker: str) -> str:
    """The marker with the verdict `under-way`, so that a port that comes back is told anew."""
    read = read_marker(marker)
    return str(replace(read, verdict="under-way", failed=0)) if read else marker


def no_tensorflow(base_ref: str) -> str:
    """The one sentence for a base without TensorFlow."""
    return render("comment/no_tensorflow.md.j2", base_ref=base_ref)


def row_of(body: str, item: str) -> str:
    """What the table of a summary says of an item, as it stands there; "" if it holds or is not there."""
    found = re.search(rf"^\| (?!✅)\S+ \| `{re.escape(item)}` \| (.*) \|$", body, re.MULTILINE)
    return found[1] if found else ""


def merged(pull: Pull, models: list[str], summary: str = "") -> str:
    """The last word: what is left after the merge, as the last summary knew of the weights."""
    return render(
        "comment/merged.md.j2", pull=pull, models=models, weights=row_of(summary, "tf-weights"), prefix=PREFIX
    )


def resting(pull: Pull, days: int) -> str:
    """Asks whether a draft goes on."""
    return render("comment/resting.md.j2", pull=pull, days=days, prefix=PREFIX)

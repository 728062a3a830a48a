"""All disputes that stand in the repositories that the bot serves, so that rules get better. Read from GitHub, as every decision is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.decisions import Decision, decisions, standing
from bot.github import hooks, reads
from bot.github.session import GitHubApp
from bot.state import Comment


@dataclass(frozen=True, slots=True)
class Dispute:
    """One of them. `pull` is its number; `waived`: a maintainer has accepted what the rule finds there."""

    repository: str
    pull: int
    rule: str
    reason: str
    by: str
    at: str
    url: str
    waived: bool

    @classmethod
    def of(cls, repository: str, pull: int, decision: Decision, *, waived: bool) -> Dispute:
        return cls(
            repository, pull, decision.name, decision.text, decision.by, decision.at, decision.url, waived
        )


def of_pull(repository: str, pull: int, mine: Iterable[Comment]) -> list[Dispute]:
    """The disputes that stand on one pull request, of our own comments there, oldest first. Pure."""
    now = standing(decisions(mine))
    return [
        Dispute.of(repository, pull, decision, waived=name in now.waivers)
        for name, decision in sorted(now.disputes.items())
    ]


async def disputes(app: GitHubApp, serves: Callable[[str], bool], since: datetime) -> list[Dispute]:
    """Those on pull requests where the bot wrote since then, open or not, by rule.

    Raises:
        bot.github.errors.GitHubError: see there.
    """
    found: list[Dispute] = []
    for installation in await hooks.installations(app):
        there = app.installation(installation)
        for repository in await reads.installed(there):
            if not serves(repository.full_name):
                continue
            by_pull: dict[int, list[Comment]] = {}
            for number, comment in await reads.comments_since(there, repository, since):
                if comment.app_id == app.app_id:
                    by_pull.setdefault(number, []).append(comment)
            for number, mine in by_pull.items():
                found += of_pull(repository.full_name, number, mine)
    return sorted(found, key=lambda dispute: (dispute.rule, dispute.at))

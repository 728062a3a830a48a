"""Sweeps for what no webhook told us: deliveries that never arrived, and pull requests that changed while we were away.

Webhooks are only a speed-up. What a sweep finds is queued like any delivery; a look at a pull request where all is as it
should be writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import structlog

from bot import workflows
from bot.github import hooks, reads
from bot.github.errors import GitHubError
from bot.github.hooks import Sent
from bot.github.session import GitHubApp
from bot.state import Pull

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=10)
LOG_KEPT = timedelta(days=3)
"""How long GitHub remembers deliveries."""
SETTLED = timedelta(minutes=1)
"""Younger attempts may still be on their way."""
RESTING = timedelta(days=7)
"""From here on a draft may have to be asked whether it goes on."""
MOST_PULLS = 50
"""Pull requests looked at for each repository and sweep, the most recently updated ones."""


def missed(attempts: Iterable[Sent], now: datetime) -> list[Sent]:
    """Of every delivery none of whose attempts arrived, the newest attempt. Pure."""
    by_guid: dict[str, list[Sent]] = {}
    for attempt in attempts:
        by_guid.setdefault(attempt.guid, []).append(attempt)
    return [
        max(group, key=lambda one: one.at)
        for group in by_guid.values()
        if not any(one.arrived for one in group) and max(one.at for one in group) < now - SETTLED
    ]


def resting(pulls: Iterable[Pull], now: datetime) -> list[Pull]:
    """Drafts that nothing happened to for a while, those that have rested longest last. Each is looked at once a day. Pure."""
    return [pull for pull in pulls if pull.draft and now - pull.updated_at > RESTING]


async def sweep_for_ever(app: GitHubApp, serves: Callable[[str], bool], every: timedelta = EVERY) -> None:
    """Sweep now, and then again and again."""
    since = datetime.now(UTC) - LOG_KEPT
    while True:
        started = datetime.now(UTC)
        try:
            await sweep(app, since, serves)
            since = started - 2 * SETTLED
        except GitHubError as error:
            log.warning("sweep not finished", error=str(error))
        except Exception:
            log.exception("sweep failed")
        await asyncio.sleep(every.total_seconds())


async def sweep(app: GitHubApp, since: datetime, serves: Callable[[str], bool]) -> None:
    """Have missed deliveries sent again, and look at open pull requests that were updated since then."""
    lost = missed(await hooks.sent(app, since), datetime.now(UTC))
    for attempt in lost:
        log.info("delivery never arrived; asked for again", delivery=attempt.guid, kind=attempt.event)
        await hooks.send_again(app, attempt)
    for installation in await hooks.installations(app):
        there = app.installation(installation)
        for repository in await reads.installed(there):
            if not serves(repository.full_name) or repository.archived:
                continue
            pulls = await reads.open_pulls(there, repository)
            changed = [pull for pull in pulls if pull.updated_at >= since]
            for pull in resting(pulls, datetime.now(UTC))[:MOST_PULLS]:
                cause = f"rest.{datetime.now(UTC):%Y%m%d}"
                await workflows.enqueue_look(cause, installation, repository.id, pull.number)
            for pull in changed[:MOST_PULLS]:
                cause = f"sweep.{pull.head_sha[:12]}.{pull.updated_at:%Y%m%dT%H%M%S}"
                await workflows.enqueue_look(cause, installation, repository.id, pull.number)

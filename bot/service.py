"""The bot as one process: inbox, dispatcher, durable engine, GitHub."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import structlog

from bot import dispatch, reconcile, workflows
from bot.archive import Archive, Daily
from bot.examine import Examiner
from bot.executor import Executor
from bot.github.limits import Pace
from bot.github.mirror import Mirror
from bot.github.session import GitHubApp
from bot.inbox import Inbox
from bot.ledger import Ledger
from bot.policy import RepositoryConfig
from bot.settings import Settings

log = structlog.get_logger(__name__)


@asynccontextmanager
async def working(settings: Settings, inbox: Inbox, *, pace: Pace | None = None) -> AsyncGenerator[GitHubApp]:
    """Everything behind the webhook, for as long as the context is open: deliveries become looks, looks become writes.

    Args:
        pace: how fast GitHub is called; tests go faster.
    """
    async with GitHubApp(
        settings.github_api,
        settings.app_id,
        settings.private_key.get_secret_value(),
        pace=pace,
        readonly=settings.readonly,
    ) as github:
        services = workflows.Services(
            github=github,
            mirror=Mirror(settings.data_dir / "mirrors"),
            examiner=Examiner(settings.concurrency),
            defaults=RepositoryConfig(maintainers=settings.maintainers),
            ledger=Ledger(Ledger.url(settings.database_url, settings.data_dir)),
            push_fixes=settings.push_fixes,
            archive=Archive(
                Archive.url(settings.database_url, settings.data_dir),
                Daily(settings.daily_executions, settings.daily_executions_per_author),
            ),
            executor=Executor(settings),
            folder=settings.data_dir,
            hub_token=settings.hub_token.get_secret_value() if settings.hub_token else "",
        )
        engine = workflows.EngineSettings(settings.database_url, settings.data_dir)
        await workflows.start(services, engine)
        consumer = asyncio.create_task(
            dispatch.consume(inbox, app_id=settings.app_id, serves=settings.serves), name="deliveries"
        )
        consumer.add_done_callback(_must_not_end)
        sweeper = asyncio.create_task(reconcile.sweep_for_ever(github, settings.serves), name="sweeps")
        try:
            yield github
        finally:
            for task in (consumer, sweeper):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await workflows.stop()
            services.ledger.close()
            services.archive.close()


def _must_not_end(consumer: asyncio.Task[None]) -> None:
    """Without it deliveries would pile up behind a server that looks healthy; a supervisor starts us anew."""
    if not consumer.cancelled():
        log.critical("the dispatcher ended", error=repr(consumer.exception()))
        os.kill(os.getpid(), signal.SIGTERM)

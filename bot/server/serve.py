"""`tfport serve`: inbox, whatever deals with it, and the server around them, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
import uvicorn
import uvloop

from bot import logs
from bot.inbox import Inbox, InboxUnavailable
from bot.server.app import create_app
from bot.server.health import Probe
from bot.server.protocol import Protocol
from bot.settings import Settings, unknown
from checks import __version__
from checks.errors import UserError

log = structlog.get_logger("bot.server")

Work = Callable[[Settings, Inbox], AbstractAsyncContextManager[Any]]
"""What deals with the deliveries: entered before the first request, left after the last one, while the inbox is open."""

GRACE_SECONDS = 10
"""What requests get to end in after SIGTERM."""
CONNECTIONS = 512


def serve(
    settings: Settings,
    work: Work | None = None,
    *,
    probes: Callable[[Any], Mapping[str, Probe]] = lambda _: {},
    listening: Callable[[str], None] = lambda _: None,
) -> None:
    """Runs the bot until SIGTERM or SIGINT.

    Args:
        work: see `Work`; without it deliveries are only stored.
        probes: what `work` yields -> further conditions of readiness.
        listening: called once with the server's URL.

    Raises:
        UserError: the database or the port cannot be had.
    """
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    for sentence in unknown(os.environ):
        log.warning(sentence)
    log.info("tfport starts", version=__version__, settings=settings.summary())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, suppress(asyncio.CancelledError):
        runner.run(_serve(settings, work, probes, listening))
    log.info("tfport ends")


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would die of them before the work is put away."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


async def _serve(
    settings: Settings,
    work: Work | None,
    probes: Callable[[Any], Mapping[str, Probe]],
    listening: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    server: _Server | None = None

    def stop() -> None:
        if server is not None:
            server.force_exit = server.should_exit  # asked a second time: don't wait for requests
            server.should_exit = True
        elif main is not None:  # still starting
            main.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)

    inbox = Inbox.open(settings.inbox_url)
    try:
        async with (
            (work or _store_only)(settings, inbox) as worker,
            _housekeeping(inbox, settings.retention_days),
        ):
            config = uvicorn.Config(
                create_app(settings, inbox, probes(worker)),
                host=settings.host,
                port=settings.port,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
            try:
                socket = config.bind_socket()
            except SystemExit:  # uvicorn has logged the reason
                raise UserError(
                    f"cannot listen on {settings.host}:{settings.port}", hint="set TFPORT_HOST or TFPORT_PORT"
                ) from None
            socket.listen(config.backlog)  # from here on nobody is refused
            host, port = socket.getsockname()[:2]
            url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            server = _Server(config)
            log.info("tfport listens", url=url)
            listening(url)
            await server.serve([socket])
    finally:
        await asyncio.to_thread(inbox.close)


@asynccontextmanager
async def _store_only(_settings: Settings, _inbox: Inbox) -> AsyncGenerator[None]:
    log.warning("deliveries are only stored; nothing deals with them")
    yield


@asynccontextmanager
async def _housekeeping(inbox: Inbox, days: int) -> AsyncGenerator[None]:
    """Forgets old deliveries, once an hour."""

    async def prune() -> None:
        while True:
            try:
                count = await inbox.prune(days)
            except InboxUnavailable as error:
                log.warning("old deliveries stay", error=str(error))
            else:
                log.debug("old deliveries forgotten", count=count)
            await asyncio.sleep(3600)

    task = asyncio.create_task(prune(), name="housekeeping")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

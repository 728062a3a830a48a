"""The server as a process: `python -m tests.server.run MODE`, configured by TFPORT_* variables; prints its URL.

MODE says what becomes of deliveries: `store` (nothing), `finish`, or `fail` (the first attempt).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from bot.inbox import Inbox
from bot.server.serve import serve
from bot.settings import Settings, load
from checks.errors import UserError


@asynccontextmanager
async def work(_settings: Settings, inbox: Inbox) -> AsyncGenerator[None]:
    async def consume() -> None:
        async for delivery in inbox.pending():
            if sys.argv[1] == "fail" and delivery.attempt == 1:
                await inbox.fail(delivery.guid, "as asked")
            else:
                await inbox.finish(delivery.guid)

    task = asyncio.create_task(consume())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    try:
        serve(
            load(env_file=None),
            None if sys.argv[1] == "store" else work,
            listening=lambda url: print(url, flush=True),
        )
    except UserError as error:
        sys.exit(f"{error.message} ({error.hint})")

"""The durable engine itself: where it keeps its rows, that one process alone works on them, how it begins and ends."""

from __future__ import annotations

import asyncio
import fcntl
import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from checks.errors import UserError


@dataclass(frozen=True)
class EngineSettings:
    """Where the engine keeps its rows.

    Attributes:
        url: SQLAlchemy URL; SQLite (one process) or PostgreSQL.
        workers: looks at the same time.
    """

    url: str
    data_dir: Path
    workers: int = 8


async def own(settings: EngineSettings) -> None:
    """Keep every other process off the rows, until `disown`.

    Raises:
        UserError: another process works on the same database.
    """
    if settings.url.startswith("sqlite"):
        _locks.append(_own_folder(settings.data_dir))
        _use_wal(settings.url)
    else:
        _locks.append(await asyncio.to_thread(_own_database, settings.url))


def disown() -> None:
    """Let other processes have the rows."""
    while _locks:
        _locks.pop().close()


def launch(settings: EngineSettings) -> None:
    """Begin, in this event loop, with what a dead process left. All workflows have to be known."""
    DBOS(config=_config(settings))
    DBOS.launch()


async def destroy(seconds: int) -> None:
    """Wait for running workflows, at most `seconds`, and end."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as own:
        await loop.run_in_executor(
            own, functools.partial(DBOS.destroy, workflow_completion_timeout_sec=seconds)
        )
    # The engine had made its own threads the loop's, and has ended them.
    loop.set_default_executor(ThreadPoolExecutor())


def _config(settings: EngineSettings) -> DBOSConfig:
    return DBOSConfig(
        name="tfport",
        system_database_url=settings.url,
        # One process works on a database, and the next one takes its rows over; an edit of the code must not strand them.
        executor_id="tfport",
        application_version="looks-1",
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        console_log_level="CRITICAL",
    )


_locks: list[Any] = []
"""Open while we work: with the same executor id a second process would take over the looks that the first one is at."""


def _own_folder(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "engine.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UserError(f"another tfport works in {folder}", hint="stop it, or set TFPORT_DATA_DIR") from None
    return file


def _own_database(url: str) -> Any:
    connection = sa.create_engine(url, poolclass=sa.NullPool).connect()
    if not connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtext('tfport engine'))")):
        connection.close()
        raise UserError("another tfport works on this database", hint="stop it, or set TFPORT_DATABASE")
    # The lock is the session's: no transaction has to stay open for it.
    connection.commit()
    return connection


def _use_wal(url: str) -> None:
    import sqlite3

    database = Path(url.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()

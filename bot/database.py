"""Opening a database: SQLite, which one process owns, or PostgreSQL."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.event import listen
from sqlalchemy.exc import SQLAlchemyError

from checks.errors import UserError


def connect(url: str) -> tuple[sa.Engine, IO[bytes] | None]:
    """An engine with one connection for an SQLAlchemy URL, and on SQLite the lock that makes this process the owner.

    Closing the lock, or the end of the process however it comes, lets go of it. Nothing is written yet.

    Raises:
        UserError: the folder cannot be written, or another process owns the file.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        lock = _own(Path(parsed.database or ""))
        return _sqlite(parsed), lock
    engine = sa.create_engine(
        parsed,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        # Seconds until the server counts as down; milliseconds for a statement and for a lock.
        connect_args={"connect_timeout": 3, "options": "-c statement_timeout=5000 -c lock_timeout=2000"},
    )
    return engine, None


def create(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Makes the tables that are missing."""
    try:
        metadata.create_all(engine)
    except SQLAlchemyError:
        metadata.create_all(engine)  # two processes began at once, and the other one made them


def first_line(error: SQLAlchemyError) -> str:
    """The database's own words, without statement and parameters, which hold payloads."""
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().partition("\n")[0]


def _own(file: Path) -> IO[bytes]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.with_name(file.name + ".lock").open("ab")
    except OSError as error:
        raise UserError(
            f"the folder {file.parent} cannot be written: {error.strerror}", hint="set TFPORT_DATA_DIR"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise UserError(
            f"another tfport already runs on {file}", hint="stop it, or give this one its own TFPORT_DATA_DIR"
        ) from None
    return lock


def _sqlite(url: sa.URL) -> sa.Engine:
    # Whoever waits longer than a second for the file's lock is told so: GitHub must hear a 503 soon.
    arguments: dict[str, Any] = {"timeout": 1.0, "check_same_thread": False}
    engine = sa.create_engine(url, connect_args=arguments, poolclass=sa.QueuePool)
    listen(engine, "connect", _configure)
    listen(engine, "begin", _begin)
    return engine


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin below, not in the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")

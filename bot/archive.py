"""Executions and their results, so that the same ground is executed once and quotas hold. Lost, they are executed again."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bot import database
from bot.execution import Errand, Record, Result

DAY = 86_400.0
METADATA = sa.MetaData()
EXECUTIONS = sa.Table(
    "executions",
    METADATA,
    sa.Column("repository", sa.BigInteger, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("head", sa.String(64), primary_key=True),
    sa.Column("fingerprint", sa.String(64), primary_key=True),
    sa.Column("attempt", sa.String(80), primary_key=True),
    sa.Column("author", sa.BigInteger, nullable=False),
    sa.Column("began", sa.Double, nullable=False),
    sa.Column("ended", sa.Double),
    sa.Column("error", sa.Text, nullable=False, default=""),
    sa.Column("result", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Daily:
    """Executions that may begin within 24 hours."""

    repository: int
    author: int


class Archive:
    """The table, on SQLite in a file of its own.

    Args:
        url: SQLAlchemy URL.
    """

    def __init__(self, url: str, daily: Daily) -> None:
        self._engine, self._lock = database.connect(url)
        self._daily = daily
        database.create(self._engine, METADATA)

    @staticmethod
    def url(database_url: str, data_dir: Path) -> str:
        """Where the table is; as `Ledger.url`."""
        local = database_url.startswith("sqlite")
        return f"sqlite:///{data_dir / 'executions.sqlite'}" if local else database_url

    async def admit(self, order: Errand) -> float:
        """Seconds until the order may begin; 0: it begins now, which is written down. Admitted once, it stays so."""
        return await asyncio.to_thread(self._admit, order)

    async def end(self, order: Errand, record: Record) -> None:
        """What came of it."""
        await asyncio.to_thread(self._end, order, record)

    async def records(self, repository: int, fingerprint: str) -> dict[str, Record]:
        """Executions of this ground that ended, by attempt."""
        return await asyncio.to_thread(self._records, repository, fingerprint)

    async def results(self, repository: int, number: int, most: int = 5) -> list[Result]:
        """The newest results of a pull request, newest first."""
        return await asyncio.to_thread(self._results, repository, number, most)

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    def _admit(self, order: Errand) -> float:
        now = time.time()
        table = EXECUTIONS.c
        with self._engine.begin() as connection:
            if connection.execute(sa.select(table.began).where(_is(order))).first():
                return 0.0
            for most, mine in (
                (self._daily.repository, sa.true()),
                (self._daily.author, table.author == order["author"]),
            ):
                recent = sa.and_(table.repository == order["repository"], table.began > now - DAY, mine)
                began = list(
                    connection.scalars(
                        sa.select(table.began).where(recent).order_by(table.began.desc()).limit(most)
                    )
                )
                if len(began) >= most:
                    return max(1.0, began[-1] + DAY - now)
            connection.execute(
                sa.insert(EXECUTIONS), {**_key(order), "author": order["author"], "began": now, "error": ""}
            )
        return 0.0

    def _end(self, order: Errand, record: Record) -> None:
        text = None if record.result is None else json.dumps(record.result)
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(EXECUTIONS)
                .where(_is(order))
                .values(ended=time.time(), error=record.error, result=text)
            )

    def _records(self, repository: int, fingerprint: str) -> dict[str, Record]:
        table = EXECUTIONS.c
        found = (
            sa.select(table.attempt, table.result, table.error)
            .where(table.repository == repository, table.fingerprint == fingerprint, table.ended.is_not(None))
            .order_by(table.ended)
        )
        with self._engine.begin() as connection:
            return {
                attempt: Record(json.loads(result) if result else None, error)
                for attempt, result, error in connection.execute(found)
            }

    def _results(self, repository: int, number: int, most: int) -> list[Result]:
        table = EXECUTIONS.c
        found = (
            sa.select(table.result)
            .where(table.repository == repository, table.number == number, table.result.is_not(None))
            .order_by(table.ended.desc())
            .limit(most)
        )
        with self._engine.begin() as connection:
            return [json.loads(text) for text in connection.scalars(found)]


def _key(order: Errand) -> dict[str, object]:
    return {name: order[name] for name in ("repository", "number", "head", "fingerprint", "attempt")}


def _is(order: Errand) -> sa.ColumnElement[bool]:
    return sa.and_(*(EXECUTIONS.c[name] == value for name, value in _key(order).items()))

"""Which command lines of which comments were dealt with, so that an edited comment runs only what the edit added.

A convenience, no truth: without these rows our reaction on a comment says that all its commands are dealt with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from bot import database

METADATA = sa.MetaData()
HANDLED = sa.Table(
    "handled_commands",
    METADATA,
    sa.Column("node_id", sa.String(128), primary_key=True),
    sa.Column("digest", sa.String(16), primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
)


class Ledger:
    """The table, on SQLite in a file of its own.

    Args:
        url: SQLAlchemy URL.
    """

    def __init__(self, url: str) -> None:
        self._engine, self._lock = database.connect(url)
        database.create(self._engine, METADATA)

    @staticmethod
    def url(database_url: str, data_dir: Path) -> str:
        """Where the table is: beside the inbox on PostgreSQL, else a file of its own, as one process owns a file through one lock."""
        return (
            f"sqlite:///{data_dir / 'ledger.sqlite'}" if database_url.startswith("sqlite") else database_url
        )

    async def handled(self, node_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Digests by comment, of those comments that have any."""
        return await asyncio.to_thread(self._handled, list(node_ids))

    async def remember(self, node_id: str, digests: Iterable[str]) -> None:
        """These lines are dealt with. Saying it twice changes nothing."""
        await asyncio.to_thread(self._remember, node_id, list(digests))

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    def _handled(self, node_ids: list[str]) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        with self._engine.begin() as connection:
            for start in range(0, len(node_ids), 500):
                chosen = HANDLED.c.node_id.in_(node_ids[start : start + 500])
                for node_id, digest in connection.execute(
                    sa.select(HANDLED.c.node_id, HANDLED.c.digest).where(chosen)
                ):
                    found.setdefault(node_id, set()).add(digest)
        return {node_id: frozenset(digests) for node_id, digests in found.items()}

    def _remember(self, node_id: str, digests: list[str]) -> None:
        with self._engine.begin() as connection:
            known = set(connection.scalars(sa.select(HANDLED.c.digest).where(HANDLED.c.node_id == node_id)))
            rows = [
                {"node_id": node_id, "digest": digest, "at": time.time()}
                for digest in dict.fromkeys(digests)
                if digest not in known
            ]
            if rows:
                connection.execute(sa.insert(HANDLED), rows)

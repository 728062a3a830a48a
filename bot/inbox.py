"""The inbox: every delivery is stored under its GUID before GitHub gets its 202, and stays until it was dealt with.

One writer thread per process runs all statements. What piles up while a transaction is being written goes into the next one
(group commit): a lone delivery waits for nothing, and a flood shares its fsyncs.

Durability: on SQLite WAL with `synchronous=FULL`, on PostgreSQL its default, so what was answered 202 survives power loss,
not only `kill -9`. Delivered at least once: after a crash, a claimed delivery is handed out again. Whoever consumes
them must therefore be idempotent by `(guid, attempt)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from bot import database
from checks.errors import UserError

log = structlog.get_logger()

Status = Literal["pending", "finished", "failed", "ignored"]
Stored = Literal["new", "again", "known"]
"""`again`: known, but it failed or was ignored before, so it runs anew. `known`: nothing to do."""

BATCH = 256
"""Deliveries that share a transaction at most."""
WAITING_BYTES = 128 * 2**20
"""Bodies that may wait for the writer; beyond that `store` refuses."""
CLAIM = 16
"""Deliveries that are handed out with one statement."""
LEASE = 600.0
"""Seconds after which another process may take a claimed delivery (PostgreSQL; on SQLite there is one process)."""

METADATA = sa.MetaData()
DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    sa.Column("guid", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("status", sa.String(8), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("received_at", sa.Double, nullable=False),
    sa.Column("claimed_by", sa.String(64), nullable=False),
    sa.Column("claimed_until", sa.Double, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Index("deliveries_status", "status", "seq"),
    sa.Index("deliveries_received", "received_at"),
)
C = DELIVERIES.c


class InboxUnavailable(Exception):
    """Nothing can be stored now: locked, full, unreachable. The server answers 503, GitHub notes the failure, a sweep asks again."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery. `name` is GitHub's event; `attempt` counts from 1; `received_at` is Unix time."""

    guid: str
    name: str
    body: bytes
    attempt: int
    received_at: float


@dataclass(frozen=True, slots=True)
class Stats:
    """How full the inbox is. `oldest_pending` is the age in seconds of what waits longest, 0 if nothing does."""

    counts: dict[str, int]
    oldest_pending: float


@dataclass(slots=True)
class _Job:
    """Something for the writer: a row to store, or any other work inside the transaction."""

    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    row: dict[str, Any] | None = None
    work: Callable[[sa.Connection], Any] | None = None
    result: Any = None


class Inbox:
    """The deliveries of one database. Open it with `Inbox.open`, close it with `close`.

    All coroutines may raise `InboxUnavailable`.
    """

    def __init__(
        self,
        engine: sa.Engine,
        lock: IO[bytes] | None,
        *,
        clock: Callable[[], float] = time.time,
        poll: float = 1.0,
        timeout: float = 8.0,
    ) -> None:
        self._engine, self._lock, self._clock, self._poll, self._timeout = engine, lock, clock, poll, timeout
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._wakers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._thread = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._thread.start()

    @staticmethod
    def open(url: str, **options: Any) -> Inbox:
        """The inbox in the database of an SQLAlchemy URL (`sqlite:///…` or `postgresql+psycopg://…`), made if need be.

        On SQLite one process owns the file; what an earlier one had claimed is free again.

        Raises:
            UserError: the database cannot be opened, or another process owns it.
        """
        engine, lock = database.connect(url)
        try:
            database.create(engine, METADATA)
            if lock is not None:
                with engine.begin() as connection:
                    connection.execute(
                        sa.update(DELIVERIES).where(C.claimed_until > 0).values(claimed_until=0)
                    )
        except SQLAlchemyError as error:
            if lock is not None:
                lock.close()
            raise UserError(
                f"TFPORT_DATABASE cannot be opened: {database.first_line(error)}",
                hint=f"tried {engine.url.render_as_string(hide_password=True)}",
            ) from error
        return Inbox(engine, lock, **options)

    @property
    def alive(self) -> bool:
        """Whether the writer runs. It ends only by `close`, or by a bug."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Writes what waits, hands back what this process had claimed, and lets the database go."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    async def store(self, guid: str, name: str, body: bytes, *, ignore: str = "") -> Stored:
        """Stores a delivery durably. Returns once it is.

        Args:
            ignore: why it needs no work; then only the fact is stored, not the body.
        """
        if self._waiting + len(body) > WAITING_BYTES:
            raise InboxUnavailable("too many deliveries wait for the database")
        row = {
            "guid": guid,
            "name": name,
            "body": None if ignore else body,
            "status": "ignored" if ignore else "pending",
            "attempt": 1,
            "received_at": self._clock(),
            "claimed_by": "",
            "claimed_until": 0.0,
            "note": ignore,
        }
        self._waiting += len(body)
        try:
            return await self._submit(row=row)
        finally:
            self._waiting -= len(body)

    async def finish(self, guid: str) -> None:
        """The delivery was dealt with; if it comes again it is `known`."""
        await self._set(guid, status="finished", note="")

    async def fail(self, guid: str, note: str) -> None:
        """Dealing with it failed for good, `note` says why. It runs again only if GitHub sends it again."""
        await self._set(guid, status="failed", note=note[:2000])

    async def release(self, guid: str, after: float = 0.0) -> None:
        """Hands a claimed delivery back, to be handed out again in `after` seconds."""
        await self._set(guid, claimed_until=self._clock() + after if after else 0.0)
        self._wake()

    async def pending(self) -> AsyncIterator[Delivery]:
        """Deliveries to deal with, oldest first, without end; leftovers of a crash come first.

        Wakes at once for what this process stores, and looks every `poll` seconds for what others did. Each must be answered
        with `finish`, `fail` or `release`. While the database is down, waits.
        """
        waker = (asyncio.get_running_loop(), asyncio.Event())
        self._wakers.add(waker)
        try:
            while True:
                waker[1].clear()
                try:
                    batch = cast("list[Delivery]", await self._submit(work=self._claim))
                except InboxUnavailable as error:
                    log.warning("inbox unavailable", error=str(error))
                    batch = []
                for delivery in batch:
                    yield delivery
                if not batch:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await waker[1].wait()
        finally:
            self._wakers.discard(waker)

    async def stats(self) -> Stats:
        """Counts by status, and how long the oldest pending one waits."""

        def read(connection: sa.Connection) -> Stats:
            counted = connection.execute(sa.select(C.status, sa.func.count()).group_by(C.status)).all()
            oldest = connection.scalar(sa.select(sa.func.min(C.received_at)).where(C.status == "pending"))
            counts = {str(status): int(count) for status, count in counted}
            return Stats(counts, 0.0 if oldest is None else max(0.0, self._clock() - oldest))

        return await self._submit(work=read)

    async def prune(self, days: float) -> int:
        """Forgets what was finished, failed or ignored and is older than that; returns how many."""
        old = (C.status != "pending") & (C.received_at < self._clock() - days * 86400)
        return await self._submit(work=lambda c: c.execute(sa.delete(DELIVERIES).where(old)).rowcount)

    async def probe(self) -> None:
        """Writes and takes back: raises `InboxUnavailable` if nothing can be stored now (locked, full, read-only)."""

        def write(connection: sa.Connection) -> None:
            # A page of filler, so that a full disk shows even where a small row would find room.
            row = dict.fromkeys(("guid", "name", "status", "claimed_by", "note"), "probe")
            values = {**row, "body": bytes(8192), "attempt": 0, "received_at": 0.0, "claimed_until": 0.0}
            connection.execute(sa.insert(DELIVERIES).values(**values))
            connection.execute(sa.delete(DELIVERIES).where(C.guid == "probe"))

        await self._submit(work=write)

    async def _set(self, guid: str, **values: Any) -> None:
        statement = sa.update(DELIVERIES).where(C.guid == guid).values(**values)
        await self._submit(work=lambda connection: connection.execute(statement))

    async def _submit(
        self, *, row: dict[str, Any] | None = None, work: Callable[[sa.Connection], Any] | None = None
    ) -> Any:
        if not self._thread.is_alive():
            raise InboxUnavailable("the inbox is closed")
        loop = asyncio.get_running_loop()
        job = _Job(loop, loop.create_future(), row, work)
        self._jobs.put(job)
        try:
            async with asyncio.timeout(self._timeout):
                return await job.future
        except TimeoutError:
            raise InboxUnavailable(f"the database did not answer in {self._timeout:g} s") from None

    def _claim(self, connection: sa.Connection) -> list[Delivery]:
        now = self._clock()
        free = (
            sa.select(DELIVERIES)
            .where(C.status == "pending", C.claimed_until <= now)
            .order_by(C.seq)
            .limit(CLAIM)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(free).all()
        if rows:
            taken = sa.update(DELIVERIES).where(C.seq.in_([row.seq for row in rows]))
            connection.execute(taken.values(claimed_by=self._owner, claimed_until=now + LEASE))
        return [Delivery(row.guid, row.name, row.body, row.attempt, row.received_at) for row in rows]

    def _write(self) -> None:
        """The writer thread: takes what waits, one transaction for all of it, then tells those who wait."""
        while (job := self._jobs.get()) is not None:
            jobs, last = [job], False
            with contextlib.suppress(queue.Empty):
                while len(jobs) < BATCH and not last:
                    following = self._jobs.get_nowait()
                    last = following is None
                    if following is not None:
                        jobs.append(following)
            error = self._run(jobs)
            for loop in {job.loop for job in jobs}:
                mine = [job for job in jobs if job.loop is loop]
                with contextlib.suppress(RuntimeError):  # its loop has ended: nobody waits any more
                    loop.call_soon_threadsafe(_answer, mine, error)
            if any(job.result in ("new", "again") for job in jobs):
                self._wake()
            if last:
                break
        hand_back = sa.update(DELIVERIES).where(C.claimed_by == self._owner).values(claimed_until=0)
        with contextlib.suppress(SQLAlchemyError), self._engine.begin() as connection:
            connection.execute(hand_back)

    def _run(self, jobs: Sequence[_Job]) -> Exception | None:
        """Runs the jobs in one transaction and fills in their results. Returns why none of them happened."""
        try:
            with self._engine.begin() as connection:
                stores = [job for job in jobs if job.row is not None]
                rows = [job.row for job in stores if job.row is not None]
                for job, stored in zip(stores, _store(connection, rows), strict=True):
                    job.result = stored
                for job in jobs:
                    # Nobody waits for this claim any more: what it took would lie until the lease ends.
                    abandoned = job.work == self._claim and job.future.cancelled()
                    if job.work is not None and not abandoned:
                        job.result = job.work(connection)
        except SQLAlchemyError as error:
            for job in jobs:
                job.result = None
            self._engine.dispose()  # the next transaction begins with a fresh connection
            return InboxUnavailable(database.first_line(error))
        except Exception as error:
            return error
        return None

    def _wake(self) -> None:
        for loop, event in tuple(self._wakers):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)


def _answer(jobs: Sequence[_Job], error: Exception | None) -> None:
    for job in jobs:
        if job.future.done():  # its caller gave up
            continue
        if error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(error)


def _store(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> list[Stored]:
    """Stores rows that are not there yet, runs failed and ignored ones again; says which was which, in order."""
    if not rows:
        return []
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        first.setdefault(row["guid"], row)
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(DELIVERIES).on_conflict_do_nothing(index_elements=["guid"]).returning(C.guid)
    new = set(connection.execute(statement, list(first.values())).scalars())
    status: dict[str, str] = {guid: first[guid]["status"] for guid in new}
    if old := first.keys() - new:
        found = connection.execute(sa.select(C.guid, C.status).where(C.guid.in_(old))).all()
        status |= {str(row.guid): str(row.status) for row in found}
    stored: list[Stored] = []
    again: list[dict[str, Any]] = []
    for row in rows:
        guid = row["guid"]
        if guid in new and row is first[guid]:
            stored.append("new")
        elif status.get(guid) in ("failed", "ignored") and row["status"] == "pending":
            again.append({"key": guid, "content": row["body"]})
            status[guid] = "pending"
            stored.append("again")
        else:
            stored.append("known")
    if again:
        revive = sa.update(DELIVERIES).where(C.guid == sa.bindparam("key"))
        values: dict[str, Any] = {"status": "pending", "note": "", "claimed_until": 0.0}
        values |= {"attempt": C.attempt + 1, "body": sa.bindparam("content")}
        connection.execute(revive.values(values), again)
    return stored

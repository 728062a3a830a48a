"""The inbox on SQLite, and on PostgreSQL where the machine has its programs."""

from __future__ import annotations

import asyncio
import glob
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.inbox import LEASE, Delivery, Inbox, InboxUnavailable
from checks.errors import UserError


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL of our own, on a socket in a temporary folder."""
    programs = next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)), None)
    initdb = shutil.which("initdb", path=programs) or shutil.which("initdb")
    if initdb is None:
        pytest.skip("needs PostgreSQL's initdb")
    folder = Path(tempfile.mkdtemp(prefix="tfport-postgres-"))
    as_user: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        as_user = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    data, bin_ = folder / "data", Path(initdb).resolve().parent
    run = subprocess.run(
        [*as_user, initdb, "-D", data, "-U", "tfport", "-A", "trust", "--no-sync"],
        capture_output=True,
        cwd="/",
    )
    if run.returncode:
        shutil.rmtree(folder)
        pytest.skip(f"initdb does not run here: {run.stderr.decode()[:200]}")
    server = subprocess.Popen(
        [*as_user, bin_ / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        for _ in range(100):
            if (folder / ".s.PGSQL.5432").exists():
                break
            server.poll() is None or pytest.skip("postgres does not start here")
            signal.sigtimedwait([], 0.1)
        yield f"postgresql+psycopg://tfport@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/inbox.sqlite"
    url: str = request.getfixturevalue("postgres")
    inbox = Inbox.open(url)
    with inbox._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM deliveries")
    inbox.close()
    return url


@pytest.fixture
def inbox(url: str) -> Iterator[Inbox]:
    inbox = Inbox.open(url, poll=0.05)
    yield inbox
    inbox.close()


async def take(inbox: Inbox, count: int, timeout: float = 5) -> list[Delivery]:
    """The next `count` deliveries."""
    taken: list[Delivery] = []
    async with asyncio.timeout(timeout):
        async for delivery in inbox.pending():
            taken.append(delivery)
            if len(taken) == count:
                break
    return taken


async def nothing_pending(inbox: Inbox) -> bool:
    try:
        await take(inbox, 1, timeout=0.3)
    except TimeoutError:
        return True
    return False


async def test_stored_handed_out_finished(inbox: Inbox):
    assert await inbox.store("a", "ping", b"{}") == "new"
    assert await inbox.store("a", "ping", b"{}") == "known"
    [delivery] = await take(inbox, 1)
    assert (delivery.guid, delivery.name, delivery.body, delivery.attempt) == ("a", "ping", b"{}", 1)
    assert await inbox.store("a", "ping", b"{}") == "known"
    await inbox.finish("a")
    assert await inbox.store("a", "ping", b"{}") == "known"
    assert await nothing_pending(inbox)
    assert (await inbox.stats()).counts == {"finished": 1}


async def test_failed_runs_again_when_it_is_sent_again(inbox: Inbox):
    await inbox.store("a", "ping", b"{}")
    await take(inbox, 1)
    await inbox.fail("a", "boom")
    assert await nothing_pending(inbox)
    assert await inbox.store("a", "ping", b"{}") == "again"
    assert await inbox.store("a", "ping", b"{}") == "known"
    [delivery] = await take(inbox, 1)
    assert delivery.attempt == 2


async def test_ignored_keeps_no_body_and_may_become_work(inbox: Inbox):
    assert await inbox.store("a", "star", b"x" * 1000, ignore="not ours") == "new"
    assert await inbox.store("a", "star", b"x" * 1000, ignore="not ours") == "known"
    assert await nothing_pending(inbox)
    assert await inbox.store("a", "star", b"body") == "again"
    [delivery] = await take(inbox, 1)
    assert delivery.body == b"body"


async def test_order_and_notification(inbox: Inbox):
    waiting = asyncio.create_task(take(inbox, 40))
    await asyncio.sleep(0.01)
    for number in range(40):
        await inbox.store(str(number), "ping", b"")
    assert [delivery.guid for delivery in await waiting] == [str(number) for number in range(40)]


async def test_wakes_at_once_without_polling(url: str):
    inbox = Inbox.open(url, poll=60)
    waiting = asyncio.create_task(take(inbox, 1))
    await asyncio.sleep(0.2)
    await inbox.store("a", "ping", b"")
    [delivery] = await waiting
    assert delivery.guid == "a"
    inbox.close()


async def test_concurrent_duplicates_are_one(inbox: Inbox):
    answers = await asyncio.gather(*(inbox.store(f"g{n % 10}", "ping", b"") for n in range(200)))
    assert sorted(answers) == ["known"] * 190 + ["new"] * 10
    assert len(await take(inbox, 10)) == 10
    assert await nothing_pending(inbox)


async def test_released_comes_again_later(inbox: Inbox):
    await inbox.store("a", "ping", b"")
    await take(inbox, 1)
    await inbox.release("a", after=0.5)
    assert await nothing_pending(inbox)
    await asyncio.sleep(0.3)
    assert len(await take(inbox, 1)) == 1


async def test_close_writes_what_waits_and_hands_back(url: str):
    inbox = Inbox.open(url)
    await inbox.store("a", "ping", b"")
    await take(inbox, 1)
    late = asyncio.create_task(inbox.store("b", "ping", b""))
    await asyncio.sleep(0)
    await asyncio.to_thread(inbox.close)
    assert await late == "new"
    with pytest.raises(InboxUnavailable, match="closed"):
        await inbox.store("c", "ping", b"")
    inbox = Inbox.open(url)
    assert [delivery.guid for delivery in await take(inbox, 2)] == ["a", "b"]
    inbox.close()


async def test_prune_keeps_what_is_pending(url: str):
    now = 1_000_000.0
    inbox = Inbox.open(url, clock=lambda: now)
    for guid in ("pending", "finished", "failed"):
        await inbox.store(guid, "ping", b"")
    await inbox.store("ignored", "ping", b"", ignore="x")
    await inbox.finish("finished")
    await inbox.fail("failed", "x")
    assert await inbox.prune(30) == 0
    now += 31 * 86400
    await inbox.store("young", "ping", b"", ignore="x")
    assert await inbox.prune(30) == 3
    stats = await inbox.stats()
    assert stats.counts == {"pending": 1, "ignored": 1}
    assert stats.oldest_pending == 31 * 86400
    inbox.close()


async def test_two_processes_on_postgres(postgres: str, request: pytest.FixtureRequest):
    now = 1_000_000.0
    one, two = (Inbox.open(postgres, poll=0.05, clock=lambda: now) for _ in range(2))
    with one._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM deliveries")
    await one.store("a", "ping", b"")
    answers = await asyncio.gather(one.store("b", "ping", b""), two.store("b", "ping", b""))
    assert sorted(answers) == ["known", "new"]
    assert [delivery.guid for delivery in await take(one, 2)] == ["a", "b"]
    assert await nothing_pending(two)
    now += LEASE + 1  # as if `one` had died
    assert [delivery.guid for delivery in await take(two, 2)] == ["a", "b"]
    await asyncio.to_thread(one.close)
    assert await nothing_pending(two), "a lease that another process took over is not handed back"
    two.close()


def test_one_process_owns_the_file(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/inbox.sqlite"
    inbox = Inbox.open(url)
    with pytest.raises(UserError, match="another tfport already runs on"):
        Inbox.open(url)
    inbox.close()
    Inbox.open(url).close()


def test_cannot_be_opened(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        Inbox.open(f"sqlite:///{tmp_path}/file/inbox.sqlite")
    (tmp_path / "garbage.sqlite").write_text("not a database, surely " * 100)
    with pytest.raises(UserError, match="TFPORT_DATABASE cannot be opened: file is not a database"):
        Inbox.open(f"sqlite:///{tmp_path}/garbage.sqlite")
    with pytest.raises(UserError, match="TFPORT_DATABASE cannot be opened") as caught:
        Inbox.open("postgresql+psycopg://bot:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in caught.value.message + caught.value.hint


async def test_locked_is_unavailable_soon_and_recovers(tmp_path: Path):
    inbox = Inbox.open(f"sqlite:///{tmp_path}/inbox.sqlite")
    other = sqlite3.connect(tmp_path / "inbox.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = asyncio.get_running_loop().time()
    with pytest.raises(InboxUnavailable, match="locked"):
        await inbox.store("a", "ping", b"")
    assert asyncio.get_running_loop().time() - started < 3
    with pytest.raises(InboxUnavailable):
        await inbox.probe()
    other.execute("ROLLBACK")
    other.close()
    await inbox.probe()
    assert await inbox.store("a", "ping", b"") == "new"
    inbox.close()


async def test_refuses_rather_than_filling_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.inbox.WAITING_BYTES", 1000)
    inbox = Inbox.open(f"sqlite:///{tmp_path}/inbox.sqlite")
    answers = await asyncio.gather(
        *(inbox.store(str(n), "ping", bytes(400)) for n in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [str, str, InboxUnavailable]
    assert await inbox.store("3", "ping", bytes(400)) == "new"
    inbox.close()


CRASH = """
import asyncio, os, signal, sys
from bot.inbox import Inbox

async def main():
    inbox = Inbox.open(sys.argv[1])
    await asyncio.gather(*(inbox.store(str(n), "ping", b"") for n in range(20)))
    taken = 0
    async for delivery in inbox.pending():
        taken += 1
        if taken <= 5:
            await inbox.finish(delivery.guid)
        else:
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_leftovers_of_a_crash(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/inbox.sqlite"
    process = subprocess.run([sys.executable, "-c", CRASH, url], cwd=Path(__file__).parent.parent)
    assert process.returncode == -signal.SIGKILL
    inbox = Inbox.open(url)
    assert [delivery.guid for delivery in await take(inbox, 15)] == [str(n) for n in range(5, 20)]
    assert await nothing_pending(inbox)
    inbox.close()


async def test_a_consumer_that_stops_does_not_lose(inbox: Inbox):
    async def consume() -> AsyncIterator[Delivery]:
        async for delivery in inbox.pending():
            yield delivery

    await inbox.store("a", "ping", b"")
    async for delivery in consume():
        await inbox.release(delivery.guid)
        break
    assert len(await take(inbox, 1)) == 1

"""Health, readiness, metrics, the page, and how the process ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.inbox import Inbox
from bot.server import health
from bot.server.health import Cached, NotReady, own_probes, readiness
from bot.settings import Settings
from checks import __version__
from tests.server.keys import PEM, SECRET
from tests.server.process import ServerProcess
from tests.server.test_webhook import OPENED, figure


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(app_id=1, private_key=PEM, webhook_secret=SECRET, data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg, arg-type]


def test_alive_and_ready(shared: ServerProcess):
    assert shared.get("/healthz").json() == {"alive": True}
    answer = shared.get("/readyz")
    assert answer.status_code == 200
    checks = answer.json()["checks"]
    assert {name: check["ready"] for name, check in checks.items()} == dict.fromkeys(
        ("database", "queue", "disk", "key"), True
    )
    assert checks["database"]["detail"] == "sqlite"


async def test_an_old_delivery_means_not_ready(settings: Settings):
    now = 1_000_000.0
    inbox = Inbox.open(settings.inbox_url, clock=lambda: now)
    await inbox.store("a", "ping", b"")
    probes = own_probes(settings, inbox)
    assert (await readiness(probes))[0]
    now += health.QUEUE_SECONDS + 1
    good, told = await readiness(probes)
    assert not good
    assert told["queue"] == {"ready": False, "detail": "1 waiting, the oldest for 301 s"}
    inbox.close()


async def test_little_room_means_not_ready(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    inbox = Inbox.open(settings.inbox_url)
    monkeypatch.setattr(health, "FREE_BYTES", 2**70)
    good, told = await readiness(own_probes(settings, inbox))
    assert not good
    assert not told["disk"]["ready"]
    inbox.close()


async def test_a_probe_that_hangs_or_breaks(monkeypatch: pytest.MonkeyPatch):
    async def hangs() -> str:
        await asyncio.sleep(60)
        return ""

    async def breaks() -> str:
        raise ZeroDivisionError("secret details")

    async def says_no() -> str:
        raise NotReady("GitHub has not answered for 20 minutes")

    monkeypatch.setattr(health, "PROBE_SECONDS", 0.05)
    good, told = await readiness({"hangs": hangs, "breaks": breaks, "says_no": says_no})
    assert not good
    assert [check["detail"] for check in told.values()] == [
        "no answer within 0.05 s",
        "the probe broke, see the log",
        "GitHub has not answered for 20 minutes",
    ]


async def test_many_who_ask_cost_one_look():
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return looks

    cached = Cached(look, seconds=0.2)
    assert await asyncio.gather(*(cached() for _ in range(50))) == [1] * 50
    await asyncio.sleep(0.25)
    assert await cached() == 2


def test_metrics(server: ServerProcess):
    assert server.post(OPENED, guid="a").status_code == 202
    assert server.post(OPENED, guid="a").status_code == 200
    assert server.post({}, event="star").status_code == 204
    assert server.post(OPENED, event="x" * 60, secret="wrong").status_code == 401
    assert figure(server, 'tfport_deliveries_total{event="pull_request",outcome="new"}') == 1
    assert figure(server, 'tfport_deliveries_total{event="pull_request",outcome="known"}') == 1
    assert figure(server, 'tfport_deliveries_total{event="other",outcome="ignored"}') == 1
    assert figure(server, 'tfport_deliveries_total{event="other",outcome="unsigned"}') == 1
    assert figure(server, 'tfport_inbox{status="pending"}') == 1
    assert figure(server, "tfport_webhook_seconds_count") == 4
    assert "x" * 60 not in server.get("/metrics").text


def test_the_page_says_what_this_is(shared: ServerProcess):
    answer = shared.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert __version__ in answer.text
    assert "/tfport help" in answer.text
    assert "writes nothing" not in answer.text


def test_readonly_is_on_the_page_and_in_the_log(tmp_path: Path):
    server = ServerProcess(tmp_path, TFPORT_READONLY="1", TFPORT_WEBHOOK_SECERT="x").start()
    try:
        assert "writes nothing on GitHub" in server.get("/").text
        [line] = server.lines(event="tfport starts")
        settings = line["settings"]
        assert settings["TFPORT_READONLY"] == "True"
        assert settings["TFPORT_PRIVATE_KEY"] == settings["TFPORT_WEBHOOK_SECRET"] == "***"
        assert SECRET not in server.log
        assert server.lines(
            event="TFPORT_WEBHOOK_SECERT is not a variable of tfport; did you mean TFPORT_WEBHOOK_SECRET?"
        )
    finally:
        server.kill()


def test_a_taken_port_is_one_sentence(server: ServerProcess, tmp_path: Path):
    folder = tmp_path / "second"
    folder.mkdir()
    second = ServerProcess(folder, TFPORT_PORT=server.url.rpartition(":")[2])
    with pytest.raises(AssertionError):
        second.start()
    assert "cannot listen on 127.0.0.1:" in second.log
    assert "Traceback" not in second.log

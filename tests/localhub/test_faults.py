"""Faults on demand, and the knobs of webhooks."""

from __future__ import annotations

import time

import httpx
import pytest

from bot.localhub import LocalHub
from bot.localhub.state import Pull
from tests.localhub.conftest import Client, Receiver


def test_before_and_after_the_effect(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.faults.add("POST", r"/comments$", status=502)
    assert client("POST", "issues/1/comments", {"body": "lost"}).status_code == 502
    hub.faults.add("POST", r"/comments$", when="after", status=502)
    assert client("POST", "issues/1/comments", {"body": "kept"}).status_code == 502
    assert client("POST", "issues/1/comments", {"body": "third"}).status_code == 201
    assert [one.body for one in pull.comments] == ["kept", "third"]
    assert [(one.status, one.fault) for one in hub.requests("POST", "/comments$")] == [
        (502, True), (502, True), (201, False),
    ]  # fmt: skip


def test_cut_connection(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.faults.add("POST", r"/comments$", when="after", drop=True)
    with pytest.raises(httpx.RemoteProtocolError):
        client("POST", "issues/1/comments", {"body": "kept"})
    hub.faults.add("GET", r"/pulls$", drop=True)
    with pytest.raises(httpx.RemoteProtocolError):
        client("GET", "pulls")
    assert [one.body for one in pull.comments] == ["kept"]


def test_count_skip_and_delay(hub: LocalHub, client: Client, pull: Pull) -> None:
    fault = hub.faults.add("GET", "/pulls$", status=500, times=2, skip=1)
    assert [client("GET", "pulls").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert fault.struck == 2
    hub.faults.add("GET", "/pulls$", status=None, delay=0.3)
    started = time.monotonic()
    assert client("GET", "pulls").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_limits(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.faults.primary_limit(reset_in=60)
    answer = client("GET", "pulls")
    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert 0 < int(answer.headers["x-ratelimit-reset"]) - time.time() <= 60
    hub.faults.secondary_limit(retry_after=7)
    answer = client("GET", "pulls")
    assert (answer.status_code, answer.headers["retry-after"]) == (403, "7")
    assert "secondary rate limit" in answer.json()["message"]
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
    hub.faults.secondary_limit(None, status=429)
    answer = client("GET", "pulls")
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


def test_drop_and_double(hub: LocalHub, receiver: Receiver, pull: Pull) -> None:
    hub.webhooks.drop("issue_comment")
    hub.comment("gante", pull, "lost")
    hub.webhooks.double("issue_comment", "created")
    hub.comment("gante", pull, "twice")
    hub.comment("gante", pull, "once")
    hub.webhooks.wait()
    bodies = sorted(payload["comment"]["body"] for _, payload in receiver.deliveries)
    assert bodies == ["once", "twice", "twice"]
    guids = {
        headers["X-GitHub-Delivery"] for headers, p in receiver.deliveries if p["comment"]["body"] == "twice"
    }
    assert len(guids) == 1
    lost = next(one for one in hub.state.deliveries.values() if one.event == "issue_comment")
    assert lost.status_code == 0
    hub.redeliver(lost)
    hub.webhooks.wait()
    assert receiver.deliveries[-1][1]["comment"]["body"] == "lost"


def test_hold_and_reorder(hub: LocalHub, receiver: Receiver, pull: Pull) -> None:
    hub.webhooks.hold()
    for number in range(5):
        hub.comment("gante", pull, f"{number}")
    hub.webhooks.wait()
    assert receiver.seen == []
    hub.webhooks.release("reversed")
    hub.webhooks.wait()
    assert [payload["comment"]["body"] for _, payload in receiver.deliveries] == list("43210")


def test_nobody_listens(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.set_webhook(client.app, "http://127.0.0.1:1/")
    hub.comment("gante", pull, "into the void")
    hub.webhooks.wait()
    newest = max(hub.state.deliveries.values(), key=lambda one: one.id)
    assert (newest.status, newest.status_code) == ("failed to connect to host", 0)
    assert len([one for one in hub.state.deliveries.values() if one.guid == newest.guid]) == 1, (
        "never repeated"
    )

"""Webhooks on their way: signed, sent once with a timeout, logged, never repeated by themselves.

GitHub promises no order. Here they come in order unless a test turns a knob.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import httpx

from bot.localhub.state import App, Delivery, Installation, Json, Repository

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

TIMEOUT = 10.0
Order = Literal["sent", "reversed", "shuffled"]


@dataclass
class Rule:
    """What happens to matching deliveries: none arrives (0 copies), or several. `times` None means always."""

    event: str | None
    action: str | None
    copies: int
    times: int | None

    def takes(self, delivery: Delivery) -> bool:
        if self.times == 0 or self.event not in (None, delivery.event):
            return False
        return self.action in (None, delivery.action)


class Deliveries:
    """The log of deliveries and the knobs that tests turn."""

    def __init__(self, hub: LocalHub) -> None:
        self.hub = hub
        self.rules: list[Rule] = []
        self.held: list[Delivery] | None = None
        self.pending: set[Future[None]] = set()
        self.turns: dict[int, asyncio.Lock] = {}

    # Knobs

    def drop(self, event: str | None = None, action: str | None = None, times: int | None = 1) -> None:
        """Lose matching deliveries: they stay in the log as failed, nothing is sent."""
        self.rules.append(Rule(event, action, 0, times))

    def double(self, event: str | None = None, action: str | None = None, times: int | None = 1) -> None:
        """Send matching deliveries twice, with the same GUID."""
        self.rules.append(Rule(event, action, 2, times))

    def hold(self) -> None:
        """Keep everything back until `release`."""
        if self.held is None:
            self.held = []

    def release(self, order: Order = "sent", seed: int = 0) -> None:
        """Send what was held, one after the other in this order, and hold no more."""
        waiting, self.held = self.held or [], None
        if order == "reversed":
            waiting.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(waiting)  # noqa: S311
        if waiting:
            self._start(self._send_all(waiting))

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send again as the button does: same GUID and body, a new entry in the log."""
        again = self._record(
            delivery.app, delivery.event, delivery.action, delivery.body, delivery.installation_id,
            delivery.repository_id, delivery.guid,
        )  # fmt: skip
        again.redelivery = True
        self._dispatch(again)
        return again

    def wait(self, timeout: float = 30.0) -> None:
        """Until nothing is on its way (from another thread than the server's)."""
        end = time.monotonic() + timeout
        while self.pending:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.pending)} webhooks are still on their way")
            time.sleep(0.005)

    # Sending

    def send(
        self,
        app: App,
        event: str,
        payload: Json,
        installation: Installation | None = None,
        repository: Repository | None = None,
    ) -> Delivery | None:
        """Log a delivery and send it to the app; None where the app has no webhook."""
        if not app.webhook_url or not app.webhook_active:
            return None
        if self.hub.judge:
            complaints = self.hub.judge.webhook(event, payload.get("action"), payload)
            self.hub.defects += [
                f"webhook {event} {payload.get('action', '')}: {text}" for text in complaints
            ]
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        delivery = self._record(
            app,
            event,
            payload.get("action"),
            body,
            installation and installation.id,
            repository and repository.id,
        )
        self._dispatch(delivery)
        return delivery

    def _record(
        self,
        app: App,
        event: str,
        action: str | None,
        body: bytes,
        installation: int | None,
        repository: int | None,
        guid: str | None = None,
    ) -> Delivery:
        state = self.hub.state
        delivery = Delivery(
            id=state.next_id("Delivery"),
            guid=guid or str(uuid.uuid1()),
            app=app,
            event=event,
            action=action,
            body=body,
            installation_id=installation,
            repository_id=repository,
            delivered_at=state.clock.now(),
        )
        delivery.request_headers = headers(delivery)
        state.deliveries[delivery.id] = delivery
        return delivery

    def _dispatch(self, delivery: Delivery) -> None:
        if self.held is not None:
            self.held.append(delivery)
            return
        self._start(self._send_all([delivery]))

    def _start(self, work: Any) -> None:
        future = asyncio.run_coroutine_threadsafe(work, self.hub.loop)
        self.pending.add(future)
        future.add_done_callback(self.pending.discard)

    async def _send_all(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            rule = next((rule for rule in self.rules if rule.takes(delivery)), None)
            if rule and rule.times is not None:
                rule.times -= 1
            if rule and rule.copies == 0:
                delivery.status, delivery.status_code = "timed out", 0
            # One after the other for each app, so that tests repeat; copies at the same time, as the worst case is.
            async with self.turns.setdefault(delivery.app.id, asyncio.Lock()):
                await asyncio.gather(*(self._send(delivery) for _ in range(rule.copies if rule else 1)))

    async def _send(self, delivery: Delivery) -> None:
        started = time.monotonic()
        url = delivery.app.webhook_url
        assert url
        try:
            answer = await self.hub.client.post(
                url, content=delivery.body, headers=delivery.request_headers, timeout=TIMEOUT
            )
        except httpx.TimeoutException:
            delivery.status, delivery.status_code = "timed out", 0
        except httpx.HTTPError as problem:
            delivery.status, delivery.status_code = "failed to connect to host", 0
            delivery.response_body = str(problem)
        else:
            delivery.status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
            delivery.status_code = answer.status_code
            delivery.response_headers = dict(answer.headers)
            delivery.response_body = answer.text
        delivery.duration = time.monotonic() - started
        delivery.delivered_at = self.hub.state.clock.now()


def headers(delivery: Delivery) -> dict[str, str]:
    """The request headers that GitHub sends."""

    def mac(digest: Callable[..., Any]) -> str:
        return hmac.new(delivery.app.webhook_secret.encode(), delivery.body, digest).hexdigest()

    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/localhub",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(delivery.app.id),
        "X-GitHub-Hook-Installation-Target-ID": str(delivery.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": f"sha1={mac(hashlib.sha1)}",
        "X-Hub-Signature-256": f"sha256={mac(hashlib.sha256)}",
    }

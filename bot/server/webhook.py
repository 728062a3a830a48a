"""`POST /webhook`: is it GitHub's, is it whole, is it stored? Then 202. GitHub itself is never called from here.

| answer | when |
|---|---|
| 202 | stored durably; it will be dealt with |
| 200 | already have it (same GUID, waiting or finished) |
| 204 | signed, but nothing to do for us; noted |
| 400 | signed, but not what GitHub sends |
| 401 | not signed with our secret; nothing of it was read as anything but bytes |
| 408, 413 | did not arrive in time, is larger than GitHub sends |
| 415 | signed, but not sent as JSON |
| 503 | cannot be stored now; GitHub notes the failure, so it can be sent again |
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Mapping, Sequence

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from bot import events
from bot.inbox import Inbox, InboxUnavailable, Stored
from bot.server.metrics import Metrics
from bot.settings import Settings

log = structlog.get_logger("bot.server")

MAX_BODY = 25 * 2**20
"""Bytes. GitHub cuts off at 25 MB."""
READ_SECONDS = 10.0
"""GitHub itself gives up after ten seconds."""
READING_BYTES = 128 * 2**20
"""Bodies that may be in memory half read, all connections together."""

SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
GUID = re.compile(r"[0-9A-Za-z-]{1,64}")
EVENT = re.compile(r"[a-z0-9_]{1,64}")

ANSWERS: Mapping[Stored, tuple[int, str]] = {
    "new": (202, "stored"),
    "again": (202, "stored; it failed before, so it runs again"),
    "known": (200, "already have it"),
}


class Answered(Exception):
    """The end of a request: HTTP status, one sentence for whoever reads GitHub's delivery log, and the metric's label."""

    def __init__(self, status: int, sentence: str, outcome: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.outcome = status, sentence, outcome


class Webhook:
    """The endpoint. One per server."""

    def __init__(self, settings: Settings, inbox: Inbox, metrics: Metrics) -> None:
        self._settings, self._inbox, self._metrics = settings, inbox, metrics
        self._secrets = settings.webhook_secrets
        self._reading = 0

    async def receive(self, request: Request) -> Response:
        """Answers one delivery, counts it, and writes one line about it."""
        started = time.perf_counter()
        name = request.headers.get("x-github-event", "")
        about: dict[str, object] = {}
        try:
            answer = await self._steps(request, name, about)
        except Answered as refused:
            answer = refused
        seconds = time.perf_counter() - started
        self._metrics.count(name, answer.outcome, seconds)
        write = log.info if answer.status < 300 else log.warning
        if "delivery" in about:
            about["event_name"] = name
        elif request.client is not None:
            about["client"] = request.client.host
        write(answer.sentence or answer.outcome, status=answer.status, ms=round(seconds * 1000, 1), **about)
        if answer.status == 204:
            return Response(status_code=204)
        headers = {"connection": "close"} if answer.status in (401, 408, 413) else None
        return PlainTextResponse(answer.sentence + "\n", answer.status, headers)

    async def _steps(self, request: Request, name: str, about: dict[str, object]) -> Answered:
        """All steps in order; each may end the request by raising `Answered`. Fills in what the log line is about."""
        claimed = SIGNATURE.fullmatch(request.headers.get("x-hub-signature-256", ""))
        if claimed is None:
            raise Answered(401, "X-Hub-Signature-256 is missing or is no sha256 signature", "unsigned")
        body = await self._read(request)
        signer = signed_by(self._secrets, body, claimed[1])
        if signer is None:
            raise Answered(
                401, "the signature does not match; is TFPORT_WEBHOOK_SECRET the app's?", "unsigned"
            )
        self._metrics.signatures.labels("current" if signer == 0 else "previous").inc()

        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Answered(415, "set the webhook's content type to application/json", "malformed")
        guid = request.headers.get("x-github-delivery", "")
        if not GUID.fullmatch(guid) or not EVENT.fullmatch(name):
            raise Answered(400, "X-GitHub-Delivery or X-GitHub-Event is missing or malformed", "malformed")
        about["delivery"] = guid
        event = self._decode(name, body)
        for field, key in (("action", "action"), ("repository", "full_name"), ("pull", "number")):
            if (value := getattr(event, key, None)) is not None:
                about[field] = value
        ignore = event.reason if isinstance(event, events.Ignored) else ""
        try:
            stored = await self._inbox.store(guid, name, body, ignore=ignore)
        except InboxUnavailable as error:
            about["error"] = str(error)
            raise Answered(503, "the delivery cannot be stored now", "unavailable") from None
        if ignore:
            about["reason"] = ignore
            return Answered(204, "", "ignored")
        status, sentence = ANSWERS[stored]
        return Answered(status, sentence, stored)

    async def _read(self, request: Request) -> bytes:
        """The raw body, as long as it is neither too large nor too slow."""
        too_large = Answered(413, f"larger than {MAX_BODY} bytes", "too large")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:12]) > MAX_BODY:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(READ_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    self._reading += len(chunk)
                    if len(body) > MAX_BODY:
                        raise too_large
                    if self._reading > READING_BYTES:
                        raise Answered(503, "too many deliveries arrive at once", "unavailable")
        except TimeoutError:
            raise Answered(408, f"did not arrive within {READ_SECONDS:g} s", "too slow") from None
        except ClientDisconnect:
            raise Answered(400, "the connection was closed before the end", "disconnected") from None
        finally:
            self._reading -= len(body)
        return bytes(body)

    def _decode(self, name: str, body: bytes) -> events.Event:
        try:
            event = events.decode(name, events.parse(body), app_id=self._settings.app_id)
        except events.BadPayload as error:
            raise Answered(400, f"not a delivery of GitHub: {error}", "malformed") from None
        full_name: str = getattr(event, "full_name", "")
        if full_name and not self._settings.serves(full_name):
            return events.Ignored(f"{full_name} is not among TFPORT_REPOSITORIES")
        return event


def signed_by(secrets: Sequence[bytes], body: bytes, digest: str) -> int | None:
    """Index of the secret whose HMAC-SHA256 over the raw body is `digest` (64 lower-case hex digits), else None."""
    claimed = bytes.fromhex(digest)
    matches = [hmac.compare_digest(hmac.digest(secret, body, "sha256"), claimed) for secret in secrets]
    return matches.index(True) if any(matches) else None

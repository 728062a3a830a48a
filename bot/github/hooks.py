"""GitHub's own log of webhook deliveries: GitHub sends each once and never again, unless asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.github.session import GitHubApp

MAX_PAGES = 10
"""Of 100 deliveries each."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt to deliver. Attempts of the same delivery share the `guid`."""

    id: int
    guid: str
    event: str
    at: datetime
    arrived: bool


async def sent(app: GitHubApp, since: datetime) -> list[Sent]:
    """Attempts since then, newest first (GitHub keeps three days)."""
    found: list[Sent] = []
    answer = await app.call("GET", "app/hook/deliveries", params={"per_page": 100})
    for _ in range(MAX_PAGES):
        page = [_sent(raw) for raw in answer.body]
        found += [one for one in page if one.at >= since]
        if not answer.next or not page or page[-1].at < since:
            break
        answer = await app.call("GET", answer.next)
    return found


async def send_again(app: GitHubApp, one: Sent) -> None:
    """Ask GitHub to deliver it once more, under the same GUID."""
    if not app.readonly:
        await app.call("POST", f"app/hook/deliveries/{one.id}/attempts", repeat=False)


async def installations(app: GitHubApp) -> list[int]:
    """Ids of all installations that are not suspended (the first 1,000)."""
    found: list[int] = []
    answer = await app.call("GET", "app/installations", params={"per_page": 100})
    for _ in range(MAX_PAGES):
        found += [raw["id"] for raw in answer.body if not raw.get("suspended_at")]
        if not answer.next:
            break
        answer = await app.call("GET", answer.next)
    return found


def _sent(raw: Mapping[str, Any]) -> Sent:
    code = raw.get("status_code") or 0
    return Sent(
        raw["id"], raw["guid"], raw["event"], datetime.fromisoformat(raw["delivered_at"]), 200 <= code < 300
    )

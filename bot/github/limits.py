"""Pure decisions about GitHub's answers, and the pace of our own calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, cast

from bot.github.errors import (
    Ambiguous,
    AuthFailed,
    GitHubError,
    Gone,
    Locked,
    PermissionMissing,
    RateLimited,
    Refused,
    Unprocessable,
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast we go. Seconds.

    Attributes:
        content: between two calls that create content (GitHub allows about 80 a minute).
        other: between two other writes (check runs).
        patience: the longest time one call sleeps because of rate limits; beyond it raises `RateLimited`.
        secondary: wait after a secondary limit that names no time; doubles while it lasts (GitHub: at least 60).
        backoff: first wait after a failed attempt; doubles, with jitter.
        attempts: how often a call that may be repeated is tried.
    """

    content: float = 1.0
    other: float = 0.05
    patience: float = 30.0
    secondary: float = 60.0
    backoff: float = 0.5
    attempts: int = 4


class Pacer:
    """Hands out turns that are `interval` seconds apart, in the order of asking."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    async def turn(self) -> None:
        now = time.monotonic()
        mine = max(now, self._next)
        self._next = mine + self._interval
        await asyncio.sleep(mine - now)


def rate_limit(
    status: int, headers: Mapping[str, str], message: str, *, now: datetime, unnamed: float = 60.0
) -> RateLimited | None:
    """The limit that a 403 or 429 speaks of; None if it is a matter of permission.

    Args:
        headers: case-insensitive, or with lower-case names.
        unnamed: seconds to wait where GitHub names no time.
    """
    if status not in (403, 429):
        return None
    message = message.lower()
    secondary = "secondary rate" in message or "abuse detection" in message
    if after := headers.get("retry-after"):
        return RateLimited(_retry_after(after, now, unnamed), "secondary")
    reset = _reset(headers.get("x-ratelimit-reset"), now)
    if headers.get("x-ratelimit-remaining") == "0" and reset:
        return RateLimited(reset, "secondary" if secondary else "primary")
    if secondary or status == 429:
        return RateLimited(now + timedelta(seconds=unnamed), "secondary")
    if "rate limit exceeded" in message:
        return RateLimited(reset or now + timedelta(seconds=unnamed), "primary")
    return None


def problem(
    status: int, headers: Mapping[str, str], body: Any, *, now: datetime, unnamed: float = 60.0
) -> GitHubError | None:
    """What an answer of GitHub means; None for success.

    Args:
        body: decoded JSON, or None where there is none.
    """
    if status < 300 or status == 304:
        return None
    message, errors = _said(body)
    if limit := rate_limit(status, headers, message, now=now, unnamed=unnamed):
        return limit
    if status >= 500:
        return Ambiguous(f"GitHub answered {status}")
    if status == 401:
        return AuthFailed(message or "bad credentials")
    if status == 403:
        if any(word in message.lower() for word in ("archived", "locked", "suspended", "blocked")):
            return Locked(message)
        return PermissionMissing(message or "forbidden", headers.get("x-accepted-github-permissions", ""))
    if status in (404, 410, 451):
        return Gone(message or str(status))
    if status == 422:
        return Unprocessable(message, errors)
    return Refused(message, status)


def graphql_problem(
    body: Any, headers: Mapping[str, str], *, now: datetime, unnamed: float
) -> GitHubError | None:
    """GraphQL answers 200 with `errors`; what they mean, or None."""
    errors: list[Any] = body.get("errors") or []
    if not errors:
        return None
    kinds = {str(error.get("type", "")) for error in errors}
    messages = tuple(str(error.get("message", "")) for error in errors)
    if kinds & {"RATE_LIMIT", "RATE_LIMITED"}:
        reset = _reset(headers.get("x-ratelimit-reset"), now)
        return RateLimited(reset or now + timedelta(seconds=unnamed), "primary")
    if "NOT_FOUND" in kinds:
        return Gone("; ".join(messages))
    if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return PermissionMissing("; ".join(messages))
    return Unprocessable("GraphQL", messages)


def _said(body: Any) -> tuple[str, tuple[str, ...]]:
    """GitHub's message and the single errors below it, in whichever of its forms."""
    if not isinstance(body, dict):
        return "", ()
    said = cast(dict[str, Any], body)
    raw: Any = said.get("errors") or []
    errors = cast(list[Any], raw if isinstance(raw, list) else [raw])
    return str(said.get("message", "")), tuple(map(_sentence, errors))


def _sentence(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    parts = cast(dict[str, Any], error)
    return str(
        parts.get("message") or " ".join(str(parts[k]) for k in ("resource", "field", "code") if k in parts)
    )


def _retry_after(value: str, now: datetime, unnamed: float) -> datetime:
    try:
        return now + timedelta(seconds=float(value))
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except ValueError:
        return now + timedelta(seconds=unnamed)


def _reset(value: str | None, now: datetime) -> datetime | None:
    """The reset time, one second later (GitHub's are rounded down); never in the past."""
    if not value or not value.isdigit():
        return None
    return max(now, datetime.fromtimestamp(int(value) + 1, UTC))

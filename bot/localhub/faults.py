"""Faults on demand: what a network and a busy GitHub do to a client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

When = Literal["before", "after"]


@dataclass
class Fault:
    """One planned failure.

    Attributes:
        method: HTTP method, or "*".
        path: regular expression, searched in the path without the API prefix.
        when: "before" the request has any effect, or "after" it had it (the answer is replaced).
        status: the status to answer with; None lets the real answer through (for `delay`).
        times: how often it strikes; None for always.
        skip: how many matching requests pass first.
        drop: cut the connection instead of answering.
        delay: seconds to wait before answering.
    """

    method: str
    path: str
    when: When = "before"
    status: int | None = 502
    times: int | None = 1
    skip: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    drop: bool = False
    delay: float = 0.0
    struck: int = 0

    def matches(self, method: str, path: str) -> bool:
        if self.times is not None and self.struck >= self.times:
            return False
        return self.method in ("*", method) and re.search(self.path, path) is not None


class Faults:
    """The planned faults, oldest first; the first that matches strikes."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def add(self, method: str, path: str, **details: Any) -> Fault:
        """Plan a fault; see `Fault` for the details. Returns it (`.struck` counts)."""
        fault = Fault(method, path, **details)
        self.planned.append(fault)
        return fault

    def primary_limit(self, reset_in: float, method: str = "*", path: str = "", **details: Any) -> Fault:
        """The hourly limit is used up for `reset_in` seconds (as the header says; `times` decides how often)."""
        import time

        headers = {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-used": "5000",
            "x-ratelimit-reset": str(int(time.time() + reset_in)),
            "x-ratelimit-resource": "core",
        }
        body = {
            "message": "API rate limit exceeded for installation.",
            "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
            "status": "403",
        }
        return self.add(method, path, status=403, headers=headers, body=body, **details)

    def secondary_limit(
        self, retry_after: str | int | None = 1, method: str = "*", path: str = "", **details: Any
    ) -> Fault:
        """The limit on bursts; `retry_after` in seconds, as an HTTP date, or None for no such header."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        body = {
            "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            "documentation_url": "https://docs.github.com/free-pro-team@latest/rest/overview/"
            "rate-limits-for-the-rest-api#about-secondary-rate-limits",
            "status": "403",
        }
        return self.add(method, path, **({"status": 403} | details), headers=headers, body=body)

    def strike(self, method: str, path: str) -> Fault | None:
        for fault in self.planned:
            if fault.matches(method, path):
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None

    def clear(self) -> None:
        self.planned.clear()

"""Carrying requests to GitHub: one connection pool, retries, waits, redirects, ETags.

githubkit signs the app's JWT and carries the requests; what may be repeated is decided here, because only here it is known.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import random
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import structlog
from githubkit import BaseAuthStrategy, GitHub, Response
from githubkit.cache import MemCacheStrategy
from githubkit.exception import RequestError, RequestFailed

from bot.github.errors import Ambiguous, AuthFailed, GitHubDown, RateLimited, Refused
from bot.github.limits import Pace, graphql_problem, problem

log = structlog.get_logger("bot.github")

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_REDIRECTS = 3
# Nothing was sent, so even a POST may be tried again.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer.

    Attributes:
        next: URL of the next page, on the same host.
        cached: the body is the one of an earlier answer, GitHub said that it holds.
    """

    body: Any
    headers: Mapping[str, str]
    status: int
    next: str | None = None
    cached: bool = False


class Client(GitHub[BaseAuthStrategy]):
    """githubkit with one connection pool for life (its own hangs on a context variable), and 403/429 left to us."""

    _pool: httpx.AsyncClient | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def get_async_client(self) -> AsyncGenerator[httpx.AsyncClient, None]:
        if self._pool is None:
            self._loop = asyncio.get_running_loop()
            self._pool = await self._create_async_client()
        elif self._loop is not asyncio.get_running_loop():
            raise RuntimeError("a GitHubApp belongs to one event loop")
        yield self._pool

    def _check_rate_limit(self, response: Response[Any, Any]) -> None:
        """githubkit fails on a Retry-After that is a date; `limits.rate_limit` decides instead."""

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()


class Etags:
    """The newest answers to GETs by (who, URL): repeating them with their ETag is free of charge while they hold.

    Bounded in bytes. (githubkit's cache keeps everything in an in-memory SQLite behind a thread.)
    """

    def __init__(self, limit: int = 32_000_000) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[str, int, Answer]] = OrderedDict()
        self._limit, self._size = limit, 0

    def get(self, key: tuple[str, str]) -> tuple[str, Answer] | None:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        etag, _, answer = self._kept[key]
        return etag, answer

    def put(self, key: tuple[str, str], etag: str, size: int, answer: Answer) -> None:
        if key in self._kept:
            self._size -= self._kept.pop(key)[1]
        self._kept[key] = (etag, size, answer)
        self._size += size
        while self._size > self._limit:
            self._size -= self._kept.popitem(last=False)[1][1]


class Host:
    """Where GitHub is, and how we behave there. Shared by the app and its installations."""

    def __init__(self, api_url: str, api_version: str, pace: Pace, user_agent: str) -> None:
        self.api_url = api_url.rstrip("/")
        self.api_version = api_version
        self.pace = pace
        self.user_agent = user_agent
        self.graphql_url = graphql_url(self.api_url)
        self.etags = Etags()
        self._ssl = httpx.create_ssl_context()
        self._deprecations: set[str] = set()

    def client(self, auth: BaseAuthStrategy) -> Client:
        return Client(
            auth,
            base_url=self.api_url,
            user_agent=self.user_agent,
            timeout=_TIMEOUT,
            ssl_verify=self._ssl,
            follow_redirects=False,
            http_cache=False,
            cache_strategy=MemCacheStrategy(),
            auto_retry=False,
        )

    def is_ours(self, url: httpx.URL) -> bool:
        """Whether a URL is on the API's host (scheme, name and port), where our tokens may go."""
        return _origin(str(url)) == _origin(self.api_url)

    async def back_off(self, failures: int) -> None:
        """Sleep after the nth failure: doubling, with jitter."""
        await asyncio.sleep(self.pace.backoff * 2 ** (failures - 1) * _random.uniform(0.5, 1.0))

    def note_deprecation(self, path: str, headers: Mapping[str, str]) -> None:
        """An operator should hear once that a route or the API version is about to end."""
        ends = headers.get("sunset") or headers.get("deprecation")
        if ends and ends not in self._deprecations:
            self._deprecations.add(ends)
            log.warning("github.deprecated", path=path, ends=ends, api_version=self.api_version)


class Caller:
    """One identity that calls GitHub: sends, waits, retries."""

    def __init__(self, host: Host, client: Client, name: str) -> None:
        self.host = host
        self._client = client
        self._name = name
        self._not_before = 0.0  # monotonic: a limit holds for all calls of this identity
        self._limit: RateLimited | None = None
        self._strikes = 0

    async def _token(self) -> str | None:
        """The installation's token; None where the client signs by itself."""
        return None

    def _drop(self, token: str | None) -> bool:
        """Forget a token that was refused. True if a fresh one is worth a try."""
        return False

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str | int] | None = None,
        repeat: bool | None = None,
    ) -> Answer:
        """Send a request, and repeat it where that can do no harm.

        Args:
            path: relative to the API's base, or the full URL of a further page.
            repeat: whether it may be sent again when it is unknown if it took effect; by default all but POST.

        Raises:
            Ambiguous: it may have taken effect, and must not simply be repeated.
            GitHubError: as the subclass says.
        """
        params = params or None  # an empty one would erase the URL's own
        repeat = method != "POST" if repeat is None else repeat
        failures, limits, waited, renewed = 0, 0, 0.0, False
        while True:
            waited = await self._wait_for_limit(waited)
            token = await self._token()
            try:
                answer = await self._attempt(method, path, json, params, token)
            except RateLimited as limit:
                self._note_limit(limit)
                limits += 1
                if limits >= self.host.pace.attempts:
                    raise
            except AuthFailed:
                if renewed or not self._drop(token):
                    raise
                renewed = True
            except GitHubDown as down:
                failures += 1
                if failures >= self.host.pace.attempts or (isinstance(down, Ambiguous) and not repeat):
                    if method == "GET":
                        raise GitHubDown(str(down)) from down
                    raise
                log.warning("github.retry", method=method, path=path, attempt=failures, error=str(down))
                await self.host.back_off(failures)
            else:
                self._strikes = 0
                return answer

    async def _attempt(
        self, method: str, path: str, json: Any, params: Mapping[str, str | int] | None, token: str | None
    ) -> Answer:
        headers = {"X-GitHub-Api-Version": self.host.api_version}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        key = (self._name, str(httpx.URL(path, params=params)) if params else path)
        kept = self.host.etags.get(key) if method == "GET" else None
        if kept:
            headers["If-None-Match"] = kept[0]
        response = await self._send(method, path, json, params, headers)
        if response.status_code == 304 and kept:
            known = kept[1]
            return replace(known, next=self._next_page(response) or known.next, cached=True)
        body = _json(response)
        now = datetime.now(UTC)
        unnamed = self.host.pace.secondary * 2**self._strikes
        if wrong := problem(response.status_code, response.headers, body, now=now, unnamed=unnamed):
            raise wrong
        if path == self.host.graphql_url and (
            wrong := graphql_problem(body, response.headers, now=now, unnamed=unnamed)
        ):
            raise wrong
        answer = Answer(body, response.headers, response.status_code, self._next_page(response))
        if method == "GET" and (etag := response.headers.get("etag")):
            self.host.etags.put(key, etag, len(response.content), answer)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        json: Any,
        params: Mapping[str, str | int] | None,
        headers: dict[str, str],
    ) -> httpx.Response:
        """One request; redirects (renamed repositories) keep method and body, and never leave the host."""
        url = path
        for _ in range(_REDIRECTS + 1):
            started = time.monotonic()
            response = await self._once(method, url, json, params, headers)
            log.debug(
                "github.call",
                method=method,
                path=path,
                status=response.status_code,
                seconds=round(time.monotonic() - started, 3),
                remaining=response.headers.get("x-ratelimit-remaining"),
            )
            self.host.note_deprecation(path, response.headers)
            if not response.has_redirect_location:
                return response
            target = response.url.join(response.headers["location"])
            if not self.host.is_ours(target):
                raise Refused(f"redirect from {path} to another host ({target.host})", response.status_code)
            url, params = str(target), None
        raise Refused(f"too many redirects from {path}", 310)

    async def _once(
        self,
        method: str,
        url: str,
        json: Any,
        params: Mapping[str, str | int] | None,
        headers: dict[str, str],
    ) -> httpx.Response:
        try:
            answer = await self._client.arequest(method, url, json=json, params=params, headers=headers)
            return answer.raw_response
        except RequestFailed as failed:
            return failed.response.raw_response
        except RequestError as error:  # pyright: ignore[reportUnknownVariableType]
            cause = cast(Exception, error.exc)
            if isinstance(cause, _NOT_SENT):
                raise GitHubDown(f"GitHub cannot be reached: {cause!r}") from error
            if isinstance(cause, httpx.TransportError):
                raise Ambiguous(f"connection lost: {cause!r}") from error
            raise cause from error

    def _next_page(self, response: httpx.Response) -> str | None:
        url = response.links.get("next", {}).get("url")
        return url if url and self.host.is_ours(httpx.URL(url)) else None

    def _note_limit(self, limit: RateLimited) -> None:
        self._strikes += 1
        self._limit = limit
        wait = (limit.until - datetime.now(UTC)).total_seconds()
        self._not_before = max(self._not_before, time.monotonic() + wait)
        log.warning("github.limited", who=self._name, kind=limit.kind, until=limit.until.isoformat())

    async def _wait_for_limit(self, waited: float) -> float:
        """Sleep through a short limit; the seconds slept so far.

        Raises:
            RateLimited: it lasts longer than our patience.
        """
        wait = self._not_before - time.monotonic()
        if wait <= 0 or self._limit is None:
            return waited
        if waited + wait > self.host.pace.patience:
            raise RateLimited(self._limit.until, self._limit.kind)
        await asyncio.sleep(wait)
        return waited + wait


def graphql_url(api_url: str) -> str:
    """
    >>> graphql_url("https://api.github.com"), graphql_url("https://ghe.example.org/api/v3")
    ('https://api.github.com/graphql', 'https://ghe.example.org/api/graphql')
    """
    return re.sub(r"/api/v3$", "/api", api_url) + "/graphql"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _json(response: httpx.Response) -> Any:
    """The body, None if there is none. A success whose body is no JSON was cut short or made by a proxy.

    Raises:
        Ambiguous: as it says.
    """
    try:
        return response.json() if response.content else None
    except (jsonlib.JSONDecodeError, UnicodeDecodeError) as error:
        if response.is_success:
            raise Ambiguous(f"GitHub answered {response.status_code} without JSON") from error
        return None

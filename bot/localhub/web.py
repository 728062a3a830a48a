"""The REST side of HTTP: routes, calls, answers, pages of lists. One handler per operation, in `bot.localhub.routes`."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlencode

from bot.localhub.auth import Actor
from bot.localhub.errors import Refusal, malformed, not_found
from bot.localhub.state import Issue, Json, Pull, Repository, State
from bot.localhub.views import Urls

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

PER_PAGE = 30
MOST_PER_PAGE = 100
# Parameters that take slashes, as in GitHub's own paths.
_GREEDY = ("path", "ref", "basehead", "branch")


@dataclass
class Reply:
    """An answer; `body` None means an empty one, bytes go out as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        return (
            self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()
        )


@dataclass
class Call:
    """One request after authentication: what handlers see."""

    hub: LocalHub
    method: str
    path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    actor: Actor

    @property
    def state(self) -> State:
        return self.hub.state

    @property
    def urls(self) -> Urls:
        return self.hub.urls

    @property
    def repository(self) -> Repository:
        """The repository of the path; the dispatcher has made sure that it exists and may be seen."""
        found = self.state.repository(f"{self.params['owner']}/{self.params['repo']}")
        assert found
        return found

    def number(self, name: str) -> int:
        if not self.params[name].isdigit():
            raise not_found()
        return int(self.params[name])

    def issue(self, name: str = "issue_number") -> Issue:
        found = self.repository.issues.get(self.number(name))
        if found is None:
            raise not_found()
        return found

    def pull(self, name: str = "pull_number") -> Pull:
        found = self.issue(name)
        if not isinstance(found, Pull):
            raise not_found()
        return found

    def text(self, key: str, *, required: bool = True) -> str:
        """A string of the body."""
        value = self.body.get(key)
        if value is None and not required:
            return ""
        if value is None:
            raise malformed(f'"{key}" wasn\'t supplied.')
        if not isinstance(value, str):
            raise malformed(f"For 'properties/{key}', {json.dumps(value)} is not a string.")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.body.get(key, default)
        if value is None:
            raise malformed(f'"{key}" wasn\'t supplied.')
        if value not in allowed:
            listed = ", ".join(json.dumps(one) for one in allowed)
            raise malformed(f"For 'properties/{key}', {json.dumps(value)} is not a member of [{listed}].")
        return value

    def wants(self, media: str) -> bool:
        """Whether the Accept header asks for a GitHub media type such as `raw` or `diff`."""
        return f".{media}" in self.headers.get("accept", "")

    def page(
        self, items: Sequence[T], view: Callable[[T], Any], wrap: str | None = None, **extra: Any
    ) -> Reply:
        """One page of a list with its Link header; `wrap` puts it into an object with `total_count`."""
        size = _positive(self.query.get("per_page"), PER_PAGE, MOST_PER_PAGE)
        number = _positive(self.query.get("page"), 1, None)
        shown = [view(item) for item in items[(number - 1) * size : number * size]]
        last = max(1, -(-len(items) // size))
        headers = {} if last == 1 else {"link": self._links(number, last)}
        body = shown if wrap is None else {"total_count": len(items)} | extra | {wrap: shown}
        return Reply(200, body, headers)

    def _links(self, number: int, last: int) -> str:
        pages = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number <= 1:
            del pages["prev"], pages["first"]
        if number >= last:
            del pages["next"], pages["last"]
        return ", ".join(f'<{self.link(page=str(page))}>; rel="{rel}"' for rel, page in pages.items())

    def link(self, **changes: str) -> str:
        return f"{self.urls.api}{self.path}?{urlencode(self.query | changes)}"


T = TypeVar("T")
Handler = Callable[[Call], Reply]


def _positive(value: str | None, default: int, most: int | None) -> int:
    number = int(value) if value and value.isdigit() and int(value) > 0 else default
    return min(number, most) if most else number


@dataclass(frozen=True)
class Route:
    """One operation of the REST API.

    Attributes:
        template: path with GitHub's own parameter names.
        needs: permissions of which one suffices; empty for what needs none.
        jwt: whether only the app itself (JWT) may ask.
        people: least role of a person, where it is not what the permission suggests.
        body: keys that the body may have.
        query: keys that the query may have, besides those of pagination.
    """

    method: str
    template: str
    handler: Handler
    needs: tuple[str, ...]
    jwt: bool
    people: str | None
    body: frozenset[str]
    query: frozenset[str]
    pattern: re.Pattern[str]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


ROUTES: list[Route] = []


def route(
    method: str,
    template: str,
    *needs: str,
    jwt: bool = False,
    people: str | None = None,
    body: str = "",
    query: str = "",
) -> Callable[[Handler], Handler]:
    """Register a handler; `body` and `query` list keys separated by spaces. See `Route`."""

    def register(handler: Handler) -> Handler:
        keys, asked = frozenset(body.split()), frozenset(query.split())
        ROUTES.append(
            Route(
                method,
                template,
                handler,
                needs,
                jwt,
                people,
                keys,
                asked | {"page", "per_page"},
                _compile(template),
            )
        )
        return handler

    return register


def _compile(template: str) -> re.Pattern[str]:
    def part(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{'.+' if match[1] in _GREEDY else '[^/]+'})"

    escaped = re.sub(r"[.+()]", lambda match: "\\" + match[0], template)
    return re.compile(re.sub(r"\{(\w+)\}", part, escaped))


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a request. Fixed parts win over parameters, longer templates over shorter ones."""
    hits = [(one, params) for one in ROUTES if (params := one.match(method, path)) is not None]
    return max(
        hits, key=lambda hit: (-sum(len(v) for v in hit[1].values()), len(hit[0].template)), default=None
    )


def etag(body: bytes) -> str:
    return f'W/"{hashlib.sha256(body).hexdigest()}"'


def request_id() -> str:
    return ":".join(secrets.token_hex(2).upper() for _ in range(5))


def ok(body: Any) -> Reply:
    return Reply(200, body)


def created(body: Any) -> Reply:
    return Reply(201, body)


def empty() -> Reply:
    return Reply(204)


__all__ = ["ROUTES", "Call", "Refusal", "Reply", "created", "empty", "find", "ok", "route"]

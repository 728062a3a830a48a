"""The REST API's door: finds the route, knows who asks, strikes with planned faults, counts, and keeps the log."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.localhub import auth, web
from bot.localhub.auth import Actor
from bot.localhub.errors import Refusal, malformed, not_found
from bot.localhub.faults import Fault
from bot.localhub.hub import Exchange
from bot.localhub.routes import load
from bot.localhub.state import Json, Repository
from bot.localhub.web import Call, Reply, Route

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

logger = logging.getLogger("localhub")
LIMIT = 5000
HOUR = 3600
load()


class NoAnswer(Response):
    """Cuts the connection instead of answering (uvicorn's request cycle holds the transport)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


async def answer(hub: LocalHub, request: Request, path: str) -> Response:
    """One request to the REST API (or GraphQL); `path` is without the prefix."""
    raw = await request.body()
    method = request.method
    query = dict(request.query_params)
    fault = hub.faults.strike(method, path)
    if fault and fault.delay:
        await asyncio.sleep(fault.delay)
    body: Any = None
    actor = Actor()
    if fault and fault.when == "before" and (fault.status is not None or fault.drop):
        reply = _faulty(fault)
        body = _lenient(raw)
    else:
        body, actor, reply = await run_in_threadpool(_handle, hub, request, method, path, query, raw)
        if fault and (fault.status is not None or fault.drop):
            reply = _faulty(fault)
    status = 0 if fault and fault.drop else reply.status
    hub.log.append(Exchange(method, path, query, body, status, _name(actor), fault is not None))
    if fault and fault.drop:
        return NoAnswer()
    return _respond(hub, request, reply, actor)


def _faulty(fault: Fault) -> Reply:
    status = fault.status or 502
    body = fault.body if fault.body is not None else {"message": "Server Error", "status": str(status)}
    return Reply(status, body, dict(fault.headers))


def _lenient(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _handle(
    hub: LocalHub, request: Request, method: str, path: str, query: dict[str, str], raw: bytes
) -> tuple[Any, Actor, Reply]:
    """(parsed body, who, answer). Runs in a worker thread, one request at a time."""
    body, actor = _lenient(raw), Actor()
    with hub.lock:
        try:
            actor = auth.identify(hub.state, request.headers.get("authorization", ""))
            _count(hub, actor)
            return body, actor, _route(hub, request, method, path, query, raw, actor)
        except Refusal as refusal:
            return body, actor, Reply(refusal.status, refusal.body, refusal.headers)
        except Exception:
            hub.defects.append(f"{method} {path}\n{traceback.format_exc()}")
            logger.exception("%s %s", method, path)
            return body, actor, Reply(500, {"message": "localhub has a defect; see its log"})


def _route(
    hub: LocalHub, request: Request, method: str, path: str, query: dict[str, str], raw: bytes, actor: Actor
) -> Reply:
    hit = web.find(method, path)
    if hit is None:
        hub.violations.append(f"{method} {path}: no such route here")
        raise not_found()
    route, params = hit
    body = _body(raw)
    _check_keys(hub, route, path, query, body)
    if hub.judge and not actor.person:
        hub.violations += [
            f"{method} {path}: {text}" for text in hub.judge.request(method, path, query, body)
        ]
    call = Call(hub, method, path, params, query, dict(request.headers), body or {}, actor)
    if route.jwt and actor.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    if "repo" in params:
        repository = hub.state.repository(f"{params['owner']}/{params['repo']}") or _moved(hub, path, params)
        if not auth.can_see(actor, repository):
            raise not_found()
        if not route.jwt:
            auth.check(actor, repository, route.needs, route.people)
        if repository.archived and method != "GET":
            raise Refusal(403, "Repository was archived so is read-only.")
    reply = route.handler(call)
    if hub.judge and reply.status < 300 and not isinstance(reply.body, bytes):
        complaints = hub.judge.answer(method, route.template, reply.status, reply.body)
        hub.defects += [f"answer to {method} {path}: {text}" for text in complaints]
    return reply


def _moved(hub: LocalHub, path: str, params: dict[str, str]) -> Repository:
    """Renamed repositories answer 301 with the address by number."""
    moved = hub.state.moved.get(f"{params['owner']}/{params['repo']}".lower())
    if moved in hub.state.repositories:
        rest = path.removeprefix(f"/repos/{params['owner']}/{params['repo']}")
        url = f"{hub.urls.api}/repositories/{moved}{rest}"
        refusal = Refusal(301, "Moved Permanently", headers={"location": url})
        refusal.body["url"] = url
        raise refusal
    raise not_found()


def _body(raw: bytes) -> Json | None:
    if not raw:
        return None
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "Body should be a JSON object")
    return body  # pyright: ignore[reportUnknownVariableType]


def _check_keys(hub: LocalHub, route: Route, path: str, query: dict[str, str], body: Json | None) -> None:
    unknown = sorted((body or {}).keys() - route.body)
    for key in unknown:
        hub.violations.append(f"{route.method} {path}: unknown key {key!r} in the body")
    for key in sorted(query.keys() - route.query):
        hub.violations.append(f"{route.method} {path}: unknown parameter {key!r}")
    if unknown and hub.strict:
        names = ", ".join(f'"{key}"' for key in unknown)
        one = len(unknown) == 1
        raise malformed(f"{names} {'is not a permitted key' if one else 'are not permitted keys'}.")


def _count(hub: LocalHub, actor: Actor) -> None:
    """One point of the hourly limit."""
    if actor.token:
        installation, now = actor.token.installation, hub.state.clock.now()
        if installation.reset_at is None or now >= installation.reset_at:
            installation.reset_at = now.fromtimestamp(now.timestamp() + HOUR, now.tzinfo)
            installation.remaining = LIMIT
        if installation.remaining <= 0:
            raise Refusal(403, f"API rate limit exceeded for installation ID {installation.id}.")
        installation.remaining -= 1


def rate(hub: LocalHub, actor: Actor) -> Json:
    """`rate-limit` as in /rate_limit."""
    installation = actor.token.installation if actor.token else None
    left = installation.remaining if installation else LIMIT
    reset = installation.reset_at if installation else None
    at = int(reset.timestamp()) if reset else int(time.time()) + HOUR
    return {"limit": LIMIT, "remaining": left, "reset": at, "used": LIMIT - left}


def _respond(hub: LocalHub, request: Request, reply: Reply, actor: Actor) -> Response:
    body = reply.encoded()
    limits = {f"x-ratelimit-{name}": str(value) for name, value in rate(hub, actor).items()}
    headers = {
        "x-github-request-id": web.request_id(),
        "x-github-media-type": "github.v3; format=json",
        "x-github-api-version-selected": request.headers.get("x-github-api-version", "2022-11-28"),
        "cache-control": "private, max-age=60, s-maxage=60" if request.method == "GET" else "no-cache",
        "vary": "Accept, Authorization, Cookie, X-GitHub-OTP",
        **limits,
        "x-ratelimit-resource": "core",
        "content-type": "application/json; charset=utf-8",
        **reply.headers,
    }
    if request.method == "GET" and reply.status == 200:
        headers["etag"] = web.etag(body)
        if headers["etag"] in request.headers.get("if-none-match", ""):
            if actor.token:
                actor.token.installation.remaining += 1
            return Response(None, 304, headers)
    if not body:
        del headers["content-type"]
    return Response(body, reply.status, headers)


def _name(actor: Actor) -> str:
    if actor.app:
        return actor.app.slug
    if actor.token:
        return actor.token.installation.app.bot.login
    return actor.person.login if actor.person else ""

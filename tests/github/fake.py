"""A scripted HTTP server on loopback, for faults that a well-behaved GitHub does not have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from bot.github.limits import Pace
from bot.github.session import GitHubApp, Installation

FAST = Pace(content=0.0, other=0.0, patience=3.0, secondary=60.0, backoff=0.01, attempts=3)


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    json: Any

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


Reply = Response | Callable[[Call], Response]


@dataclass
class Fake:
    """Answers each path with its replies in turn, the last one for ever. Mints tokens `t1`, `t2`, … by itself."""

    replies: dict[tuple[str, str], list[Reply]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    lifetime: timedelta = timedelta(hours=1)
    minted: int = 0
    url: str = ""

    def on(self, method: str, path: str, *replies: Reply) -> None:
        self.replies[method, path] = list(replies)

    def seen(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    def answer(self, call: Call) -> Response:
        self.calls.append(call)
        replies = self.replies.get((call.method, call.path))
        if replies:
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            return reply if isinstance(reply, Response) else reply(call)
        if call.path.endswith("/access_tokens"):
            return self.mint()
        return JSONResponse({"message": "Not Found"}, 404)

    def mint(self) -> Response:
        self.minted += 1
        expires = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"token": f"t{self.minted}", "expires_at": expires, "permissions": {"checks": "write"}}
        return JSONResponse(body, 201)


def error(status: int, message: str = "", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"message": message}, status, headers=named)


def cut_short(status: int = 201) -> Response:
    """The connection dies in the middle of the answer."""

    async def half() -> AsyncIterator[bytes]:
        yield b'{"id":'
        raise ConnectionAbortedError

    return StreamingResponse(
        half(), status, media_type="application/json", headers={"content-length": "1000"}
    )


@asynccontextmanager
async def serve(fake: Fake) -> AsyncIterator[Fake]:
    async def everything(request: Request) -> Response:
        body = await request.body()
        json = await request.json() if body else None
        query = dict(request.query_params)
        return fake.answer(Call(request.method, request.url.path, query, dict(request.headers), json))

    methods = ["GET", "POST", "PATCH", "PUT", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", everything, methods=methods)])
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    # Without uvicorn's main loop, whose ticks make every shutdown last 0.2 s.
    server = await asyncio.get_running_loop().create_server(
        lambda: H11Protocol(config, state, {}), "127.0.0.1", 0
    )
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await asyncio.gather(*state.tasks, return_exceptions=True)


@asynccontextmanager
async def connected(fake: Fake, pace: Pace = FAST, **options: Any) -> AsyncIterator[Installation]:
    """The server, and an installation that talks to it."""
    async with serve(fake), GitHubApp(fake.url, 7, private_key(), pace=pace, **options) as app:
        yield app.installation(1)

"""One local GitHub: its state, its server, and what tests may ask of it."""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import httpx
import uvicorn

from bot.localhub.deliveries import Deliveries
from bot.localhub.events import Events
from bot.localhub.faults import Faults
from bot.localhub.people import People
from bot.localhub.state import Json, Notification, State
from bot.localhub.views import Urls

logger = logging.getLogger("localhub")


class Contract(Protocol):
    """A judge of requests, answers and webhooks; what it returns are complaints."""

    def request(self, method: str, path: str, query: dict[str, str], body: Any) -> list[str]: ...

    def answer(self, method: str, template: str, status: int, body: Any) -> list[str]: ...

    def webhook(self, event: str, action: str | None, payload: Any) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it was answered. `path` is without the API prefix; `fault` says that a planned fault struck."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    actor: str
    fault: bool = False


@dataclass(eq=False, repr=False)
class LocalHub(People):
    """A GitHub on loopback. Use as a context manager, or `start` and `stop`.

    Args:
        folder: where the git repositories lie; a temporary folder if None.
        prefix: path before the REST API: "/api/v3" as on GitHub Enterprise Server, or "".
        strict: refuse unknown keys of bodies (422), besides noting them as violations.

    Attributes:
        contracts: where a judge of requests and answers comes from, for all hubs of this process (tests set it).
        violations: what a client did that GitHub does not know: routes, keys, schema. Tests assert that it is empty.
        defects: our own mistakes: exceptions in handlers, answers off the schema. Empty, too.
        log: all API requests, oldest first.
    """

    contracts: ClassVar[list[Callable[[], Contract | None]]] = []
    folder: Path | None = None
    prefix: str = "/api/v3"
    strict: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    violations: list[str] = field(default_factory=list[str])
    defects: list[str] = field(default_factory=list[str])
    log: list[Exchange] = field(default_factory=list[Exchange])

    def __post_init__(self) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if self.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="localhub-", ignore_cleanup_errors=True)
            self.folder = Path(self._temporary.name)
        self.lock = threading.RLock()
        self.state = State()
        self.faults = Faults()
        self.webhooks = Deliveries(self)
        self.events = Events(self)
        self.urls = Urls("", "")
        self.judge: Contract | None = None
        self.loop: asyncio.AbstractEventLoop
        self.client: httpx.AsyncClient
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    # Server

    @property
    def url(self) -> str:
        """Where people look, and git."""
        return self.urls.web

    @property
    def api_url(self) -> str:
        """The base URL for a client of the REST API."""
        return self.urls.api

    def start(self) -> LocalHub:
        """Serve in a thread of its own; returns when it answers."""
        from bot.localhub.server import application

        self.judge = next((judge for source in self.contracts if (judge := source())), None)
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        web = f"http://{self.host}:{self.port}"
        self.urls = Urls(web + self.prefix, web)
        config = uvicorn.Config(
            application(self), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(listener,), name="localhub", daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the local GitHub did not start")
        return self

    def _run(self, listener: socket.socket) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            # No connection is kept: the receiver may have been killed and started again between two deliveries.
            limits = httpx.Limits(max_keepalive_connections=0)
            async with httpx.AsyncClient(
                trust_env=False, follow_redirects=False, limits=limits
            ) as self.client:
                self._ready.set()
                assert self._server
                await self._server.serve(sockets=[listener])

        # What is only drawn from the log of the process, not from its signals: this is not the main thread.
        asyncio.run(serve())

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(10)
            self._server = self._thread = None
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> LocalHub:
        return self if self._server else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Until the server ends (for the command line)."""
        while self._thread and self._thread.is_alive():
            self._thread.join(0.5)

    # What tests look at

    @property
    def notifications(self) -> list[Notification]:
        return self.state.notifications

    @property
    def writes(self) -> list[Exchange]:
        """Requests of apps that changed something (tokens apart), successful ones only."""
        return [
            one
            for one in self.log
            if one.method != "GET"
            and one.status < 300
            and not one.path.endswith("/access_tokens")
            and not _is_query(one)
        ]

    def requests(self, method: str, pattern: str) -> list[Exchange]:
        """The logged requests whose path matches a regular expression."""
        import re

        return [one for one in self.log if one.method == method and re.search(pattern, one.path)]

    def dump(self) -> Json:
        """All state as JSON (also at `/_state`)."""
        from bot.localhub.dump import dump

        with self.lock:
            return dump(self)


def _is_query(one: Exchange) -> bool:
    return one.path == "/graphql" and "mutation" not in str(one.body)

"""The routes of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.inbox import Inbox, InboxUnavailable, Stats
from bot.render.environment import template_folder
from bot.server.health import Cached, Probe, own_probes, readiness
from bot.server.metrics import Metrics
from bot.server.webhook import Webhook
from bot.settings import Settings
from checks import __version__

PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


def create_app(settings: Settings, inbox: Inbox, probes: Mapping[str, Probe] | None = None) -> Starlette:
    """The server over an open inbox. Whoever opens the inbox closes it.

    Args:
        probes: further conditions of readiness by name, for example the last successful call to GitHub.
    """
    metrics = Metrics()
    pages = Environment(
        loader=FileSystemLoader(template_folder() / "web"), autoescape=True, undefined=StrictUndefined
    )
    ready = Cached(lambda: readiness({**own_probes(settings, inbox), **(probes or {})}), seconds=2)

    async def stats() -> Stats | None:
        try:
            return await inbox.stats()
        except InboxUnavailable:
            return None

    recent = Cached(stats, seconds=1)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"alive": inbox.alive}, 200 if inbox.alive else 500)

    async def readyz(_request: Request) -> Response:
        good, told = cast("tuple[bool, dict[str, object]]", await ready())
        return JSONResponse({"ready": good, "checks": told}, 200 if good else 503)

    async def figures(_request: Request) -> Response:
        text = metrics.text(cast("Stats | None", await recent()))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def index(_request: Request) -> Response:
        page = pages.get_template("index.html").render(
            version=__version__, web=settings.github_web, readonly=settings.readonly
        )
        return HTMLResponse(page, headers=PAGE_HEADERS)

    return Starlette(
        routes=[
            Route("/webhook", Webhook(settings, inbox, metrics).receive, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", figures),
            Route("/", index),
        ]
    )

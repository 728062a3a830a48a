"""The ASGI application of one hub: REST, GraphQL, git, people, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.localhub import api, pages, remote, smarthttp

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# With an empty prefix, REST and pages share the root: these first parts of a path are the API's.
API_PARTS = ("repos", "app", "users", "user", "installation", "installations", "app-manifests", "repositories",
             "rate_limit", "meta", "orgs")  # fmt: skip


def application(hub: LocalHub) -> Starlette:
    """Everything under one address."""

    async def rest(request: Request) -> Response:
        return await api.answer(hub, request, "/" + request.path_params["path"])

    async def query(request: Request) -> Response:
        return await api.answer(hub, request, "/graphql")

    async def git(request: Request) -> Response:
        owner, name = request.path_params["owner"], request.path_params["name"]
        return await smarthttp.answer(hub, request, owner, name, request.path_params["rest"])

    async def state(_: Request) -> Response:
        return JSONResponse(hub.dump())

    async def people(request: Request) -> Response:
        return await remote.answer(hub, request, request.path_params["method"])

    async def root(request: Request) -> Response:
        path = request.path_params["path"]
        if not hub.prefix and path.split("/")[0] in API_PARTS:
            return await api.answer(hub, request, "/" + path)
        return await pages.answer(hub, request, path)

    queries = ["/api/graphql", "/graphql"]
    routes = [
        *(Route(path, query, methods=["POST"]) for path in queries),
        *([Route(hub.prefix + "/{path:path}", rest, methods=METHODS)] if hub.prefix else []),
        Route("/_state", state),
        Route("/_people/{method}", people, methods=["POST"]),
        Route("/{owner}/{name}.git/{rest:path}", git, methods=["GET", "POST"]),
        Route("/{path:path}", root, methods=METHODS),
    ]
    return Starlette(routes=routes)

"""A little Hugging Face Hub on loopback: what huggingface_hub's own client asks for, and nothing else."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repo:
    """A model repository. `config` may be bytes, to be wrong."""

    config: dict[str, Any] | bytes | None = None
    files: tuple[str, ...] = ()
    downloads: int = 0
    gated: bool = False


@dataclass
class Hub:
    """Repositories by name, and what goes wrong."""

    repos: dict[str, Repo] = field(default_factory=dict[str, Repo])
    broken: bool = False
    url: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/models", self._list),
                Route("/api/models/{org}/{name}", self._info),
                Route("/{org}/{name}/resolve/{revision}/config.json", self._config, methods=["GET", "HEAD"]),
            ]
        )

    def _list(self, request: Request) -> Response:
        if self.broken:
            return Response("<html>maintenance</html>", 503)
        wanted = request.query_params["filter"]
        found = [
            {"id": name, "downloads": repo.downloads}
            for name, repo in self.repos.items()
            if isinstance(repo.config, dict) and repo.config.get("model_type") == wanted
        ]
        return JSONResponse(sorted(found, key=lambda model: -model["downloads"])[:1])

    def _info(self, request: Request) -> Response:
        name = f"{request.path_params['org']}/{request.path_params['name']}"
        repo = self.repos.get(name)
        if self.broken:
            return Response("<html>maintenance</html>", 503)
        if repo is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        files = [*repo.files, *(["config.json"] if repo.config is not None else [])]
        siblings = [{"rfilename": file, "size": 100} for file in files]
        return JSONResponse(
            {"id": name, "sha": SHA, "siblings": siblings, "private": False, "gated": repo.gated}
        )

    def _config(self, request: Request) -> Response:
        repo = self.repos[f"{request.path_params['org']}/{request.path_params['name']}"]
        if repo.gated:
            return _error(403, "GatedRepo", "Access to this model is restricted.")
        content = repo.config if isinstance(repo.config, bytes) else json.dumps(repo.config).encode()
        return Response(content, headers={"x-repo-commit": SHA, "etag": f'"{hash(content)}"'})


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse(
        {"error": message}, status, headers={"x-error-code": code, "x-error-message": message}
    )


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """`hub` on a free port of loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(hub.app(), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    hub.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield hub
    finally:
        server.should_exit = True
        thread.join()
        listening.close()

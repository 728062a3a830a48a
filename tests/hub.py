"""A little Hugging Face Hub on loopback: what huggingface_hub's own client asks for, and nothing else.

Reads (lists, infos, files with their etags) and what a pull request with weights takes: whoami, preupload, Git LFS (batch, upload, verify),
commits as ndjson, discussions.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SHA = "0123456789abcdef0123456789abcdef01234567"
ACCOUNT, TOKEN = "tfport", "hf_tokenOfThisMachineOnly"


@dataclass
class Discussion:
    """A pull request on the Hub. `files` are what it adds."""

    number: int
    title: str
    author: str
    description: str
    files: dict[str, bytes]
    status: str = "open"
    comments: list[str] = field(default_factory=list[str])


@dataclass
class Repo:
    """A model repository. `config` may be bytes, to be wrong; `contents` are files that can be fetched."""

    config: dict[str, Any] | bytes | None = None
    files: tuple[str, ...] = ()
    downloads: int = 0
    gated: bool = False
    contents: dict[str, bytes] = field(default_factory=dict[str, bytes])
    discussions: list[Discussion] = field(default_factory=list[Discussion])

    def content(self, path: str) -> bytes | None:
        if path == "config.json" and self.config is not None:
            return self.config if isinstance(self.config, bytes) else json.dumps(self.config).encode()
        return self.contents.get(path)

    def merge(self, discussion: Discussion) -> None:
        """Its owner takes a pull request."""
        discussion.status = "merged"
        self.contents |= discussion.files


@dataclass
class Hub:
    """Repositories by name, and what goes wrong.

    Attributes:
        violations: what a client did that the Hub does not know; tests assert that it is empty.
    """

    repos: dict[str, Repo] = field(default_factory=dict[str, Repo])
    broken: bool = False
    url: str = ""
    stored: dict[str, bytes] = field(default_factory=dict[str, bytes])
    violations: list[str] = field(default_factory=list[str])
    commits: int = 0
    visits: int = 0

    def app(self) -> Starlette:
        repo, model = "/{org}/{name}", "/api/models/{org}/{name}"
        return Starlette(
            routes=[
                Route("/api/models", self._list),
                Route("/api/whoami-v2", self._whoami),
                # What the client asks for where it takes itself for driven by a program; nobody needs an answer.
                Route("/api/agent-harnesses", lambda _: Response("Not Found", 404)),
                Route(model, self._info),
                Route(f"{model}/revision/{{revision}}", self._info),
                Route(f"{model}/tree/{{revision}}", self._tree),
                Route(f"{model}/preupload/{{revision}}", self._preupload, methods=["POST"]),
                Route(f"{model}/commit/{{revision}}", self._commit, methods=["POST"]),
                Route(f"{model}/discussions", self._discussions),
                Route(f"{model}/discussions/{{number:int}}", self._discussion),
                Route(f"{model}/discussions/{{number:int}}/comment", self._comment, methods=["POST"]),
                Route(f"{repo}.git/info/lfs/objects/batch", self._batch, methods=["POST"]),
                Route("/lfs/{oid}", self._upload, methods=["PUT"]),
                Route("/lfs/{oid}/verify", self._verify, methods=["POST"]),
                Route(f"{repo}/resolve/{{revision}}/{{path:path}}", self._file, methods=["GET", "HEAD"]),
                Route("/{rest:path}", self._unknown, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]),
            ]
        )

    async def _unknown(self, request: Request) -> Response:
        self.violations.append(f"{request.method} {request.url.path}: there is no such route")
        return Response("Not Found", 404)

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
        name, repo = self._named(request)
        if self.broken:
            return Response("<html>maintenance</html>", 503)
        if repo is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        files = [*repo.files, *repo.contents, *(["config.json"] if repo.config is not None else [])]
        siblings = [{"rfilename": file, "size": len(repo.content(file) or b"x" * 100)} for file in files]
        return JSONResponse(
            {"id": name, "sha": SHA, "siblings": siblings, "private": False, "gated": repo.gated}
        )

    def _tree(self, request: Request) -> Response:
        _, repo = self._named(request)
        if repo is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        paths = [*repo.contents, *(["config.json"] if repo.config is not None else [])]
        return JSONResponse([_blob(path, repo.content(path) or b"") for path in paths])

    def _file(self, request: Request) -> Response:
        _, repo = self._named(request)
        content = repo.content(request.path_params["path"]) if repo else None
        if repo is not None and repo.gated:
            return _error(403, "GatedRepo", "Access to this model is restricted.")
        if content is None:
            return _error(404, "EntryNotFound", "Entry not found")
        etag = hashlib.sha256(content).hexdigest()
        return Response(
            content, headers={"x-repo-commit": SHA, "etag": f'"{etag}"', "accept-ranges": "bytes"}
        )

    # -- writes

    def _whoami(self, request: Request) -> Response:
        if not _is_ours(request):
            return JSONResponse({"error": "Invalid credentials in Authorization header"}, 401)
        return JSONResponse({"type": "user", "id": "1", "name": ACCOUNT, "auth": {"type": "access_token"}})

    async def _preupload(self, request: Request) -> Response:
        if not _is_ours(request):
            return _error(401, "RepoNotFound", "Invalid username or password.")
        told = await request.json()
        self._expect(request, told, {"files"}, {"gitAttributes", "gitIgnore"})
        files = [
            {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(".h5") else "regular",
             "shouldIgnore": False, "oid": None}
            for file in told["files"]
        ]  # fmt: skip
        return JSONResponse({"files": files})

    async def _batch(self, request: Request) -> Response:
        if not _is_ours(request):
            return _error(401, "RepoNotFound", "Invalid username or password.")
        told = await request.json()
        self._expect(request, told, {"operation", "transfers", "objects", "hash_algo"}, {"ref"})
        found: list[dict[str, Any]] = []
        for one in told["objects"]:
            place = f"{self.url}/lfs/{one['oid']}"
            entry: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.stored:
                entry["actions"] = {"upload": {"href": place}, "verify": {"href": f"{place}/verify"}}
            found.append(entry)
        return JSONResponse(
            {"transfer": "basic", "objects": found}, media_type="application/vnd.git-lfs+json"
        )

    async def _upload(self, request: Request) -> Response:
        content = await request.body()
        if hashlib.sha256(content).hexdigest() != request.path_params["oid"]:
            return Response("checksum", 422)
        self.stored[request.path_params["oid"]] = content
        return Response()

    async def _verify(self, request: Request) -> Response:
        told = await request.json()
        there = self.stored.get(told["oid"])
        return Response(status_code=200 if there is not None and len(there) == told["size"] else 404)

    async def _commit(self, request: Request) -> Response:
        name, repo = self._named(request)
        if not _is_ours(request) or repo is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        if request.headers["content-type"] != "application/x-ndjson":
            self.violations.append(f"commit as {request.headers['content-type']}")
        header, *operations = [json.loads(line) for line in (await request.body()).splitlines()]
        if header["key"] != "header" or "create_pr" not in request.query_params:
            self.violations.append("a commit that is no pull request")
        if header["value"].get("parentCommit") not in (None, SHA):
            return _error(
                412, "PreconditionFailed", "A commit has happened since. Please refresh and try again."
            )
        files: dict[str, bytes] = {}
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "lfsFile" and value["oid"] in self.stored:
                files[value["path"]] = self.stored[value["oid"]]
            else:
                self.violations.append(f"operation {operation['key']}")
        self.commits += 1
        number = len(repo.discussions) + 1
        summary, text = header["value"]["summary"], header["value"]["description"]
        repo.discussions.append(Discussion(number, summary, ACCOUNT, text, files))
        oid = hashlib.sha1(f"{name}{number}".encode(), usedforsecurity=False).hexdigest()
        address = f"{self.url}/{name}"
        return JSONResponse(
            {
                "success": True,
                "commitOid": oid,
                "commitUrl": f"{address}/commit/{oid}",
                "pullRequestUrl": f"{address}/discussions/{number}",
            }
        )

    def _discussions(self, request: Request) -> Response:
        name, repo = self._named(request)
        if repo is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        author = request.query_params.get("author")
        found = [_brief(name, one) for one in repo.discussions if author in (None, one.author)]
        return JSONResponse({"discussions": found, "count": len(found), "start": 0})

    def _discussion(self, request: Request) -> Response:
        name, repo = self._named(request)
        one = self._one(repo, request)
        self.visits += 1
        if one is None:
            return _error(404, "EntryNotFound", "Discussion not found")
        texts = [one.description, *one.comments]
        events = [_event(number, text, one.author) for number, text in enumerate(texts)]
        more = {
            "events": events,
            "filesWithConflicts": [],
            "changes": {"base": "refs/heads/main"},
            "diff": "",
        }
        return JSONResponse(_brief(name, one) | more)

    async def _comment(self, request: Request) -> Response:
        _, repo = self._named(request)
        one = self._one(repo, request)
        if not _is_ours(request) or one is None:
            return _error(401, "RepoNotFound", "Invalid username or password.")
        text = (await request.json())["comment"]
        one.comments.append(text)
        return JSONResponse({"newMessage": _event(len(one.comments), text, ACCOUNT)})

    def _one(self, repo: Repo | None, request: Request) -> Discussion | None:
        number = request.path_params["number"]
        return next((d for d in repo.discussions if d.number == number), None) if repo else None

    def _named(self, request: Request) -> tuple[str, Repo | None]:
        name = f"{request.path_params['org']}/{request.path_params['name']}"
        return name, self.repos.get(name)

    def _expect(self, request: Request, told: Any, needed: set[str], allowed: set[str]) -> None:
        if not needed <= set(told) <= needed | allowed:
            self.violations.append(f"{request.url.path}: keys {sorted(told)}")


def _blob(path: str, content: bytes) -> dict[str, Any]:
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return {"type": "file", "oid": oid, "size": len(content), "path": path}


def _is_ours(request: Request) -> bool:
    return request.headers.get("authorization") == f"Bearer {TOKEN}"


def _brief(name: str, one: Discussion) -> dict[str, Any]:
    return {
        "num": one.number,
        "title": one.title,
        "status": one.status,
        "isPullRequest": True,
        "author": {"name": one.author},
        "createdAt": _now(),
        "repo": {"name": name, "type": "model"},
    }


def _event(number: int, text: str, author: str) -> dict[str, Any]:
    data = {"edited": False, "hidden": False, "latest": {"raw": text, "updatedAt": _now()}}
    return {
        "id": f"{number:016x}",
        "type": "comment",
        "createdAt": _now(),
        "author": {"name": author},
        "data": data,
    }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


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

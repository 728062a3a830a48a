"""Git over HTTP: `git http-backend` as a CGI program, with GitHub's tokens in front."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from bot.localhub import auth, git
from bot.localhub.actions import pulls
from bot.localhub.auth import Actor
from bot.localhub.errors import Refusal
from bot.localhub.hub import Exchange
from bot.localhub.state import Repository

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

CHUNK = 1 << 16
SERVICES = ("info/refs", "git-upload-pack", "git-receive-pack")


async def answer(hub: LocalHub, request: Request, owner: str, name: str, rest: str) -> Response:
    """One request of a git client to `/{owner}/{name}.git/{rest}`."""
    if rest not in SERVICES:
        return PlainTextResponse("Not Found", 404)
    writing = rest == "git-receive-pack" or request.query_params.get("service") == "git-receive-pack"
    fault = hub.faults.strike(request.method, request.url.path)
    if fault and fault.delay:
        await asyncio.sleep(fault.delay)
    if fault and fault.status is not None:
        return PlainTextResponse("fault", fault.status)
    try:
        actor, repository = await run_in_threadpool(
            _admit, hub, request, f"{owner}/{name.removesuffix('.git')}", writing
        )
    except Refusal as refusal:
        headers = {"www-authenticate": 'Basic realm="GitHub"'} if refusal.status == 401 else {}
        return PlainTextResponse(str(refusal), refusal.status, headers)
    hub.log.append(
        Exchange(
            request.method, request.url.path, dict(request.query_params), None, 200, "git", fault is not None
        )
    )
    if not (writing and request.method == "POST"):
        return await _backend(request, repository, rest, actor)
    before = await run_in_threadpool(git.refs, repository.path)
    reply = await _backend(request, repository, rest, actor, whole=True)
    await run_in_threadpool(_pushed, hub, repository, before, actor)
    return reply


def _admit(hub: LocalHub, request: Request, full_name: str, writing: bool) -> tuple[Actor, Repository]:
    with hub.lock:
        actor = auth.identify(hub.state, request.headers.get("authorization", ""))
        repository = hub.state.repository(full_name)
        if repository is None:
            moved = hub.state.moved.get(full_name.lower())
            repository = hub.state.repositories.get(moved or 0)
        if repository is None or not auth.can_see(actor, repository):
            raise Refusal(404 if actor != Actor() else 401, "Repository not found.")
        if writing and actor == Actor():
            raise Refusal(401, "Authentication required")
        if not (writing and _allows_edits(hub, actor, repository)):
            auth.check(actor, repository, ("contents:write",) if writing else ("contents:read",))
        if writing and repository.archived:
            raise Refusal(403, "This repository was archived so it is read-only.")
        return actor, repository


def _allows_edits(hub: LocalHub, actor: Actor, fork: Repository) -> bool:
    """Whether the fork lets maintainers edit a branch: an open pull request of it to where the app may write says so."""
    return bool(_editable(hub, actor, fork))


def _editable(hub: LocalHub, actor: Actor, fork: Repository) -> set[str]:
    """The branches of a fork that the app may push to as a maintainer may."""
    token = actor.token
    if token is None or not auth.granted(token, "contents:write"):
        return set()
    return {
        f"refs/heads/{pull.head_ref}"
        for repository in hub.state.repositories.values()
        if auth.covers(token, repository)
        for pull in repository.pulls
        if pull.state == "open" and pull.head_repo is fork and pull.maintainer_can_modify
    }


def _pushed(hub: LocalHub, repository: Repository, before: dict[str, str], actor: Actor) -> None:
    with hub.lock:
        if actor.token is not None and not auth.covers(actor.token, repository):
            allowed = _editable(hub, actor, repository)
            for ref, sha in git.refs(repository.path).items():
                if before.get(ref) != sha and ref not in allowed:  # GitHub refuses it beforehand
                    hub.violations.append(f"push to {ref} of {repository.full_name}: not a branch to edit")
                    git.set_ref(repository.path, ref, before.get(ref))
        pulls.moved(hub, repository, before, actor.user)


def basic(user: str, token: str) -> str:
    """The Authorization header that git sends for `https://user:token@…`."""
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


async def _backend(
    request: Request, repository: Repository, rest: str, actor: Actor, whole: bool = False
) -> Response:
    path = repository.path
    variables = git.environment() | {
        "GIT_PROJECT_ROOT": str(path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{path.name}/{rest}",
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "REMOTE_USER": actor.user.login if actor != Actor() else "",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
    }
    if length := request.headers.get("content-length"):
        variables["CONTENT_LENGTH"] = length
    process = await asyncio.create_subprocess_exec(
        "git", "http-backend", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=variables, limit=CHUNK,
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(process, request))
    assert process.stdout
    status, headers = 200, dict[str, str]()
    while line := (await process.stdout.readline()).decode("latin-1").strip():
        key, _, value = line.partition(":")
        if key.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[key.lower()] = value.strip()
    body = _drain(process, feeding)
    if not whole:
        return StreamingResponse(body, status, headers)
    return Response(b"".join([chunk async for chunk in body]), status, headers)


async def _feed(process: asyncio.subprocess.Process, request: Request) -> None:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        async for chunk in request.stream():
            process.stdin.write(chunk)
            await process.stdin.drain()
    process.stdin.close()


async def _drain(process: asyncio.subprocess.Process, feeding: asyncio.Task[None]) -> AsyncIterator[bytes]:
    assert process.stdout
    done = False
    try:
        while chunk := await process.stdout.read(CHUNK):
            yield chunk
        await feeding
        done = True
    finally:
        if not done:  # the client went away
            feeding.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

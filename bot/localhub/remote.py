"""The people API for other processes: `POST /_people/METHOD` with the arguments as one JSON object."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.localhub.errors import Refusal
from bot.localhub.git import GitError
from bot.localhub.people import NoSuch, People
from bot.localhub.state import (
    App,
    CheckRun,
    Comment,
    Delivery,
    Installation,
    Issue,
    Pull,
    Repository,
    Review,
    ReviewComment,
    User,
)
from bot.localhub.views import accounts, checks, pulls, repositories, users

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

METHODS = {name for name in dir(People) if not name.startswith("_")} - {"user_of"}


async def answer(hub: LocalHub, request: Request, name: str) -> Response:
    """400 with one sentence where the arguments are wrong."""
    if name not in METHODS:
        return JSONResponse({"error": f"there is no method {name}; known: {', '.join(sorted(METHODS))}"}, 404)
    arguments: Any = await request.json() if await request.body() else {}
    method = getattr(hub, name)
    positional = [
        value
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.VAR_POSITIONAL
        for value in arguments.pop(parameter.name, [])
    ]
    if positional:
        leading = [
            p.name for p in inspect.signature(method).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        positional = [arguments.pop(name) for name in leading if name in arguments] + positional
    try:
        result = await run_in_threadpool(method, *positional, **arguments)
        return JSONResponse(await run_in_threadpool(_shown, hub, result))
    except Refusal as refusal:
        return JSONResponse({"error": str(refusal), **refusal.body}, 400)
    except (NoSuch, GitError, TypeError, ValueError) as problem:
        return JSONResponse({"error": str(problem)}, 400)


def _shown(hub: LocalHub, result: Any) -> Any:
    with hub.lock:
        return shown(hub, result)


def shown(hub: LocalHub, result: Any) -> Any:
    """The REST form of what a method returned; for apps with their key and secret (this is a toy's)."""
    urls = hub.urls
    match result:
        case User():
            return users.user(urls, result) | {"token": result.token}
        case App():
            secrets = {"pem": result.private_key, "webhook_secret": result.webhook_secret}
            return accounts.app(urls, result) | secrets
        case Installation():
            return accounts.installation(urls, result)
        case Repository():
            return repositories.repository(urls, result)
        case Pull():
            return pulls.full_pull(urls, result)
        case Issue():
            return pulls.issue(urls, result)
        case Comment():
            return pulls.comment(urls, result)
        case Review():
            return pulls.review(urls, result)
        case ReviewComment():
            return pulls.review_comment(urls, result)
        case CheckRun():
            return checks.run(urls, result)
        case Delivery():
            return accounts.delivery_item(result)
        case list():
            return [shown(hub, one) for one in result]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return result

"""To come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub


async def answer(hub: LocalHub, request: Request, path: str) -> Response:
    return JSONResponse({}, 404)

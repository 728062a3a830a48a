"""`tfport setup`: registers the app with two clicks, through GitHub's manifest flow, and writes its settings to `.env`.

A page on this machine hands app.yml to GitHub's registration page; GitHub sends the browser back with a code, which is exchanged
for the app's id, key and webhook secret. A random key in the page's address keeps others on the machine out; it is GitHub's `state`, too.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
import yaml
from dotenv import dotenv_values
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.github.manifest import Registered, convert
from bot.render.environment import template_folder
from bot.settings import web_url
from checks.errors import UserError

ENV = Path(".env")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be registered.

    Attributes:
        url: where GitHub will reach the bot, without `/webhook`.
        organization: who shall own the app; "" for the account that is signed in.
        data_dir: where the private key goes.
    """

    url: str
    data_dir: Path
    name: str = ""
    organization: str = ""
    github_api: str = "https://api.github.com"
    port: int = 0


def manifest(wanted: Wanted, redirect_url: str) -> dict[str, Any]:
    """app.yml as GitHub's registration page takes it, with the addresses of this bot."""
    packaged = Path(__file__).parent.parent / "app.yml"
    file = packaged if packaged.exists() else packaged.parents[1] / "app.yml"
    app = yaml.safe_load(file.read_text("utf-8"))
    hook = {**app["hook_attributes"], "url": f"{wanted.url.rstrip('/')}/webhook"}
    return {**app, "name": wanted.name or app["name"], "hook_attributes": hook, "redirect_url": redirect_url}


def setup(wanted: Wanted, *, listening: Callable[[str], None]) -> Registered:
    """Serves the page until the app is registered and its settings are written. `listening` gets the page's address.

    Raises:
        UserError: an app is configured already, or `wanted` is not usable.
    """
    if os.environ.get("TFPORT_APP_ID") or (ENV.exists() and dotenv_values(ENV).get("TFPORT_APP_ID")):
        raise UserError(
            "an app is configured already: TFPORT_APP_ID is set", hint="unset it to register another"
        )
    parts = urlsplit(wanted.url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise UserError(
            f"{wanted.url} is not an https:// address", hint="give the address that GitHub will call"
        )
    return asyncio.run(_serve(wanted, listening))


async def _serve(wanted: Wanted, listening: Callable[[str], None]) -> Registered:
    try:
        listener = socket.create_server(("127.0.0.1", wanted.port))
    except OSError as error:
        raise UserError(
            f"cannot listen on port {wanted.port}: {error.strerror}", hint="take another one"
        ) from None
    page = f"http://127.0.0.1:{listener.getsockname()[1]}/setup/{secrets.token_urlsafe(16)}"
    done: asyncio.Future[Registered] = asyncio.get_running_loop().create_future()
    config = uvicorn.Config(create_app(wanted, page, done), lifespan="off", log_level="warning", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    listening(page)
    await asyncio.wait({serving, done}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving  # the last answer is still sent
    if not done.done():
        raise UserError("no app was registered", hint="run tfport setup again")
    return done.result()


def create_app(wanted: Wanted, page: str, done: asyncio.Future[Registered]) -> Starlette:
    """The two pages: at the address `page`, and where GitHub sends the browser back. `done` gets the app."""
    path = urlsplit(page).path
    state = path.rpartition("/")[2]
    web = web_url(wanted.github_api)
    owner = f"organizations/{wanted.organization}/" if wanted.organization else ""
    pages = Environment(
        loader=FileSystemLoader(template_folder() / "web"), autoescape=True, undefined=StrictUndefined
    )
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action {web}; frame-ancestors 'none'"
    headers = {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }

    def render(status: int = 200, **values: Any) -> Response:
        defaults: dict[str, Any] = {
            "action": "",
            "manifest": "",
            "permissions": {},
            "app": None,
            "problem": "",
        }
        html = pages.get_template("setup.html").render({**defaults, **values})
        return HTMLResponse(html, status, headers)

    async def begin(_request: Request) -> Response:
        body = manifest(wanted, f"{page}/done")
        return render(
            action=f"{web}/{owner}settings/apps/new?state={state}",
            manifest=json.dumps(body),
            permissions=body["default_permissions"],
        )

    async def finish(request: Request) -> Response:
        if not secrets.compare_digest(request.query_params.get("state", "").encode(), state.encode()):
            return render(
                403, problem="This did not come from the page that you opened. Run tfport setup again."
            )
        if done.done():
            return render(app=done.result())
        try:
            app = await convert(wanted.github_api, request.query_params.get("code", ""))
            write(app, wanted)
        except UserError as error:
            return render(502, problem=f"{error.message}. {error.hint}")
        if not done.done():
            done.set_result(app)
        return render(app=app)

    return Starlette(routes=[Route(path, begin), Route(f"{path}/done", finish)])


def write(app: Registered, wanted: Wanted) -> None:
    """The key to a file in the data folder, id and secret to `.env`; both readable only by the owner.

    Raises:
        UserError: a file cannot be written.
    """
    key = wanted.data_dir.expanduser().absolute() / f"app-{app.id}.pem"
    lines = {
        "TFPORT_APP_ID": app.id,
        "TFPORT_PRIVATE_KEY": key,
        "TFPORT_WEBHOOK_SECRET": app.webhook_secret,
        "TFPORT_GITHUB_API": wanted.github_api,
        "TFPORT_PUBLIC_URL": wanted.url,
    }
    try:
        key.parent.mkdir(parents=True, exist_ok=True)
        _write_private(key, app.private_key, os.O_TRUNC)
        text = "".join(f"{name}='{value}'\n" for name, value in lines.items())
        _write_private(ENV, f"# Written by tfport setup for {app.html_url}\n{text}", os.O_APPEND)
    except OSError as error:
        raise UserError(
            f"{error.filename} cannot be written: {error.strerror}", hint="run tfport setup elsewhere"
        ) from error


def _write_private(path: Path, text: str, how: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)

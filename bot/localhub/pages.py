"""The pages: enough of GitHub to judge what a bot wrote. Server-rendered, light and dark."""

from __future__ import annotations

import html
import json
import secrets
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from bot.localhub import git, markdown, pageviews
from bot.localhub.state import CheckRun, Pull, Repository
from bot.localhub.views import pulls

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

COLOURS = ("#0969da", "#8250df", "#bf3989", "#1a7f37", "#9a6700", "#cf222e", "#0a7d8c", "#bc4c00")


class Missing(Exception):
    """A page that does not exist."""


@cache
def templates() -> Environment:
    package = Path(__file__).parent.parent
    folder = next(path for path in (package / "templates", package.parent / "templates") if path.is_dir())
    made = Environment(
        loader=FileSystemLoader(folder / "web/localhub"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters["markdown"] = markdown.render
    made.filters["when"] = when
    names: dict[str, Any] = {"views": pageviews}
    made.globals.update(names)
    return made


def when(moment: datetime) -> str:
    return moment.strftime("%-d %b %Y, %H:%M:%S")


async def answer(hub: LocalHub, request: Request, path: str) -> Response:
    """A page, or what belongs to one."""
    try:
        if request.method == "POST":
            form = parse_qs((await request.body()).decode())
            return await run_in_threadpool(
                _act, hub, path, {name: values[0] for name, values in form.items()}, request
            )
        return await run_in_threadpool(_page, hub, path, request)
    except Missing:
        return HTMLResponse(templates().get_template("missing.html").render(hub=hub, title="Not found"), 404)
    except Exception:
        hub.defects.append(f"page {path}\n{traceback.format_exc()}")
        return PlainTextResponse(hub.defects[-1], 500)


def _page(hub: LocalHub, path: str, request: Request) -> Response:
    with hub.lock:
        match path.strip("/").split("/"):
            case [""]:
                return _shown(
                    hub, "index.html", "localhub", repositories=list(hub.state.repositories.values())
                )
            case ["_version"]:
                return PlainTextResponse(str(hub.state.changes))
            case ["_style.css"]:
                css = templates().get_template("style.css").render(code=markdown.code_styles())
                return Response(css, media_type="text/css", headers={"cache-control": "max-age=60"})
            case ["_avatars", number]:
                return _avatar(hub, number)
            case ["apps", slug]:
                return _app(hub, slug)
            case [owner, name, *rest]:
                repository = hub.state.repository(f"{owner}/{name}")
                if repository is None:
                    raise Missing
                return _in_repository(hub, repository, rest, request)
            case _:
                raise Missing


def _shown(hub: LocalHub, template: str, title: str, **values: Any) -> Response:
    text = (
        templates().get_template(template).render(hub=hub, title=title, version=hub.state.changes, **values)
    )
    return HTMLResponse(text)


def _in_repository(hub: LocalHub, repository: Repository, rest: list[str], request: Request) -> Response:
    match rest:
        case [] | ["pulls"] | ["issues"]:
            found = [
                one for one in repository.issues.values() if rest != ["issues"] or not isinstance(one, Pull)
            ]
            title = repository.full_name
            return _shown(
                hub, "pulls.html", title, repository=repository, issues=found[::-1], checks=_checks(hub)
            )
        case ["issues", number] if number.isdigit():
            return RedirectResponse(f"/{repository.full_name}/pull/{number}")
        case ["pull", number, *tab] if number.isdigit() and tab in ([], ["files"], ["checks"]):
            return _pull(hub, repository, int(number), tab[0] if tab else "conversation")
        case ["runs", number] if number.isdigit() and (run := hub.state.runs.get(int(number))):
            return _shown(hub, "run.html", run.name, repository=repository, run=run)
        case ["blob", ref, *path] if path:
            return _blob(hub, repository, ref, "/".join(path))
        case ["raw", ref, *path]:
            return PlainTextResponse(_file(repository, ref, "/".join(path)))
        case ["commit", sha]:
            return _commit(hub, repository, sha)
        case _:
            raise Missing


def _checks(hub: LocalHub) -> Callable[[Pull], list[CheckRun]]:
    return lambda pull: pageviews.newest(hub.check_runs(pull))


def _pull(hub: LocalHub, repository: Repository, number: int, tab: str) -> Response:
    pull = repository.issues.get(number)
    if not isinstance(pull, Pull):
        raise Missing
    runs = _checks(hub)(pull)
    changed = pageviews.files(pull, runs) if tab == "files" else []
    commits = git.commit_list(repository.path, pulls.span(pull)[0], pull.head_sha)
    return _shown(
        hub, f"{tab}.html", f"{pull.title} · Pull Request #{number}", repository=repository, pull=pull, runs=runs,
        files=changed, number_of_files=len(git.diff(repository.path, *pulls.span(pull))), commits=commits, tab=tab,
    )  # fmt: skip


def _file(repository: Repository, ref: str, path: str) -> str:
    sha = git.resolve(repository.path, ref)
    entry = sha and git.entry(repository.path, sha, path)
    if not entry or entry.kind != "blob":
        raise Missing
    return git.blob(repository.path, entry.sha).decode("utf-8", "replace")


def _blob(hub: LocalHub, repository: Repository, ref: str, path: str) -> Response:
    text = _file(repository, ref, path)
    shown = markdown.render(text, comment=False) if path.endswith(".md") else None
    return _shown(
        hub,
        "blob.html",
        path,
        repository=repository,
        ref=ref,
        path=path,
        lines=text.split("\n"),
        rendered=shown,
    )


def _commit(hub: LocalHub, repository: Repository, sha: str) -> Response:
    if not git.has(repository.path, sha):
        raise Missing
    commit = git.commit(repository.path, sha)
    files = git.diff(repository.path, commit.parents[0], sha) if commit.parents else ()
    changed = [pageviews.Changed(file, pageviews.rows(file.patch or ""), []) for file in files]
    return _shown(
        hub, "commit.html", commit.message.split("\n")[0], repository=repository, commit=commit, files=changed
    )


def _avatar(hub: LocalHub, number: str) -> Response:
    user = hub.state.users.get(int(number)) if number.isdigit() else None
    if user is None:
        raise Missing
    letter, colour = html.escape(user.login[0].upper()), COLOURS[user.id % len(COLOURS)]
    corner = 8 if user.type != "User" else 20
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="40" height="40">'
        f'<rect width="40" height="40" rx="{corner}" fill="{colour}"/><text x="20" y="27" font-size="20" fill="#fff" '
        f'font-family="sans-serif" text-anchor="middle">{letter}</text></svg>'
    )
    return Response(svg, media_type="image/svg+xml", headers={"cache-control": "max-age=3600"})


def _app(hub: LocalHub, slug: str) -> Response:
    app = next((one for one in hub.state.apps.values() if one.slug == slug), None)
    if app is None:
        raise Missing
    return _shown(hub, "app.html", app.name, app=app)


def _act(hub: LocalHub, path: str, form: dict[str, str], request: Request) -> Response:
    """Registration from a manifest, as the operator's browser posts it (there is nobody to confirm it here)."""
    if path.strip("/") != "settings/apps/new" and not path.startswith("organizations/"):
        raise Missing
    try:
        manifest = json.loads(form["manifest"])
        back = manifest["redirect_url"]
        name = manifest.get("name") or "tfport"
    except (KeyError, ValueError, TypeError) as problem:
        return PlainTextResponse(f"The manifest is not valid: {problem}", 422)
    slug = "-".join(name.lower().split())
    app = hub.app(
        slug,
        name=name,
        webhook_url=manifest.get("hook_attributes", {}).get("url"),
        webhook_secret=secrets.token_hex(20),
        permissions=manifest.get("default_permissions", {}),
        events=manifest.get("default_events", []),
    )
    code = secrets.token_hex(20)
    hub.state.conversions[code] = {"id": app.id}
    query = {"code": code}
    if state := request.query_params.get("state"):
        query["state"] = state
    return RedirectResponse(f"{back}?{urlencode(query)}", 302)

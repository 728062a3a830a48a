"""Files and folders at a commit."""

from __future__ import annotations

from bot.localhub import git
from bot.localhub.errors import Refusal, not_found
from bot.localhub.views import repositories
from bot.localhub.web import Call, Reply, ok, route


@route("GET", "/repos/{owner}/{repo}/contents", "contents:read", query="ref")
def get_root(call: Call) -> Reply:
    call.params["path"] = ""
    return get_content(call)


@route("GET", "/repos/{owner}/{repo}/contents/{path}", "contents:read", query="ref")
def get_content(call: Call) -> Reply:
    """A file (as JSON with base64, or raw), or the list of a folder; the first 1,000 entries."""
    repository, path = call.repository, call.params["path"].strip("/")
    ref = call.query.get("ref") or repository.default_branch
    sha = git.resolve(repository.path, ref)
    if sha is None:
        raise Refusal(404, f"No commit found for the ref {ref}")
    found = git.entry(repository.path, sha, path) if path else None
    if path and found is None:
        raise not_found()
    if found is None or found.kind == "tree":
        entries = git.entries(repository.path, sha, path)[:1000]
        return ok([repositories.entry(call.urls, repository, one, ref) for one in entries])
    data = git.blob(repository.path, found.sha) if found.kind == "blob" else b""
    if call.wants("raw"):
        return Reply(200, data, {"content-type": "application/vnd.github.raw+json; charset=utf-8"})
    return ok(repositories.content(call.urls, repository, found, ref, data))

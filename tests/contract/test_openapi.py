"""The judge bites, and the local GitHub is part of the real one."""

from __future__ import annotations

from typing import Any

import pytest

from bot.localhub import LocalHub
from bot.localhub.routes import load
from bot.localhub.state import Pull
from bot.localhub.web import ROUTES, Route
from tests.contract.openapi import Contract
from tests.localhub.conftest import Client

load()
REPO = "/repos/o/r"
# Ours alone: GraphQL is no part of the description, and redirects by number are not described.
OURS = {"/graphql", "/repositories/{repository_id}/{path}"}
# What our check says in addition to the description of GitHub.
OUTPUT = {"title": "t", "summary": "s"}
NOTE = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "complaint"),
    [
        ("GET", f"{REPO}/pulls", {"state": "open", "per_page": "100"}, None, None),
        ("GET", f"{REPO}/pulls", {"sate": "open"}, None, "unknown parameter 'sate'"),
        ("GET", f"{REPO}/pulls", {"state": "ajar"}, None, "parameter 'state' must not be 'ajar'"),
        ("GET", f"{REPO}/pulls", {"page": "one"}, None, "parameter 'page' must not be 'one'"),
        ("GET", f"{REPO}/pulls/7/fyles", {}, None, "no such operation"),
        ("PUT", f"{REPO}/pulls/7", {}, {}, "no such operation"),
        ("GET", f"{REPO}/contents/src/a/b.py", {"ref": "main"}, None, None),
        ("GET", f"{REPO}/compare/main...u:feature/x", {}, None, None),
        ("GET", f"{REPO}/commits/feature/x/check-runs", {"app_id": "3", "filter": "latest"}, None, None),
        ("POST", f"{REPO}/issues/7/comments", {}, {"body": "x"}, None),
        ("POST", f"{REPO}/issues/7/comments", {}, {"body": "x", "bodi": "y"}, "'bodi'"),
        ("POST", f"{REPO}/issues/7/comments", {}, {"body": 3}, "body.body: 3 is not of type"),
        ("POST", f"{REPO}/issues/7/comments", {}, {}, '"body" is a required property'),
        ("POST", f"{REPO}/issues/7/comments", {}, None, "the body is missing"),
        ("GET", f"{REPO}/pulls/7", {}, {"x": 1}, "there must be no body"),
        ("POST", f"{REPO}/check-runs", {}, {"name": "n", "head_sha": "0" * 40, "output": OUTPUT}, None),
        ("POST", f"{REPO}/check-runs", {}, {"name": "n"}, '"head_sha" is a required property'),
        ("PATCH", f"{REPO}/check-runs/1", {}, {"status": "completed"}, "anyOf"),
        ("PATCH", f"{REPO}/check-runs/1", {}, {"conclusion": "success", "konklusion": 1}, "konklusion"),
        ("PATCH", f"{REPO}/check-runs/1", {}, {"output": OUTPUT | {"annotations": [NOTE] * 51}}, "more than 50 items"),
        ("PATCH", f"{REPO}/check-runs/1", {}, {"output": OUTPUT | {"annotations": [NOTE | {"colum": 1}]}}, "colum"),
        ("PATCH", f"{REPO}/check-runs/1", {}, {"output": {"title": "t", "summary": "x" * 65_536}}, "longer than 65535"),
        ("POST", f"{REPO}/pulls/7/reviews", {}, {"event": "COMMENT", "comments": [{"path": "a", "body": "b", "line": 1}]}, None),
        ("POST", f"{REPO}/pulls/7/reviews", {}, {"event": "SHOUT"}, "body.event"),
        ("POST", f"{REPO}/pulls/7/reviews", {}, {"comments": [{"path": "a", "body": "b", "lime": 1}]}, "lime"),
    ],
)  # fmt: skip
def test_requests(
    contract: Contract, method: str, path: str, query: dict[str, str], body: Any, complaint: str | None
) -> None:
    complaints = contract.request(method, path, query, body)
    if complaint is None:
        assert complaints == []
    else:
        assert len(complaints) == 1
        assert complaint in complaints[0]


def test_most_fixed_path_is_meant(contract: Contract) -> None:
    for path, template in [
        ("/repos/o/r/pulls/comments/1", "/repos/{owner}/{repo}/pulls/comments/{comment_id}"),
        (
            "/repos/o/r/issues/comments/1/reactions",
            "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
        ),
        ("/repos/o/r/commits/abc/status", "/repos/{owner}/{repo}/commits/{ref}/status"),
        ("/repos/o/r/git/ref/heads/a/b", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ]:
        found = contract.find("GET", path)
        assert found
        assert found.template == template


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_routes_are_githubs(contract: Contract, route: Route) -> None:
    """Same method, path and parameter names; no key or parameter that GitHub does not know."""
    if route.template in OURS:
        return
    template = route.template
    if template in ("/repos/{owner}/{repo}/contents", "/repositories/{repository_id}"):
        return  # described as a part of others, or not at all (redirects lead there)
    found = [one for one in contract.operations if one.method == route.method and one.template == template]
    assert found, "GitHub has no such operation"
    known = {one["name"] for one in found[0].parameters if one["in"] == "query"}
    assert route.query - {"page", "per_page"} <= known
    keys = set((found[0].body or {}).get("properties", {}))
    if route.body and keys:
        assert route.body <= keys


def test_answers_are_judged(contract: Contract, hub: LocalHub, client: Client, pull: Pull) -> None:
    """Each kind of object that a bot reads, against its schema; and one planted defect is found."""
    run = client(
        "POST",
        "check-runs",
        {"name": "x", "head_sha": pull.head_sha, "output": OUTPUT | {"annotations": [NOTE]}},
    )
    comment = client("POST", "issues/1/comments", {"body": "x"})
    review = client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "b", "comments": [
        {"path": "src/tf_bert.py", "line": 1, "body": "c"}]})  # fmt: skip
    kinds = {
        "pull-request": client("GET", "pulls/1").json(),
        "pull-request-simple": client("GET", "pulls").json()[0],
        "diff-entry": client("GET", "pulls/1/files").json()[0],
        "commit": client("GET", "pulls/1/commits").json()[0],
        "issue": client("GET", "issues/1").json(),
        "issue-comment": comment.json(),
        "reaction": client(
            "POST", f"issues/comments/{comment.json()['id']}/reactions", {"content": "eyes"}
        ).json(),
        "pull-request-review": review.json(),
        "pull-request-review-comment": client("GET", "pulls/1/comments").json()[0],
        "check-run": run.json(),
        "check-suite": client("GET", f"check-suites/{run.json()['check_suite']['id']}").json(),
        "check-annotation": client("GET", f"check-runs/{run.json()['id']}/annotations").json()[0],
        "repository-collaborator-permission": client("GET", "collaborators/gante/permission").json(),
        "full-repository": client("GET", "/repos/huggingface/transformers").json(),
        "repository": client("GET", "/installation/repositories").json()["repositories"][0],
        "installation": client.as_app("GET", f"/app/installations/{client.installation.id}").json(),
        "installation-token": client.mint(repositories=["transformers"]).json(),
        "integration": client.as_app("GET", "/app").json(),
        "content-file": client("GET", "contents/README.md").json(),
        "commit-comparison": client("GET", "compare/main...somebody:port").json(),
        "public-user": client("GET", "/users/tfport%5Bbot%5D").json(),
        "hook-delivery-item": client.as_app("GET", "/app/hook/deliveries").json()[0],
    }
    for name, value in kinds.items():
        assert [error.message for error in contract.component(name).iter_errors(value)] == [], name
    broken = kinds["pull-request"] | {"draft": "yes"}
    assert not contract.component("pull-request").is_valid(broken)
    assert contract.answer("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", 200, broken)


def test_a_violation_fails_the_test(contract: Contract, hub: LocalHub, client: Client, pull: Pull) -> None:
    """What a bot asks wrongly is in `violations` (the fixture asserts that it is empty)."""
    client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "b", "comments": [
        {"path": "src/tf_bert.py", "line": 1, "body": "c", "colour": "red"}]})  # fmt: skip
    assert hub.violations == [
        "POST /repos/huggingface/transformers/pulls/1/reviews: body.comments[0]: "
        "Unevaluated properties are not allowed ('colour' was unexpected)"
    ]
    hub.violations.clear()

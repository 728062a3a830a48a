"""Check runs and check suites."""

from __future__ import annotations

from bot.localhub.actions import checks as actions
from bot.localhub.errors import forbidden, not_found
from bot.localhub.routes.commits import commit_sha
from bot.localhub.state import App, CheckRun, CheckSuite
from bot.localhub.views import checks
from bot.localhub.web import Call, Reply, created, ok, route

READ, WRITE = "checks:read", "checks:write"
RUN_KEYS = "name external_id details_url status started_at conclusion completed_at output actions"


def _app(call: Call) -> App:
    """Only apps write checks."""
    if call.actor.token is None:
        raise forbidden()
    return call.actor.token.installation.app


def _run(call: Call) -> CheckRun:
    run = call.state.runs.get(call.number("check_run_id"))
    if run is None or run.suite.repository is not call.repository:
        raise not_found()
    return run


def _suite(call: Call) -> CheckSuite:
    suite = call.state.suites.get(call.number("check_suite_id"))
    if suite is None or suite.repository is not call.repository:
        raise not_found()
    return suite


@route("POST", "/repos/{owner}/{repo}/check-runs", WRITE, body=RUN_KEYS + " head_sha")
def create_run(call: Call) -> Reply:
    app = _app(call)
    call.text("name")
    return created(checks.run(call.urls, actions.create(call.hub, call.repository, app, call.body)))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", READ)
def get_run(call: Call) -> Reply:
    return ok(checks.run(call.urls, _run(call)))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", WRITE, body=RUN_KEYS)
def update_run(call: Call) -> Reply:
    run = _run(call)
    if run.suite.app is not _app(call):
        raise forbidden()
    actions.update(call.hub, run, call.body)
    return ok(checks.run(call.urls, run))


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", READ)
def list_annotations(call: Call) -> Reply:
    run = _run(call)
    return call.page(run.annotations, lambda one: checks.annotation(call.urls, run, one))


@route("POST", "/repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest", WRITE)
def rerequest_run(call: Call) -> Reply:
    call.hub.rerequest(_run(call), call.actor.user)
    return Reply(201, {})


def _listed(call: Call, runs: list[CheckRun]) -> Reply:
    name, status, app = call.query.get("check_name"), call.query.get("status"), call.query.get("app_id")
    found = [
        run
        for run in runs
        if name in (None, run.name) and status in (None, run.status) and app in (None, str(run.suite.app.id))
    ]
    if call.query.get("filter", "latest") == "latest":
        found = list({(run.suite.id, run.name): run for run in found}.values())
    found.sort(key=lambda run: -run.id)
    return call.page(found, lambda run: checks.run(call.urls, run), wrap="check_runs")


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", READ, query="check_name status filter app_id")
def list_runs_of_commit(call: Call) -> Reply:
    sha, repository = commit_sha(call), call.repository
    suites = [s for s in call.state.suites.values() if s.repository is repository and s.head_sha == sha]
    return _listed(call, [run for suite in suites for run in suite.runs])


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs", READ,
       query="check_name status filter")  # fmt: skip
def list_runs_of_suite(call: Call) -> Reply:
    return _listed(call, _suite(call).runs)


@route("GET", "/repos/{owner}/{repo}/check-suites/{check_suite_id}", READ)
def get_suite(call: Call) -> Reply:
    return ok(checks.suite(call.urls, _suite(call)))


@route("POST", "/repos/{owner}/{repo}/check-suites", WRITE, body="head_sha")
def create_suite(call: Call) -> Reply:
    suite = actions.suite_for(call.hub, call.repository, _app(call), call.text("head_sha"))
    return created(checks.suite(call.urls, suite))


@route("POST", "/repos/{owner}/{repo}/check-suites/{check_suite_id}/rerequest", WRITE)
def rerequest_suite(call: Call) -> Reply:
    call.hub.rerequest_suite(_suite(call), call.actor.user)
    return Reply(201, {})


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-suites", READ, query="app_id check_name")
def list_suites(call: Call) -> Reply:
    sha, app = commit_sha(call), call.query.get("app_id")
    found = [
        suite
        for suite in call.state.suites.values()
        if suite.repository is call.repository and suite.head_sha == sha and app in (None, str(suite.app.id))
    ]
    return call.page(found, lambda one: checks.suite(call.urls, one), wrap="check_suites")

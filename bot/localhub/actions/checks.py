"""Check suites and check runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.localhub import git
from bot.localhub.errors import Refusal, malformed
from bot.localhub.state import App, CheckRun, CheckSuite, Json, Repository, Status, User
from bot.localhub.views.checks import verdict

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

MOST_ANNOTATIONS = 50
MOST_TEXT = 65_535
CONCLUSIONS = ("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required")


def suite_for(hub: LocalHub, repository: Repository, app: App, sha: str) -> CheckSuite:
    """The suite of an app for a commit; there is only one."""
    for suite in hub.state.suites.values():
        if suite.repository is repository and suite.app is app and suite.head_sha == sha:
            return suite
    branches = [ref for ref, tip in git.refs(repository.path).items() if tip == sha]
    branch = branches[0].removeprefix("refs/heads/") if branches else None
    suite = hub.state.new(CheckSuite, repository=repository, app=app, head_sha=sha, head_branch=branch)
    hub.state.suites[suite.id] = suite
    return suite


def request_suites(
    hub: LocalHub, repository: Repository, branch: str, before: str, sha: str, sender: User
) -> None:
    """A push to the repository itself: a suite for every app that writes checks (a push to a fork makes none)."""
    for installation in list(hub.state.installations.values()):
        if installation.covers(repository) and installation.permissions.get("checks") == "write":
            suite = suite_for(hub, repository, installation.app, sha)
            suite.head_branch, suite.before = branch, before
            hub.events.suite("requested", suite, sender)


def report(
    hub: LocalHub,
    repository: Repository,
    sha: str,
    creator: User,
    *,
    state: str,
    context: str,
    description: str | None = None,
    target_url: str | None = None,
) -> Status:
    """A commit status."""
    status = hub.state.new(
        Status,
        repository=repository,
        sha=sha,
        state=state,
        context=context,
        creator=creator,
        description=description,
        target_url=target_url,
    )
    hub.state.statuses.append(status)
    hub.events.status(status)
    return status


def create(hub: LocalHub, repository: Repository, app: App, body: Json) -> CheckRun:
    """A new check run; raises Refusal (422) as GitHub does."""
    sha = body.get("head_sha")
    if not isinstance(sha, str) or len(sha) != 40 or not git.has(repository.path, sha):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    _check(body, creating=True)
    suite = suite_for(hub, repository, app, sha)
    run = hub.state.new(
        CheckRun, suite=suite, name=body["name"], external_id="", details_url=None, status="queued", conclusion=None,
        started_at=hub.state.clock.now(), completed_at=None,
    )  # fmt: skip
    suite.runs.append(run)
    suite.rerequested = False
    hub.state.runs[run.id] = run
    _apply(hub, run, body)
    hub.events.run("created", run, app.bot)
    if run.status == "completed":
        _completed(hub, run)
    return run


def update(hub: LocalHub, run: CheckRun, body: Json) -> None:
    """Change a check run; annotations are appended, everything else replaced."""
    _check(body, creating=False)
    was = run.status
    _apply(hub, run, body)
    if run.status == "completed" and was != "completed":
        _completed(hub, run)


def _completed(hub: LocalHub, run: CheckRun) -> None:
    hub.events.run("completed", run, run.suite.app.bot)
    if verdict(run.suite)[0] == "completed":
        hub.events.suite("completed", run.suite, run.suite.app.bot)


def _check(body: Json, creating: bool) -> None:
    if body.get("status") == "completed" and body.get("conclusion") is None:
        raise malformed('"conclusion" wasn\'t supplied.')
    conclusion = body.get("conclusion")
    if conclusion is not None and conclusion not in CONCLUSIONS:
        listed = ", ".join(f'"{one}"' for one in CONCLUSIONS)
        raise malformed(f"For 'properties/conclusion', \"{conclusion}\" is not a member of [{listed}].")
    if body.get("status", "queued") not in ("queued", "in_progress", "completed"):
        raise malformed(f"For 'properties/status', \"{body['status']}\" is not a member of "
                        '["queued", "in_progress", "completed"].')  # fmt: skip
    output = body.get("output")
    if output is not None:
        _check_output(output, creating)
    actions: list[Json] = body.get("actions") or []
    if len(actions) > 3:
        raise malformed(f"No more than 3 items are allowed; {len(actions)} were supplied.")
    for action in actions:
        for key, most in (("label", 20), ("description", 40), ("identifier", 20)):
            value = action.get(key)
            if not isinstance(value, str):
                raise malformed(f'"{key}" wasn\'t supplied.')
            if len(value) > most:
                raise malformed(f"Only {most} characters are allowed; {len(value)} were supplied.")


def _check_output(output: Json, creating: bool) -> None:
    required = ("title", "summary") if creating else ("summary",)
    if missing := [f'"{key}"' for key in required if output.get(key) is None]:
        raise malformed(f"{', '.join(missing)} {'wasn' if len(missing) == 1 else 'weren'}'t supplied.")
    for key in ("summary", "text"):
        if len(output.get(key) or "") > MOST_TEXT:
            raise malformed(f"Only {MOST_TEXT} characters are allowed; {len(output[key])} were supplied.")
    annotations: list[Json] = output.get("annotations") or []
    if len(annotations) > MOST_ANNOTATIONS:
        raise malformed(
            f"No more than {MOST_ANNOTATIONS} items are allowed; {len(annotations)} were supplied."
        )
    for one in annotations:
        _check_annotation(one)


def _check_annotation(one: Json) -> None:
    needed = ("path", "start_line", "end_line", "annotation_level", "message")
    if missing := [f'"{key}"' for key in needed if one.get(key) is None]:
        raise malformed(f"{', '.join(missing)} {'wasn' if len(missing) == 1 else 'weren'}'t supplied.")
    if one["annotation_level"] not in ("notice", "warning", "failure"):
        raise malformed(f"For 'properties/annotation_level', \"{one['annotation_level']}\" is not a member of "
                        '["notice", "warning", "failure"].')  # fmt: skip
    if one["end_line"] < one["start_line"]:
        raise malformed("end_line must not be less than start_line.")
    if (one.get("start_column") or one.get("end_column")) and one["start_line"] != one["end_line"]:
        raise malformed(
            "start_column and end_column are only allowed when start_line and end_line are equal."
        )
    for key, most in (("title", 255), ("message", 64 * 1024), ("raw_details", 64 * 1024)):
        if len((one.get(key) or "").encode()) > most:
            raise malformed(f"{key} is too long (maximum is {most} bytes).")


def _apply(hub: LocalHub, run: CheckRun, body: Json) -> None:
    now = hub.state.clock.now()
    run.name = body.get("name") or run.name
    if body.get("external_id") is not None:
        run.external_id = body["external_id"]
    if body.get("details_url") is not None:
        run.details_url = body["details_url"]
    if body.get("started_at"):
        run.started_at = _moment(body["started_at"])
    if body.get("conclusion"):
        run.status, run.conclusion = "completed", body["conclusion"]
        run.completed_at = _moment(body["completed_at"]) if body.get("completed_at") else now
    elif body.get("status"):
        run.status, run.conclusion, run.completed_at = body["status"], None, None
    if output := body.get("output"):
        run.title = output.get("title") or run.title
        run.summary = output.get("summary")
        run.text = output.get("text")
        run.annotations += output.get("annotations") or []
        run.images = output.get("images") or []
    if "actions" in body:
        run.actions = body["actions"] or []
    hub.state.touch(run, run.suite)


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise malformed(f'"{value}" is not a valid timestamp.') from None

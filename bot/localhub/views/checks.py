"""Check runs, check suites, annotations, commit statuses."""

from __future__ import annotations

from urllib.parse import quote

from bot.localhub import git
from bot.localhub.clock import stamp
from bot.localhub.state import CheckRun, CheckSuite, Json, Pull, Repository, Status
from bot.localhub.views import Urls
from bot.localhub.views.accounts import app
from bot.localhub.views.pulls import minimal_pull
from bot.localhub.views.repositories import api, repository, simple_commit, web
from bot.localhub.views.users import user

# From mild to grave: a suite shows the gravest of its runs.
_GRAVITY = ("skipped", "neutral", "success", "cancelled", "action_required", "timed_out", "failure")


def pulls_of(suite: CheckSuite) -> list[Pull]:
    """Open pull requests of this commit; those from forks are left out, as on GitHub."""
    return [
        pull
        for pull in suite.repository.pulls
        if pull.state == "open" and pull.head_sha == suite.head_sha and not pull.from_fork
    ]


def latest(suite: CheckSuite) -> list[CheckRun]:
    """The newest run of each name."""
    return list({run.name: run for run in suite.runs}.values())


def verdict(suite: CheckSuite) -> tuple[str, str | None]:
    """(status, conclusion) of a suite from its newest runs."""
    runs = latest(suite)
    if not runs or suite.rerequested:
        return "queued", None
    if any(run.status != "completed" for run in runs):
        return ("queued" if all(run.status == "queued" for run in runs) else "in_progress"), None
    conclusions = [run.conclusion or "neutral" for run in runs]
    return "completed", max(conclusions, key=lambda name: _GRAVITY.index(name) if name in _GRAVITY else 99)


def suite(urls: Urls, the: CheckSuite, *, event: bool = False) -> Json:
    """`check-suite`; webhooks leave the repository out."""
    status, conclusion = verdict(the)
    here = api(urls, the.repository)
    found: Json = {
        "id": the.id,
        "node_id": the.node_id,
        "head_branch": the.head_branch,
        "head_sha": the.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": f"{here}/check-suites/{the.id}",
        "before": the.before,
        "after": the.head_sha,
        "pull_requests": [minimal_pull(urls, pull) for pull in pulls_of(the)],
        "app": app(urls, the.app),
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "rerequestable": True,
        "runs_rerequestable": True,
        "latest_check_runs_count": len(latest(the)),
        "check_runs_url": f"{here}/check-suites/{the.id}/check-runs",
        "head_commit": simple_commit(git.commit(the.repository.path, the.head_sha)),
    }
    return found if event else found | {"repository": repository(urls, the.repository)}


def run(urls: Urls, the: CheckRun) -> Json:
    """`check-run`."""
    suite_, repo = the.suite, the.suite.repository
    url = f"{api(urls, repo)}/check-runs/{the.id}"
    page = f"{web(urls, repo)}/runs/{the.id}"
    return {
        "id": the.id,
        "name": the.name,
        "node_id": the.node_id,
        "head_sha": suite_.head_sha,
        "external_id": the.external_id,
        "url": url,
        "html_url": page,
        "details_url": the.details_url or page,
        "status": the.status,
        "conclusion": the.conclusion,
        "started_at": stamp(the.started_at),
        "completed_at": stamp(the.completed_at),
        "output": {
            "title": the.title,
            "summary": the.summary,
            "text": the.text,
            "annotations_count": len(the.annotations),
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": suite_.id},
        "app": app(urls, suite_.app),
        "pull_requests": [minimal_pull(urls, pull) for pull in pulls_of(suite_)],
    }


def run_in_event(urls: Urls, the: CheckRun) -> Json:
    """As in `check_run` webhooks: with the whole suite."""
    whole = suite(urls, the.suite, event=True)
    keep = ("id", "node_id", "head_branch", "head_sha", "status", "conclusion", "url", "before", "after",
            "pull_requests", "app", "created_at", "updated_at")  # fmt: skip
    return run(urls, the) | {"check_suite": {name: whole[name] for name in keep}}


def annotation(urls: Urls, the: CheckRun, one: Json) -> Json:
    """`check-annotation`."""
    repo, sha = the.suite.repository, the.suite.head_sha
    return {
        "path": one["path"],
        "blob_href": f"{web(urls, repo)}/blob/{sha}/{quote(one['path'])}",
        "start_line": one["start_line"],
        "start_column": one.get("start_column"),
        "end_line": one["end_line"],
        "end_column": one.get("end_column"),
        "annotation_level": one["annotation_level"],
        "title": one.get("title"),
        "message": one["message"],
        "raw_details": one.get("raw_details"),
    }


def status(urls: Urls, the: Status) -> Json:
    """`status`."""
    return simple_status(urls, the) | {"creator": user(urls, the.creator)}


def simple_status(urls: Urls, the: Status) -> Json:
    return {
        "url": f"{api(urls, the.repository)}/statuses/{the.sha}",
        "avatar_url": f"{urls.web}/_avatars/{the.creator.id}",
        "id": the.id,
        "node_id": the.node_id,
        "state": the.state,
        "description": the.description,
        "target_url": the.target_url,
        "context": the.context,
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
    }


def combined(urls: Urls, the: Repository, sha: str, newest: list[Status]) -> Json:
    """`combined-commit-status`."""
    states = {one.state for one in newest}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    here = api(urls, the)
    return {
        "state": state,
        "statuses": [simple_status(urls, one) for one in newest],
        "sha": sha,
        "total_count": len(newest),
        "repository": repository(urls, the),
        "commit_url": f"{here}/commits/{sha}",
        "url": f"{here}/commits/{sha}/status",
    }

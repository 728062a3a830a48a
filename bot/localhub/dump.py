"""All of a hub as JSON, for eyes and for other processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bot.localhub.state import Issue, Json, Pull
from bot.localhub.views import accounts, checks, pulls, repositories, users

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub


def dump(hub: LocalHub) -> Json:
    state, urls = hub.state, hub.urls
    return {
        "users": [users.user(urls, one) for one in state.users.values()],
        "apps": [accounts.app(urls, one) for one in state.apps.values()],
        "installations": [
            accounts.installation(urls, one) for one in state.installations.values() if not one.deleted
        ],
        "repositories": {
            one.full_name: repositories.repository(urls, one) for one in state.repositories.values()
        },
        "issues": {
            f"{one.full_name}#{issue.number}": conversation(hub, issue)
            for one in state.repositories.values()
            for issue in one.issues.values()
        },
        "check_runs": [
            checks.run(urls, run)
            | {
                "repository": run.suite.repository.full_name,
                "annotations": [checks.annotation(urls, run, one) for one in run.annotations],
                "actions": run.actions,
            }
            for run in state.runs.values()
        ],
        "deliveries": [accounts.delivery_item(one) for one in state.deliveries.values()],
        "notifications": [asdict(one) for one in state.notifications],
        "violations": list(hub.violations),
        "defects": list(hub.defects),
        "log": [
            {"method": one.method, "path": one.path, "status": one.status, "actor": one.actor}
            for one in hub.log
        ],
    }


def conversation(hub: LocalHub, issue: Issue) -> Json:
    """An issue or pull request with everything said on it."""
    urls = hub.urls
    found = pulls.pull(urls, issue) if isinstance(issue, Pull) else pulls.issue(urls, issue)
    found["conversation"] = [
        pulls.comment(urls, one) | {"minimized": one.minimized, "edits": one.edits} for one in issue.comments
    ]
    if isinstance(issue, Pull):
        found["reviews"] = [pulls.review(urls, one) for one in issue.reviews]
        found["review_comments"] = [
            pulls.review_comment(urls, one)
            | {"minimized": one.minimized, "resolved": one.thread.resolved_by is not None}
            for one in issue.review_comments
        ]
    return found

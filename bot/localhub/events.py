"""What happened -> the webhook payloads, and to whom they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.localhub import git
from bot.localhub.clock import stamp
from bot.localhub.state import (
    App,
    CheckRun,
    CheckSuite,
    Comment,
    Installation,
    Json,
    Pull,
    Repository,
    Review,
    ReviewComment,
    Status,
    User,
)
from bot.localhub.views import Urls, accounts, checks, pulls, repositories
from bot.localhub.views.users import user

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

# Which permission an app needs for an event (any level).
_PERMISSION = {
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "issue_comment": ("issues", "pull_requests"),
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "push": ("contents",),
    "status": ("statuses",),
    "repository": ("metadata",),
}
# Sent to every app with `checks: write`, subscribed or not.
_UNASKED = {("check_suite", "requested"), ("check_suite", "rerequested"), ("check_run", "rerequested"),
            ("check_run", "requested_action")}  # fmt: skip


class Events:
    """Builds and sends the webhooks of one hub."""

    def __init__(self, hub: LocalHub) -> None:
        self.hub = hub

    @property
    def urls(self) -> Urls:
        return self.hub.urls

    def emit(
        self, event: str, repository: Repository, sender: User, payload: Json, only: App | None = None
    ) -> None:
        """Send to every installed app that may know (or only to one)."""
        for installation in list(self.hub.state.installations.values()):
            if not installation.covers(repository) or installation.suspended_at:
                continue
            if only is not None and installation.app is not only:
                continue
            if not _wanted(installation, event, payload.get("action")):
                continue
            whole = {"repository": repositories.repository(self.urls, repository)} | payload
            if repository.owner.type == "Organization":
                whole["organization"] = _organization(self.urls, repository.owner)
            whole["sender"] = user(self.urls, sender)
            whole["installation"] = {"id": installation.id, "node_id": installation.node_id}
            self.hub.webhooks.send(installation.app, event, whole, installation, repository)

    def pull(self, action: str, pull: Pull, sender: User, **more: Any) -> None:
        found = pulls.full_pull(self.urls, pull)
        payload = {"action": action, "number": pull.number, "pull_request": found, **more}
        self.emit("pull_request", pull.repository, sender, payload)

    def comment(self, action: str, comment: Comment, sender: User, **more: Any) -> None:
        payload = {
            "action": action,
            "issue": pulls.issue(self.urls, comment.issue),
            "comment": pulls.comment(self.urls, comment),
            **more,
        }
        self.emit("issue_comment", comment.issue.repository, sender, payload)

    def review(self, action: str, review: Review, sender: User, **more: Any) -> None:
        payload = {
            "action": action,
            "review": pulls.review(self.urls, review, event=True),
            "pull_request": pulls.pull(self.urls, review.pull),
            **more,
        }
        self.emit("pull_request_review", review.pull.repository, sender, payload)

    def review_comment(self, action: str, comment: ReviewComment, sender: User, **more: Any) -> None:
        payload = {
            "action": action,
            "comment": pulls.review_comment(self.urls, comment),
            "pull_request": pulls.pull(self.urls, comment.review.pull),
            **more,
        }
        self.emit("pull_request_review_comment", comment.review.pull.repository, sender, payload)

    def run(self, action: str, run: CheckRun, sender: User, only: App | None = None, **more: Any) -> None:
        payload = {"action": action, "check_run": checks.run_in_event(self.urls, run), **more}
        self.emit("check_run", run.suite.repository, sender, payload, only)

    def suite(self, action: str, suite: CheckSuite, sender: User) -> None:
        payload = {"action": action, "check_suite": checks.suite(self.urls, suite, event=True)}
        # That one is over is told to everybody, a request only to whose it is.
        self.emit(
            "check_suite", suite.repository, sender, payload, None if action == "completed" else suite.app
        )

    def status(self, status: Status) -> None:
        found = checks.simple_status(self.urls, status)
        kept = (
            "id",
            "state",
            "description",
            "target_url",
            "context",
            "created_at",
            "updated_at",
            "avatar_url",
        )
        commit = git.commit(status.repository.path, status.sha)
        payload: Json = {name: found[name] for name in kept} | {
            "sha": status.sha,
            "name": status.repository.full_name,
            "commit": repositories.commit(self.urls, status.repository, commit),
            "branches": [],
        }
        self.emit("status", status.repository, status.creator, payload)

    def push(self, repository: Repository, ref: str, before: str, after: str, sender: User) -> None:
        path = repository.path
        gone, fresh = after == git.ZERO, before == git.ZERO
        new = (
            []
            if gone
            else (git.commits(path, after, limit=1) if fresh else git.commit_list(path, before, after, 20))
        )
        here = repositories.web(self.urls, repository)
        commits = [repositories.push_commit(self.urls, repository, one) for one in new]
        payload = {
            "ref": ref,
            "before": before,
            "after": after,
            "pusher": {
                "name": sender.login,
                "email": f"{sender.login.removesuffix('[bot]')}@users.noreply.localhost",
            },
            "created": fresh,
            "deleted": gone,
            "forced": not fresh and not gone and git.merge_base(path, before, after) != before,
            "base_ref": None,
            "compare": f"{here}/compare/{before[:12]}...{after[:12]}",
            "commits": commits,
            "head_commit": commits[-1] if commits else None,
        }
        payload["repository"] = repositories.pushed_repository(self.urls, repository)
        self.emit("push", repository, sender, payload)

    def installation(self, action: str, installation: Installation, sender: User) -> None:
        covered = [r for r in self.hub.state.repositories.values() if _belongs(installation, r)]
        payload = {
            "action": action,
            "installation": accounts.installation(self.urls, installation),
            "repositories": [repositories.brief(one) for one in covered],
            "requester": None,
            "sender": user(self.urls, sender),
        }
        self.hub.webhooks.send(installation.app, "installation", payload, installation)

    def repositories_changed(
        self, installation: Installation, added: list[Repository], removed: list[Repository], sender: User
    ) -> None:
        payload = {
            "action": "added" if added else "removed",
            "installation": accounts.installation(self.urls, installation),
            "repository_selection": "all" if installation.repositories is None else "selected",
            "repositories_added": [repositories.brief(one) for one in added],
            "repositories_removed": [repositories.brief(one) for one in removed],
            "requester": None,
            "sender": user(self.urls, sender),
        }
        self.hub.webhooks.send(installation.app, "installation_repositories", payload, installation)

    def ping(self, app: App) -> None:
        url = f"{self.urls.api}/app/hook/config"
        payload = {
            "zen": "Keep it logically awesome.",
            "hook_id": app.id,
            "hook": {
                "type": "App",
                "id": app.id,
                "name": "web",
                "active": True,
                "events": list(app.events),
                "config": accounts.hook_config(app),
                "updated_at": stamp(app.updated_at),
                "created_at": stamp(app.created_at),
                "app_id": app.id,
                "deliveries_url": f"{url.removesuffix('/config')}/deliveries",
            },
        }
        self.hub.webhooks.send(app, "ping", payload)


def _belongs(installation: Installation, repository: Repository) -> bool:
    if repository.owner is not installation.account:
        return False
    return installation.repositories is None or repository.id in installation.repositories


def _wanted(installation: Installation, event: str, action: Any) -> bool:
    names = _PERMISSION.get(event, ())
    if names and not any(name in installation.permissions for name in names):
        return False
    if (event, action) in _UNASKED:
        return installation.permissions.get("checks") == "write"
    return event in installation.events


def _organization(urls: Urls, owner: User) -> Json:
    url = f"{urls.api}/orgs/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": owner.node_id,
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{urls.web}/_avatars/{owner.id}",
        "description": "",
    }

"""GitHub's JSON -> our types. Only the fields we use; unknown ones are fine, a missing one that we need is a KeyError (ours)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from bot.state import Annotation, ChangedFile, CheckRun, Comment, Permission, Pull, Repository, User

Json = dict[str, Any]

GHOST = User(0, "ghost")
"""The author of what a deleted account left behind."""


def user(raw: Json | None) -> User:
    return User(raw["id"], raw["login"], raw.get("type") == "Bot") if raw else GHOST


def repository(raw: Json) -> Repository:
    return Repository(
        id=raw["id"],
        owner=raw["owner"]["login"],
        name=raw["name"],
        default_branch=raw.get("default_branch") or "main",
        clone_url=raw["clone_url"],
        html_url=raw["html_url"],
        archived=bool(raw.get("archived")),
    )


def pull(raw: Json) -> Pull:
    head, base = raw["head"], raw["base"]
    return Pull(
        number=raw["number"],
        node_id=raw["node_id"],
        title=raw["title"],
        author=user(raw["user"]),
        draft=bool(raw.get("draft")),
        open=raw["state"] == "open",
        merged=raw.get("merged_at") is not None,
        locked=bool(raw.get("locked")),
        head_sha=head["sha"],
        head_ref=head["ref"],
        head_repo=repository(head["repo"]) if head.get("repo") else None,
        base_sha=base["sha"],
        base_ref=base["ref"],
        labels=tuple(label["name"] for label in raw.get("labels", ())),
        created_at=instant(raw["created_at"]),
        updated_at=instant(raw["updated_at"]),
        html_url=raw["html_url"],
        maintainer_can_modify=bool(raw.get("maintainer_can_modify")),
        mergeable=raw.get("mergeable"),
        requested=tuple(user["login"] for user in raw.get("requested_reviewers") or ()),
        association=raw.get("author_association") or "NONE",
    )


def changed_file(raw: Json) -> ChangedFile:
    return ChangedFile(raw["filename"], raw["status"], raw.get("patch"), raw.get("previous_filename"))


def comment(raw: Json, kind: Literal["issue", "review-comment", "review"]) -> Comment:
    """`app_id` only where GitHub says it (issue comments); reviews have it from `reads.comments`."""
    created = instant(raw["submitted_at"] if kind == "review" else raw["created_at"])
    app: Json = raw.get("performed_via_github_app") or {}
    return Comment(
        id=raw["id"],
        node_id=raw["node_id"],
        author=user(raw["user"]),
        body=raw.get("body") or "",
        created_at=created,
        updated_at=instant(raw["updated_at"]) if "updated_at" in raw else created,
        html_url=raw["html_url"],
        app_id=app.get("id"),
        kind=kind,
    )


def check_run(raw: Json) -> CheckRun:
    output: Json = raw.get("output") or {}
    return CheckRun(
        id=raw["id"],
        name=raw["name"],
        head_sha=raw["head_sha"],
        external_id=raw.get("external_id") or "",
        status=raw["status"],
        conclusion=raw.get("conclusion"),
        title=output.get("title") or "",
        summary=output.get("summary") or "",
        annotations=output.get("annotations_count") or 0,
        html_url=raw.get("html_url") or "",
        app_id=raw["app"]["id"] if raw.get("app") else 0,
        started_at=instant(raw["started_at"]) if raw.get("started_at") else None,
    )


def annotation(raw: Json) -> Annotation:
    return Annotation(
        path=raw["path"],
        start_line=raw["start_line"],
        end_line=raw["end_line"],
        level=raw.get("annotation_level") or "notice",
        message=raw.get("message") or "",
        title=raw.get("title") or "",
        raw_details=raw.get("raw_details") or "",
    )


_PERMISSIONS: dict[str, Permission] = {
    "admin": "admin",
    "maintain": "write",
    "write": "write",
    "triage": "read",
    "read": "read",
}


def permission(raw: Json) -> Permission:
    """Of `GET …/collaborators/{login}/permission`. An unknown word is no right."""
    return _PERMISSIONS.get(raw.get("permission", ""), "none")


def instant(text: str) -> datetime:
    """GitHub's time, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)

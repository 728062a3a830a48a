"""Issues and the comments in their conversation (pull requests are issues, too)."""

from __future__ import annotations

from bot.localhub.actions import conversation
from bot.localhub.errors import forbidden, not_found
from bot.localhub.state import Comment, Pull
from bot.localhub.views import pulls
from bot.localhub.web import Call, Reply, created, empty, ok, route

READ = ("issues:read", "pull_requests:read")
WRITE = ("issues:write", "pull_requests:write")


def comment_of(call: Call) -> Comment:
    wanted = call.number("comment_id")
    for issue in call.repository.issues.values():
        for comment in issue.comments:
            if comment.id == wanted:
                return comment
    raise not_found()


def may_change(call: Call, author_id: int) -> None:
    """An app changes only its own words; people with write access anybody's."""
    if call.actor.user.id != author_id and (
        call.actor.token or not call.repository.can(call.actor.user, "write")
    ):
        raise forbidden()


@route(
    "GET", "/repos/{owner}/{repo}/issues", *READ, query="state labels sort direction since creator assignee"
)
def list_issues(call: Call) -> Reply:
    state = call.query.get("state", "open")
    found = [one for one in call.repository.issues.values() if state in ("all", one.state)]
    return call.page(found[::-1], lambda one: pulls.issue(call.urls, one))


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}", *READ)
def get_issue(call: Call) -> Reply:
    return ok(pulls.issue(call.urls, call.issue()))


@route("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *READ, query="since")
def list_comments(call: Call) -> Reply:
    found = call.issue().comments
    if since := call.query.get("since"):
        found = [one for one in found if one.updated_at.isoformat() >= since.replace("Z", "+00:00")]
    return call.page(found, lambda one: pulls.comment(call.urls, one))


@route("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", *WRITE, people="read", body="body")
def create_comment(call: Call) -> Reply:
    issue = call.issue()
    if (
        call.actor.token
        and not isinstance(issue, Pull)
        and call.actor.token.permissions.get("issues") != "write"
    ):
        raise forbidden()
    made = conversation.add_comment(call.hub, issue, call.actor.user, call.text("body"), call.actor.via)
    return created(pulls.comment(call.urls, made))


@route("GET", "/repos/{owner}/{repo}/issues/comments", *READ, query="sort direction since")
def list_all_comments(call: Call) -> Reply:
    found = [one for issue in call.repository.issues.values() for one in issue.comments]
    found.sort(key=lambda one: one.id)
    return call.page(found, lambda one: pulls.comment(call.urls, one))


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *READ)
def get_comment(call: Call) -> Reply:
    return ok(pulls.comment(call.urls, comment_of(call)))


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *WRITE, people="read", body="body")
def update_comment(call: Call) -> Reply:
    comment = comment_of(call)
    may_change(call, comment.user.id)
    conversation.edit_comment(call.hub, comment, call.actor.user, call.text("body"))
    return ok(pulls.comment(call.urls, comment))


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", *WRITE, people="read")
def delete_comment(call: Call) -> Reply:
    comment = comment_of(call)
    may_change(call, comment.user.id)
    conversation.delete_comment(call.hub, comment, call.actor.user)
    return empty()

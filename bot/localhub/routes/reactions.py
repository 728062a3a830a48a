"""Reactions to issues, comments, review comments. The same one again is 200 and changes nothing."""

from __future__ import annotations

from bot.localhub.actions import conversation
from bot.localhub.errors import forbidden, not_found
from bot.localhub.routes.comments import READ, WRITE, comment_of
from bot.localhub.routes.reviews import review_comment_of
from bot.localhub.state import Reaction
from bot.localhub.views import pulls
from bot.localhub.web import Call, Reply, empty, route

ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}/reactions"
COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions"
REVIEW_COMMENT = "/repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions"


def _list(call: Call, reactions: list[Reaction]) -> Reply:
    wanted = call.query.get("content")
    found = [one for one in reactions if wanted in (None, one.content)]
    return call.page(found, lambda one: pulls.reaction(call.urls, one))


def _add(call: Call, reactions: list[Reaction]) -> Reply:
    content = call.choice("content", pulls.REACTIONS)
    reaction, new = conversation.react(call.hub, reactions, call.actor.user, content)
    return Reply(201 if new else 200, pulls.reaction(call.urls, reaction))


def _remove(call: Call, reactions: list[Reaction]) -> Reply:
    for one in reactions:
        if one.id == call.number("reaction_id"):
            if one.user is not call.actor.user:
                raise forbidden()
            reactions.remove(one)
            return empty()
    raise not_found()


@route("GET", ISSUE, *READ, query="content")
def list_for_issue(call: Call) -> Reply:
    return _list(call, call.issue().reactions)


@route("POST", ISSUE, *WRITE, people="read", body="content")
def add_to_issue(call: Call) -> Reply:
    return _add(call, call.issue().reactions)


@route("DELETE", ISSUE + "/{reaction_id}", *WRITE, people="read")
def remove_from_issue(call: Call) -> Reply:
    return _remove(call, call.issue().reactions)


@route("GET", COMMENT, *READ, query="content")
def list_for_comment(call: Call) -> Reply:
    return _list(call, comment_of(call).reactions)


@route("POST", COMMENT, *WRITE, people="read", body="content")
def add_to_comment(call: Call) -> Reply:
    return _add(call, comment_of(call).reactions)


@route("DELETE", COMMENT + "/{reaction_id}", *WRITE, people="read")
def remove_from_comment(call: Call) -> Reply:
    return _remove(call, comment_of(call).reactions)


@route("GET", REVIEW_COMMENT, "pull_requests:read", query="content")
def list_for_review_comment(call: Call) -> Reply:
    return _list(call, review_comment_of(call).reactions)


@route("POST", REVIEW_COMMENT, "pull_requests:write", people="read", body="content")
def add_to_review_comment(call: Call) -> Reply:
    return _add(call, review_comment_of(call).reactions)


@route("DELETE", REVIEW_COMMENT + "/{reaction_id}", "pull_requests:write", people="read")
def remove_from_review_comment(call: Call) -> Reply:
    return _remove(call, review_comment_of(call).reactions)

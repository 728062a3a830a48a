"""Comments in the conversation, and reactions to anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.localhub.actions import notices
from bot.localhub.errors import Refusal, invalid
from bot.localhub.state import App, Comment, Issue, Reaction, Repository, User

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

MOST_CHARACTERS = 65_536


def check_body(resource: str, body: str) -> None:
    if not body.strip():
        raise invalid(resource, "body", "missing_field")
    if len(body) > MOST_CHARACTERS:
        raise invalid(
            resource, "body", "custom", f"body is too long (maximum is {MOST_CHARACTERS} characters)"
        )


def check_open_for_writing(repository: Repository) -> None:
    if repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")


def add_comment(hub: LocalHub, issue: Issue, user: User, body: str, app: App | None = None) -> Comment:
    check_open_for_writing(issue.repository)
    if issue.locked and (app is not None or not issue.repository.can(user, "write")):
        raise Refusal(403, "Unable to create comment because issue is locked.")
    check_body("IssueComment", body)
    state = hub.state
    comment = state.new(Comment, user=user, body=body, app=app, issue=issue)
    notices.tell(state, "comment", issue, user, body)
    notices.mention(state, issue, user, body)
    issue.comments.append(comment)
    state.touch(issue)
    hub.events.comment("created", comment, user)
    return comment


def edit_comment(hub: LocalHub, comment: Comment, user: User, body: str) -> None:
    check_open_for_writing(comment.issue.repository)
    if comment.issue.locked and not comment.issue.repository.can(user, "write"):
        raise Refusal(403, "Unable to edit comment because issue is locked.")
    check_body("IssueComment", body)
    before = comment.body
    if body == before:
        return
    comment.body = body
    comment.edits += 1
    hub.state.touch(comment)
    notices.mention(hub.state, comment.issue, user, body, before)
    hub.events.comment("edited", comment, user, changes={"body": {"from": before}})


def delete_comment(hub: LocalHub, comment: Comment, user: User) -> None:
    check_open_for_writing(comment.issue.repository)
    hub.events.comment("deleted", comment, user)
    comment.issue.comments.remove(comment)
    hub.state.nodes.pop(comment.node_id, None)


def react(hub: LocalHub, reactions: list[Reaction], user: User, content: str) -> tuple[Reaction, bool]:
    """(the reaction, whether it is new): the same one again changes nothing."""
    for reaction in reactions:
        if reaction.user is user and reaction.content == content:
            return reaction, False
    reaction = hub.state.new(Reaction, user=user, content=content)
    reactions.append(reaction)
    return reaction, True

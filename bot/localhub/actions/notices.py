"""Who is told of what. A notification is a new comment, review, mention or review request; edits ring at nobody new."""

from __future__ import annotations

import html
import re

from bot.localhub.state import Issue, Notification, Pull, State, User

_SILENT = re.compile(
    r"<!--.*?-->|^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)|(`+)(?!`).*?(?<!`)\2(?!`)", re.M | re.S
)
MENTION = re.compile(r"(?<![\w@/.`-])@([a-zA-Z\d](?:[a-zA-Z\d]|-(?=[a-zA-Z\d])){0,38})(?![\w/])")


def mentions(body: str) -> list[str]:
    """Logins that a Markdown text pings: not in code, not in HTML comments; entities are decoded first, as GitHub does."""
    return list(dict.fromkeys(MENTION.findall(html.unescape(_SILENT.sub(" ", body)))))


def participants(issue: Issue) -> list[User]:
    people = [issue.user, *(comment.user for comment in issue.comments)]
    if isinstance(issue, Pull):
        people += [review.user for review in issue.reviews if review.state != "PENDING"]
        people += issue.requested_reviewers
    return [user for user in dict.fromkeys(people) if user.type == "User"]


def tell(
    state: State, kind: str, issue: Issue, actor: User, text: str, also: list[User] | None = None
) -> None:
    """Record a notification to the participants (or to `also` alone), the actor excepted."""
    people = participants(issue) if also is None else also
    recipients = tuple(user.login for user in people if user is not actor)
    notice = Notification(
        kind=kind,  # pyright: ignore[reportArgumentType]
        actor=actor.login,
        repository=issue.repository.full_name,
        number=issue.number,
        recipients=recipients,
        text=text,
    )
    state.notifications.append(notice)


def mention(state: State, issue: Issue, actor: User, body: str, before: str = "") -> None:
    """Record mentions of accounts that exist and that an earlier text did not mention."""
    old = {login.lower() for login in mentions(before)}
    users = [state.user(login) for login in mentions(body) if login.lower() not in old]
    known = [user for user in users if user is not None and user is not actor and user.type == "User"]
    if known:
        tell(state, "mention", issue, actor, body, known)

"""Reviews and comments at lines of the diff."""

from __future__ import annotations

from bot.localhub.actions import reviews as actions
from bot.localhub.errors import not_found
from bot.localhub.routes.comments import may_change
from bot.localhub.state import Review, ReviewComment
from bot.localhub.views import pulls
from bot.localhub.web import Call, Reply, created, empty, ok, route

READ, WRITE = "pull_requests:read", "pull_requests:write"
REVIEWS = "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"
PLACE = "path position line side start_line start_side subject_type"
EVENTS = ("APPROVE", "REQUEST_CHANGES", "COMMENT")


def review_comment_of(call: Call) -> ReviewComment:
    wanted = call.number("comment_id")
    for pull in call.repository.pulls:
        for comment in pull.review_comments:
            if comment.id == wanted and (
                comment.review.state != "PENDING" or comment.user is call.actor.user
            ):
                return comment
    raise not_found()


def _review(call: Call) -> Review:
    for review in call.pull().reviews:
        if review.id == call.number("review_id") and _visible(call, review):
            return review
    raise not_found()


def _visible(call: Call, review: Review) -> bool:
    """A pending review is seen by its author only."""
    mine = call.actor.token or call.actor.person
    return review.state != "PENDING" or bool(mine and review.user is call.actor.user)


@route("GET", REVIEWS, READ)
def list_reviews(call: Call) -> Reply:
    found = [one for one in call.pull().reviews if _visible(call, one)]
    return call.page(found, lambda one: pulls.review(call.urls, one))


@route("POST", REVIEWS, WRITE, people="read", body="commit_id body event comments")
def create_review(call: Call) -> Reply:
    event = call.choice("event", EVENTS) if call.body.get("event") else None
    made = actions.create(
        call.hub,
        call.pull(),
        call.actor.user,
        body=call.text("body", required=False),
        event=event,
        comments=call.body.get("comments"),
        commit=call.body.get("commit_id"),
        app=call.actor.via,
    )
    return ok(pulls.review(call.urls, made))


@route("GET", REVIEWS + "/{review_id}", READ)
def get_review(call: Call) -> Reply:
    return ok(pulls.review(call.urls, _review(call)))


@route("PUT", REVIEWS + "/{review_id}", WRITE, people="read", body="body")
def update_review(call: Call) -> Reply:
    review = _review(call)
    may_change(call, review.user.id)
    review.body = call.text("body")
    review.edits += 1
    call.state.touch(review)
    call.hub.events.review("edited", review, call.actor.user)
    return ok(pulls.review(call.urls, review))


@route("DELETE", REVIEWS + "/{review_id}", WRITE, people="read")
def delete_review(call: Call) -> Reply:
    review = _review(call)
    actions.delete_pending(call.hub, review)
    return ok(pulls.review(call.urls, review))


@route("POST", REVIEWS + "/{review_id}/events", WRITE, people="read", body="body event")
def submit_review(call: Call) -> Reply:
    review = _review(call)
    review.body = call.text("body", required=False) or review.body
    actions.submit(call.hub, review, call.choice("event", EVENTS))
    return ok(pulls.review(call.urls, review))


@route("PUT", REVIEWS + "/{review_id}/dismissals", WRITE, body="message event")
def dismiss_review(call: Call) -> Reply:
    review = _review(call)
    actions.dismiss(call.hub, review, call.actor.user, call.text("message"))
    return ok(pulls.review(call.urls, review))


@route("GET", REVIEWS + "/{review_id}/comments", READ)
def list_comments_of_review(call: Call) -> Reply:
    review = _review(call)
    found = [one for one in review.pull.review_comments if one.review is review]
    return call.page(found, lambda one: pulls.of_review(call.urls, one))


@route("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/comments", READ, query="sort direction since")
def list_comments(call: Call) -> Reply:
    found = [one for one in call.pull().review_comments if one.review.state != "PENDING"]
    if call.query.get("direction") == "desc":
        found.reverse()
    return call.page(found, lambda one: pulls.review_comment(call.urls, one))


@route("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/comments", WRITE, people="read",
       body=PLACE + " body commit_id in_reply_to")  # fmt: skip
def create_comment(call: Call) -> Reply:
    call.text("body")
    if call.body.get("in_reply_to"):
        call.params["comment_id"] = str(call.body["in_reply_to"])
        return reply_to_comment(call)
    call.text("commit_id")
    made = actions.comment(call.hub, call.pull(), call.actor.user, call.body, call.actor.via)
    return created(pulls.review_comment(call.urls, made))


@route("POST", "/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies", WRITE, people="read",
       body="body")  # fmt: skip
def reply_to_comment(call: Call) -> Reply:
    to = review_comment_of(call)
    if to.review.pull is not call.pull():
        raise not_found()
    made = actions.reply(call.hub, to, call.actor.user, call.text("body"), call.actor.via)
    return created(pulls.review_comment(call.urls, made))


@route("GET", "/repos/{owner}/{repo}/pulls/comments", READ, query="sort direction since")
def list_all_comments(call: Call) -> Reply:
    found = [
        one for pull in call.repository.pulls for one in pull.review_comments if one.review.state != "PENDING"
    ]
    return call.page(sorted(found, key=lambda one: one.id), lambda one: pulls.review_comment(call.urls, one))


@route("GET", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", READ)
def get_comment(call: Call) -> Reply:
    return ok(pulls.review_comment(call.urls, review_comment_of(call)))


@route("PATCH", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", WRITE, people="read", body="body")
def update_comment(call: Call) -> Reply:
    comment = review_comment_of(call)
    may_change(call, comment.user.id)
    actions.edit(call.hub, comment, call.actor.user, call.text("body"))
    return ok(pulls.review_comment(call.urls, comment))


@route("DELETE", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", WRITE, people="read")
def delete_comment(call: Call) -> Reply:
    comment = review_comment_of(call)
    may_change(call, comment.user.id)
    actions.delete(call.hub, comment, call.actor.user)
    return empty()

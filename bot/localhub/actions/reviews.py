"""Reviews, comments at lines, and what a push does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.localhub import git, patch
from bot.localhub.actions import notices
from bot.localhub.actions.conversation import check_body, check_open_for_writing
from bot.localhub.errors import Refusal, unprocessable
from bot.localhub.state import App, Json, Pull, Review, ReviewComment, Thread, User

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

STATES = {"COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED"}


def files_at(pull: Pull, commit: str) -> dict[str, git.File]:
    """The files of the pull request as of one of its commits, by path."""
    path = pull.repository.path
    base = git.merge_base(path, pull.base_sha, commit) or pull.base_sha
    return {file.path: file for file in git.diff(path, base, commit)}


def locate(files: dict[str, git.File], wanted: Json) -> Json:
    """The fields of a review comment's place; raises Refusal (422) as GitHub does.

    Args:
        wanted: `path` with `line` (and `side`, `start_line`, `start_side`) or `position`, or `subject_type: file`.
    """
    file = files.get(str(wanted.get("path")))
    if file is None:
        raise unprocessable("Path could not be resolved")
    if wanted.get("subject_type") == "file":
        return _place(file.path, None, "RIGHT", None, None, None, "", "file")
    if file.patch is None:
        raise unprocessable("Line could not be resolved")
    places = patch.places(file.patch)
    if (position := wanted.get("position")) is not None and wanted.get("line") is None:
        found = patch.at_position(file.patch, position)
        if found is None:
            raise unprocessable("Position could not be resolved")
        side, line = found
    else:
        side, line = wanted.get("side") or "RIGHT", wanted.get("line")
    here = places.get((side, line))  # pyright: ignore[reportArgumentType]
    if here is None:
        raise unprocessable("Line could not be resolved")
    start, start_side = wanted.get("start_line"), wanted.get("start_side") or side
    if start is not None:
        there = places.get((start_side, start))
        if there is None:
            raise unprocessable("Start line could not be resolved")
        if there.position >= here.position:
            raise unprocessable("Pull request review thread start line must precede the end line.")
        if there.hunk != here.hunk:
            raise unprocessable(
                "Pull request review thread start line must be part of the same hunk as the line."
            )
    else:
        start_side = None
    hunk = patch.hunk_until(file.patch, here.position)
    return _place(file.path, line, side, start, start_side, here.position, hunk, "line")


def _place(
    path: str,
    line: int | None,
    side: str,
    start: int | None,
    start_side: str | None,
    position: int | None,
    hunk: str,
    subject: str,
) -> Json:
    return {
        "path": path,
        "line": line,
        "original_line": line,
        "side": side,
        "start_line": start,
        "original_start_line": start,
        "start_side": start_side,
        "position": position,
        "original_position": position,
        "diff_hunk": hunk,
        "subject_type": subject,
    }


def _commit_of(pull: Pull, commit: Any) -> str:
    if commit is None or commit == pull.head_sha:
        return pull.head_sha
    path = pull.repository.path
    if (
        isinstance(commit, str)
        and git.has(path, commit)
        and git.merge_base(path, commit, pull.head_sha) == commit
    ):
        return commit
    raise unprocessable("commit_id is not part of the pull request")


def create(
    hub: LocalHub,
    pull: Pull,
    user: User,
    *,
    body: str = "",
    event: str | None = None,
    comments: list[Json] | None = None,
    commit: str | None = None,
    app: App | None = None,
) -> Review:
    """A review with its comments, all or nothing; without `event` it stays pending."""
    check_open_for_writing(pull.repository)
    if pull.locked and (app is not None or not pull.repository.can(user, "write")):
        raise unprocessable("lock prevents review")
    if any(review.user is user and review.state == "PENDING" for review in pull.reviews):
        raise unprocessable("User can only have one pending review per pull request")
    if body:
        check_body("PullRequestReview", body)
    comments = comments or []
    if event in ("COMMENT", "REQUEST_CHANGES") and not body and not (comments and event == "COMMENT"):
        raise unprocessable("Review body can't be blank")
    if event in ("APPROVE", "REQUEST_CHANGES") and user is pull.user:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise unprocessable(f"Can not {verb} your own pull request")
    sha = _commit_of(pull, commit)
    files = files_at(pull, sha) if comments else {}
    located = [(locate(files, one), str(one.get("body") or "")) for one in comments]
    for _, text in located:
        check_body("PullRequestReviewComment", text)
    review = hub.state.new(Review, user=user, body=body, app=app, pull=pull, state="PENDING", commit_id=sha)
    for place, text in located:
        _attach(hub, review, place, text)
    if event is None:
        pull.reviews.append(review)
    else:
        notices.tell(hub.state, "review", pull, user, body)
        pull.reviews.append(review)
        submit(hub, review, event)
    return review


def _attach(hub: LocalHub, review: Review, place: Json, body: str) -> ReviewComment:
    thread = hub.state.new(Thread, pull=review.pull)
    comment = hub.state.new(
        ReviewComment, user=review.user, body=body, app=review.app, review=review, thread=thread,
        commit_id=review.commit_id, original_commit_id=review.commit_id, **place,
    )  # fmt: skip
    thread.comments.append(comment)
    review.pull.threads.append(thread)
    return comment


def submit(hub: LocalHub, review: Review, event: str) -> None:
    if review.state != "PENDING":
        raise unprocessable("Can only submit pending reviews")
    review.state = STATES[event]  # pyright: ignore[reportAttributeAccessIssue]
    review.submitted_at = hub.state.clock.now()
    pull = review.pull
    pull.requested_reviewers = [one for one in pull.requested_reviewers if one is not review.user]
    hub.state.touch(review, pull)
    mine = [comment for comment in pull.review_comments if comment.review is review]
    notices.mention(hub.state, pull, review.user, "\n\n".join([review.body, *(one.body for one in mine)]))
    hub.events.review("submitted", review, review.user)
    for comment in mine:
        hub.events.review_comment("created", comment, review.user)


def delete_pending(hub: LocalHub, review: Review) -> None:
    if review.state != "PENDING":
        raise unprocessable("Can not delete a non-pending pull request review")
    pull = review.pull
    pull.reviews.remove(review)
    pull.threads = [thread for thread in pull.threads if thread.comments[0].review is not review]


def dismiss(hub: LocalHub, review: Review, user: User, message: str) -> None:
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable("Can not dismiss a commented pull request review")
    review.state = "DISMISSED"
    hub.state.touch(review)
    hub.events.review("dismissed", review, user)


def comment(hub: LocalHub, pull: Pull, user: User, wanted: Json, app: App | None = None) -> ReviewComment:
    """A single comment at a line (a review of its own, as GitHub makes it)."""
    check_open_for_writing(pull.repository)
    check_body("PullRequestReviewComment", str(wanted.get("body") or ""))
    sha = _commit_of(pull, wanted.get("commit_id"))
    place = locate(files_at(pull, sha), wanted)
    now = hub.state.clock.now()
    review = hub.state.new(
        Review, user=user, body="", app=app, pull=pull, state="COMMENTED", commit_id=sha, submitted_at=now
    )
    made = _attach(hub, review, place, str(wanted["body"]))
    _announce(hub, review, made)
    return made


def reply(hub: LocalHub, to: ReviewComment, user: User, body: str, app: App | None = None) -> ReviewComment:
    first, pull = to.thread.comments[0], to.review.pull
    check_open_for_writing(pull.repository)
    if pull.locked and (app is not None or not pull.repository.can(user, "write")):
        raise Refusal(403, "Unable to create comment because issue is locked.")
    check_body("PullRequestReviewComment", body)
    now = hub.state.clock.now()
    review = hub.state.new(
        Review,
        user=user,
        body="",
        app=app,
        pull=pull,
        state="COMMENTED",
        commit_id=pull.head_sha,
        submitted_at=now,
    )
    copied = ("path", "line", "original_line", "side", "start_line", "original_start_line", "start_side", "position",
              "original_position", "diff_hunk", "subject_type", "commit_id", "original_commit_id")  # fmt: skip
    made = hub.state.new(
        ReviewComment, user=user, body=body, app=app, review=review, thread=to.thread, in_reply_to=first,
        **{name: getattr(first, name) for name in copied},
    )  # fmt: skip
    to.thread.comments.append(made)
    _announce(hub, review, made)
    return made


def _announce(hub: LocalHub, review: Review, made: ReviewComment) -> None:
    pull = review.pull
    notices.tell(hub.state, "review_comment", pull, made.user, made.body)
    notices.mention(hub.state, pull, made.user, made.body)
    pull.reviews.append(review)
    hub.state.touch(pull)
    hub.events.review("submitted", review, made.user)
    hub.events.review_comment("created", made, made.user)


def edit(hub: LocalHub, the: ReviewComment, user: User, body: str) -> None:
    check_open_for_writing(the.review.pull.repository)
    check_body("PullRequestReviewComment", body)
    before, the.body = the.body, body
    the.edits += 1
    hub.state.touch(the)
    hub.events.review_comment("edited", the, user, changes={"body": {"from": before}})


def delete(hub: LocalHub, the: ReviewComment, user: User) -> None:
    hub.events.review_comment("deleted", the, user)
    the.thread.comments.remove(the)
    if not the.thread.comments:
        the.review.pull.threads.remove(the.thread)
    hub.state.nodes.pop(the.node_id, None)


def follow_push(pull: Pull, before: str, after: str) -> None:
    """Move the comments along with their lines; what was changed becomes outdated."""
    if not pull.threads:
        return
    between = {file.previous or file.path: file for file in git.diff(pull.repository.path, before, after)}
    files = files_at(pull, after)
    for each in pull.review_comments:
        if each.line is None:
            continue
        file = files.get(each.path)
        change = between.get(each.path)
        line, start = each.line, each.start_line
        if each.side == "RIGHT" and change is not None:
            line = patch.moved(change.patch, line)
            start = patch.moved(change.patch, start) if start is not None else None
        lost_start = each.start_line is not None and start is None
        place = None
        if file and file.patch and line is not None and not lost_start:
            place = patch.places(file.patch).get((each.side, line))
        if place is None:
            each.line = each.start_line = each.position = None
        else:
            each.line, each.start_line, each.position, each.commit_id = line, start, place.position, after

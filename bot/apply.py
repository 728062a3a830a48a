"""Carries out what `bot.plan` decided."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog

from bot.github import reviews, writes
from bot.github.errors import Gone, Locked, Unprocessable
from bot.github.session import Installation
from bot.ledger import Ledger
from bot.outbox import (
    CreateCheckRun,
    CreateComment,
    CreateReview,
    EditComment,
    EditReviewComment,
    MinimizeComment,
    Output,
    React,
    Remember,
    RequestReview,
    ResolveThread,
    UpdateCheckRun,
    Write,
)
from bot.state import Repository

log = structlog.get_logger(__name__)


async def apply(
    there: Installation,
    repository: Repository,
    number: int,
    wanted: Iterable[Write],
    *,
    ledger: Ledger | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> None:
    """Write to GitHub: check runs side by side, everything that notifies people one after the other, in the plan's order.

    Raises:
        bot.github.errors.GitHubError: see there. What was written stays; planning again gives the rest.
    """
    pending = list(wanted)
    runs = [write for write in pending if isinstance(write, CreateCheckRun | UpdateCheckRun)]

    async def one(write: Write) -> None:
        if isinstance(write, Remember):
            if ledger is not None:
                await ledger.remember(write.comment.node_id, write.digests)
            return
        try:
            await _write(there, repository, number, write)
        except (Locked, Gone) as error:
            if isinstance(write, CreateCheckRun | UpdateCheckRun):
                raise
            # A locked conversation, or a comment deleted meanwhile, must not cost the check runs.
            log.info("write dropped", write=type(write).__name__, pull=number, reason=str(error))
        after_each()

    await asyncio.gather(*(one(write) for write in runs))
    for write in pending:
        if not isinstance(write, CreateCheckRun | UpdateCheckRun):
            await one(write)


async def _write(there: Installation, repository: Repository, number: int, write: Write) -> None:
    match write:
        case CreateCheckRun():
            await _create_check_run(there, repository, write)
        case UpdateCheckRun():
            await _conclude(there, repository, write.id, write)
        case CreateComment():
            await writes.create_comment(
                there, repository, number, marker=write.marker, body=write.body, look=False
            )
        case EditComment():
            await writes.update_comment(there, repository, write.id, write.body)
        case MinimizeComment():
            await writes.minimize_comment(there, write.node_id, write.why)
        case CreateReview():
            await _review(there, repository, number, write)
        case EditReviewComment():
            await writes.update_review_comment(there, repository, write.id, write.body)
        case ResolveThread():
            await writes.resolve_thread(there, write.node_id)
        case RequestReview():
            await _request_review(there, repository, number, write.logins)
        case React():
            await writes.add_reaction(there, repository, write.comment, write.content)
        case Remember():
            raise AssertionError("not GitHub's")


async def _request_review(
    there: Installation, repository: Repository, number: int, logins: tuple[str, ...]
) -> None:
    try:
        await writes.request_reviewers(there, repository, number, logins)
    except Unprocessable as error:  # a right that was lost a moment ago: the summary names them all the same
        log.warning("review not requested", pull=number, logins=logins, reason=str(error))


async def _review(there: Installation, repository: Repository, number: int, write: CreateReview) -> None:
    posted = await reviews.create_review(
        there,
        repository,
        number,
        head_sha=write.head_sha,
        marker=write.marker,
        body=write.body,
        comments=write.comments,
    )
    if posted.left_out:
        log.warning(
            "GitHub took no comment there", pull=number, lines=[(c.path, c.line) for c in posted.left_out]
        )


async def _create_check_run(there: Installation, repository: Repository, write: CreateCheckRun) -> None:
    """Annotations go into updates, where they are counted; so a run with annotations is concluded by one."""
    later = bool(write.output.annotations)
    run = await writes.create_check_run(
        there,
        repository,
        name=write.name,
        head_sha=write.head_sha,
        external_id=write.external_id,
        status="in_progress" if later else write.status,
        conclusion=None if later else write.conclusion,
        output=_output(write.output),
        actions=_actions(write.output),
        look=False,
    )
    if later:
        await _conclude(there, repository, run.id, write)


async def _conclude(
    there: Installation, repository: Repository, run_id: int, write: CreateCheckRun | UpdateCheckRun
) -> None:
    await writes.update_check_run(
        there,
        repository,
        run_id,
        status=write.status,
        conclusion=write.conclusion,
        output=_output(write.output),
        annotations=write.output.annotations,
        actions=_actions(write.output),
    )


def _actions(output: Output) -> list[writes.Action]:
    return [writes.Action(button.identifier, button.label, button.description) for button in output.buttons]


def _output(output: Output) -> writes.Output:
    return writes.Output(output.title, output.summary, output.text)

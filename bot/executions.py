"""The durable workflow of an execution: wait for its turn, run, write down what came of it, look again.

It writes nothing on GitHub but how far it is: the result is shown by the look that follows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal, TypedDict

import structlog
from dbos import DBOS

from bot import workflows
from bot.execution import Order, Record, is_ours, last_failed, name, quota_used
from bot.executor import Progress, Superseded
from bot.github import reads
from bot.github.errors import GitHubError
from bot.outbox import Output, UpdateCheckRun
from bot.render.text import code, inert, plain
from bot.workflows import PullGone, Services
from checks.report import Conclusion

log = structlog.get_logger(__name__)

QUEUE = "executions"
SIDE_BY_SIDE = 64
"""Workflows that may be open; how many of them execute is `Executor.slots`' business."""
TELL_EVERY = 4.0
"""Seconds between two edits of the check run, and between two looks whether it is still wanted."""
MOST_ROUNDS = 1_000


class Ended(TypedDict):
    """What a step came to."""

    kind: Literal["go", "wait", "over", "superseded"]
    seconds: float


@DBOS.workflow(name="execution", max_recovery_attempts=20)
async def execution(order: Order) -> str:
    """Executes an order. Returns what came of it, for the operator."""
    said = "given up"
    try:
        for _ in range(MOST_ROUNDS):
            admitted: Ended = await workflows.run(admit, order)
            if admitted["kind"] == "go":
                said = (await workflows.run(perform, order))["kind"]
                break
            if admitted["kind"] == "superseded":
                said = "superseded"
                break
            await DBOS.sleep_async(min(admitted["seconds"], 600.0))
    except PullGone as gone:
        return f"gone: {gone}"
    except Exception:
        log.exception("execution failed", head=order["head"], pull=order["number"])
        await workflows.run(give_up, order)
    cause = f"executed.{name(order)}.{DBOS.workflow_id}"
    await workflows.enqueue_look(cause, order["installation"], order["repository"], order["number"])
    return said


@workflows.step
async def admit(services: Services, order: Order) -> Ended:
    """Whether it may begin: it is still wanted, and the quotas of today hold."""
    if await _moved(services, order):
        await _retire(services, order)
        return Ended(kind="superseded", seconds=0)
    seconds = await services.archive.admit(order)
    if not seconds:
        return Ended(kind="go", seconds=0)
    await _tell(services, order, quota_used(seconds), "")
    return Ended(kind="wait", seconds=seconds)


@workflows.step
async def perform(services: Services, order: Order) -> Ended:
    """Runs it, tells how far it is, and keeps the result."""
    tests: list[str] | None = None
    if order["failed"]:
        tests = last_failed(await services.archive.results(order["repository"], order["number"]))
        if not tests:
            await services.archive.end(
                order, Record(None, "no test failed the last time: `/tfport test` runs all of them")
            )
            return Ended(kind="over", seconds=0)
    progress = Progress()
    telling = asyncio.create_task(_follow(services, order, progress))
    try:
        path = services.mirror.path(order["repository"])
        record = await services.executor.run(order, path, tests, progress)
    except Superseded as why:
        log.info("execution ended early", head=order["head"], reason=str(why))
        if await _moved(services, order):
            await _retire(services, order)
        return Ended(kind="superseded", seconds=0)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, GitHubError):
            await telling
    workflows.crash_point("executed")
    await services.archive.end(order, record)
    return Ended(kind="over", seconds=0)


@workflows.step
async def give_up(services: Services, order: Order) -> None:
    """After a failure of ours."""
    await services.archive.admit(order)
    await services.archive.end(order, Record(None, "an internal error of tfport; `/tfport test` tries again"))


async def _moved(services: Services, order: Order) -> bool:
    """Somebody has pushed, or closed the pull request."""
    there = services.github.installation(order["installation"])
    home = await reads.repository(there, order["repository"])
    pull = await reads.pull(there, home, order["number"])
    return pull.head_sha != order["head"] or not pull.open


async def _follow(services: Services, order: Order, progress: Progress) -> None:
    """Edits the check run, and ends what is not wanted any more, should no webhook have told us."""
    shown = ""
    while True:
        try:
            if await _moved(services, order):
                services.executor.end(order["repository"], order["number"], "the head moved")
            title = (
                f"{progress.done} of {progress.total} over" if progress.total else plain(progress.text)[:200]
            )
            if title != shown:
                last = f"Last: {code(progress.last.rsplit('::', 1)[-1])}" if progress.last else ""
                await _tell(services, order, title, f"{inert(progress.text)}. {last}")
                shown = title
        except GitHubError as error:
            log.info("progress not told", reason=str(error))
        await asyncio.sleep(TELL_EVERY)


async def _tell(services: Services, order: Order, title: str, text: str) -> None:
    await _update(services, order, Output(title, text or title))


async def _retire(services: Services, order: Order) -> None:
    """The check run of a commit that is not the head any more must not hang: no look comes back to it."""
    await _update(services, order, Output("Not finished", "Superseded, or closed."), "cancelled")


async def _update(
    services: Services, order: Order, output: Output, conclusion: Conclusion | None = None
) -> None:
    there = services.github.installation(order["installation"])
    home = await reads.repository(there, order["repository"])
    runs = await reads.check_runs(there, home, order["head"])
    prefix = f"tfport:{order['number']}:"
    writes = [
        UpdateCheckRun(run.id, "completed" if conclusion else "in_progress", output, conclusion)
        for run in runs
        if run.external_id.startswith(prefix) and is_ours(run) and run.status != "completed"
    ]
    await workflows.write(services, order["installation"], home, order["number"], writes)


async def enqueue(order: Order) -> None:
    """Queue an execution, unless it is queued or running."""
    await workflows.enqueue_once(QUEUE, f"execution:{name(order)}:", execution, order)


async def register() -> None:
    """Makes the queue known, once the engine runs."""
    await DBOS.register_queue_async(QUEUE, worker_concurrency=SIDE_BY_SIDE, polling_interval_sec=0.1)

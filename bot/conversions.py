"""The durable workflow of a conversion: wait for its turn, convert, propose on the Hub, follow that until it is merged.

It says how far it is by editing the reply to the command (see `bot.conversion`), which rings at nobody.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypedDict

import structlog
from dbos import DBOS

from bot import hub, workflows
from bot.conversion import LIMIT, Figures, Order, Outcome, edited, name, outcome
from bot.execution import Record, quota_used
from bot.executor import Progress, Superseded
from bot.github import reads
from bot.github.errors import GitHubError
from bot.markers import tail
from bot.outbox import EditComment
from bot.plan import GATE
from bot.policy import RepositoryConfig
from bot.render import replies
from bot.render.conversion import TITLE, description, reminder
from bot.workflows import PullGone, Services
from checks.errors import UserError
from checks.execution.convert import Conversion, judge
from checks.weights import lacking

log = structlog.get_logger(__name__)

QUEUE = "conversions"
FOLLOWING = "conversions-followed"
SIDE_BY_SIDE = 64
FOLLOWED = 10_000
"""Pull requests on the Hub that are followed at the same time: each sleeps nearly all of it."""
TELL_EVERY = 4.0
"""Seconds between two edits of the reply, and between two looks whether it is still wanted."""
MOST_ROUNDS = 1_000
FOLLOW_EVERY = 6 * 3_600.0
"""Seconds between two looks at the Hub."""
REMIND_AFTER = 14 * 86_400.0
"""Seconds until the one reminder on the Hub."""
FOLLOW_FOR = 365 * 86_400.0


NONE = Figures(model_class="", outputs={}, hidden={}, reloaded={}, files=[], revision="")

State = Literal["open", "merged", "closed", "given up"]
"""Of a pull request on the Hub that is followed."""


class Watch(TypedDict):
    """A pull request on the Hub that is followed since a time (seconds since 1970)."""

    order: Order
    came: Outcome
    since: float


class Admitted(TypedDict):
    """Whether it may begin, in how many seconds it may be asked again, or why it may not."""

    seconds: float
    over: Outcome | None


class Made(TypedDict):
    """Weights on disk, or how it ended before there were any."""

    figures: Figures
    over: Outcome | None


@DBOS.workflow(name="conversion", max_recovery_attempts=20)
async def conversion(order: Order) -> str:
    """Converts a checkpoint and proposes its weights. Returns what came of it, for the operator."""
    came = outcome("failed", "it waited too long for its turn")
    try:
        for _ in range(MOST_ROUNDS):
            admitted: Admitted = await workflows.run(admit_conversion, order)
            if admitted["over"] is not None:
                came = admitted["over"]
                break
            if not admitted["seconds"]:
                made: Made = await workflows.run(convert, order)
                came = made["over"] or await workflows.run(propose, order, made["figures"])
                break
            await DBOS.sleep_async(min(admitted["seconds"], 600.0))
        await workflows.run(conclude, order, came)
    except PullGone as gone:
        return f"gone: {gone}"
    except Exception:
        log.exception("conversion failed", checkpoint=order["checkpoint"], pull=order["number"])
        came = outcome("failed", "an internal error of tfport; the operator has its log")
        await workflows.run(conclude, order, came)
    if came["kind"] == "proposed":
        await follow(order, came)
    return came["kind"]


@workflows.step
async def admit_conversion(services: Services, order: Order) -> Admitted:
    """It is still wanted, and the quotas of today hold, which are those of executions."""
    if await _moved(services, order):
        return Admitted(seconds=0, over=outcome("superseded"))
    seconds = await services.archive.admit(order)
    if seconds:
        await _tell(services, order, replies.converting(order["checkpoint"], quota_used(seconds)))
    return Admitted(seconds=seconds, over=None)


@workflows.step
async def convert(services: Services, order: Order) -> Made:
    """The weights, in a folder of ours. Not made where the Hub has them, or a proposal of ours."""
    checkpoint = order["checkpoint"]
    try:
        there = await asyncio.to_thread(partial(hub.checkpoint, checkpoint, token=services.hub_token))
        if not lacking(there.files, reads_safetensors=False):
            return Made(figures=NONE, over=outcome("failed", "it has TensorFlow weights on the Hub"))
        before = await asyncio.to_thread(
            partial(hub.proposed, checkpoint, token=services.hub_token, title=TITLE)
        )
        if before is not None:
            kind = "merged" if before.state == "merged" else "proposed"
            return Made(figures=NONE, over=outcome(kind, number=before.number, url=before.url))
        figures = await _converted(services, order)
        judge(_conversion(order, figures), order["limit"])
    except Superseded:
        return Made(figures=NONE, over=outcome("superseded"))
    except UserError as error:
        await services.archive.end(order, Record(None, error.message))
        return Made(figures=NONE, over=outcome("failed", _told(error)))
    await services.archive.end(order, Record(None, ""))
    return Made(figures=figures, over=None)


async def _converted(services: Services, order: Order) -> Figures:
    """
    Raises:
        Superseded: somebody pushed, or closed the pull request.
        UserError: it could not be converted.
    """
    there = services.github.installation(order["installation"])
    home = await reads.repository(there, order["repository"])
    pull = await reads.pull(there, home, order["number"])
    tip = await reads.branch_tip(there, home, order["branch"])
    head = order["head"] or tip
    base = await reads.merge_base(there, home, tip, head) if order["head"] else tip
    mirror = await services.mirror.fetch(there, home, (base, head), pull=pull)
    folder = _folder(services, order)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    progress = Progress()
    stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    telling = asyncio.create_task(_follow(services, order, progress, stop))
    try:
        return await services.executor.convert(order, base, head, mirror, folder, progress, stop)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, GitHubError):
            await telling


@workflows.step
async def propose(services: Services, order: Order, figures: Figures) -> Outcome:
    """The pull request on the Hub: the one that is there, should we have died after it was made."""
    checkpoint, found = order["checkpoint"], _conversion(order, figures)
    if services.github.readonly:
        return outcome("failed", "I may write nothing at present")
    text = description(
        found,
        limit=LIMIT,
        source=order["url"],
        revision=figures["revision"],
        by=order["by"],
        reason=order["reason"],
        maintainers=(await _config(services, order)).hub_maintainers,
    )
    try:
        made = await asyncio.to_thread(
            partial(
                hub.propose,
                checkpoint,
                found.files,
                token=services.hub_token,
                title=TITLE,
                description=text,
                revision=figures["revision"] or None,
            )
        )
    except UserError as error:
        return outcome("failed", _told(error))
    workflows.crash_point("proposed")
    shutil.rmtree(_folder(services, order), ignore_errors=True)
    return outcome(
        "merged" if made.state == "merged" else "proposed",
        number=made.number,
        url=made.url,
        outputs=max([*found.outputs.values(), *found.reloaded.values()]),
        hidden=max(found.hidden.values(), default=None),
    )


@workflows.step
async def conclude(services: Services, order: Order, came: Outcome) -> None:
    """Tell what came of it, where it was asked for."""
    shutil.rmtree(_folder(services, order), ignore_errors=True)
    await _tell(services, order, replies.converted(order, came), came)


# -- afterwards --------------------------------------------------------------------------------------------------------


async def follow(order: Order, came: Outcome) -> None:
    """Follow a pull request on the Hub, for the reply that speaks of it, unless it is followed already."""
    watch = Watch(order=order, came=came, since=await now())
    await workflows.enqueue_once(FOLLOWING, f"following:{name(order)}:{came['number']}:", following, watch)


@DBOS.step(name="now")
async def now() -> float:
    """Seconds since 1970; written down, as a workflow that is repeated must do the same again."""
    return time.time()


@DBOS.workflow(name="following", max_recovery_attempts=100_000)
async def following(watch: Watch) -> str:
    """Looks at a pull request on the Hub now and then, reminds once, and tells its end. Lives through many restarts."""
    order, came = watch["order"], watch["came"]
    try:
        while True:
            state: State = await workflows.run(visit, order, came, watch["since"])
            if state in ("merged", "closed"):
                await workflows.run(conclude, order, outcome(state, number=came["number"], url=came["url"]))
                break
            if state == "given up":
                return state
            await DBOS.sleep_async(FOLLOW_EVERY)
    except PullGone as gone:
        return f"gone: {gone}"
    # The item tf-weights is decided anew: nothing else on GitHub has changed, so the gate is asked for by name.
    cause = f"{state}.{order['checkpoint'].replace('/', '.')}.{came['number']}"
    asked = {GATE: f"r{sha256(cause.encode()).hexdigest()[:16]}"}
    await workflows.enqueue_look(cause, order["installation"], order["repository"], order["number"], asked)
    return state


@workflows.step
async def visit(services: Services, order: Order, came: Outcome, since: float) -> State:
    """How the pull request stands; a Hub that does not answer leaves it open."""
    checkpoint, number, token = order["checkpoint"], came["number"], services.hub_token
    try:
        found = await asyncio.to_thread(partial(hub.proposal, checkpoint, number, token=token))
        if found.state in ("merged", "closed"):
            services.hub.forget(checkpoint)
            return "merged" if found.state == "merged" else "closed"
        age = time.time() - since
        if age > REMIND_AFTER and not services.github.readonly:
            # Twice the same text is written once: see there.
            text = reminder(round(REMIND_AFTER / 86_400), (await _config(services, order)).hub_maintainers)
            await asyncio.to_thread(partial(hub.remind, checkpoint, number, text, token=token))
    except UserError as error:
        log.info("the hub was asked in vain", checkpoint=checkpoint, reason=error.message)
        age = time.time() - since
    return "given up" if age > FOLLOW_FOR else "open"


# -- the reply ---------------------------------------------------------------------------------------------------------

_reply = asyncio.Lock()
"""One edit at a time: a comment may ask for several conversions."""


async def _follow(services: Services, order: Order, progress: Progress, stop: asyncio.Future[str]) -> None:
    shown = ""
    while True:
        try:
            if await _moved(services, order) and not stop.done():
                stop.set_result("somebody pushed, or closed the pull request")
            if progress.text != shown:
                shown = progress.text
                await _tell(services, order, replies.converting(order["checkpoint"], shown))
        except GitHubError as error:
            log.info("progress not told", reason=str(error))
        await asyncio.sleep(TELL_EVERY)


async def _tell(services: Services, order: Order, text: str, came: Outcome | None = None) -> None:
    there = services.github.installation(order["installation"])
    home = await reads.repository(there, order["repository"])
    marker = f"<!-- tfport:reply {order['attempt']} -->"
    async with _reply:
        for comment in await reads.issue_comments(there, home, order["number"]):
            if comment.app_id == there.app_id and marker in tail(comment.body):
                body = edited(comment.body, order["checkpoint"], text, came)
                if body != comment.body:
                    write = EditComment(comment.id, body)
                    await workflows.write(services, order["installation"], home, order["number"], [write])


async def _moved(services: Services, order: Order) -> bool:
    """The code that converts is not the head any more, or was closed without a merge."""
    there = services.github.installation(order["installation"])
    home = await reads.repository(there, order["repository"])
    pull = await reads.pull(there, home, order["number"])
    if not order["head"]:
        return not (pull.open or pull.merged)
    return pull.head_sha != order["head"] or not (pull.open or pull.merged)


async def _config(services: Services, order: Order) -> RepositoryConfig:
    situation = await workflows.observed(
        services, order["installation"], order["repository"], order["number"]
    )
    return situation.config


def _folder(services: Services, order: Order) -> Path:
    return services.folder / "conversions" / name(order)


def _conversion(order: Order, figures: Figures) -> Conversion:
    return Conversion(
        order["checkpoint"],
        figures["model_class"],
        figures["outputs"],
        figures["hidden"],
        figures["reloaded"],
        tuple(map(Path, figures["files"])),
        figures["revision"],
    )


def _told(error: UserError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


async def enqueue(order: Order) -> None:
    """Queue a conversion, or follow what came of it, unless that is being done."""
    if order["came"] is not None:
        await follow(order, order["came"])
        return
    await workflows.enqueue_once(QUEUE, f"conversion:{name(order)}:", conversion, order)


async def register() -> None:
    """Makes the queues known, once the engine runs."""
    await DBOS.register_queue_async(QUEUE, worker_concurrency=SIDE_BY_SIDE, polling_interval_sec=0.1)
    await DBOS.register_queue_async(FOLLOWING, worker_concurrency=FOLLOWED, polling_interval_sec=1.0)

"""Durable workflows: the only module that imports the engine (DBOS).

One workflow, `look`: announce, fetch, examine, publish. Every step reads GitHub anew and writes only what is missing, so each may
be killed anywhere and repeated. Deliveries only start a look; one that waits in the queue already will see what they tell.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import importlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypedDict, TypeVar

import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions, SetWorkflowID  # fmt: skip

from bot.answers import answers, conversions_wanted, repairs_wanted
from bot.apply import apply
from bot.archive import Archive
from bot.commands import PREFIX
from bot.conversion import Means, asked, due
from bot.conversion import Order as Conversion
from bot.decisions import decisions, standing
from bot.examine import Examination, Examiner, suggestions_from_json
from bot.execution import Execution, Order, attempt_of, order, turn
from bot.executor import Executor
from bot.experts import Experts, Finder
from bot.github import reads
from bot.github.errors import GitHubDown, GitHubError, Gone, RateLimited
from bot.github.git import Progress
from bot.github.mirror import Mirror
from bot.github.session import GitHubApp
from bot.ledger import Ledger
from bot.mend import mend
from bot.observe import observe
from bot.outbox import Write
from bot.plan import confess, first_visit, plan, settled
from bot.policy import RepositoryConfig
from bot.repair import Click, Repaired
from bot.situation import Situation
from bot.state import Repository
from bot.weights import Hub
from checks.errors import UserError
from checks.report import Report

log = structlog.get_logger(__name__)

QUEUE = "looks"
RECHECKS = "rechecks"
CI_EVERY = 20.0
"""Seconds: a CI of fifty jobs reports fifty times, and is looked at this often."""
PROGRESS_EVERY = 3.0
"""Seconds between two messages of progress."""
MAX_ROUNDS = 5
"""How often one look follows a head that moves while it works; the deliveries of the pushes bring the next look anyway."""

P = ParamSpec("P")
T = TypeVar("T")


class Target(TypedDict):
    """What a look works on. `base` is the merge base, "" until it is fetched; `first`: the repository has no mirror yet; `fixes`: somebody
    asks for fixes."""

    head: str
    base: str
    ready: bool
    first: bool
    base_ref: str
    fixes: bool


class Announced(TypedDict):
    """What there is to do: something to examine, checkpoints to convert."""

    target: Target | None
    conversions: list[Conversion]


class Published(TypedDict):
    """What follows from a published report: the execution that is due, if one is, and checkpoints to convert."""

    order: Order | None
    conversions: list[Conversion]


class Outcome(TypedDict):
    """What a step came to: a value, a limit to wait for (seconds since 1970), or the pull request is out of reach."""

    kind: Literal["done", "wait", "gone"]
    value: Any


@dataclass(frozen=True)
class Services:
    """What the steps work with; one per process."""

    github: GitHubApp
    mirror: Mirror
    examiner: Examiner
    defaults: RepositoryConfig
    ledger: Ledger
    archive: Archive
    executor: Executor
    folder: Path
    push_fixes: bool = False
    hub: Hub = field(default_factory=Hub)
    experts: Finder = field(default_factory=Finder)
    hub_token: str = field(default="", repr=False)


class PullGone(Exception):
    """Repository, installation or pull request are not there (any more)."""


STEPS: list[str] = []
"""Names of all steps in the order of the workflow; the kill tests take them from here."""

_services: Services | None = None


def crash_point(name: str) -> None:
    """Called before and after each step and after each write. The kill tests put a SIGKILL here."""


def step(function: Callable[Concatenate[Services, P], Awaitable[T]]) -> Callable[P, Awaitable[Outcome]]:
    """A step of the workflow: retried when GitHub or the network failed, limits and disappearances told as an outcome."""
    name = function.__name__
    STEPS.append(name)

    @DBOS.step(
        name=name,
        retries_allowed=True,
        max_attempts=5,
        interval_seconds=1,
        backoff_rate=3,
        should_retry=lambda error: isinstance(error, GitHubDown),
    )
    @functools.wraps(function)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> Outcome:
        assert _services is not None, "start() first"
        crash_point(f"before {name}")
        try:
            outcome = Outcome(kind="done", value=await function(_services, *args, **kwargs))
        except RateLimited as limit:
            outcome = Outcome(kind="wait", value=limit.until.timestamp())
        except Gone as error:
            outcome = Outcome(kind="gone", value=str(error))
        crash_point(f"after {name}")
        return outcome

    return wrapped


async def run(one: Callable[P, Awaitable[Outcome]], *args: P.args, **kwargs: P.kwargs) -> Any:
    """The step's value; waits durably for a rate limit to end."""
    while True:
        outcome = await one(*args, **kwargs)
        if outcome["kind"] == "done":
            return outcome["value"]
        if outcome["kind"] == "gone":
            raise PullGone(outcome["value"])
        await DBOS.sleep_async(max(1.0, outcome["value"] - time.time()))


@DBOS.workflow(name="look", max_recovery_attempts=10)
async def look(
    installation: int,
    repository: int,
    number: int,
    rerequested: dict[str, str],
    click: Click | None = None,
) -> str:
    """Look at one pull request, and bring it to what should stand there. Returns what came of it, for the operator."""
    place = (installation, repository, number)
    heads: list[str] = []
    try:
        for _ in range(MAX_ROUNDS):
            announced: Announced = await run(announce, *place, heads, rerequested, click)
            await _convert(announced["conversions"])
            target = announced["target"]
            if target is None:
                return "settled"
            heads.append(target["head"])
            if target["first"]:
                await run(first_contact, *place, target)
            target = await run(fetch, *place, target)
            assert target is not None
            examination = await run(examine, *place, target)
            repairs: dict[str, Any] = {}
            if target["fixes"]:
                repairs = await run(fix, *place, target, click)
            published: Published | None = await run(
                publish, *place, target, examination, rerequested, click, repairs
            )
            if published is not None:
                if published["order"] is not None:
                    from bot import executions  # it is made of the same steps

                    await executions.enqueue(published["order"])
                await _convert(published["conversions"])
                return "published"
        return "the head moves faster than we look"
    except PullGone as gone:
        log.warning("look ended: out of reach", repository=repository, pull=number, reason=str(gone))
        return f"gone: {gone}"
    except Exception:
        log.exception("look failed", installation=installation, repository=repository, pull=number)
        await run(apologise, *place)
        raise


async def _convert(orders: list[Conversion]) -> None:
    from bot import conversions  # it is made of the same steps

    for one in orders:
        await conversions.enqueue(one)


@step
async def announce(
    services: Services,
    installation: int,
    repository: int,
    number: int,
    heads: list[str],
    rerequested: dict[str, str],
    click: Click | None = None,
) -> Announced:
    """Queue the check runs and answer commands. No target if there is nothing (more) to examine."""
    situation = await observed(services, installation, repository, number, heads, rerequested, click)
    _end_unwanted(services, situation)
    head_ = situation.pull.head_sha
    idle = settled(situation, busy=services.executor.busy(repository, number, head_))
    if asks := conversions_wanted(situation) and (idle or situation.pull.merged):
        # No report comes to answer them: nothing was ported here, or it was merged.
        means = Means(await services.executor.house(situation.repository.full_name), bool(services.hub_token))
        situation = replace(situation, means=means)
    await _apply(services, installation, situation, plan(situation, "announced"))
    if asks:
        situation = await observed(services, installation, repository, number)
    conversions = due(situation, installation)
    if idle:
        return Announced(target=None, conversions=conversions)
    first = not services.mirror.path(repository).exists()
    pull = situation.pull
    target = Target(
        head=pull.head_sha,
        base="",
        ready=not pull.draft,
        first=first,
        base_ref=pull.base_ref,
        fixes=bool(repairs_wanted(situation)),
    )
    return Announced(target=target, conversions=conversions)


def _end_unwanted(services: Services, situation: Situation) -> None:
    """A newer push, a closed pull request and `/tfport cancel` free the sandbox at once."""
    pull, place = situation.pull, (situation.repository.id, situation.pull.number)
    services.executor.end(*place, "the head moved", keep=pull.head_sha if pull.open else "")
    now = standing([*decisions(situation.mine), *(d for a in answers(situation) for d in a.decided)])
    if now.paused is not None or (pull.head_sha, attempt_of(situation)) in now.cancelled:
        services.executor.end(*place, "somebody asked for it")


@step
async def first_contact(
    services: Services, installation: int, repository: int, number: int, target: Target
) -> None:
    """The first visit brings the whole tree, which takes a while with a large repository: say so, and how far it is."""
    situation = await observed(services, installation, repository, number, [target["head"]])
    said = ""

    def note(progress: str) -> None:
        nonlocal said
        said = progress

    async def tell() -> None:
        while True:
            writes = first_visit(situation, said)
            await _apply(services, installation, situation, writes)
            await asyncio.sleep(PROGRESS_EVERY)

    telling = asyncio.create_task(tell())
    try:
        await _bring(services, installation, repository, number, target["head"], note)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError, GitHubError):
            await telling


@step
async def fetch(
    services: Services, installation: int, repository: int, number: int, target: Target
) -> Target:
    """Merge base and head into the mirror, while the check runs say that it goes on."""
    base, _ = await asyncio.gather(
        _bring(services, installation, repository, number, target["head"]),
        _show_running(services, installation, repository, number, target["head"]),
    )
    brought = target.copy()
    brought.update(base=base, first=False)
    return brought


async def _bring(
    services: Services,
    installation: int,
    repository: int,
    number: int,
    head: str,
    progress: Progress | None = None,
) -> str:
    """Have merge base and head in the mirror; the merge base."""
    there = services.github.installation(installation)
    home = await reads.repository(there, repository)
    pull = await reads.pull(there, home, number)
    base = await reads.merge_base(there, home, pull.base_sha, head)
    await services.mirror.fetch(there, home, (base, head), pull=pull, progress=progress)
    return base


async def _show_running(
    services: Services, installation: int, repository: int, number: int, head: str
) -> None:
    situation = await observed(services, installation, repository, number, [head])
    if situation.pull.head_sha == head:
        await _apply(services, installation, situation, plan(situation, "running"))


@step
async def examine(
    services: Services, installation: int, repository: int, number: int, target: Target
) -> Examination | None:
    """The report and what it suggests; None if nothing is ported."""
    path = services.mirror.path(repository)
    return await services.examiner.examine(path, target["base"], target["head"], ready=target["ready"])


@step
async def fix(
    services: Services, installation: int, repository: int, number: int, target: Target, click: Click | None
) -> dict[str, Any]:
    """Deal with open requests for fixes: what came of each, by its key. Nothing if the head moved meanwhile."""
    situation = await observed(services, installation, repository, number, click=click)
    if situation.pull.head_sha != target["head"]:
        return {}
    found = await mend(
        services.github.installation(installation),
        services.mirror,
        services.examiner,
        situation,
        target["base"],
        may_push=services.push_fixes,
    )
    crash_point("write")
    return {key: done.to_json() for key, done in found.items()}


@step
async def publish(
    services: Services,
    installation: int,
    repository: int,
    number: int,
    target: Target,
    examination: Examination | None,
    rerequested: dict[str, str],
    click: Click | None = None,
    repairs: dict[str, Any] | None = None,
) -> Published | None:
    """Conclude the check runs and write the summary. None if the pull request moved on meanwhile."""
    situation = await observed(
        services, installation, repository, number, [target["head"]], rerequested, click
    )
    weights = None
    if examination is not None and _is_complete(examination):
        weights = await services.hub.weights(
            examination["checkpoints"], reads_safetensors=examination["reads_safetensors"]
        )
    house = await services.executor.house(situation.repository.full_name)
    means = Means(house, bool(services.hub_token))
    if examination is not None:
        means = replace(means, ground=examination["ground"], checkpoints=tuple(examination["checkpoints"]))
    experts = Experts()
    if examination is not None and examination["peers"] and situation.config.request_review:
        experts = await services.experts.find(
            services.github.installation(installation),
            situation.repository,
            situation.pull.base_ref,
            examination["pytorch"],
            examination["peers"],
        )
    if weights is not None:
        proposed = [
            one.decision.name
            for one in asked(situation.mine)
            if one.outcome is not None and one.outcome["kind"] == "proposed"
        ]
        here = means.account and house.allowed and not house.no_sandbox
        weights = weights._replace(
            proposed=frozenset(proposed), command=f"{PREFIX} convert" if here else weights.command
        )
    done = {key: Repaired.from_json(document) for key, document in (repairs or {}).items()}
    situation = replace(situation, repairs=done, weights=weights, means=means, experts=experts)
    pull = situation.pull
    if (pull.head_sha, not pull.draft, pull.base_ref) != (
        target["head"],
        target["ready"],
        target["base_ref"],
    ):
        return None
    if examination is None:
        await _apply(services, installation, situation, plan(situation, "reported"))
        if conversions_wanted(situation):
            situation = await observed(services, installation, repository, number)
        return Published(order=None, conversions=due(situation, installation))
    report = Report.from_json(examination["report"])
    suggested = suggestions_from_json(examination["suggestions"])
    ground = services.executor.grounded(examination["ground"])
    execution = Execution(
        ground,
        house,
        await services.archive.records(repository, ground["fingerprint"]),
    )
    await _apply(services, installation, situation, plan(situation, "reported", report, suggested, execution))
    # The writes may have made a check run of a new attempt, and decisions.
    situation = await observed(services, installation, repository, number, [target["head"]], rerequested)
    attempt, now = attempt_of(situation), standing(decisions(situation.mine))
    published = Published(order=None, conversions=due(situation, installation))
    if situation.pull.head_sha != target["head"] or now.paused is not None:
        return published
    if turn(situation, report, execution, now, attempt).kind == "due":
        published["order"] = order(situation, execution, attempt, target["base"], installation)
    return published


def _is_complete(examination: Examination) -> bool:
    return any(port["stage"] == "complete" for port in examination["report"]["ports"])


@step
async def apologise(services: Services, installation: int, repository: int, number: int) -> None:
    """After a failure of ours: leave no check run hanging."""
    situation = await observed(services, installation, repository, number)
    await _apply(services, installation, situation, confess(situation))


@DBOS.workflow(name="rerun", max_recovery_attempts=10)
async def rerun(
    cause: str,
    installation: int,
    repository: int,
    head: str,
    asked: dict[str, str],
    click: Click | None = None,
) -> list[int]:
    """ "Re-run all": queue a look for every open pull request with this head. GitHub names none for forks."""
    numbers: list[int] = []
    try:
        numbers = await run(find_pulls, installation, repository, head)
    except PullGone:
        return numbers
    for number in numbers:
        await enqueue_look(cause, installation, repository, number, asked, click)
    return numbers


@step
async def find_pulls(
    services: Services, installation: int, repository: int, head: str, *, only_known: bool = False
) -> list[int]:
    """Numbers of the open pull requests with this head.

    Args:
        only_known: where we have looked at it before. CI runs on many more, and GitHub need not be asked about them.
    """
    if only_known and not services.mirror.has(repository, head):
        return []
    there = services.github.installation(installation)
    found = await reads.pulls_with_head(there, await reads.repository(there, repository), head)
    return [pull.number for pull in found]


@DBOS.workflow(name="recheck", max_recovery_attempts=10)
async def recheck(installation: int, repository: int, head: str, slot: int) -> list[int]:
    """Other apps' checks of a commit move: look at its pull requests once they have been quiet, or at the end of the slot."""
    await DBOS.sleep_async(max(0.1, (slot + 1) * CI_EVERY - time.time()))
    numbers: list[int] = []
    with suppress(PullGone):
        numbers = await run(find_pulls, installation, repository, head, only_known=True)
    for number in numbers:
        await enqueue_look(f"ci.{head[:12]}.{slot}", installation, repository, number)
    return numbers


async def observed(
    services: Services,
    installation: int,
    repository: int,
    number: int,
    heads: list[str] | None = None,
    rerequested: dict[str, str] | None = None,
    click: Click | None = None,
) -> Situation:
    """The pull request as it is now."""
    return await observe(
        services.github.installation(installation),
        repository,
        number,
        defaults=services.defaults,
        other_heads=heads or (),
        rerequested=rerequested,
        click=click,
        ledger=services.ledger,
    )


async def _apply(services: Services, installation: int, situation: Situation, writes: list[Any]) -> None:
    await write(services, installation, situation.repository, situation.pull.number, writes)


async def write(
    services: Services, installation: int, repository: Repository, number: int, writes: Iterable[Write]
) -> None:
    """Carry out what was planned."""
    await apply(
        services.github.installation(installation),
        repository,
        number,
        writes,
        ledger=services.ledger,
        after_each=lambda: crash_point("write"),
    )


# --- the engine


@dataclass(frozen=True)
class EngineSettings:
    """Where the engine keeps its rows.

    Attributes:
        url: SQLAlchemy URL; SQLite (one process) or PostgreSQL.
        workers: looks at the same time.
    """

    url: str
    data_dir: Path
    workers: int = 8


async def start(services: Services, settings: EngineSettings) -> None:
    """Launch the engine in this event loop and go on with what a dead process left.

    Raises:
        UserError: another process works on the same database.
    """
    global _services
    _services = services
    if settings.url.startswith("sqlite"):
        _locks.append(_own_folder(settings.data_dir))
        _use_wal(settings.url)
    else:
        _locks.append(await asyncio.to_thread(_own_database, settings.url))
    services.examiner.start()
    for one in ("bot.executions", "bot.conversions"):
        importlib.import_module(one)  # its workflows have to be known before the launch
    DBOS(config=_config(settings))
    DBOS.launch()
    await DBOS.register_queue_async(
        QUEUE, worker_concurrency=settings.workers, partition_concurrency=1, polling_interval_sec=0.1
    )
    await DBOS.register_queue_async(RECHECKS, worker_concurrency=1_000, polling_interval_sec=0.5)
    from bot import conversions, executions

    await executions.register()
    await conversions.register()


async def stop(seconds: int = 10) -> None:
    """Wait for running looks, at most `seconds`; what is not done goes on at the next start."""
    global _services
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as own:
        await loop.run_in_executor(
            own, functools.partial(DBOS.destroy, workflow_completion_timeout_sec=seconds)
        )
    # The engine had made its own threads the loop's, and has ended them.
    loop.set_default_executor(ThreadPoolExecutor())
    if _services is not None:
        _services.examiner.stop()
    _services = None
    while _locks:
        _locks.pop().close()


async def enqueue_look(
    cause: str,
    installation: int,
    repository: int,
    number: int,
    rerequested: dict[str, str] | None = None,
    click: Click | None = None,
) -> str:
    """Queue a look, once per `cause` (a delivery's GUID). Returns the id of the look that will see what the cause tells.

    One that still waits in the queue will: it reads GitHub after this moment.
    """
    prefix = f"look:{repository}:{number}:"
    if not rerequested and click is None:
        waiting = await known(prefix, "ENQUEUED", 1)
        if waiting:
            return waiting[0]
    with SetWorkflowID(prefix + cause), SetEnqueueOptions(queue_partition_key=f"{repository}#{number}"):
        handle = await DBOS.enqueue_workflow_async(
            QUEUE, look, installation, repository, number, rerequested or {}, click
        )
    return handle.workflow_id


@DBOS.step(name="known")
async def known(prefix: str, status: str | list[str] | None = None, limit: int | None = None) -> list[str]:
    """Ids of workflows that begin so. A step, as the engine cannot write down its own list for a workflow that asks for it."""
    found = await DBOS.list_workflows_async(
        workflow_id_prefix=prefix, status=status, limit=limit, load_input=False, load_output=False
    )
    return [one.workflow_id for one in found]


async def enqueue_once(
    queue: str, prefix: str, workflow: Callable[[T], Coroutine[Any, Any, str]], order: T
) -> None:
    """Queue a workflow unless one whose id begins so is queued or running."""
    if not await known(prefix, ["ENQUEUED", "PENDING"], 1):
        with SetWorkflowID(f"{prefix}{len(await known(prefix))}"):
            await DBOS.enqueue_workflow_async(queue, workflow, order)


async def enqueue_rerun(
    cause: str,
    installation: int,
    repository: int,
    head: str,
    asked: dict[str, str],
    click: Click | None = None,
) -> str:
    """Queue a look for each pull request with this head, once per `cause`."""
    with (
        SetWorkflowID(f"rerun:{repository}:{cause}"),
        SetEnqueueOptions(queue_partition_key=f"{repository}@{head}"),
    ):
        handle = await DBOS.enqueue_workflow_async(
            QUEUE, rerun, cause, installation, repository, head, asked, click
        )
    return handle.workflow_id


async def enqueue_recheck(installation: int, repository: int, head: str) -> str:
    """Queue one look at the pull requests of a commit for all that its CI reports within `CI_EVERY` seconds."""
    slot = int(time.time() // CI_EVERY)
    with (
        SetWorkflowID(f"recheck:{repository}:{head}:{slot}"),
    ):
        handle = await DBOS.enqueue_workflow_async(RECHECKS, recheck, installation, repository, head, slot)
    return handle.workflow_id


def _config(settings: EngineSettings) -> DBOSConfig:
    return DBOSConfig(
        name="tfport",
        system_database_url=settings.url,
        # One process works on a database, and the next one takes its rows over; an edit of the code must not strand them.
        executor_id="tfport",
        application_version="looks-1",
        serializer=DBOSPortableJSONSerializer(),
        log_level="WARNING",
        console_log_level="CRITICAL",
    )


_locks: list[Any] = []
"""Open while we work: with the same executor id a second process would take over the looks that the first one is at."""


def _own_folder(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "engine.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UserError(f"another tfport works in {folder}", hint="stop it, or set TFPORT_DATA_DIR") from None
    return file


def _own_database(url: str) -> Any:
    connection = sa.create_engine(url, poolclass=sa.NullPool).connect()
    if not connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtext('tfport engine'))")):
        connection.close()
        raise UserError("another tfport works on this database", hint="stop it, or set TFPORT_DATABASE")
    # The lock is the session's: no transaction has to stay open for it.
    connection.commit()
    return connection


def _use_wal(url: str) -> None:
    import sqlite3

    database = Path(url.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()

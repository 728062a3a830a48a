"""The static checks in processes of their own, so that a tree made to hang or crash the parser costs the bot nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import structlog

from bot.execution import Ground
from bot.suggest import Suggestion, suggestions

if TYPE_CHECKING:
    from checks.report import Report
    from checks.snapshot import Snapshot

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT = 60.0
"""Seconds from when a worker begins. The largest real port takes half of one."""
STARTUP = 120.0
"""Seconds that a worker may take to start. Five, if nothing else runs."""
MEMORY = 4 << 30
"""Bytes that a worker may have of its own. It has 0.3 GB after a large port."""
ADDRESSES = 32 << 30
"""Bytes of addresses: git maps its packs (up to 8 GB of them), which costs no memory."""


class Examination(TypedDict):
    """What comes of it, as JSON.

    Attributes:
        report: of `checks.report.Report`.
        suggestions: by finding, its edits as suggestion blocks.
        checkpoints: that should have weights for TensorFlow; `reads_safetensors`: those of PyTorch in this format count.
        pytorch: files of the PyTorch models; `peers`: TensorFlow files of ported models of the same modality. Empty while it is a draft.
        ground: what an execution depends on.
    """

    report: dict[str, Any]
    checkpoints: list[str]
    reads_safetensors: bool
    pytorch: list[str]
    peers: list[str]
    suggestions: dict[str, list[dict[str, Any]]]
    ground: Ground


class Repair(TypedDict):
    """What fixing comes to.

    Attributes:
        files: text by path as it shall be, with the file's own line ends.
        patch: the same as a unified diff.
        rules: of the findings that are mended, one for each.
        left: blocking findings that no edit mends.
    """

    files: dict[str, str]
    patch: str
    rules: list[str]
    left: int


def suggestions_from_json(document: dict[str, list[dict[str, Any]]]) -> dict[str, list[Suggestion]]:
    """As `bot.review` wants them."""
    return {id: [Suggestion(**fields) for fields in entries] for id, entries in document.items()}


class ExaminationFailed(Exception):
    """The checks hung or died on this tree."""


class Examiner:
    """A few warm worker processes; they keep the facts of files that they have parsed.

    Each has its own slot: what hangs or dies takes nobody with it but itself, and waits for nobody's time.
    """

    def __init__(self, workers: int = 1, timeout: float = TIMEOUT) -> None:
        self._workers = workers
        self._timeout = timeout
        self._lock = threading.Lock()
        self._slots: _Slots | None = None

    def start(self) -> None:
        """Begin to start the workers, so that the first pull request does not wait for the imports."""
        self._started()

    def _started(self) -> _Slots:
        with self._lock:
            if self._slots is None:
                self._slots = _Slots(self._workers, self._timeout)
            return self._slots

    async def examine(self, repository: Path, base: str, head: str, *, ready: bool) -> Examination | None:
        """The report on `head` against its merge base `base`; None if nothing is ported.

        Args:
            ready: the pull request is no draft any more, so what is absent has failed.

        Raises:
            ExaminationFailed: it hung or killed its process.
        """
        return await self._run(_examine, str(repository), base, head, ready, self._timeout)

    async def repair(
        self,
        repository: Path,
        base: str,
        head: str,
        *,
        names: Iterable[str] = (),
        suggestions: bool = False,
    ) -> Repair:
        """The fixes of errors and warnings on `head`, of these rules, items or sections only if any are named.

        Args:
            suggestions: what is for the reader only is mended, too.

        Raises:
            ExaminationFailed: it hung or killed its process.
        """
        return await self._run(_repair, str(repository), base, head, tuple(names), suggestions, self._timeout)

    async def _run(self, work: Callable[..., T], repository: str, base: str, head: str, *more: Any) -> T:
        slots = self._started()
        try:
            # By a thread, not by a task that waits: examinations come from several event loops.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(slots.threads, slots.run, work, (repository, base, head, *more))
        except (TimeoutError, BrokenProcessPool) as error:
            log.error("examination failed", repository=repository, head=head, error=type(error).__name__)
            raise ExaminationFailed(f"the static checks did not survive {head}") from error

    def stop(self) -> None:
        """Kill the workers."""
        with self._lock:
            slots, self._slots = self._slots, None
        if slots is not None:
            slots.stop()


class _Slots:
    """Worker processes, and as many threads that wait for them."""

    def __init__(self, count: int, timeout: float) -> None:
        self.threads = ThreadPoolExecutor(count, thread_name_prefix="examiner")
        self._timeout = timeout
        self._lock = threading.Lock()
        self._stopped = False
        self._all = {_Worker() for _ in range(count)}
        self._free: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._all:
            self._free.put(worker)

    def run(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        """Runs one examination in a worker of its own. The time counts from when the worker begins.

        Raises:
            TimeoutError: it took too long; its worker is dead.
            BrokenProcessPool: it killed its worker, or `stop` did.
        """
        worker = self._free.get()  # there is one, as there are as many threads
        try:
            if (
                not worker.wait_until_warm()
            ):  # it died before it had anything to do: not the examination's fault
                worker = self._instead_of(worker)
                worker.wait_until_warm()
            return worker.pool.submit(work, *arguments).result(self._timeout)
        except (TimeoutError, BrokenProcessPool):
            worker = self._instead_of(worker)
            raise
        finally:
            self._free.put(worker)

    def _instead_of(self, worker: _Worker) -> _Worker:
        worker.kill()
        with self._lock:
            if self._stopped:
                raise BrokenProcessPool("the examiner has been stopped")
            self._all.discard(worker)
            fresh = _Worker()
            self._all.add(fresh)
            return fresh

    def stop(self) -> None:
        """Kills all workers; what they do ends with `BrokenProcessPool`."""
        with self._lock:
            self._stopped = True
            for worker in self._all:
                worker.kill()
        self.threads.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """One process."""

    def __init__(self) -> None:
        # Not fork: this process has threads (the durable engine's).
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, mp_context=context)
        self._warm = self.pool.submit(_warm)

    def wait_until_warm(self) -> bool:
        """Whether it is alive, once it has imported everything."""
        try:
            self._warm.result(STARTUP)
            self.pool.submit(_alive).result(STARTUP)
        except (TimeoutError, BrokenProcessPool):
            return False
        return True

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        for process in list((self.pool._processes or {}).values()):  # pyright: ignore[reportPrivateUsage]
            process.kill()
        self.pool.shutdown(wait=False, cancel_futures=True)


def _alive() -> None:
    """Nothing: a process that can do it lives."""


def _limit(seconds: float) -> None:
    """This process may use so much processor time from now on (it ends by itself, should nobody be left to kill it), and not all memory."""
    used = sum(os.times()[:2])
    resource.setrlimit(
        resource.RLIMIT_CPU, (int(used + seconds) + 2, resource.getrlimit(resource.RLIMIT_CPU)[1])
    )
    for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_AS, ADDRESSES)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _warm() -> None:
    import checks.run
    from checks.rules import all_rules

    assert checks.run
    all_rules()


def _examine(repository: str, base: str, head: str, ready: bool, seconds: float) -> Examination | None:
    _limit(seconds)
    from checks.conventions import read
    from checks.discover import find_ports
    from checks.errors import NoTensorFlow, NothingToPort
    from checks.execution.ground import fingerprint, sensitive
    from checks.run import check
    from checks.similar import peers
    from checks.snapshot import GitSnapshot
    from checks.weights import wanted

    below, tree = GitSnapshot(repository, base), GitSnapshot(repository, head)
    try:
        report = check(below, tree, ready=ready)
        weights = wanted(below, tree)
    except (NothingToPort, NoTensorFlow):
        return None
    pytorch: list[str] = []
    near: list[str] = []
    if ready:
        for port in find_ports(below, tree):
            paths = [module.pytorch_path for module in port.modules]
            pytorch += paths
            near += peers(below, port.model, [read(below, path) for path in paths])
    ground = Ground(fingerprint=fingerprint(below, tree), sensitive=list(sensitive(below, tree)))
    return Examination(
        report=report.to_json(),
        checkpoints=list(weights.checkpoints),
        reads_safetensors=weights.reads_safetensors,
        suggestions=_suggestions(tree, report),
        pytorch=pytorch,
        peers=near,
        ground=ground,
    )


def _repair(
    repository: str, base: str, head: str, names: tuple[str, ...], suggestions: bool, seconds: float
) -> Repair:
    _limit(seconds)
    from checks.errors import NoTensorFlow, NothingToPort
    from checks.fix import fix
    from checks.patch import unified
    from checks.run import check
    from checks.snapshot import GitSnapshot
    from checks.worktree import as_before

    below, tree = GitSnapshot(repository, base), GitSnapshot(repository, head)

    def checked(snapshot: Snapshot) -> Report:
        return check(below, snapshot, only=names)

    try:
        fixed = fix(tree, checked, suggestions=suggestions)
    except (NothingToPort, NoTensorFlow):
        return Repair(files={}, patch="", rules=[], left=0)
    raw = {path: tree.content(path) for path in fixed.after}
    before = {path: None if content is None else content.decode() for path, content in raw.items()}
    files = {
        path: text if (old := raw[path]) is None else as_before(old, fixed.before[path] or "", text).decode()
        for path, text in fixed.after.items()
    }
    return Repair(
        files=files,
        patch="".join(f"{line}\n" for line in unified(before, files)),
        rules=[finding.rule for finding in fixed.applied],
        left=len(fixed.report.blocking),
    )


def _suggestions(tree: Snapshot, report: Report) -> dict[str, list[dict[str, Any]]]:
    from checks.conventions import read

    texts: dict[str, str] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in report.findings:
        made: list[dict[str, Any]] = []
        for path in dict.fromkeys(edit.path for edit in finding.edits):
            text = texts.setdefault(path, read(tree, path))
            if not text:  # a new file: no line to suggest it at
                made = []
                break
            made += [asdict(s) for s in suggestions(path, text, finding.edits)]
        if made:
            found[finding.id] = made
    return found

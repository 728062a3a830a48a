"""The static checks in processes of their own, so that a tree made to hang or crash the parser costs the bot nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import structlog

from bot.suggest import Suggestion, suggestions

if TYPE_CHECKING:
    from checks.report import Report
    from checks.snapshot import Snapshot

log = structlog.get_logger(__name__)

TIMEOUT = 60.0
"""Seconds. The largest real port takes half of one."""


class Examination(TypedDict):
    """What comes of it, as JSON.

    Attributes:
        report: of `checks.report.Report`.
        suggestions: by finding, its edits as suggestion blocks.
    """

    report: dict[str, Any]
    suggestions: dict[str, list[dict[str, Any]]]


def suggestions_from_json(document: dict[str, list[dict[str, Any]]]) -> dict[str, list[Suggestion]]:
    """As `bot.review` wants them."""
    return {id: [Suggestion(**fields) for fields in entries] for id, entries in document.items()}


class ExaminationFailed(Exception):
    """The checks hung or died on this tree."""


class Examiner:
    """A few warm worker processes; they keep the facts of files that they have parsed."""

    def __init__(self, workers: int = 1, timeout: float = TIMEOUT) -> None:
        self._workers = workers
        self._timeout = timeout
        self._pool: ProcessPoolExecutor | None = None

    def start(self) -> None:
        """Begin to start the workers, so that the first pull request does not wait for the imports."""
        if self._pool is None:
            # Not fork: this process has threads (the durable engine's).
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, mp_context=context)
            for _ in range(self._workers):
                self._pool.submit(_warm)

    async def examine(self, repository: Path, base: str, head: str, *, ready: bool) -> Examination | None:
        """The report on `head` against its merge base `base`; None if nothing is ported.

        Args:
            ready: the pull request is no draft any more, so what is absent has failed.

        Raises:
            ExaminationFailed: it hung or killed its process.
        """
        self.start()
        assert self._pool is not None
        arguments = (str(repository), base, head, ready)
        try:
            work = asyncio.get_running_loop().run_in_executor(self._pool, _examine, *arguments)
            return await asyncio.wait_for(work, self._timeout)
        except (TimeoutError, BrokenProcessPool) as error:
            log.error("examination failed", repository=str(repository), head=head, error=type(error).__name__)
            self.stop()
            raise ExaminationFailed(f"the static checks did not survive {head}") from error

    def stop(self) -> None:
        """Kill the workers."""
        pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):  # pyright: ignore[reportPrivateUsage]
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)


def _warm() -> None:
    import checks.run
    from checks.rules import all_rules

    assert checks.run
    all_rules()


def _examine(repository: str, base: str, head: str, ready: bool) -> Examination | None:
    from checks.errors import NoTensorFlow, NothingToPort
    from checks.run import check
    from checks.snapshot import GitSnapshot

    tree = GitSnapshot(repository, head)
    try:
        report = check(GitSnapshot(repository, base), tree, ready=ready)
    except (NothingToPort, NoTensorFlow):
        return None
    return Examination(report=report.to_json(), suggestions=_suggestions(tree, report))


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

"""Stand-in for `bot.execute`: the real sandbox, with an interpreter of this host and a harness that knows neither torch nor TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot import execute
from checks.discover import find_ports
from checks.execution import escapes, run
from checks.execution.expected import expected_tests, test_path
from checks.execution.job import GIB, Bind, Job
from checks.execution.sandbox import find_sandbox
from checks.execution.settings import Settings
from checks.execution.tree import written
from checks.execution.workplace import HARNESS, PACKAGE, Workplace
from checks.port import Port
from checks.snapshot import GitSnapshot

FAKE = Path(__file__).parent / "harness"


@contextmanager
def place(
    base: GitSnapshot,
    head: GitSnapshot,
    *,
    settings: Settings,
    cores: int,
    memory: int,
    progress: Callable[[str], None],
) -> Generator[Workplace]:
    assert cores > 0
    assert memory > 0
    tester = escapes.tester()
    progress("writing the tree")
    ids: list[str] = []
    for port in find_ports(base, head):
        for module in port.modules:
            ids += expected_tests(test_path(port, module), base, head).ids
    with written(head, needed=("tests",)) as tree:
        yield Cheap(
            find_sandbox(settings),
            tester.path,
            tester.binds(),
            tree.folder,
            cores=1,
            memory=GIB,
            environment={"title": "a cheap one", "ids": ids},
        )


class Cheap(Workplace):
    """The harness in its place is the fake one."""

    def job(self, request: Mapping[str, Any], *, seconds: float, workers: int = 1) -> Job:
        ids = (self.environment or {})["ids"]
        job = Workplace.job(self, {**request, "ids": ids}, seconds=seconds, workers=workers)
        binds = [bind for bind in job.binds if bind.target != f"{HARNESS}/{PACKAGE}"]
        return Job(
            job.command,
            (*binds, Bind(FAKE, f"{HARNESS}/{PACKAGE}")),
            {**job.environment, "PYTHONPATH": HARNESS},
            job.folder,
            job.input,
            job.limits,
        )


def compare(port: Port, _workplace: Workplace, choice: run.Choice, *_: object) -> None:
    """Compares nothing; of chosen classes it says that they differ."""
    added = _[1]
    for id in (run.COMPARED, run.TRAINED):
        if id in choice.items and choice.compared:
            added.items.append(run._item(port, id, "failed", f"compared {', '.join(choice.compared)}"))  # type: ignore[attr-defined]


if __name__ == "__main__":
    execute.place = place  # type: ignore[assignment]
    run._compare = compare  # type: ignore[assignment]  # the real one needs both frameworks
    execute.main()

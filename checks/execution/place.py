"""Makes the workplace of a run: the sandbox of this host, an environment of the base's time (or the contributor's own), the head's tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from checks.execution.environment import EnvironmentFailed, Environments
from checks.execution.job import GIB
from checks.execution.run import Unready
from checks.execution.sandbox import find_sandbox
from checks.execution.settings import Settings
from checks.execution.tree import written
from checks.execution.workplace import Workplace, own_environment
from checks.snapshot import GitSnapshot, Snapshot

REFERENCE = ("src", "tests", "utils")
"""Of the base."""


@contextmanager
def place(
    base: GitSnapshot,
    head: Snapshot,
    *,
    settings: Settings | None = None,
    python: Path | None = None,
    cores: int = 0,
    compares: bool = True,
    memory: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Generator[Workplace]:
    """The workplace for one base and head, as long as the context lasts.

    Args:
        settings: by default those of this process's variables.
        python: interpreter of an environment that somebody made; None: one of the base's time is built, or found ready.
        cores: 0 for all that this process may use.
        compares: the base's tree is needed too.
        memory: bytes; 0 for all that is free.

    Raises:
        checks.execution.job.NoSandbox: this host has none.
        checks.execution.run.Unready: no environment could be had.
        checks.errors.UserError: `python` is none; the tree is too large; the base has no pins that can be read.
    """
    settings = settings or Settings.of()
    sandbox = find_sandbox(settings)
    with ExitStack() as stack:
        if python is not None:
            interpreter, binds = own_environment(python)
            about = {"python": str(python), "notes": ["the environment is the user's own"]}
        else:
            try:
                environment = Environments.of_host(settings).of(base, committed(base), progress=progress)
            except EnvironmentFailed as error:
                raise Unready(f"no environment could be had: {error}") from error
            stack.enter_context(environment.in_use())
            interpreter, binds = environment.python, environment.binds()
            about = {
                "title": environment.title,
                "fingerprint": environment.fingerprint,
                "notes": list(environment.notes),
                "versions": environment.versions,
            }
        scratch = settings.folder / "trees"
        scratch.mkdir(parents=True, exist_ok=True)
        progress("writing the tree")
        tree = stack.enter_context(written(head, scratch))
        before = stack.enter_context(written(base, scratch, REFERENCE)).folder if compares else None
        hub = hub_folder(settings)
        hub.mkdir(exist_ok=True)
        yield Workplace(
            sandbox,
            interpreter,
            tuple(binds),
            tree.folder,
            base=before,
            hub=hub,
            cores=cores or len(os.sched_getaffinity(0)),
            memory=min(memory or available_memory(), available_memory()),
            environment=about,
        )


def hub_folder(settings: Settings) -> Path:
    """The cache of checkpoints."""
    return settings.folder / "hub"


def committed(base: GitSnapshot) -> datetime:
    """When the base was committed."""
    import pygit2

    commit = base.repository[base.sha or ""]
    assert isinstance(commit, pygit2.Commit)
    return datetime.fromtimestamp(commit.commit_time, UTC)


def available_memory() -> int:
    """Bytes that programs may take without swapping, less a reserve."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return max(GIB, int(line.split()[1]) * 1024 - GIB)
    return 4 * GIB

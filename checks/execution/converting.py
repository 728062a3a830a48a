"""From the name of a checkpoint to TensorFlow weights on disk: fetches PyTorch's, makes both workplaces, converts, compares."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from checks.execution.checkpoints import Checkpoints, Policy, Unavailable, reads_cache
from checks.execution.convert import Conversion, Unconverted, convert
from checks.execution.needs import Need
from checks.execution.place import hub_folder, place
from checks.execution.settings import Settings
from checks.execution.workplace import Workplace
from checks.snapshot import GitSnapshot, Snapshot

WEIGHTS = (".bin", ".safetensors")


def convert_checkpoint(
    base: GitSnapshot,
    head: Snapshot,
    checkpoint: str,
    folder: Path,
    *,
    settings: Settings | None = None,
    policy: Policy | None = None,
    python: Path | None = None,
    cores: int = 0,
    memory: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Conversion:
    """Converts `checkpoint` with the TensorFlow code of `head`; its weights are put into `folder`. What the limit is, is for others.

    Args:
        policy: for fetching. Pickled weights are taken in any case: they are opened nowhere but in the sandbox.

    Raises:
        Unconverted: as it says.
        checks.execution.job.NoSandbox, checks.execution.run.Unready, checks.errors.UserError: as `place` says.
    """
    settings = settings or Settings.of()
    cache = hub_folder(settings)
    if not reads_cache(base):
        raise Unconverted(
            "transformers of this tree does not read the Hub's cache", hint="it needs 4.22 or later"
        )
    try:
        Checkpoints(cache, replace(policy or Policy(), pickles=True)).fetch(
            Need("model", checkpoint), progress
        )
        where, size = snapshot(cache, checkpoint)
    except (Unavailable, OSError) as error:
        raise Unconverted(
            f"{checkpoint} cannot be had: {error}", hint="check its name and the network"
        ) from error
    if not size:
        raise Unconverted(
            f"{checkpoint} has no PyTorch weights to convert", hint="look at its files on the Hub"
        )

    def workplace(tree: Snapshot) -> AbstractContextManager[Workplace]:
        return place(
            base, tree, settings=settings, python=python, cores=cores, memory=memory, progress=progress
        )

    progress(f"converting {checkpoint}")
    found = convert(lambda: workplace(base), lambda: workplace(head), checkpoint, where, folder, size=size)
    return replace(found, revision=where.rpartition("/")[2])


def snapshot(cache: Path, name: str) -> tuple[str, int]:
    """The folder of a repository's files, relative to the cache, and how many bytes its PyTorch weights have.

    Raises:
        FileNotFoundError: it was not fetched.
    """
    folder = f"models--{name.replace('/', '--')}"
    commit = (cache / folder / "refs" / "main").read_text().strip()
    place = cache / folder / "snapshots" / commit
    size = sum(path.stat().st_size for path in place.iterdir() if path.suffix in WEIGHTS)
    return f"{folder}/snapshots/{commit}", size

"""Checkpoints that slow tests need: fetched by the trusted side into a cache of the Hub's own layout, mounted read-only inside.

Of a repository only the weights that the tests load and the small files beside them are taken: safetensors where there are any, else
TensorFlow's; pickles (`pytorch_model.bin`) only if the operator allows them. Code is never taken.
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.conventions import read
from checks.execution.needs import Need
from checks.snapshot import Snapshot

logger = logging.getLogger(__name__)

GIB = 1 << 30
SMALL = ("*.json", "*.txt", "*.model", "*.jinja", "*.bpe", "*.tiktoken")
"""What stands beside the weights: configuration, tokenizer, processor."""
SMALL_LIMIT = 64 << 20
"""Bytes of one such file."""

SAFE = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
TENSORFLOW = ("tf_model.h5", "tf_model.h5.index.json", "tf_model-*-of-*.h5")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*-of-*.bin")

FRESH = 86_400.0
"""Seconds for which a repository that could be had is not asked for again."""

HUB_MODULE = "src/transformers/utils/hub.py"


class Unavailable(Exception):
    """A checkpoint can't be had; the text says why."""


class Unreachable(Unavailable):
    """The Hub itself can't be reached: others need not be tried."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows.

    Attributes:
        limit: bytes of one repository's chosen files.
        total: bytes of the whole cache; nothing is fetched beyond it.
        pickles: weights that are pickled may be taken where there are no others. They are only opened inside the sandbox.
        endpoint: of the Hub; None for the one that the environment names (HF_ENDPOINT).
        seconds: for one request.
    """

    limit: int = 4 * GIB
    total: int = 50 * GIB
    pickles: bool = False
    endpoint: str | None = None
    token: str | None = None
    seconds: float = 20.0


class Checkpoints:
    """The cache below `folder`. Several processes may fill it at the same time.

    Args:
        folder: has the layout of `HF_HUB_CACHE`.
    """

    def __init__(self, folder: Path, policy: Policy | None = None) -> None:
        self.folder, self.policy = folder, policy or Policy()

    def unavailable(
        self,
        needed: Mapping[str, Iterable[Need]],
        *,
        progress: Callable[[str], None] = lambda _: None,
    ) -> dict[str, tuple[Need, ...]]:
        """Fetches what the tests need. Gives, by test, what of it could not be had; a test that has everything is left out."""
        wanted = sorted({need for needs in needed.values() for need in needs})
        missing: dict[Need, str] = {}
        unreachable = False
        for need in wanted:
            try:
                self.fetch(need, progress, offline=unreachable)
            except Unavailable as error:
                unreachable = unreachable or isinstance(error, Unreachable)
                logger.info("%s is not available: %s", need, error)
                missing[need] = str(error)
        found = {test: tuple(sorted(n for n in needs if n in missing)) for test, needs in needed.items()}
        return {test: needs for test, needs in found.items() if needs}

    def fetch(
        self, need: Need, progress: Callable[[str], None] = lambda _: None, *, offline: bool = False
    ) -> None:
        """Makes sure that the cache has what is needed. `offline`: what is not there yet is not asked for.

        Raises:
            Unavailable: it can't be had.
        """
        if need.kind != "model":
            raise Unavailable("only checkpoints of models are fetched")
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(need) as note:
            if _is_fresh(note):
                return
            if offline:
                raise Unavailable("the Hub cannot be reached")
            progress(f"fetching {need}")
            files = self._download(need)
            note.write_text(json.dumps({"repository": need.name, "files": files, "fetched": time.time()}))

    def _download(self, need: Need) -> list[str]:
        try:
            from huggingface_hub import HfApi
            from huggingface_hub.errors import HfHubHTTPError
        except ImportError:
            raise Unavailable("huggingface_hub is not installed (pip install 'tfport[bot]')") from None
        policy = self.policy
        try:
            api = HfApi(endpoint=policy.endpoint, token=policy.token or False)
            info = api.model_info(
                need.name, revision=need.revision or None, files_metadata=True, timeout=policy.seconds
            )
            sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
            files = choose(sizes, pickles=policy.pickles)
            size = sum(sizes[name] for name in files)
            if size > policy.limit:
                raise Unavailable(f"it has {size / GIB:.1f} GiB, the limit is {policy.limit / GIB:.1f} GiB")
            if size + _size(self.folder) > policy.total:
                raise Unavailable("the cache of checkpoints is full")
            api.snapshot_download(
                need.name,
                revision=need.revision or None,
                cache_dir=self.folder,
                allow_patterns=[_literal(name) for name in files],
                etag_timeout=policy.seconds,
                max_workers=4,
            )
        except (Unavailable, HfHubHTTPError) as error:
            raise Unavailable(_told(error)) from error
        except (
            Exception
        ) as error:  # the HTTP library's own, the file system's: whatever it is, there is no checkpoint
            logger.info("fetching %s failed", need, exc_info=True)
            raise Unreachable(_told(error)) from error
        return files

    @contextlib.contextmanager
    def _locked(self, need: Need) -> Generator[Path]:
        key = hashlib.sha256(
            f"{self.policy.endpoint}\0{need.name}\0{need.revision}\0{self.policy.pickles}".encode()
        ).hexdigest()[:24]
        notes = self.folder / ".tfport"
        notes.mkdir(exist_ok=True)
        with (notes / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield notes / f"{key}.json"


def choose(sizes: Mapping[str, int], *, pickles: bool) -> list[str]:
    """Which files of a repository are taken.

    Args:
        sizes: bytes by path.

    Raises:
        Unavailable: it has weights, but none that may be taken.
    """
    top = [name for name in sizes if "/" not in name]
    small = [
        n
        for n in top
        if _is_any(n, SMALL) and sizes[n] <= SMALL_LIMIT and not _is_any(n, (*SAFE, *TENSORFLOW, *PICKLED))
    ]
    for weights in (SAFE, TENSORFLOW, *((PICKLED,) if pickles else ())):
        chosen = [name for name in top if _is_any(name, weights)]
        if any(not name.endswith(".json") for name in chosen):
            return sorted([*small, *chosen])
    if any(_is_any(name, PICKLED) for name in top):
        raise Unavailable("it has only pickled weights, which this server does not take")
    return sorted(small)


def reads_cache(base: Snapshot) -> bool:
    """The tree's transformers reads the Hub's own cache (since 4.22); older ones keep files under other names."""
    return "hf_hub_download" in read(base, HUB_MODULE)


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _told(error: Exception) -> str:
    return f"{error}"[:300] if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"[:300]


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _is_fresh(note: Path) -> bool:
    try:
        told: Any = json.loads(note.read_text())
        return time.time() - float(told["fetched"]) < FRESH
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _size(folder: Path) -> int:
    """Bytes of what was fetched; links of the layout are not followed."""
    return sum(
        os.lstat(os.path.join(where, name)).st_size for where, _, names in os.walk(folder) for name in names
    )

"""Which packages, on which interpreter: a search for the environment of a tree's time, and if there is none, for the nearest one.

Tried in this order, until uv finds a solution, on each interpreter that the tree accepts, the newest first:

1. TensorFlow and everything else as of the commit's date, torch as of that date in a CPU build from PyTorch's index;
2. the same from the main index, without a torch that needs CUDA packages;
3. the same, with whatever torch the tree accepts from the operator's find-links: the CPU build that is there may be newer than the
   commit, and then it brings newer versions of the few packages that it needs;
4. all of that as of today.

Only wheels: building a source distribution would run its code here. Where a release of that time has none, what the tests merely like
to have is left out, and of what must be there a newer release is taken.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name

from checks.execution.interpreters import Interpreter, accepted
from checks.execution.pins import Pins
from checks.execution.uv import Uv, UvFailed, requirements

_CUDA = "cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn cufft cusolver cusparse nccl"
CUDA = tuple(
    f"nvidia-{name}{suffix}<0" for name in _CUDA.split() for suffix in ("", "-cu11", "-cu12", "-cu13")
)
"""Constraints that no release fulfils: a resolver that gets them finds a torch that does without these gigabytes."""

NEEDED_BY_TORCH = ("typing-extensions", "sympy", "mpmath", "networkx", "setuptools")
"""Taken as of today where torch is newer than the commit."""

OVERRIDES = ("typing-extensions>=4.10",)
"""TensorFlow 2.12 and 2.13 forbid what newer torch needs; newer ones work with them."""

NUMPY = "numpy<2"
"""TensorFlow below 2.16, all that 4.x knows, is compiled for it but only later releases say so."""

ATTEMPTS = 12
"""Packages that may be left out or taken newer, one after the other."""

NO_WHEEL = re.compile(r"([a-z0-9][a-z0-9._-]*?)(?:[<>=!~][^\s]*)? (?:has|have) no usable wheels")

OFFLINE_MEMORY = 600.0
"""Seconds for which an index that could not be reached is not asked again."""

_unreachable: dict[str, float] = {}


class Unresolvable(Exception):
    """No environment for this tree on this host: ours, not the port's fault. The text is the resolver's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to install. `lock` is a requirements file with exact versions and hashes; `notes` say what is not as it should be."""

    lock: str
    python: Interpreter
    find_links: bool
    torch_backend: str
    notes: tuple[str, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Version by canonical name."""
        found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", self.lock, re.MULTILINE)
        return {canonicalize_name(name): version for name, version in found}


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to ask. `torch` replaces the tree's own pin."""

    python: Interpreter
    tensorflow: str
    torch: str
    find_links: bool
    torch_backend: str = ""
    dated: bool = True

    @property
    def frees_torch(self) -> bool:
        return self.find_links or bool(self.torch_backend)


def resolve(
    pins: Pins,
    date: datetime,
    uv: Uv,
    interpreters: tuple[Interpreter, ...],
    *,
    progress: Callable[[str], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Plan:
    """A plan for a tree with `pins` of `date`.

    Raises:
        Unresolvable: no attempt led to one.
    """
    usable = accepted(interpreters, pins.python)
    if not usable:
        have = ", ".join(one.version for one in interpreters) or "none"
        raise Unresolvable(f"the tree needs Python {pins.python}; this host has {have}")
    with tempfile.TemporaryDirectory(prefix="tfport-resolve-") as folder:
        search = _Search(pins, date, uv, Path(folder), progress, stop)
        words = ""
        for attempt in search.attempts(usable):
            try:
                return search.plan(attempt)
            except UvFailed as error:
                if stop is not None and stop.is_set():
                    raise
                words = f"Python {attempt.python.version}, {attempt.tensorflow}:\n{error}"
        raise Unresolvable(words or search.words)


class _Search:
    def __init__(
        self,
        pins: Pins,
        date: datetime,
        uv: Uv,
        folder: Path,
        progress: Callable[[str], None],
        stop: threading.Event | None,
    ) -> None:
        self.pins, self.uv, self.folder, self.progress, self.stop = pins, uv, folder, progress, stop
        # A day is precise enough, and the same for all commits of a day: their environments are one.
        self.newest = date.astimezone(UTC).strftime("%Y-%m-%dT00:00:00Z")
        self.words = ""

    def attempts(self, interpreters: tuple[Interpreter, ...]) -> Iterator[_Attempt]:
        own = self.uv.sources
        for dated in (True, False):
            for python in interpreters:
                tensorflow = self._tensorflow(python, dated)
                if tensorflow is None:
                    continue
                base = _Attempt(python, tensorflow, self.pins.torch, find_links=False, dated=dated)
                if own.torch_backend and _reachable(own.torch_backend):
                    of_time = self._exact(self.pins.torch, python, dated)
                    if of_time is not None:
                        yield replace(base, torch=of_time, torch_backend=own.torch_backend)
                yield base
                if own.find_links:
                    yield replace(base, find_links=True)

    def plan(self, attempt: _Attempt) -> Plan:
        """Raises UvFailed where there is no solution."""
        wanted, left_out, newer = list(self.pins.wanted), list[str](), list[str]()
        while True:
            count = len(wanted) + len(self.pins.required) + 2
            self.progress(f"resolving {count} requirements for Python {attempt.python.version}")
            try:
                lines = [attempt.tensorflow, attempt.torch, *self.pins.required, *wanted]
                lock = self._compile(lines, attempt, newer)
                break
            except UvFailed as error:
                if error.unreachable and attempt.torch_backend:
                    _unreachable[attempt.torch_backend] = time.monotonic()
                left, freed = _give_way(str(error), wanted, newer)
                if error.unreachable or not (left or freed) or len(left_out) + len(newer) >= ATTEMPTS:
                    raise
                wanted = [one for one in wanted if _name(one) not in left]
                left_out += left
                newer += freed
        plan = Plan(lock, attempt.python, attempt.find_links, attempt.torch_backend, ())
        return replace(plan, notes=tuple(self._notes(plan, attempt, left_out, newer)))

    def _compile(self, lines: list[str], attempt: _Attempt, newer: list[str]) -> str:
        constraints = [
            NUMPY,
            *CUDA,
            *(pin for name, pin in self.pins.table.items() if name != "torch" and "[" not in pin),
        ]
        (self.folder / "wanted.in").write_text(requirements(lines))
        (self.folder / "constraints.in").write_text(requirements(constraints))
        words = ["--generate-hashes", "--constraints", "constraints.in"]
        for file in self.uv.sources.constraints:
            words += ["--constraints", file]
        if attempt.torch_backend:
            words += ["--torch-backend", attempt.torch_backend]
        if attempt.dated:
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z")
            free = [
                *newer,
                *(NEEDED_BY_TORCH if attempt.frees_torch else ()),
                *(("torch",) if attempt.torch_backend else ()),
            ]
            for name in dict.fromkeys(free):
                words += ["--exclude-newer-package", f"{name}={tomorrow}"]
        if attempt.frees_torch:
            (self.folder / "overrides.in").write_text(requirements(OVERRIDES))
            words += ["--overrides", "overrides.in"]
        return self._uv(attempt.python, attempt.dated, attempt.find_links, words, "wanted.in")

    def _tensorflow(self, python: Interpreter, dated: bool) -> str | None:
        """TensorFlow's requirement under the first name that has a wheel for this interpreter."""
        for requirement in self.pins.tensorflow:
            if self._exact(requirement, python, dated) is not None:
                return requirement
        return None

    def _exact(self, requirement: str, python: Interpreter, dated: bool) -> str | None:
        """The newest release that `requirement` accepts, alone: "torch==2.1.0"."""
        (self.folder / "one.in").write_text(requirements([requirement]))
        try:
            out = self._uv(python, dated, False, ["--no-deps"], "one.in")
        except UvFailed as error:
            self.words = f"Python {python.version}, {requirement}:\n{error}"
            return None
        lines = [line for line in out.splitlines() if "==" in line and not line.startswith("#")]
        return lines[0].split()[0] if lines else None

    def _uv(self, python: Interpreter, dated: bool, find_links: bool, words: list[str], file: str) -> str:
        return self.uv.run(
            "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:",
            "--no-sources", "--python", str(python.path), *(("--exclude-newer", self.newest) if dated else ()),
            *self.uv.sources.options(find_links=find_links), *words, file,
            folder=self.folder, stop=self.stop,
        )  # fmt: skip

    def _notes(self, plan: Plan, attempt: _Attempt, left_out: list[str], newer: list[str]) -> Iterator[str]:
        day, versions = self.newest[:10], plan.versions
        if not attempt.dated:
            yield f"packages are of today, not of {day}: no set of that time fits together on this host"
        elif attempt.find_links:
            of_time = self._exact(self.pins.torch, attempt.python, True)
            if of_time != f"torch=={versions['torch']}":
                without = f"{of_time.replace('==', ' ')} has no" if of_time else "there is no"
                yield (
                    f"torch {versions['torch']} is newer than the base commit ({day}): {without} CPU build for Python "
                    f"{attempt.python.version} in reach; typing-extensions {versions.get('typing-extensions', '')} comes with it"
                )
        if newer and attempt.dated:
            taken = ", ".join(f"{name} {versions.get(name, '')}" for name in sorted(newer))
            yield f"newer than the base commit ({day}), as there was no wheel then: {taken}"
        if left_out:
            yield f"left out, there is no wheel that fits: {', '.join(sorted(left_out))}"
        if self.pins.refused:
            yield f"not installed, no plain requirement: {', '.join(map(repr, self.pins.refused))}"


def _give_way(words: str, wanted: list[str], newer: list[str]) -> tuple[list[str], list[str]]:
    """From the resolver's words: what to leave out, else what to take newer. Names; nothing where neither would help."""
    words = " ".join(words.split())
    without_wheel = {str(canonicalize_name(name)) for name in NO_WHEEL.findall(words)}
    names = [_name(one) for one in wanted]
    left = [name for name in names if name in without_wheel]
    if left:
        return left, []
    freed = [name for name in sorted(without_wheel) if name not in newer]
    if freed:
        return [], freed
    return [name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", words)][:1], []


def _reachable(backend: str) -> bool:
    failed = _unreachable.get(backend)
    return failed is None or time.monotonic() - failed > OFFLINE_MEMORY


def _name(requirement: str) -> str:
    return canonicalize_name(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])

"""What runs in a sandbox, within which limits, and what came of it. The words that all backends share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from checks.errors import UserError

MIB = 1 << 20
GIB = 1 << 30

RESULTS_FD = "TFPORT_RESULTS_FD"
"""Environment variable inside: number of the file descriptor that takes results."""

HEADER = 4
"""Bytes before each record: its length, unsigned, big-endian."""

Verdict = Literal[
    "finished",
    "crashed",
    "timeout",
    "memory",
    "processes",
    "disk",
    "output",
    "results",
    "host-memory",
    "stopped",
]
"""How a run ended.

`finished`: it ended by itself, with `exit_code` (which proves nothing: the code inside chose it). `crashed`: by a signal.
`timeout`, `memory`, `processes`, `disk`, `output`, `results`: it was ended at that limit (`results` also where the results are no
records). `host-memory`: ended because the machine itself ran short, which is nobody's fault inside. `stopped`: ended by us.
"""


class SandboxError(Exception):
    """The sandbox itself could not run something: ours, never the code's. The text is the backend's own."""


class NoSandbox(UserError):
    """This host has no sandbox that holds. Whatever wanted to execute is `unverified: no sandbox (<message>)`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run; reaching one ends all of it. Sizes in bytes, times in seconds.

    Defaults are for one pytest process with TensorFlow and torch on tiny models, which takes 1.1 GB and 60 threads at most.
    """

    seconds: float = 600.0
    """Wall clock."""
    memory: int = 4 * GIB
    """Of all processes together: proportional set size, so shared pages count once. Files in /tmp and /dev/shm come on top."""
    processes: int = 192 + 16 * (os.cpu_count() or 1)
    """Processes and threads together, as the kernel counts them. TensorFlow and torch start some threads for each core."""
    tmp: int = 1 * GIB
    """/tmp, which is memory."""
    shm: int = 64 * MIB
    """/dev/shm, which is memory."""
    files: int = 50_000
    """Files and folders in /tmp and /dev/shm together: each takes 1 kB of kernel memory that nothing else counts."""
    open_files: int = 512
    """Descriptors of one process."""
    output: int = 16 * MIB
    """Standard output and standard error together."""
    record: int = 64 * MIB
    """One record of the results."""
    results: int = 512 * MIB
    """All records together."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of the host that is seen inside, read-only. There are no writable ones.

    Raises:
        ValueError: `target` is not an absolute, normal path.
    """

    source: Path
    target: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.target)
        if not path.is_absolute() or ".." in path.parts or str(path) != self.target or "\0" in self.target:
            raise ValueError(f"not an absolute, normal path: {self.target!r}")

    @classmethod
    def same(cls, path: Path) -> Bind:
        """Seen inside at the path that it has outside, as environments and interpreters must be."""
        path = path.absolute()
        return cls(path, str(path))


@dataclass(frozen=True, slots=True)
class Job:
    """One command to run.

    Args:
        command: argument list; the first is an absolute path inside.
        binds: what it sees of the host besides the system's libraries and tools. Later ones may lie within earlier ones.
        environment: all of its environment besides PATH, HOME, TMPDIR, LANG, USER, `RESULTS_FD` and the offline switches of the Hub.
        folder: working folder inside.
        input: bytes on standard input.
        keep: the result has all records; else only who listens gets them, as they are too large to keep.
    """

    command: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    folder: str = "/tmp"  # a private one
    input: bytes = b""
    limits: Limits = field(default_factory=Limits)
    keep: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run. All of it is what the code inside says, except `verdict`, `seconds` and `peak_memory`.

    Attributes:
        exit_code: of the command; None if it did not end by itself. 128 + n after signal n.
        output: standard output and error as they came, cut at the limit.
        records: complete records of the results, in order.
        seconds: wall time.
        peak_memory: highest sum of memory that was seen, in bytes (resident; an upper bound of what `Limits.memory` bounds).
    """

    verdict: Verdict
    exit_code: int | None
    output: bytes
    records: tuple[bytes, ...]
    seconds: float
    peak_memory: int
    limits: Limits

    @property
    def reason(self) -> str:
        """How it ended, for people: "was ended after 600 seconds". Empty if it ended by itself with exit code 0."""
        limits = self.limits
        match self.verdict:
            case "finished":
                return f"ended with exit code {self.exit_code}" if self.exit_code else ""
            case "crashed":
                return f"crashed ({signal_name(self.exit_code)})"
            case "timeout":
                return f"was ended after {limits.seconds:g} seconds"
            case "memory":
                return f"was ended at {_size(limits.memory)} of memory"
            case "processes":
                return f"was ended at {limits.processes} processes and threads"
            case "disk":
                return f"was ended: it filled its {_size(limits.tmp)} of scratch space, or made {limits.files:,} files"
            case "output":
                return f"was ended after {_size(limits.output)} of output"
            case "results":
                return f"was ended: its results are malformed or larger than {_size(limits.results)}"
            case "host-memory":
                return "was ended because this machine ran short of memory"
            case "stopped":
                return "was stopped"


def signal_name(exit_code: int | None) -> str:
    """Name of the signal of an exit code above 128: "SIGSEGV"."""
    import signal

    try:
        return signal.Signals((exit_code or 0) - 128).name
    except ValueError:
        return f"exit code {exit_code}"


def _size(size: int) -> str:
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / MIB:.3g} MiB"

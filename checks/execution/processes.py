"""What a tree of processes uses, read from /proc. A process that is gone, or just going, counts nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over a tree. `resident` counts a shared page once for each process, so it is an upper bound. Bytes."""

    resident: int
    tasks: int
    pids: tuple[int, ...]


def tree(root: int) -> Iterator[int]:
    """`root` and its descendants. In a pid namespace of its own that is all of it: orphans are handed to its first process."""
    pending = [root]
    while pending:
        pid = pending.pop()
        yield pid
        try:
            threads = os.listdir(PROC / str(pid) / "task")
            for thread in threads:
                pending += map(int, (PROC / str(pid) / "task" / thread / "children").read_bytes().split())
        except OSError:
            continue


def usage(root: int) -> Usage:
    """Cheap: two small files for each process."""
    resident = tasks = 0
    pids: list[int] = []
    for pid in tree(root):
        try:
            resident += int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
            # The name in brackets may hold anything; num_threads is the 18th field after it.
            tasks += int((PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[17])
        except (OSError, IndexError, ValueError):
            continue
        pids.append(pid)
    return Usage(resident, tasks, tuple(pids))


def proportional(pids: tuple[int, ...]) -> int:
    """Memory in bytes with each shared page counted once over all. Holds the processes up for milliseconds: ask when it matters.

    Of a process that does not let us look, the resident size counts.
    """
    return sum(map(_proportional, pids))


def _proportional(pid: int) -> int:
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


def available() -> int:
    """Bytes of memory that this machine can still give."""
    for line in (PROC / "meminfo").read_bytes().splitlines():
        if line.startswith(b"MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 1 << 62

"""The default backend on Linux: bubblewrap, in the one of its two modes that is safe for the user who runs the service.

* As an ordinary user: with a user namespace of its own.
* As root: **without** one. In a user namespace root's files stay root's, and /proc/sys of the host is writable inside. Instead the
  command runs as a user id of its own (`slots`), without capabilities.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from checks.execution import seccomp
from checks.execution.job import RESULTS_FD, Bind, Job
from checks.execution.slots import slot
from checks.execution.supervise import Launch

PATH = "/usr/bin:/bin"
INSIDE = {
    "PATH": PATH,
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "USER": "tfport",
    "LOGNAME": "tfport",
    "LANG": "C.UTF-8",
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
"""What every job has in its environment."""

SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libx32", "/usr/bin")
EXTRAS = ("/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu")
"""Of the host, read-only, where they exist. The last says how many processors there are."""
TOP = ("/bin", "/lib", "/lib32", "/lib64", "/libx32")
"""Links into /usr, or folders on systems that keep them apart."""

NAMESPACES = ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
SETPRIV_NEEDS = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
NICENESS = 19
"""So that the service answers while all cores compute."""


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Needs `bwrap` ≥ 0.8 and util-linux (`prlimit`, `setpriv`); `program` is bwrap's path."""

    program: str = "bwrap"

    @property
    def name(self) -> str:
        return "bubblewrap"

    def missing(self) -> str:
        if shutil.which(self.program) is None:
            return "bubblewrap is not installed (Debian, Ubuntu, Fedora: package bubblewrap)"
        for tool in ("prlimit", "setpriv", "nice"):
            if shutil.which(tool, path=PATH) is None:
                return f"{tool} is not installed (packages util-linux and coreutils)"
        if seccomp.program() is None:
            return f"no filter of system calls for this machine: {os.uname().machine}"
        return ""

    @contextmanager
    def launch(self, job: Job, results: int) -> Generator[Launch]:
        with slot() if os.geteuid() == 0 else _ordinary() as uid:
            status, status_fd = os.pipe()
            filter_fd = _file_with(seccomp.program() or b"")
            options = arguments(job, uid=uid, results=results, status=status_fd, filter=filter_fd)
            options_fd = _file_with(b"".join(word.encode() + b"\0" for word in options))
            try:
                yield Launch(
                    # Neither here nor in the environment: the code inside reads both in /proc/1.
                    arguments=(_find(self.program), "--args", str(options_fd), "--", *command(job, uid=uid)),
                    environment={},
                    inherit=(results, status_fd, filter_fd, options_fd),
                    status=status,
                )
            finally:
                os.close(status)


def arguments(job: Job, *, uid: int | None, results: int, status: int, filter: int) -> list[str]:
    """Options of bwrap. `uid`: the user to become, where we are root; None where we are not. The others are descriptors."""
    limits = job.limits
    words: list[str] = []
    if uid is None:
        words += [
            "--unshare-user",
            "--uid",
            "65534",
            "--gid",
            "65534",
            "--disable-userns",
            "--cap-drop",
            "ALL",
        ]
    else:
        words += ["--cap-drop", "ALL"]
        for capability in SETPRIV_NEEDS:
            words += ["--cap-add", capability]
    words += [*NAMESPACES, "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in {**INSIDE, RESULTS_FD: str(results), **job.environment}.items():
        words += ["--setenv", name, value]
    words += system()
    words += ["--dev", "/dev", "--perms", "1777", "--size", str(limits.shm), "--tmpfs", "/dev/shm"]
    words += ["--proc", "/proc", "--perms", "1777", "--size", str(limits.tmp), "--tmpfs", "/tmp"]
    words += binds(job.binds)
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", job.folder]
    return [*words, "--seccomp", str(filter), "--json-status-fd", str(status)]


def command(job: Job, *, uid: int | None) -> list[str]:
    """What bwrap runs: the job's command, as the user `uid` where we are root, within the limits of a process."""
    limits = job.limits
    words: list[str] = []
    if uid is not None:
        words += ["/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"]
        words += ["--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs", "--"]
    words += ["/usr/bin/prlimit", f"--nproc={limits.processes}", f"--data={2 * limits.memory}"]
    words += [f"--fsize={2 * limits.tmp}", f"--nofile={limits.open_files}", "--core=0", "--memlock=0", "--"]
    return [*words, "/usr/bin/nice", "-n", str(NICENESS), "--", *job.command]


def binds(wanted: Sequence[Bind]) -> Iterator[str]:
    """Arguments that show `wanted` inside, with parents that everybody may pass through (bwrap makes them for root only)."""
    covered: list[PurePosixPath] = []
    made: set[PurePosixPath] = set()
    for bind in wanted:
        target = PurePosixPath(bind.target)
        for parent in reversed(target.parents[:-1]):
            if parent not in made and not any(parent.is_relative_to(other) for other in covered):
                yield from ("--perms", "0755", "--dir", str(parent))
            made.add(parent)
        yield from ("--ro-bind", str(bind.source), bind.target)
        covered.append(target)


@cache
def system() -> tuple[str, ...]:
    """Arguments that show the host's libraries and tools, and nothing else of it."""
    words: list[str] = []
    for name in TOP:
        path = Path(name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), name]
        elif path.is_dir():
            words += ["--ro-bind", name, name]
    shown = [
        Bind(Path(name), name)
        for name in (*SYSTEM, *EXTRAS)
        if Path(name).exists() and not Path(name).is_symlink()
    ]
    return (*words, *binds(shown))


@contextmanager
def _ordinary() -> Generator[None]:
    yield None


def _file_with(content: bytes) -> int:
    """Descriptor from which `content` is read, once."""
    handle = os.memfd_create("tfport")
    os.write(handle, content)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _find(program: str) -> str:
    return shutil.which(program) or program

"""Environments of a tree's time: built once, shared read-only, thrown away when nobody asked for them for long.

    environments = Environments.of_host()
    environment = environments.of(base_tree, date, progress=print)     # milliseconds if it is there already
    with environment.in_use():
        sandbox.run(Job((str(environment.python), "-m", "pytest", …), binds=(*environment.binds(), …)))

transformers itself is not in it: the tree under test goes on the path inside the sandbox. Below the folder:

    locks/KEY.json                what the resolver found for one set of pins of one day
    environments/FINGERPRINT/     a virtual environment, and `tfport.json`, which says what it is
    environments/FINGERPRINT.lock held shared by whoever runs in it, exclusively by whoever builds or deletes it
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from checks.execution.interpreters import Interpreter, find_interpreters
from checks.execution.job import Bind
from checks.execution.pins import Pins, read_pins
from checks.execution.resolve import Plan, Unresolvable, resolve
from checks.execution.settings import Settings
from checks.execution.uv import Uv, UvFailed, find_uv, pip_settings
from checks.snapshot import Snapshot

FORMAT = 1
"""Raised when environments are built otherwise: old ones are not found any more, and deleted in time."""
ABOUT = "tfport.json"
SHARED = 3
"""Environments whose bytecode is looked through."""
KEPT = 12
"""Environments that stay when a new one is built; more only if they were used within a day."""
FRESH = 7 * 86400.0
"""Seconds for which what the resolver said is believed where it was not bound to a date."""

Progress = Callable[[str], None]


class EnvironmentFailed(Exception):
    """No environment could be had: an error of ours, never a failed check. The text is for people, with the resolver's words."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A finished environment.

    Attributes:
        folder: of the virtual environment; nobody writes into it.
        interpreter: the Python that it was made with.
        versions: by canonical name.
        notes: sentences about what is not as the tree asks; to be shown with every result that comes from here.
        size: bytes, counted as if nothing was shared with uv's cache.
        built, used: POSIX time.
    """

    folder: Path
    interpreter: Interpreter
    versions: dict[str, str]
    notes: tuple[str, ...]
    size: int
    built: float
    used: float

    @property
    def fingerprint(self) -> str:
        return self.folder.name

    @property
    def python(self) -> Path:
        """The interpreter to run, inside as outside."""
        return self.folder / "bin" / "python"

    @property
    def title(self) -> str:
        """ "Python 3.10.13, TensorFlow 2.11.1, torch 1.12.1"."""
        tensorflow = next(
            (self.versions[n] for n in ("tensorflow-cpu", "tensorflow") if n in self.versions), "?"
        )
        return f"Python {self.interpreter.version}, TensorFlow {tensorflow}, torch {self.versions.get('torch', '?')}"

    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox must show of it."""
        return (*self.interpreter.binds(), Bind.same(self.folder))

    @contextlib.contextmanager
    def in_use(self) -> Generator[None]:
        """While this lasts, it is not deleted."""
        with _locked(_lock_of(self.folder), fcntl.LOCK_SH):
            with contextlib.suppress(OSError):
                os.utime(self.folder / ABOUT)
            yield


class Environments:
    """The environments below `folder`. Any number of processes may use it at the same time.

    Args:
        interpreters: of the host; found if not given.
    """

    def __init__(self, folder: Path, uv: Uv, interpreters: tuple[Interpreter, ...] | None = None) -> None:
        self.folder, self.uv = folder, uv
        self._interpreters = interpreters
        for name in ("locks", "environments", "staging"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    @classmethod
    def of_host(cls, settings: Settings | None = None) -> Environments:
        """The environments of this host and user, as the settings (by default the process's own variables) say.

        Raises:
            checks.errors.UserError: there is no uv; a setting names what is not there.
        """
        settings = settings or Settings.of()
        uv = Uv(find_uv(settings.uv), settings.sources.with_pip(pip_settings()))
        interpreters = find_interpreters(settings.pythons) if settings.pythons else None
        return cls(settings.folder / "environments", uv, interpreters)

    @cached_property
    def interpreters(self) -> tuple[Interpreter, ...]:
        """Of the host, the newest first."""
        return find_interpreters() if self._interpreters is None else self._interpreters

    def of(
        self,
        base: Snapshot,
        date: datetime,
        *,
        progress: Progress = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Environment:
        """The environment for the base tree of `date` (aware), built if need be. Two who ask for the same one build it once.

        Raises:
            EnvironmentFailed: it could not be resolved or built.
            checks.errors.UserError: the tree has no pins that can be read.
        """
        pins = read_pins(base)
        try:
            return self.build(
                self.plan(pins, date, progress=progress, stop=stop), progress=progress, stop=stop
            )
        except (Unresolvable, UvFailed) as error:
            raise EnvironmentFailed(str(error)) from error

    def plan(
        self,
        pins: Pins,
        date: datetime,
        *,
        progress: Progress = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Plan:
        """What to install. Remembered: a resolution takes seconds, and what was true on a day stays true."""
        file = self.folder / "locks" / f"{self._key(pins, date)}.json"
        with _locked(
            file.with_suffix(".lock"),
            fcntl.LOCK_EX,
            progress,
            "waiting for another one that resolves the same",
        ):
            known = _read_json(file)
            if known and (not known["expires"] or time.time() < known["expires"]):
                return _plan(known)
            plan = resolve(pins, date, self.uv, self.interpreters, progress=progress, stop=stop)
            # What was taken as of the day of the search (see resolve.py) is looked for again after a while.
            expires = time.time() + FRESH if plan.notes else None
            _write_json(file, {**_plan_json(plan), "expires": expires})
            return plan

    def build(
        self, plan: Plan, *, progress: Progress = lambda _: None, stop: threading.Event | None = None
    ) -> Environment:
        """The environment with exactly what `plan` says.

        Raises:
            UvFailed: with uv's words.
        """
        folder = self.folder / "environments" / self._fingerprint(plan)
        known, built = None, False
        # One that is there makes nobody wait for those who use it: only who builds has to be alone.
        for how in (fcntl.LOCK_SH, fcntl.LOCK_EX):
            with _locked(_lock_of(folder), how, progress, "waiting for another one that builds the same"):
                known = _environment(folder)
                if known is None and how == fcntl.LOCK_EX:
                    known, built = self._built(plan, folder, progress, stop), True
            if known is not None:
                break
        assert known is not None
        if built:
            self.prune(keep=KEPT, days=1)
        return known

    def _built(
        self, plan: Plan, folder: Path, progress: Progress, stop: threading.Event | None
    ) -> Environment:
        staging = Path(tempfile.mkdtemp(dir=self.folder / "staging", prefix=f"{os.getpid()}-"))
        try:
            self._install(plan, staging / "env", progress, stop)
            shutil.rmtree(folder, ignore_errors=True)
            (staging / "env").rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        made = _environment(folder)
        assert made is not None
        return made

    def list(self) -> list[Environment]:
        """All that are finished, the one that was used last first."""
        found = [
            _environment(folder) for folder in (self.folder / "environments").iterdir() if folder.is_dir()
        ]
        return sorted((one for one in found if one is not None), key=lambda one: -one.used)

    def prune(self, *, keep: int = 0, days: float = 0.0) -> list[Environment]:
        """Deletes environments that are not in use, but not the `keep` used last nor those used in the last `days` days.

        Also deletes what killed builds left behind. Returns what was deleted.
        """
        since = time.time() - days * 86400
        gone = [
            one for one in self.list()[keep:] if (one.used < since or not days) and self._delete(one.folder)
        ]
        for staging in (self.folder / "staging").iterdir():
            if not _is_alive(staging.name.partition("-")[0]):
                shutil.rmtree(staging, ignore_errors=True)
        for folder in (self.folder / "environments").iterdir():
            if folder.is_dir() and _environment(folder) is None:
                self._delete(folder)
        return gone

    def _delete(self, folder: Path) -> bool:
        try:
            with _locked(_lock_of(folder), fcntl.LOCK_EX | fcntl.LOCK_NB):
                (folder / ABOUT).unlink(missing_ok=True)  # from here on it is none
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            return False
        return True

    def _install(self, plan: Plan, target: Path, progress: Progress, stop: threading.Event | None) -> None:
        here, uv = target.parent, self.uv
        (here / "lock.txt").write_text(plan.lock)
        progress(f"making an environment for Python {plan.python.version}")
        uv.run(
            "venv",
            "--quiet",
            "--no-project",
            "--relocatable",
            "--python",
            str(plan.python.path),
            str(target),
            folder=here,
            stop=stop,
        )
        progress(f"installing {len(plan.versions)} packages")
        backend = ("--torch-backend", plan.torch_backend) if plan.torch_backend else ()
        uv.run(
            "pip", "sync", "--quiet", "--only-binary", ":all:", "--require-hashes", "--no-sources",
            "--python", str(target / "bin" / "python"), *backend, *uv.sources.options(find_links=plan.find_links), "lock.txt",
            folder=here, stop=stop,
        )  # fmt: skip
        progress("compiling to bytecode")
        for other in [one for one in self.list() if one.interpreter == plan.python][:SHARED]:
            _share_bytecode(target, other.folder)
        _compile(plan.python, target, stop)
        _alias_tensorflow(target, plan.versions.get("tensorflow-cpu"))
        about = {**_plan_json(plan), "size": _finish(target), "built": time.time(), "uv": uv.version}
        _write_json(target / ABOUT, about)

    def _key(self, pins: Pins, date: datetime) -> str:
        words = [
            FORMAT, dict(pins.table), pins.required, pins.wanted, str(pins.python), pins.refused,
            date.astimezone(UTC).date().isoformat(), [(str(i.path), i.version) for i in self.interpreters],
            repr(self.uv.sources), self.uv.version,
        ]  # fmt: skip
        return _digest(words)

    def _fingerprint(self, plan: Plan) -> str:
        return _digest([FORMAT, plan.lock, str(plan.python.path), plan.python.version, self.uv.version])


def _compile(python: Interpreter, target: Path, stop: threading.Event | None) -> None:
    """Imports take two to four times as long without. What is in packages' own tests is not imported."""
    process = subprocess.Popen(
        [
            python.path,
            "-I",
            "-S",
            "-m",
            "compileall",
            "-q",
            "-j",
            "0",
            "-x",
            r"/tests?/",
            str(target / "lib"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        if stop is not None and stop.is_set():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise UvFailed("stopped")
        time.sleep(0.1)


def _share_bytecode(target: Path, other: Path) -> None:
    """Takes the bytecode of sources that are the same file in both: uv installs hard links to one copy."""
    for folder, _, names in os.walk(other / "lib"):
        if os.path.basename(folder) != "__pycache__":
            continue
        mine = target / os.path.relpath(folder, other)
        for name in names:
            source = f"{name.partition('.')[0]}.py"
            with contextlib.suppress(OSError):
                if os.path.samefile(os.path.join(folder, "..", source), mine.parent / source):
                    mine.mkdir(exist_ok=True)
                    os.link(os.path.join(folder, name), mine / name)


def _alias_tensorflow(target: Path, version: str | None) -> None:
    """Some trees ask whether a package called `tensorflow` is installed, and do not know that `tensorflow-cpu` is the same."""
    if version is not None:
        for library in (target / "lib").glob("python3.*/site-packages"):
            about = library / f"tensorflow-{version}.dist-info"
            about.mkdir(exist_ok=True)
            (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tensorflow\nVersion: {version}\n")


def _finish(target: Path) -> int:
    """Makes all readable for the sandbox's own user, where the service is root. Size in bytes."""
    size = 0
    for folder, folders, files in os.walk(target):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
            wanted = status.st_mode | (0o555 if status.st_mode & 0o100 else 0o444)
            if wanted != status.st_mode and not stat.S_ISLNK(status.st_mode):
                os.chmod(path, stat.S_IMODE(wanted))
    target.chmod(0o755)
    return size


def _environment(folder: Path) -> Environment | None:
    about = _read_json(folder / ABOUT)
    if about is None:
        return None
    plan = _plan(about)
    used = (folder / ABOUT).stat().st_mtime
    return Environment(folder, plan.python, plan.versions, plan.notes, about["size"], about["built"], used)


def _plan_json(plan: Plan) -> dict[str, Any]:
    python = plan.python
    return {
        "lock": plan.lock,
        "python": [str(python.path), python.version, str(python.prefix)],
        "find_links": plan.find_links,
        "torch_backend": plan.torch_backend,
        "notes": list(plan.notes),
    }


def _plan(data: dict[str, Any]) -> Plan:
    path, version, prefix = data["python"]
    python = Interpreter(Path(path), version, Path(prefix))
    return Plan(data["lock"], python, data["find_links"], data["torch_backend"], tuple(data["notes"]))


def _digest(words: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(words, sort_keys=True, default=list).encode()).hexdigest()[:24]


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        return cast("dict[str, Any]", json.loads(file.read_text()))
    except (OSError, ValueError):
        return None


def _write_json(file: Path, data: dict[str, Any]) -> None:
    staged = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
    staged.write_text(json.dumps(data, indent=1))
    staged.replace(file)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


@contextlib.contextmanager
def _locked(file: Path, how: int, progress: Progress = lambda _: None, words: str = "") -> Generator[None]:
    """Holds `file` locked; it stays there, as deleting a lock file is a race."""
    handle = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if how & fcntl.LOCK_NB:
                raise
            progress(words)
            fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True

"""The Python interpreters of this host."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from packaging.specifiers import SpecifierSet

from checks.execution.job import Bind

PLACES = (
    "/usr/bin/python3.*",
    "/usr/local/bin/python3.*",
    "/opt/python/*/bin/python3.*",
    "{home}/.local/share/uv/python/*/bin/python3.*",
    "{pyenv}/versions/*/bin/python3.*",
)
"""Where interpreters are looked for, besides those that the operator names in `TFPORT_PYTHONS`."""

ASK = """
import json, platform, sys, sysconfig
print(json.dumps([platform.python_version(), platform.python_implementation(), sys.base_prefix, sys.executable,
                  sys.prefix != sys.base_prefix, bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython of the host. `version` has three parts; `prefix` is where its own files lie."""

    path: Path
    version: str
    prefix: Path

    @property
    def minor(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    def binds(self) -> tuple[Bind, ...]:
        """What a sandbox must show for it to run. Nothing for the system's own: /usr/bin and /usr/lib are always shown."""
        if self.prefix == Path("/usr"):
            return ()
        if self.prefix == Path("/usr/local"):  # shared with others; only what is Python's
            parts = [self.prefix / "bin", self.prefix / "lib"]
            return tuple(Bind.same(part) for part in parts if part.is_dir())
        return (Bind.same(self.prefix),)


def find_interpreters(named: tuple[str, ...] = ()) -> tuple[Interpreter, ...]:
    """The newest of each minor version, newest first. `named`: only these paths."""
    found: dict[tuple[int, int], Interpreter] = {}
    for path in [Path(name) for name in named] or _candidates():
        interpreter = ask(path)
        if interpreter is not None:
            other = found.get(interpreter.minor)
            if other is None or _key(interpreter) > _key(other):
                found[interpreter.minor] = interpreter
    return tuple(found[minor] for minor in sorted(found, reverse=True))


def accepted(interpreters: tuple[Interpreter, ...], python: SpecifierSet) -> tuple[Interpreter, ...]:
    """Those that a tree accepts."""
    return tuple(one for one in interpreters if python.contains(one.version))


@cache
def ask(path: Path) -> Interpreter | None:
    """The interpreter at `path`; None if it is none, no CPython, or a virtual environment's."""
    try:
        done = subprocess.run(
            [path, "-I", "-S", "-c", ASK],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env={},
            cwd="/",
        )
        version, implementation, prefix, executable, virtual, free_threaded = cast(
            "tuple[str, str, str, str, bool, bool]", json.loads(done.stdout)
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if implementation != "CPython" or virtual or free_threaded or not version.replace(".", "").isdigit():
        return None
    return Interpreter(Path(executable), version, Path(prefix))


def _candidates() -> Iterator[Path]:
    home = Path.home()
    pyenv = os.environ.get("PYENV_ROOT") or home / ".pyenv"
    for place in PLACES:
        pattern = place.format(home=home, pyenv=pyenv)
        with contextlib.suppress(OSError):
            for path in sorted(Path("/").glob(pattern.lstrip("/"))):
                if path.name.removeprefix("python3.").isdigit():
                    yield path


def _key(interpreter: Interpreter) -> tuple[bool, tuple[int, ...]]:
    """A distribution's own Python last: it may carry patches and lack modules."""
    return interpreter.prefix != Path("/usr"), tuple(map(int, interpreter.version.split(".")))

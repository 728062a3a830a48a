"""A cached environment with the formatters: wheels only, by uv, else by pip."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from checks.errors import UserError
from checks.style.pins import Pins

TIMEOUT = 180.0
"""Seconds that an installation may take."""


def tools_dir() -> Path:
    """Where the environments are kept: `~/.cache/tfport/tools`, or as XDG_CACHE_HOME says."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "tfport" / "tools"


def environment(pins: Pins) -> Path:
    """The place of the environment for these pins, whether it is there or not."""
    key = "\n".join([*pins.requirements, sys.version.split()[0], sys.platform])
    names = "-".join(sorted({step.split()[0] for step in pins.steps}))
    return tools_dir() / f"{names}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def install(pins: Pins) -> Path:
    """The environment, made if it is not there.

    Raises:
        checks.errors.UserError: it can't be made; what the installer said last is told.
    """
    place = environment(pins)
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as folder:
            new = Path(folder) / "env"
            _make(new, pins.requirements)
            try:
                new.rename(place)  # whole or not at all
            except OSError:
                if not place.is_dir():  # not: another process was faster
                    raise
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(pins, str(error)) from error
    except subprocess.CalledProcessError as error:
        lines = [line for line in str(error.stderr or error.stdout).splitlines() if line.strip()]
        raise _failed(pins, lines[-1].strip() if lines else str(error)) from error
    return place


def _failed(pins: Pins, reason: str) -> UserError:
    return UserError(
        f"could not install {pins.names}: {reason[:300]}",
        hint="it needs a package index once; without --style everything else is checked",
    )


def _make(place: Path, requirements: tuple[str, ...]) -> None:
    uv = _uv()
    if uv:
        _run([*uv, "venv", "--quiet", "--python", sys.executable, str(place)])
        install = [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            str(place / "bin/python"),
        ]
        _run([*install, "--only-binary", ":all:", *requirements])
    else:
        _run([sys.executable, "-m", "venv", str(place)])
        install = [str(place / "bin/python"), "-I", "-m", "pip", "install", "--quiet"]
        _run([*install, "--disable-pip-version-check", "--only-binary", ":all:", *requirements])


def _uv() -> list[str]:
    beside = Path(sys.prefix) / "uv/bin/uv"  # where `make install` puts it
    found = shutil.which("uv") or (str(beside) if beside.exists() else "")
    return [found] if found else []


def _run(command: list[str]) -> None:
    # In an empty folder: installers read configuration from where they are started.
    with tempfile.TemporaryDirectory() as empty:
        subprocess.run(
            command,
            check=True,
            cwd=empty,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
        )

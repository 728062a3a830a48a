"""Runs the formatters over texts, in a folder of their own that holds nothing but these texts and the base's configuration."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from checks.errors import UserError
from checks.snapshot import Snapshot
from checks.style import Complaint, Formatted, Formatters
from checks.style.install import install
from checks.style.pins import Pins, configuration, read_pins

TIMEOUT = 60.0
"""Seconds that one tool may take for all files."""

LARGEST = 1_000_000
MOST_FILES = 200
MEMORY = 4 << 30
"""Bytes of address space of a tool."""


def formatters(base: Snapshot) -> Formatters:
    """What runs the base's formatters, installed if they are not there yet.

    Raises:
        checks.errors.UserError: the base names none, or they can't be installed.
    """
    pins = read_pins(base)
    if pins is None:
        raise UserError(
            "the base names no formatter (black, isort, flake8 or ruff) in its setup.py",
            hint="check without --style",
        )
    place = install(pins)
    return lambda files: run(place, pins, configuration(base), files)


def run(place: Path, pins: Pins, config: Mapping[str, str], files: Mapping[str, str]) -> Formatted:
    """What the formatters in the environment `place` make of `files`."""
    suitable = {path: text for path, text in files.items() if _suits(pins, path, text)}
    chosen = dict(list(suitable.items())[:MOST_FILES])
    with tempfile.TemporaryDirectory(prefix="tfport-style-") as folder:
        root = Path(folder)
        for path, text in {**chosen, **config}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8", newline="\n")
        tools = _Tools(place, root)
        complaints: list[Complaint] = []
        problem = ""
        for step in pins.steps if chosen else ():
            try:
                complaints += [c for c in tools.run(step, pins) if c.path in chosen]
            except (subprocess.TimeoutExpired, OSError, ValueError) as error:
                problem = f"{step} could not be run ({type(error).__name__})"
                break
        done = {path: (root / path).read_text("utf-8") for path in chosen}
    return Formatted(_versions(place, pins), done, tuple(complaints), problem)


def _suits(pins: Pins, path: str, text: str) -> bool:
    parts = PurePosixPath(path).parts
    plain = not path.startswith("/") and not {"..", ".git"} & set(parts) and path.isprintable()
    return plain and pins.covers(path) and len(text) <= LARGEST


class _Tools:
    """The tools of an environment, started in a folder with an environment of variables that says nothing of ours."""

    def __init__(self, place: Path, root: Path) -> None:
        self._bin = place / "bin"
        self._root = root

    def run(self, step: str, pins: Pins) -> Iterator[Complaint]:
        """Mends the files in the folder, and gives what is left to say of them."""
        python = [str(self._bin / "python"), "-I", "-m"]
        match step:
            case "black":
                preview = ["--preview"] if pins.preview else []
                self._start([*python, "black", "--quiet", "--config", "pyproject.toml", *preview, "."])
            case "isort":
                self._start([*python, "isort", "--quiet", "--settings-path", ".", "."])
            case "flake8":
                # The rest of what flake8 says is black's business.
                said = self._start([*python, "flake8", "--isolated", "--select=F,E9", "--jobs=1", "."])
                yield from _flake8(said)
            case "ruff format":
                self._start([str(self._bin / "ruff"), "format", "--quiet", "--no-cache", "."])
            case _:
                old = _ruff_version(self._bin.parent) < (0, 0, 291)
                output = "--format=json" if old else "--output-format=json"
                command = [str(self._bin / "ruff"), "check", "--exit-zero", "--quiet", "--no-cache", output]
                yield from _ruff(self._start([*command, "."]), self._root)
                self._start([*command, "--fix", "."])

    def _start(self, command: list[str]) -> str:
        folder = str(self._root)
        env = {
            "PATH": os.defpath,
            "HOME": folder,
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": f"{folder}/.cache",
            "BLACK_CACHE_DIR": f"{folder}/.cache",
        }
        with subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            if sys.platform == "linux":
                resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
            try:
                said, _ = process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return said[:10_000_000].decode(errors="replace")


_FLAKE8 = re.compile(r"^\./(.+?):(\d+):(\d+): (\w+) (.*)$", re.MULTILINE)


def _flake8(said: str) -> Iterator[Complaint]:
    for match in _FLAKE8.finditer(said):
        yield Complaint(match[1], int(match[2]), int(match[3]), match[4], match[5])


def _ruff(said: str, root: Path) -> Iterator[Complaint]:
    found: list[dict[str, Any]] = json.loads(said or "[]")
    for entry in found:
        place, code = entry["location"], entry.get("code")
        path = os.path.relpath(
            os.path.join(os.path.realpath(root), entry["filename"]), os.path.realpath(root)
        )
        # What can be mended is in the text that comes back; that a file is no Python is the rule `readable`'s to say.
        if code and code != "E999" and not code.startswith(_LAYOUT) and not entry.get("fix"):
            yield Complaint(path, int(place["row"]), int(place["column"]), str(code), str(entry["message"]))


_LAYOUT = ("W", "E1", "E2", "E3", "E5")
"""Codes about white space, which the formatter mends."""


def _ruff_version(place: Path) -> tuple[int, ...]:
    version = _version(place, "ruff")
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _versions(place: Path, pins: Pins) -> str:
    names = dict.fromkeys(step.split()[0] for step in pins.steps)
    shown = [f"{name} {_version(place, name)}".strip() for name in names]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _version(place: Path, name: str) -> str:
    """By the name of the folder that describes the package."""
    found = next(place.glob(f"lib*/python*/site-packages/{name}-*.dist-info"), None)
    return found.name.removesuffix(".dist-info").rpartition("-")[2] if found else ""

"""Running uv, the resolver and installer, with the operator's settings of package sources.

uv reads none of pip's settings (`pip.conf`, `PIP_*`), but operators have made theirs there; they are passed on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from checks.errors import UserError

TIMEOUT = 1800.0
"""Seconds for one command: torch for the first time over a slow line."""


class UvFailed(Exception):
    """uv could not do it. The text is what it said."""

    @property
    def unreachable(self) -> bool:
        """Whether it failed for want of a connection, not of a solution."""
        return "Request failed" in str(self) or "Failed to fetch" in str(self)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where packages come from. What is empty is taken from pip's settings.

    Attributes:
        index: main index ("https://…/simple").
        extra_indexes: others beside it; the best version of all is taken, as pip does.
        find_links: folders or pages of wheels.
        torch_backend: build of torch that uv fetches from PyTorch's own index ("cpu", "cu128"); empty: none.
    """

    index: str = ""
    extra_indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    torch_backend: str = "cpu"
    constraints: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    certificate: str = ""

    def with_pip(self, pip: Mapping[str, str]) -> Sources:
        """Filled up from pip's settings: names as in `pip config list`, without their section."""

        def words(name: str) -> tuple[str, ...]:
            return tuple(pip.get(name, "").split())

        return Sources(
            index=self.index or pip.get("index-url", ""),
            extra_indexes=self.extra_indexes or words("extra-index-url"),
            find_links=self.find_links or words("find-links"),
            torch_backend=self.torch_backend,
            constraints=self.constraints or words("constraint"),
            trusted_hosts=self.trusted_hosts or words("trusted-host"),
            certificate=self.certificate or pip.get("cert", ""),
        )

    def options(self, *, find_links: bool = True) -> list[str]:
        """Options of `uv pip`."""
        words = ["--default-index", self.index] if self.index else []
        for index in self.extra_indexes:
            words += ["--extra-index-url", index]
        words += ["--index-strategy", "unsafe-best-match"] if self.extra_indexes else []
        for place in self.find_links if find_links else ():
            words += ["--find-links", place]
        for host in self.trusted_hosts:
            words += ["--allow-insecure-host", host]
        return words


@dataclass(frozen=True, slots=True)
class Uv:
    """The program, and where packages come from."""

    program: str
    sources: Sources = field(default_factory=Sources)

    @property
    def version(self) -> str:
        return _version(self.program)

    def run(
        self,
        *words: str,
        folder: Path,
        input: str = "",
        environment: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
    ) -> str:
        """Standard output of `uv WORDS`, run in `folder`, which holds no settings for uv.

        Raises:
            UvFailed: with uv's words.
        """
        process = subprocess.Popen(
            [self.program, *words],
            cwd=folder,
            env={**self._environment(), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            waited = 0.0
            while True:
                try:
                    out, err = process.communicate(input, timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    waited += 0.2
                    if waited > TIMEOUT or (stop is not None and stop.is_set()):
                        raise UvFailed(
                            "stopped" if waited <= TIMEOUT else f"no end after {TIMEOUT:g} seconds"
                        ) from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode:
            raise UvFailed(masked(err.strip()) or f"exit code {process.returncode}")
        return out

    def _environment(self) -> dict[str, str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "VIRTUAL_ENV", "UV_PROJECT"))
            and name not in ("UV_FIND_LINKS", "UV_TORCH_BACKEND")
        }
        environment |= {"UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1", "UV_NO_PROGRESS": "1"}
        environment["COLUMNS"] = (
            "10000"  # uv breaks its sentences at the terminal's width; they are read and shown whole
        )
        if self.sources.certificate and "SSL_CERT_FILE" not in environment:
            environment["SSL_CERT_FILE"] = self.sources.certificate
        return environment


def find_uv(program: str = "") -> str:
    """Path of uv: `program` (the operator's `TFPORT_UV`), the one beside this Python (PyPI package `uv`), or the one on PATH.

    Raises:
        UserError: there is none.
    """
    if program:
        found = shutil.which(program)
        if found is None:
            raise UserError(f"TFPORT_UV: {program} is no program", hint="give the path of uv, or unset it")
        return found
    try:
        from uv import find_uv_bin  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

        return str(find_uv_bin())  # pyright: ignore[reportUnknownArgumentType]
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise UserError(
            "uv is not installed; it builds the environments", hint="pip install 'tfport[execution]'"
        )
    return found


def pip_settings() -> dict[str, str]:
    """pip's settings for this user, by option: its files in the order in which they override each other, then `PIP_*`.

    The files are those of pip's page "Configuration"; `pip config list` takes half a second for the same.
    """
    found: dict[str, str] = {}
    for file in _pip_files():
        parser = RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (OSError, ValueError, ConfigParserError):
            continue  # pip itself tells its user
        for section in ("global", "install"):
            if parser.has_section(section):
                found.update(
                    {name: " ".join(value.split()) for name, value in parser.items(section) if value}
                )
    for name, value in os.environ.items():
        if name.startswith("PIP_") and value:
            found[name[4:].lower().replace("_", "-")] = value
    return found


def _pip_files() -> list[Path]:
    own = os.environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    shared = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    user = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    files = [Path(folder, "pip/pip.conf") for folder in reversed(shared.split(":"))]
    files += [
        Path("/etc/pip.conf"),
        Path.home() / ".pip/pip.conf",
        Path(user, "pip/pip.conf"),
        Path(sys.prefix, "pip.conf"),
    ]
    return [*files, Path(own)] if own else files


def separated(text: str) -> tuple[str, ...]:
    """Entries of an operator's setting: separated by commas or blanks."""
    return tuple(text.replace(",", " ").split())


def sources_from(variables: Mapping[str, str], pip: Mapping[str, str] | None = None) -> Sources:
    """`TFPORT_INDEX`, `TFPORT_EXTRA_INDEXES`, `TFPORT_FIND_LINKS`, `TFPORT_TORCH_BACKEND`, and pip's settings for what is not set."""
    backend = variables.get("TFPORT_TORCH_BACKEND", "cpu").strip()
    own = Sources(
        index=variables.get("TFPORT_INDEX", "").strip(),
        extra_indexes=separated(variables.get("TFPORT_EXTRA_INDEXES", "")),
        find_links=separated(variables.get("TFPORT_FIND_LINKS", "")),
        torch_backend="" if backend == "none" else backend,
    )
    return own.with_pip(pip_settings() if pip is None else pip)


@cache
def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.split()[1]


def masked(url: str) -> str:
    """A URL as it may be shown: without the name and password that private indexes have in it."""
    return re.sub(r"(?<=://)[^/@\s]*@", "***@", url)


def requirements(lines: Sequence[str]) -> str:
    """Content of a requirements file."""
    return "".join(f"{line}\n" for line in lines)

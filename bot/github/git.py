"""Runs the `git` command: no configuration but ours, no prompts, no hooks, killed with all its children when we stop waiting."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str], None]
"""Called with what git says of its progress, a few times a second: `Receiving objects:  45% (1999/4442), 12.00 MiB`."""

_PASSED_ON = (
    "PATH",
    *("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
)
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # packs only: git syncs them to disk, and their size can be watched
    "gc.auto": "0",
    "gc.packRefs": "false",  # the mirror reads its refs as files, and their age
    "http.followRedirects": "false",  # the URL is fresh from the API; our header goes nowhere else
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "safe.directory": "*",
    "transfer.bundleURI": "false",
}
_REPORT_EVERY = 0.3  # seconds


class GitFailed(Exception):
    """git ended with an error. `stderr` is what it said, without credentials."""

    def __init__(self, command: str, stderr: str) -> None:
        super().__init__(f"git {command}: {stderr.strip()[-2000:]}")
        self.stderr = stderr

    def says(self, pattern: str) -> bool:
        return re.search(pattern, self.stderr, re.IGNORECASE) is not None


class GitTooLong(GitFailed):
    """The time was up."""


class GitTooLarge(GitFailed):
    """More came than we take."""


@dataclass(frozen=True, slots=True)
class Git:
    """How git is run in one folder.

    Attributes:
        protocols: what it may speak, e.g. `https`.
        timeout: seconds for one command.
        limit: bytes that one command may add below `objects/pack`.
        watch: seconds between two looks at them.
    """

    folder: Path
    protocols: Sequence[str] = ("https",)
    timeout: float = 600.0
    limit: int = 2_000_000_000
    watch: float = 0.25

    async def run(
        self, *args: str, settings: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> str:
        """Run one command; its output.

        Args:
            settings: further configuration, passed in the environment: not visible in the process list, on no disk.

        Raises:
            GitFailed: it did not end well.
        """
        process = await asyncio.create_subprocess_exec(
            "git",
            *args,
            cwd=self.folder,
            env=self._environment(settings or {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout
        assert process.stderr
        watch = asyncio.create_task(self._watch(process.pid))
        errors = asyncio.create_task(_read_progress(process.stderr, progress))
        try:
            async with asyncio.timeout(self.timeout):
                output = await process.stdout.read()
                said = await errors
                code = await process.wait()
        except TimeoutError:
            raise GitTooLong(args[0], f"not done after {self.timeout:.0f} s") from None
        finally:
            errors.cancel()
            _kill(process.pid)
            await process.wait()
            too_large = await _stopped(watch)
        if too_large:
            raise GitTooLarge(args[0], f"more than {self.limit} bytes")
        if code:
            raise GitFailed(args[0], said)
        return output.decode(errors="replace")

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the user's or the machine's configuration, nor a .netrc."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {
            "HOME": str(self.folder),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_ALLOW_PROTOCOL": ":".join(self.protocols),
            "GIT_OPTIONAL_LOCKS": "0",
        }
        merged = {**_SETTINGS, **settings}
        environment["GIT_CONFIG_COUNT"] = str(len(merged))
        for number, (name, value) in enumerate(merged.items()):
            environment[f"GIT_CONFIG_KEY_{number}"] = name
            environment[f"GIT_CONFIG_VALUE_{number}"] = value
        return environment

    async def _watch(self, pid: int) -> bool:
        """Stop the command when it takes in too much; True if so. (git has a limit for pushes only.)"""
        before = _incoming(self.folder)
        while True:
            await asyncio.sleep(self.watch)
            if _incoming(self.folder) - before > self.limit:
                _kill(pid)
                return True


async def _stopped(watch: asyncio.Task[bool]) -> bool:
    watch.cancel()
    with suppress(asyncio.CancelledError):
        return await watch
    return False


def _incoming(folder: Path) -> int:
    size = 0
    for file in folder.glob("objects/pack/*"):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def _kill(pid: int) -> None:
    """The whole process group: git, and git-remote-https below it."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


async def _read_progress(stream: asyncio.StreamReader, progress: Progress | None) -> str:
    """All that git says on stderr, without its progress, which is passed on."""
    kept, rest, told = list[str](), "", 0.0
    while chunk := await stream.read(4096):
        *lines, rest = re.split(r"[\r\n]", rest + chunk.decode(errors="replace"))
        for line in lines:
            if not re.search(r":\s+\d+%", line):
                kept.append(line)
            elif progress and time.monotonic() - told > _REPORT_EVERY:
                told = time.monotonic()
                progress(line.removeprefix("remote: ").strip())
    return "\n".join([*kept, rest])[-20_000:]

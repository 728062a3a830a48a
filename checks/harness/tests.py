"""Runs the tests of a port in one or more pytest processes, each of which takes the next test that none has taken.

A test that takes its process down with it costs that test, not the others: a new process takes the rest. Failed tests are repeated once,
in a process of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import Any, Dict, List, Mapping, Optional, Set

from .channel import VARIABLE, Channel, frames

MOST_CRASHES = 5
"""New processes after crashes, before the rest is given up."""

ALONE = 3
"""Failed tests that are repeated each in a process of its own; more share one."""


class Round:
    """One pass over the tests.

    Args:
        request: `files`, `leave` (ids not to run), `only` (ids to run, None for all), `workers`.
    """

    def __init__(
        self, request: Mapping[str, Any], channel: Channel, kind: str, only: Optional[List[str]]
    ) -> None:
        self.request, self.channel, self.kind = request, channel, kind
        self.folder = tempfile.mkdtemp(prefix="tfport-")
        self.plan = os.path.join(self.folder, "plan.json")
        with open(self.plan, "w", encoding="utf-8") as file:
            json.dump({"only": only, "leave": list(request.get("leave", ())), "claims": self.folder}, file)
        self.outcomes: Dict[str, str] = {}
        self.crashes = 0
        self.complete = True
        self._announced = False
        self._lock = threading.Lock()

    def run(self, workers: int) -> None:
        """Runs `workers` processes until no test is left."""
        threads = [threading.Thread(target=self._worker) for _ in range(max(1, workers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _worker(self) -> None:
        while self._process():
            pass

    def _process(self) -> bool:
        """One pytest process. True if another has to take its place."""
        reads, writes = os.pipe()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-vv",
            "-p",
            "tfport_harness.plugin",
            "-p",
            "no:cacheprovider",
        ]
        process = subprocess.Popen(
            [*command, "--color=no", "--tb=short", *self.request["files"]],
            env={**os.environ, VARIABLE: str(writes), "TFPORT_PLAN": self.plan},
            pass_fds=[writes],
            stdin=subprocess.DEVNULL,
        )
        os.close(writes)
        running, finished = "", False
        with os.fdopen(reads, "rb") as stream:
            for message in frames(stream):
                kind = message.get("kind")
                if kind == "start":
                    running = message["id"]
                elif kind == "result":
                    running = ""
                    if self.outcomes.get(message["id"]) not in ("failed", "error"):
                        self.outcomes[message["id"]] = message["outcome"]
                elif kind == "finished":
                    finished = True
                elif kind == "collected":
                    with self._lock:
                        if self._announced:
                            continue
                        self._announced = True
                self.channel.send({**message, "round": self.kind})
        code = process.wait()
        if finished:
            return False
        self.channel.send({"kind": "crash", "id": running, "exit": code, "round": self.kind})
        with self._lock:
            self.crashes += 1
            if not running or self.crashes > MOST_CRASHES:
                self.complete = False
                return False
        return True


def run(request: Mapping[str, Any], channel: Channel) -> None:
    """Runs the tests that `request` names and sends a frame for each start, result and crash."""
    os.chdir(request["root"])
    first = Round(request, channel, "first", request.get("only"))
    first.run(int(request.get("workers", 1)))
    failed = [id for id, outcome in first.outcomes.items() if outcome in ("failed", "error")]
    if failed and len(failed) <= int(request.get("most_repeats", 10)):
        groups = [[id] for id in failed] if len(failed) <= ALONE else [failed]
        for group in groups:
            Round(request, channel, "repeat", group).run(1)
    channel.send({"kind": "done", "complete": first.complete})


# -- in the pytest process -------------------------------------------------------------------------------------------


class Plan:
    """Which tests this process may take. A test is taken by making a file, which only one process can."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            plan = json.load(file)
        self._only: Optional[Set[str]] = set(plan["only"]) if plan["only"] is not None else None
        self._leave: Set[str] = set(plan["leave"])
        self._folder: str = plan["claims"]

    def wanted(self, id: str) -> bool:
        """The test is to be run by somebody."""
        return id not in self._leave and (self._only is None or id in self._only)

    def take(self, id: str) -> bool:
        """Nobody had taken the test, and now this process has."""
        name = hashlib.sha1(id.encode()).hexdigest()
        try:
            os.close(os.open(os.path.join(self._folder, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

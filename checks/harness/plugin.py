"""The pytest plugin of a worker: takes tests one by one, and tells of each what happened and where."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Optional

import pytest

from .channel import Channel
from .tests import Plan

LONGEST = 4000
"""Characters of a message."""

DEEPEST = 40
"""Frames of a traceback that are told, the innermost."""

RANK = {"passed": 0, "skipped": 1, "xfailed": 2, "xpassed": 2, "failed": 3, "error": 4}


class _Next:
    """The test after this one, taken only when pytest asks for it: after the call, before the fixtures that it shares are torn down. So no
    process holds a test while another has nothing to do."""

    def __init__(self, queue: Iterator[Any]) -> None:
        self._queue = queue
        self._asked = False
        self._item: Optional[Any] = None

    @property
    def item(self) -> Optional[Any]:
        """The test, None if there is no further one."""
        if not self._asked:
            self._asked, self._item = True, next(self._queue, None)
        return self._item

    def __bool__(self) -> bool:
        return self.item is not None

    def listchain(self) -> List[Any]:
        """What pytest asks of an item here."""
        assert self.item is not None
        return self.item.listchain()


class Plugin:
    """State of one worker's run."""

    def __init__(self, channel: Channel, plan: Plan) -> None:
        self.channel, self.plan = channel, plan
        self.seconds = 0.0
        self.result: Dict[str, Any] = {}
        self.raised: Dict[str, Any] = {}

    def pytest_collection_finish(self, session: Any) -> None:
        """Says what was collected, before anything runs."""
        ids = [item.nodeid for item in session.items]
        self.channel.send({"kind": "collected", "ids": ids[:5000]})

    def pytest_collectreport(self, report: Any) -> None:
        """A module that can't be imported."""
        if report.failed:
            text = str(report.longrepr)
            self.channel.send({"kind": "uncollected", "id": report.nodeid, "message": text[-LONGEST:]})

    def pytest_runtestloop(self, session: Any) -> bool:
        """pytest's own loop, but over the tests that this process takes."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            raise session.Interrupted("errors during collection")
        queue = (
            item for item in session.items if self.plan.wanted(item.nodeid) and self.plan.take(item.nodeid)
        )
        item = next(queue, None)
        while item is not None:
            following = _Next(queue)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following.item
        return True

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:
        """A test begins."""
        self.channel.send({"kind": "start", "id": nodeid})
        self.result = {
            "kind": "result",
            "id": nodeid,
            "outcome": "passed",
            "seconds": 0.0,
            "message": "",
            "frames": [],
        }

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """Keeps where an exception came from; a report has only text."""
        outcome = yield
        report = outcome.get_result()
        if call.excinfo is not None and report.failed:
            self.raised = {"message": _message(call.excinfo), "frames": _frames(call.excinfo)}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase (setup, call, teardown) is over."""
        told = self.result
        told["seconds"] = round(told["seconds"] + report.duration, 4)
        outcome = _outcome(report)
        if RANK[outcome] > RANK[told["outcome"]]:
            told["outcome"] = outcome
            told["message"] = ""
            if outcome in ("failed", "error"):
                told.update(self.raised or {"message": str(report.longrepr)[-LONGEST:]})
            elif outcome == "skipped":
                told["message"] = _reason(report)
        self.raised = {}

    def pytest_runtest_logfinish(self, nodeid: str, location: Any) -> None:
        """A test is over."""
        self.channel.send(self.result)

    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> None:
        """The end was regular."""
        self.channel.send({"kind": "finished", "exit": int(exitstatus)})


def _outcome(report: Any) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed:
        return "failed" if report.when == "call" else "error"
    return str(report.outcome)


def _message(excinfo: Any) -> str:
    try:
        return str(excinfo.exconly(tryshort=True))[:LONGEST]
    except Exception:  # an exception whose text raises
        return type(excinfo.value).__name__


def _frames(excinfo: Any) -> List[List[Any]]:
    """Path relative to the tree, line and function, innermost last; frames outside the tree are left out."""
    root = os.getcwd() + os.sep
    found = []
    for entry in excinfo.traceback:
        path = os.path.abspath(str(entry.path))
        if path.startswith(root):
            found.append([path[len(root) :], entry.lineno + 1, str(entry.name)])
    return found[-DEEPEST:]


def _reason(report: Any) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).replace("Skipped: ", "", 1)[:300]
    return ""


def pytest_configure(config: Any) -> None:
    """Called by pytest for the module that `-p` names."""
    config.pluginmanager.register(Plugin(Channel(), Plan(os.environ["TFPORT_PLAN"])), "tfport")

"""Examinations that hang or die in their worker, and what becomes of the others."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bot.examine
from bot.examine import ExaminationFailed, Examiner


def work(what: str, base: str, head: str, ready: bool, seconds: float) -> Any:
    """Stands for an examination; runs in the worker."""
    match what:
        case "hang":
            time.sleep(600)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "spin":
            bot.examine._limit(1)
            while True:
                pass
        case "limits":
            bot.examine._limit(seconds)
            return [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)]
        case _:
            pass
    return os.getpid()


@pytest.fixture
def examiner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Examiner]:
    monkeypatch.setattr(bot.examine, "_examine", work)
    examiner = Examiner(1, timeout=4)
    yield examiner
    examiner.stop()


async def outcome(examiner: Examiner, what: str) -> Any:
    try:
        return await examiner.examine(Path(what), "base", "head", ready=False)
    except ExaminationFailed:
        return "failed"


@pytest.mark.parametrize("hostile", ["hang", "die", "spin"])
def test_those_that_wait_behind_one_that_hangs_are_examined(examiner: Examiner, hostile: str):
    async def run() -> list[Any]:
        return await asyncio.gather(
            outcome(examiner, hostile), outcome(examiner, "a"), outcome(examiner, "b"), outcome(examiner, "c")
        )

    first, *others = asyncio.run(run())
    assert first == "failed"
    assert "failed" not in others


def test_those_that_run_beside_one_that_dies_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bot.examine, "_examine", work)
    examiner = Examiner(2, timeout=60)

    async def run() -> list[Any]:
        names = ["die", "a", "die", "b", "c", "die", "d"]
        return await asyncio.gather(*(outcome(examiner, name) for name in names))

    try:
        found = asyncio.run(run())
    finally:
        examiner.stop()
    assert [result == "failed" for result in found] == [True, False, True, False, False, True, False]


def test_a_worker_that_died_in_its_sleep_is_replaced(examiner: Examiner):
    pid = asyncio.run(outcome(examiner, "a"))
    os.kill(pid, signal.SIGKILL)
    assert asyncio.run(outcome(examiner, "a")) not in ("failed", pid)


def test_a_worker_has_limits(examiner: Examiner):
    memory, cpu = asyncio.run(outcome(examiner, "limits"))
    assert memory == bot.examine.MEMORY
    assert 4 < cpu < 60


def test_a_stopped_examiner_starts_again(examiner: Examiner):
    examiner.start()
    examiner.stop()
    assert asyncio.run(outcome(examiner, "a")) != "failed"

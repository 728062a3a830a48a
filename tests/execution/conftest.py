"""A sandbox in both of its modes: started by root, and started by an ordinary user."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from checks.execution import escapes
from checks.execution.bubblewrap import Bubblewrap
from checks.execution.job import Job, Limits, Result
from checks.execution.sandbox import Sandbox

USER = 12345
"""An ordinary user's id; it needs no name."""

Run = Callable[..., Result]


def why_no_sandbox() -> str:
    """Why there is none here. In CI that is a failure, never a skip."""
    why = Bubblewrap().missing()
    if why and os.environ.get("CI") == "true":
        pytest.fail(f"CI has to test the sandbox: {why}")
    return why


@pytest.fixture(params=["root", "user"])
def mode(request: pytest.FixtureRequest) -> str:
    """Who starts the sandbox."""
    if why := why_no_sandbox():
        pytest.skip(why)
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("not root")
    return request.param


@pytest.fixture
def sandbox() -> Sandbox:
    """In the mode of whoever runs the tests."""
    if why := why_no_sandbox():
        pytest.skip(why)
    return Sandbox(Bubblewrap())


@pytest.fixture
def run(mode: str) -> Run:
    """Runs a job in `mode`."""

    def run(job: Job, **options: Any) -> Result:
        return as_mode(mode, lambda: Sandbox(Bubblewrap()).run(job, **options))

    return run


@pytest.fixture
def python(run: Run) -> Run:
    """Runs Python code."""

    def python(code: str, limits: Limits | None = None, **options: Any) -> Result:
        tester = escapes.tester()
        command = (str(tester.path), "-I", "-B", "-c", code)
        return run(Job(command, tester.binds(), limits=limits or Limits(seconds=20), **options))

    return python


def as_mode(mode: str, work: Callable[[], Any]) -> Any:
    """Result of `work`, done by an ordinary user where `mode` says so and we are root: in a child that gave its rights away."""
    if mode == "root" or os.geteuid() != 0:
        return work()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
            outcome: Any = work()
        except BaseException as error:
            outcome = error
        with os.fdopen(writes, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        outcome = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome

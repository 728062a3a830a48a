"""What is made of a run's words: they come from the pull request's own process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checks.execution import untrusted
from checks.execution.cross_tests import TestResult, TestRun, run_tests
from checks.execution.expected import Expected
from checks.execution.job import Job, Limits, Result
from checks.execution.needs import Need
from checks.execution.workplace import Workplace

PATH = "tests/models/lantern/test_modeling_tf_lantern.py"
PORT = "src/transformers/models/lantern/modeling_tf_lantern.py"
A, B, C = (f"{PATH}::TFLanternModelTest::test_{name}" for name in "abc")
EXPECTED = Expected(PATH, (A, B, C), (), {A: 10})


def result(id: str, outcome: str = "passed", **more: Any) -> dict[str, Any]:
    told = {"kind": "result", "id": id, "outcome": outcome, "seconds": 0.5, "message": "", "frames": []}
    return {**told, "round": "first", **more}


DONE = {"kind": "done", "complete": True}
ALL = [result(A), result(B), result(C)]


def run(
    *messages: Any,
    verdict: Any = "finished",
    expected: Expected = EXPECTED,
    only: Any = None,
    unavailable: Any = None,
) -> tuple[TestRun, list[Job]]:
    jobs: list[Job] = []

    def sandbox(job: Job, *, on_record: Any) -> Result:
        jobs.append(job)
        for message in messages:
            on_record(message if isinstance(message, bytes) else json.dumps(message).encode())
        return Result(verdict, 0, b"", (), 1.0, 0, Limits(seconds=600))

    place = Workplace(None, Path("/env/bin/python"), (), Path("/nowhere"), cores=2)  # type: ignore[arg-type]
    done = run_tests(
        place, expected, changed=[PORT, PATH], unavailable=unavailable or {}, only=only, run=sandbox
    )
    return done, jobs


def outcomes(done: TestRun) -> list[str]:
    return [found.outcome for found in done.results]


def test_all_reported() -> None:
    done, jobs = run(*ALL, DONE)
    assert outcomes(done) == ["passed"] * 3
    assert done.problem == ""
    assert json.loads(jobs[0].input)["workers"] == 2


def test_a_test_that_does_not_report_is_an_error() -> None:
    done, _ = run(result(A), result(C), DONE)
    assert outcomes(done) == ["passed", "error", "passed"]
    assert done.results[1].reason == "pytest did not run it"


def test_an_early_exit() -> None:
    start = {"kind": "start", "id": B, "round": "first"}
    crash = {"kind": "crash", "id": B, "exit": 0, "round": "first"}
    done, _ = run(result(A), start, crash, result(C), DONE)
    assert done.results[1] == TestResult(
        B, "error", reason="the process ended during this test (exit code 0)"
    )


def test_a_forged_result_does_not_hide_an_early_exit() -> None:
    start = {"kind": "start", "id": B, "round": "first"}
    named = {"kind": "crash", "id": B, "exit": 0, "round": "first"}
    done, _ = run(result(A), start, result(B), named, result(C), DONE)
    assert done.results[1].outcome == "error"
    unnamed = {"kind": "crash", "id": "", "exit": 0, "round": "first"}
    done, _ = run(result(A), start, result(B), unnamed, result(C), DONE)
    assert done.problem == "had a process that ended early (exit code 0)"


def test_an_end_without_a_word() -> None:
    done, _ = run(result(A))
    assert outcomes(done) == ["passed", "error", "error"]
    assert done.problem == "ended before all tests were run"


def test_a_limit_that_was_reached_names_the_test_that_was_running() -> None:
    done, _ = run(result(A), {"kind": "start", "id": B, "round": "first"}, verdict="timeout")
    assert done.problem == "was ended after 600 seconds"
    assert [found.reason for found in done.results[1:]] == [
        "did not end: the run was ended after 600 seconds",
        "not run: the run was ended after 600 seconds",
    ]


def test_of_two_results_the_worse_one_counts() -> None:
    for messages in ((result(A, "failed"), result(A)), (result(A), result(A, "failed"))):
        done, _ = run(*messages, result(B), result(C), DONE)
        assert outcomes(done)[0] == "failed"


def test_flaky_and_failed_again() -> None:
    def repeated(outcome: str) -> TestResult:
        again = {**result(A, outcome), "round": "repeat"}
        return run(result(A, "failed"), result(B), result(C), again, DONE)[0].results[0]

    assert repeated("passed").outcome == "flaky"
    assert (repeated("failed").outcome, repeated("failed").reason) == (
        "failed",
        "failed again when repeated alone",
    )


def test_a_repetition_of_what_never_failed_is_left_aside() -> None:
    again = {**result(B), "round": "repeat"}
    done, _ = run(result(A), again, result(C), DONE)
    assert outcomes(done) == ["passed", "error", "passed"]


def test_the_deepest_place_in_the_pull_request() -> None:
    frames = [[PATH, 11, "test_a"], [PORT, 40, "call"], ["src/transformers/modeling_tf_utils.py", 7, "x"]]
    done, _ = run(result(A, "failed", frames=frames, message="AssertionError: 1"), result(B), result(C), DONE)
    assert (done.results[0].path, done.results[0].line) == (PORT, 40)
    done, _ = run(
        result(A, "failed", frames=[["/etc/passwd", 1, "x"], ["../x", 2, "y"]]), result(B), result(C), DONE
    )
    assert (done.results[0].path, done.results[0].line) == (PATH, 10)


def test_what_can_not_be_had_is_not_run() -> None:
    unavailable = {B: (Need("model", "org/x"),)}
    done, jobs = run(result(A), result(C), DONE, unavailable=unavailable)
    assert done.results[1].reason == "checkpoint org/x not available"
    assert json.loads(jobs[0].input)["leave"] == [B]


def test_only_some() -> None:
    done, jobs = run(result(B), DONE, only=[B])
    assert [found.id for found in done.results] == [B]
    assert json.loads(jobs[0].input)["only"] == [B]


def test_a_file_that_cannot_be_imported() -> None:
    done, _ = run({"kind": "uncollected", "message": "E   ImportError: no", "round": "first"}, DONE)
    assert done.uncollected == "E   ImportError: no"
    assert {found.reason for found in done.results} == {"its file cannot be imported"}


def test_a_parametrised_test_has_to_have_a_case() -> None:
    expected = Expected(PATH, (A,), (f"{PATH}::TFLanternModelTest::test_beams",))
    done, _ = run(result(A), DONE, expected=expected)
    assert outcomes(done) == ["passed", "error"]
    case = f"{PATH}::TFLanternModelTest::test_beams_0_greedy"
    done, _ = run(result(A), result(case, "failed"), DONE, expected=expected)
    assert [(found.id, found.outcome) for found in done.results] == [(A, "passed"), (case, "failed")]


NONSENSE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"kind"',
    b'{"kind": 1}',
    b"[" * 100_000,
    b'{"kind": "result", "x": "' + b"y" * 300_000 + b'"}',
    {"kind": "result"},
    {"kind": "result", "id": None, "outcome": "passed"},
    result(f"{A}\n"),
    result("tests/other.py::T::test_x", "failed"),
    result(A, "great"),
    result(A, ["passed"]),
    {"kind": "done", "complete": "yes"},
    {"kind": "crash", "id": A, "exit": "x" * 100},
]


def test_nonsense_changes_nothing() -> None:
    done, _ = run(*NONSENSE, *ALL, DONE)
    assert outcomes(done) == ["passed"] * 3


def test_texts_are_masked_and_bounded() -> None:
    told = "\x1b[31mred\x1b[0m\x07 \u202eevil ghp_0123456789abcdefghij /tree/src/x.py\r\n" + "z" * 9_000
    shown = untrusted.text(told)
    assert shown.startswith("red evil *** src/x.py\n")
    assert len(shown) == untrusted.MESSAGE


@pytest.mark.parametrize("value", [True, "1", -1, float("nan"), float("inf"), None, 10**30])
def test_numbers_are_numbers(value: Any) -> None:
    assert untrusted.number(value) == 0.0

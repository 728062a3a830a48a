"""The sample port in a real environment in the real sandbox. The environment is built once, below ~/.cache/tfport."""

from __future__ import annotations

import os
from typing import Any

import pytest

from checks.errors import UserError
from checks.execution.examine import LOADS
from checks.execution.job import NoSandbox
from checks.execution.place import place
from checks.execution.run import COMPARED, EXAMINED, TRAINED, Choice, execute
from checks.execution.sandbox import find_sandbox
from checks.execution.uv import find_uv
from checks.execution.verdict import ITEM
from checks.report import Report
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot, Snapshot
from tests.fixtures.sample import MODEL, Sample, build_sample

pytestmark = [pytest.mark.execution, pytest.mark.timeout(1_800)]

PORT = f"src/transformers/models/{MODEL}/modeling_tf_{MODEL}.py"
TESTS = f"tests/models/{MODEL}/test_modeling_tf_{MODEL}.py"


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:  # pyright: ignore[reportUnusedFunction]
    try:
        find_sandbox()
        find_uv()
    except (NoSandbox, UserError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return build_sample(tmp_path_factory.mktemp("sample") / "sample.git")


@pytest.fixture(scope="module")
def base(sample: Sample) -> GitSnapshot:
    return GitSnapshot(sample.git_dir, sample.commits["base"])


@pytest.fixture(scope="module")
def good(sample: Sample) -> GitSnapshot:
    return GitSnapshot(sample.git_dir, sample.commits["repaired"])


def changed(good: GitSnapshot, **changes: tuple[str, str]) -> DictSnapshot:
    """The good port with texts replaced. `port=(old, new)` in the port, `tests=(old, new)` in its tests."""
    files: dict[str, str | bytes | None] = {}
    for where, (old, new) in changes.items():
        path = PORT if where.startswith("port") else TESTS
        text = files.get(path) or good.read(path)
        assert isinstance(text, str)
        assert old in text
        files[path] = text.replace(old, new, 1)
    return DictSnapshot(files, under=good)


def executed(base: GitSnapshot, head: Snapshot, choice: Choice) -> Report:
    def workplace() -> Any:
        return place(base, head, cores=2)

    return execute(check(base, head, only=[ITEM]), base, head, workplace, choice=choice)


def state(report: Report, item: str) -> str:
    return next(found.state for found in report.items if found.id == item)


def test_the_good_port_loads_and_takes_every_format(base: GitSnapshot, good: GitSnapshot) -> None:
    report = executed(base, good, Choice(items=EXAMINED))
    assert [(item.id, item.state, item.reason) for item in report.items if item.id in EXAMINED] == [
        (id, "passed", "") for id in EXAMINED
    ]
    assert not [finding for finding in report.findings if finding.item in EXAMINED]
    assert {entry["strategy"] for entry in report.comparison} == {"tf-tester"}
    assert "TensorFlow 2.1" in report.environment["title"]


def test_a_wrong_name_is_found_with_its_edit(base: GitSnapshot, good: GitSnapshot) -> None:
    head = changed(good, port=('name="query"', 'name="q"'))
    report = executed(base, head, Choice(items=EXAMINED))
    assert state(report, LOADS) == "failed"
    (finding,) = [found for found in report.findings if found.item == LOADS and found.level == "error"]
    line = (head.read(PORT) or "").split("\n")[finding.line - 1]
    assert 'name="q"' in line
    (edit,) = finding.edits
    assert line[: edit.start[1] - 1] + edit.text + line[edit.end[1] - 1 :] == line.replace('"q"', '"query"')


def test_the_good_port_agrees_with_pytorch(base: GitSnapshot, good: GitSnapshot) -> None:
    report = executed(base, good, Choice(items=(COMPARED, TRAINED)))
    assert [(i.id, i.state, i.reason) for i in report.items if i.id in (COMPARED, TRAINED)] == [
        (COMPARED, "passed", ""),
        (TRAINED, "passed", ""),
    ]
    assert not report.findings
    assert {entry["state"] for entry in report.comparison} == {"equal"}
    assert all(entry["difference"]["float64"] < 1e-11 for entry in report.comparison)
    assert all(entry["difference"]["float32"] < 1e-5 for entry in report.comparison)


def test_an_epsilon_is_named_with_its_line(base: GitSnapshot, good: GitSnapshot) -> None:
    head = changed(good, port=("epsilon=config.layer_norm_eps", "epsilon=1e-3"))
    report = executed(base, head, Choice(items=(COMPARED,)))
    assert state(report, COMPARED) == "failed"
    findings = [finding for finding in report.findings if finding.item == COMPARED]
    assert findings
    line = (head.read(PORT) or "").split("\n")[findings[0].line - 1]
    assert "epsilon=1e-3" in line
    assert "epsilon" in findings[0].message


def test_a_dropout_without_its_flag_is_named_with_its_line(base: GitSnapshot, good: GitSnapshot) -> None:
    head = changed(
        good,
        port=(
            "dropout(inputs=attention_probs, training=training)",
            "dropout(inputs=attention_probs, training=False)",
        ),
    )
    report = executed(base, head, Choice(items=(TRAINED,)))
    assert state(report, TRAINED) == "failed"
    assert {item.id for item in report.items} >= {TRAINED}
    findings = [finding for finding in report.findings if finding.level == "error"]
    (line,) = {(head.read(PORT) or "").split("\n")[finding.line - 1] for finding in findings}
    assert "training=False" in line
    assert len(findings) == 1  # all heads show it, it is told once


BAD_TESTS = """
    def test_that_fails(self):
        self.assertEqual(1, 2, "one is not two")

    def test_that_forges(self):
        import os, struct, json

        id = "tests/models/brand_new_bert/test_modeling_tf_brand_new_bert.py::TFBrandNewBertModelTest::test_that_fails"
        told = {"kind": "result", "id": id, "outcome": "passed", "seconds": 0, "message": "", "frames": []}
        body = json.dumps(told).encode()
        os.write(int(os.environ["TFPORT_RESULTS_FD"]), struct.pack(">I", len(body)) + body)

    def test_config(self):
"""


def test_results_per_test(base: GitSnapshot, good: GitSnapshot) -> None:
    head = changed(good, tests=("\n    def test_config(self):\n", BAD_TESTS))
    report = executed(base, head, Choice(items=(ITEM,), expression="test_that or test_config or determinism"))
    outcomes = {test["id"].rsplit("::", 1)[-1]: test for test in report.tests}
    assert outcomes["test_determinism"]["outcome"] == "passed"
    assert outcomes["test_config"]["outcome"] == "passed"
    failed = outcomes["test_that_fails"]
    assert failed["outcome"] == "failed"
    assert "one is not two" in failed["message"]
    assert failed["reason"] == "failed again when repeated alone"
    assert "one is not two" in (head.read(TESTS) or "").split("\n")[failed["line"] - 1]
    assert state(report, ITEM) == "failed"


def test_an_early_exit_costs_that_test_only(base: GitSnapshot, good: GitSnapshot) -> None:
    leaving = "\n    def test_that_leaves(self):\n        import os\n\n        os._exit(0)\n\n    def test_config(self):\n"
    head = changed(good, tests=("\n    def test_config(self):\n", leaving))
    report = executed(base, head, Choice(items=(ITEM,), expression="test_that_leaves or test_config"))
    outcomes = {test["id"].rsplit("::", 1)[-1]: (test["outcome"], test["reason"]) for test in report.tests}
    assert outcomes["test_that_leaves"] == ("error", "the process ended during this test (exit code 0)")
    assert outcomes["test_config"] == ("passed", "")
    assert state(report, ITEM) == "error"

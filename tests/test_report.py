"""The conclusions table of DESIGN section 5, and JSON there and back."""

import json

import pytest

from checks.report import Edit, Finding, ItemResult, Location, PortSummary, Report, State, conclude


@pytest.mark.parametrize(
    ("states", "conclusion"),
    [
        (["passed", "failed", "error", "waiting"], "failure"),
        (["passed", "error", "waiting"], "cancelled"),
        (["passed", "waiting", "unverified"], "neutral"),
        (["passed", "unverified", "needs-human", "not-applicable"], "success"),
        ([], "success"),
    ],
)
def test_conclusion(states: list[State], conclusion: str):
    assert conclude(states) == conclusion


def test_report_survives_json():
    finding = Finding(
        rule="unpack-inputs",
        item="unpack-inputs",
        level="error",
        path="a.py",
        line=3,
        message="m",
        edits=(Edit("a.py", (3, 1), (3, 1), "x\n"),),
        locations=(Location("a.py", 9),),
    ).identify("    def call(")
    report = Report(
        tool_version="1",
        base="b" * 40,
        head=None,
        ports=(PortSummary("bert", "copied", ("TFBertModel",), "a.py", (3, 9)),),
        items=(ItemResult("unpack-inputs", "architecture", "bert", "failed", "1 finding"),),
        findings=(finding,),
    )
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_identity_survives_moved_lines_and_spacing():
    here = Finding("r", "i", "error", "a.py", 3, "m", symbol="C.call").identify("    def call(")
    moved = Finding("r", "i", "error", "a.py", 77, "m", symbol="C.call").identify("def  call(")
    other = Finding("r", "i", "error", "a.py", 3, "m", symbol="D.call").identify("    def call(")
    assert here.id == moved.id != other.id

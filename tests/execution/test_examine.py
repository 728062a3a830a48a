"""What follows from the harness's words about each class."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from checks.discover import find_ports
from checks.execution import class_results
from checks.execution.class_results import FORMAT_TEXTS
from checks.execution.examine import Examined, examine
from checks.execution.job import Job, Limits, Result
from checks.execution.workplace import Workplace
from checks.port import Port
from checks.rules.sample import BASE, HEAD
from checks.snapshot import DictSnapshot

MODEL, HEADED = "TFLanternModel", "TFLanternForSequenceClassification"


def port() -> Port:
    base = DictSnapshot(BASE)
    return find_ports(base, DictSnapshot(HEAD))[0]


FINE: dict[str, Any] = {name: {"state": "passed"} for name in FORMAT_TEXTS}
LOADED: dict[str, Any] = {
    "missing": [],
    "unexpected": [],
    "mismatched": [],
    "only_tensorflow": [],
    "only_pytorch": [],
    "owners": {},
}


def told(name: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "class",
        "class": name,
        "strategy": "tf-tester",
        "notes": [],
        "load": LOADED,
        "formats": FINE,
        **more,
    }


def run(*messages: Any, of: Port | None = None, exit_code: int = 0) -> Examined:
    def sandbox(_: Job, *, on_record: Any) -> Result:
        for message in messages:
            on_record(message if isinstance(message, bytes) else json.dumps(message).encode())
        return Result("finished", exit_code, b"Traceback\nImportError: no\n", (), 1.0, 0, Limits())

    place = Workplace(None, Path("/env/bin/python"), (), Path("/nowhere"))  # type: ignore[arg-type]
    return examine(place, of or port(), run=sandbox)


def states(found: Examined) -> list[tuple[str, str]]:
    return [(item.state, item.reason) for item in found.items]


def everything(**changed: Any) -> list[dict[str, Any]]:
    return [told(name, **changed.get(name, {})) for name in port().models]


def test_all_is_well() -> None:
    found = run(*everything())
    assert states(found) == [("passed", ""), ("passed", "")]
    assert [entry["class"] for entry in found.entries] == list(port().models)


def test_a_class_that_is_not_reported_is_an_error() -> None:
    found = run(*everything()[1:], exit_code=1)
    assert [state for state, _ in states(found)] == ["error", "error"]
    assert "ended with exit code 1" in states(found)[0][1]


def test_a_harness_that_says_nothing_gives_its_last_words() -> None:
    assert states(run(exit_code=1))[0][1].endswith("the harness ended with exit code 1: ImportError: no")


def missing() -> dict[str, Any]:
    weight = {
        "tf": "m/lantern/encoder/dense/kernel",
        "name": "encoder.0.linear.weight",
        "shape": [8, 8],
        "nearest": "encoder.0.dense.weight",
    }
    return {"load": {**LOADED, "missing": [weight], "only_tensorflow": [weight["name"]]}}


def test_a_missing_weight() -> None:
    found = run(*everything(**{MODEL: missing()}))
    (finding,) = found.findings
    assert finding.level == "error"
    assert finding.message.startswith(
        f"1 weight of {MODEL} has no counterpart in PyTorch: encoder.*.linear.weight"
    )
    assert states(found)[0][0] == "failed"
    assert states(found)[1][0] == "passed"
    entry = next(entry for entry in found.entries if entry["class"] == MODEL)
    assert entry["missing"] == [{"name": "encoder.0.linear.weight", "nearest": "encoder.0.dense.weight"}]


def test_one_cause_in_several_classes_is_one_finding() -> None:
    assert len(run(*everything(**{name: missing() for name in port().models})).findings) <= len(port().models)


def test_what_pytorch_has_besides_only_warns() -> None:
    load = {
        **LOADED,
        "unexpected": [{"name": "pooler.weight", "parameter": True}, {"name": "ids", "parameter": False}],
    }
    found = run(*everything(**{MODEL: {"load": load}}))
    (finding,) = found.findings
    assert finding.level == "warning"
    assert "pooler.weight" in finding.message
    assert "ids" not in finding.message
    assert states(found)[0][0] == "passed"


def test_a_format_that_raises() -> None:
    path = port().modules[0].path
    error = {
        "type": "ValueError",
        "message": "no",
        "frames": [{"path": path, "line": 12, "function": "call"}],
    }
    formats = {**FINE, "numpy": {"state": "failed", "reason": "raises", "error": error}}
    found = run(*everything(**{MODEL: {"formats": formats}}))
    (finding,) = found.findings
    assert (finding.path, finding.line, finding.level) == (path, 12, "error")
    assert finding.message == f"{MODEL} raises when called with numpy arrays: ValueError: no"
    assert states(found)[1][0] == "failed"


def test_a_tuple_that_is_not_the_dict_only_warns() -> None:
    formats = {
        **FINE,
        "tuple-output": {"state": "failed", "reason": "raises", "error": {"type": "ValueError"}},
    }
    found = run(*everything(**{MODEL: {"formats": formats}}))
    assert [finding.level for finding in found.findings] == ["warning"]
    assert states(found)[1][0] == "passed"


def test_a_format_without_a_word_is_an_error() -> None:
    found = run(*everything(**{MODEL: {"formats": {}}}))
    assert states(found)[1] == ("error", f"{MODEL}: the harness did not report on every format")


def test_no_case() -> None:
    silent = {"kind": "class", "class": MODEL, "unmade": {"configuration": "ValueError: x"}}
    found = run(silent, *(message for message in everything() if message["class"] != MODEL))
    assert [state for state, _ in states(found)] == ["unverified", "unverified"]


def test_a_model_that_cannot_be_made() -> None:
    broken = {"kind": "class", "class": MODEL, "unbuilt": {"type": "TypeError", "message": "x", "frames": []}}
    found = run(broken, *(message for message in everything() if message["class"] != MODEL))
    assert found.findings[0].message == f"{MODEL} cannot be made: TypeError: x"
    assert [state for state, _ in states(found)] == ["failed", "unverified"]


def test_nonsense_is_left_aside() -> None:
    nonsense: list[Any] = [
        b"{",
        {"kind": "class"},
        {"kind": "class", "class": "TFOther"},
        {"kind": "class", "class": [MODEL]},
    ]
    assert states(run(*nonsense, *everything())) == [("passed", ""), ("passed", "")]


def test_malformed_results_never_raise() -> None:
    for value in (
        None,
        1,
        "x",
        [],
        {},
        [[]],
        [{}],
        {"missing": 1, "owners": []},
        {"missing": [1, {"shape": "x"}]},
    ):
        for key in ("load", "formats", "unmade", "unbuilt", "error", "notes", "strategy"):
            run(*everything(**{MODEL: {key: value}}))


def test_the_harness_runs_on_old_interpreters() -> None:
    files = list(Path(class_results.__file__).parent.parent.joinpath("harness").glob("*.py"))
    assert len(files) > 5
    for file in files:
        ast.parse(file.read_text(), feature_version=(3, 8))

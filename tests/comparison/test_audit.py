"""Findings from hyper-parameters that differ."""

from __future__ import annotations

from typing import Any

import pytest

from checks.comparison.audit import findings
from checks.discover import find_ports
from checks.rules.sample import BASE, HEAD
from checks.snapshot import DictSnapshot

PORT = find_ports(DictSnapshot(BASE), DictSnapshot(HEAD))[0]


def entry(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "momentum",
        "tf_path": "a.norm",
        "pytorch_path": "norm.0",
        "symbol": "TFLanternLayer",
        "path": PORT.modules[0].path,
        "line": 5,
        "value": 0.1,
        "wanted": 0.9,
        "theirs": 0.1,
        **changed,
    }


def test_layers_made_by_one_statement_are_one_finding() -> None:
    (one,) = findings(PORT, [entry(), entry(pytorch_path="norm.1"), entry()])
    assert (one.level, one.line, one.symbol) == ("warning", 5, "TFLanternLayer")
    assert one.message == "momentum of norm.0 and 1 more is 0.1, as PyTorch has it 0.9"
    assert one.advice == "Give it momentum=0.9 (Keras' momentum is 1 minus PyTorch's)."


def test_what_is_not_proven_to_matter_warns() -> None:
    (one,) = findings(PORT, [entry(kind="stride", value=[1, 1], wanted=[2, 2])])
    assert (one.level, one.message) == ("warning", "strides of norm.0 is (1, 1), as PyTorch has it (2, 2)")


@pytest.mark.parametrize("strange", [{"path": "setup.py"}, {"line": 10**6}, {"line": "5"}, {"kind": "x"}])
def test_strange_words_are_left_out(strange: dict[str, Any]) -> None:
    assert list(findings(PORT, [entry(**strange), 7])) == []

"""What is told of training and of hyper-parameters, once for each defect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.comparison.behaviour import Behaviour, audited, item, merged, statement, without_rates
from checks.comparison.comparison import Comparison
from checks.discover import find_ports
from checks.report import Finding, Level, Location
from checks.rules.sample import BASE, HEAD
from checks.snapshot import DictSnapshot

PORT = find_ports(DictSnapshot(BASE), DictSnapshot(HEAD))[0]
PATH = PORT.modules[0].path
NAME = PORT.models[0]
SOURCE = "x = 1\nself.norm = Norm(\n    name='norm',\n    epsilon=1e-3,\n)\nif x:\n    y = 2\n"


def finding(
    level: Level, line: int, message: str, symbol: str = "TFAntLayer", at: str = "training-behaviour"
) -> Finding:
    return Finding(at, at, level, PATH, line, message, "", symbol)


def test_what_every_head_shows_of_a_layer_is_told_once() -> None:
    one = finding("error", 31, "the Dropout of TFAntLayer stays off with training=True")
    assert merged([one, one, one]) == [one]
    other = replace(one, line=40)
    assert merged([one, other, one]) == [replace(one, locations=(Location(PATH, 40),))]


def test_what_every_class_shows_of_itself_is_told_once_with_all_places() -> None:
    text = "no gradient reaches a.weight of {}"
    ones = [finding("error", 10 * n, text.format(f"TFAnt{n}"), f"TFAnt{n}") for n in (1, 2)]
    (told,) = merged(ones)
    assert (told.line, told.locations) == (10, (Location(PATH, 20),))


def test_different_defects_stay_apart() -> None:
    ones = [finding("error", 31, "a"), finding("error", 31, "b"), finding("warning", 31, "a")]
    assert merged(ones) == ones


def test_an_error_fails_the_item() -> None:
    wrong = Behaviour(NAME, (finding("error", 31, "a"),))
    assert item(PORT, [wrong], [Comparison(NAME)]).state == "failed"
    doubtful = Behaviour(NAME, (finding("warning", 31, "a"),))
    assert item(PORT, [doubtful], [Comparison(NAME)]).state == "passed"


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (Behaviour(NAME, skipped="no labels"), "unverified"),
        (Behaviour(NAME, trouble="died"), "error"),
        (Behaviour(NAME), "passed"),
    ],
)
def test_what_was_not_looked_at_never_passes(one: Behaviour, state: str) -> None:
    assert item(PORT, [one], [Comparison(NAME, unmade=one.skipped)]).state == state


def test_no_class_yet_waits() -> None:
    assert item(PORT, [], []).state == "waiting"


def test_a_statement_has_all_its_lines() -> None:
    assert [statement(SOURCE, line) for line in (1, 2, 4, 6, 7)] == [(1, 1), (2, 5), (2, 5), (6, 6), (7, 7)]
    assert statement("def", 1) == (1, 1)


def test_a_defect_that_another_rule_has_told_is_left_out() -> None:
    line = next(
        n for n, text in enumerate(PORT.text(PATH).split("\n"), 1) if "self." in text and " = " in text
    )
    entry: dict[str, Any] = {
        "kind": "epsilon",
        "pytorch_path": "norm",
        "symbol": "TFAntLayer",
        "path": PATH,
        "line": line,
        "value": 1e-3,
        "wanted": 1e-6,
    }
    seen = [Behaviour(NAME, audited=(entry,))]
    assert [one.line for one in audited(PORT, seen, [])] == [line]
    known = finding("error", line, "epsilon", at="framework-defaults")
    assert audited(PORT, seen, [known]) == []
    assert audited(PORT, seen, [replace(known, line=line + 900)])
    elsewhere = replace(known, line=1, locations=(Location(PATH, line),))
    assert audited(PORT, seen, [elsewhere]) == []
    assert audited(PORT, seen, [replace(known, rule="copied-from", item="copied-from")])


def test_a_momentum_is_told_by_the_audit_alone() -> None:
    rate = finding("warning", 9, "the running statistics of bn move as with momentum 0.1")
    named = finding("error", 31, "momentum of bn is 0.1, as PyTorch has it 0.9", at="framework-defaults")
    assert without_rates([rate], [named]) == []
    assert without_rates([rate], []) == [rate]

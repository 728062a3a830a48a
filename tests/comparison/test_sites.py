"""Sites in a stranger's words."""

from __future__ import annotations

import json
from typing import Any

from checks.comparison.sites import profile_of, sites_of, within

PATH = "src/transformers/models/x/modeling_tf_x.py"
GOOD: dict[str, Any] = {
    "kind": "layer",
    "tf_path": "bert.encoder",
    "pytorch_path": "encoder",
    "symbol": "TFX",
    "path": PATH,
    "line": 2,
    "difference": 3e-4,
    "confirmed": True,
    "cause": {"kind": "epsilon", "text": "epsilon is 1e-3", "confirmed": True, "after": 2e-13},
    "edits": [{"path": PATH, "start": [2, 1], "end": [2, 3], "text": "1e-12"}],
    "places": 2,
}


def test_a_site_arrives_whole() -> None:
    (site,) = within(list(sites_of([GOOD])), {PATH: "a\nbcd\n"})
    assert {key: site[key] for key in GOOD} == GOOD


def test_what_is_malformed_is_left_out() -> None:
    bad = [None, 1, [], {}, {**GOOD, "kind": "rm -rf"}, {**GOOD, "line": "2"}, {**GOOD, "line": True}]
    assert not list(sites_of(bad))
    assert not list(sites_of("sites"))
    (site,) = sites_of(
        [{**GOOD, "cause": {"kind": "x", "confirmed": "yes", "after": -1}, "difference": float("nan")}]
    )
    assert site["cause"] == {"kind": "x", "text": "", "confirmed": False, "after": None}
    assert site["difference"] is None


def test_a_confirmation_without_a_figure_is_none() -> None:
    (site,) = sites_of([{**GOOD, "cause": {"kind": "x", "text": "", "confirmed": True}}])
    assert site["cause"]["confirmed"] is False


def test_only_the_ports_own_lines_are_pointed_at() -> None:
    elsewhere = [{**GOOD, "path": "setup.py"}, {**GOOD, "line": 99}, {**GOOD, "line": 0}]
    assert not list(within(list(sites_of(elsewhere)), {PATH: "a\nbcd\n"}))
    edits = [
        {"path": "setup.py", "start": [1, 1], "end": [1, 1], "text": "x"},
        {"path": PATH, "start": [2, 9], "end": [2, 9], "text": "x"},
        {"path": PATH, "start": [2, 2], "end": [2, 1], "text": "x"},
        {"path": PATH, "start": [2, 1], "end": [2, 1], "text": "\x1b[31m"},
        {"path": PATH, "start": [2, 1], "end": [2, 1], "text": "x" * 3_000},
    ]
    (site,) = within(list(sites_of([{**GOOD, "edits": edits}])), {PATH: "a\nbcd\n"})
    assert site["edits"] == []


def test_texts_are_masked_and_short() -> None:
    (site,) = sites_of(
        [{**GOOD, "symbol": "\x1b[2J" + "a" * 999, "cause": {"kind": "k", "text": "t\n\nu" * 999}}]
    )
    assert len(site["symbol"]) <= 200
    assert "\x1b" not in json.dumps(site)
    assert len(site["cause"]["text"]) <= 600


def test_profiles() -> None:
    assert profile_of([["a", 1e-3], ["b", "x"], ["c"], 7]) == (("a", 1e-3), ("b", float("inf")))

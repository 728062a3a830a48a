"""app.yml asks for exactly what the code calls and handles, and says why."""

from __future__ import annotations

from pathlib import Path

import yaml

from bot.events import HANDLED, UNASKED
from bot.github.writes import PERMISSIONS

TEXT = (Path(__file__).parents[2] / "app.yml").read_text("utf-8")
APP = yaml.safe_load(TEXT)


def test_events_are_those_that_are_handled():
    assert sorted(APP["default_events"]) == sorted(HANDLED.keys() - UNASKED)
    assert HANDLED.keys() > UNASKED


def test_permissions_are_those_that_are_used():
    assert APP["default_permissions"] == PERMISSIONS


def test_each_has_its_reason():
    wanted = [f"  {name}: {level}" for name, level in APP["default_permissions"].items()]
    wanted += [f"  - {event}" for event in APP["default_events"]]
    for start in wanted:
        [line] = [line for line in TEXT.splitlines() if line.partition(" #")[0] == start]
        assert len(line.partition(" # ")[2]) > 10, line

"""The catalogue names every rule, and no rule that does not exist."""

from __future__ import annotations

import pytest

from checks.catalogue import entries, page
from checks.rules import all_rules

EXPECTED = [
    *(f"R0.{n}" for n in range(1, 5)),
    *(
        f"{letter}{n}"
        for letter, last in (("P", 7), ("M", 19), ("N", 9), ("D", 4), ("T", 3), ("C", 5), ("B", 8))
        for n in range(1, last + 1)
    ),
    *(
        f"{letter}{n}"
        for letter, last in (("G", 10), ("K", 6), ("E", 9), ("S", 6), ("W", 3), ("X", 2))
        for n in range(1, last + 1)
    ),
    *(f"#{n}" for n in range(1, 41)),
    *(f"F{n}" for n in range(1, 35)),
]


def test_nothing_of_the_catalogue_is_dropped():
    assert [entry.id for entry in entries() if entry.id != "–"] == EXPECTED


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.id)
def test_every_entry_has_rules_or_a_reason(entry):
    assert entry.rules or entry.reason
    assert set(entry.rules) <= set(all_rules())


def test_every_rule_is_named():
    assert set(all_rules()) - {slug for entry in entries() for slug in entry.rules} == set()


def test_the_page_links_every_rule():
    for slug in all_rules():
        assert f"[{slug}]({slug}.md)" in page()

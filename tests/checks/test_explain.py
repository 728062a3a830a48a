"""Pages of rules: every example shows bad and good code, and the page says where the rule comes from."""

from __future__ import annotations

import re

import pytest

from checks.checklist import items
from checks.explain import explain, explain_item, explain_rule
from checks.rules import Rule, all_rules

SECTIONS = ["What it checks", "Why", "Bad", "Good", "How to fix", "Since when", "Source in the guide"]


def without_code(page: str) -> str:
    return re.sub(r"^(`{3,}).*?^\1$", "", page, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.slug)
def test_page(rule: Rule):
    page = explain_rule(rule)
    headings = re.findall(r"^## (.*)$", without_code(page), re.MULTILINE)
    assert headings[: len(SECTIONS)] == SECTIONS
    assert headings[-1] == "To silence it"
    found = [example for example in rule.examples if not example.silent]
    assert len(re.findall(r"^(?:## Bad|Bad:)$", page, re.MULTILINE)) == len(found)
    assert len(re.findall(r"^(?:## Good|Good:)$", page, re.MULTILINE)) == len(found)
    assert page.count("\n```") % 2 == 0
    assert explain(rule.slug)


def test_bad_and_good_code_differ_as_the_example_says():
    page = explain("unpack-inputs")
    bad, good = page.split("## Bad")[1].split("## Good")[:2]
    assert "@unpack_inputs" not in bad
    assert "@unpack_inputs\n" in good.split("```")[1]


def test_an_item_with_several_rules_has_all_of_them_below():
    whole = explain_item(items()["style"])
    page = without_code(whole)
    assert "\n## style-format\n" in whole
    assert re.findall(r"^# (.*)$", page, re.MULTILINE) == ["style"]
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == [
        "style-init-order",
        "style-mapping-order",
        "style-format",
    ]
    assert page.count("\n### Why\n") == 3

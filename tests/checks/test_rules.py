"""Every rule's examples: all rules together find exactly what the example says, and the edits restore the good port."""

from __future__ import annotations

import pytest

from checks import checklist
from checks.edits import apply
from checks.report import Finding
from checks.rules import Example, Rule, all_rules, sample
from checks.run import check

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.slug}: {example.title}")
    for rule in all_rules().values()
    for example in rule.examples
]


def expected_line(text: str, wanted: str) -> int:
    wanted, _, number = wanted.partition("#") if wanted.rpartition("#")[2].isdigit() else (wanted, "", "")
    lines = [n for n, line in enumerate(text.split("\n"), 1) if line.strip() == wanted]
    assert lines, f"{wanted!r} is no line of the bad file"
    assert number or len(lines) == 1 or not wanted, f"{wanted!r} stands on the lines {lines}"
    return lines[int(number or 1) - 1]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example(rule: Rule, example: Example):
    head = sample.broken(example)
    report = check(sample.base(), head, ready=example.ready)
    path = example.finds_in or example.moved_to or example.path
    text = head.read(path) or ""
    # An example may change PyTorch's side: that a port does so is told by a rule of its own.
    said = [f for f in report.findings if f.rule != "touched-elsewhere" or rule.slug == "touched-elsewhere"]
    assert [(f.rule, f.path, f.line) for f in said] == [
        (rule.slug, path, expected_line(text, wanted) if wanted else 1) for wanted in example.finds
    ]
    assert not [item for item in report.items if item.state == "error"]
    assert bool(example.finds) != example.silent
    if example.fixed or example.edits_to:
        files = {p: c for p, c in head.files.items() if isinstance(c, str)}
        restored = apply(files, [edit for finding in report.findings for edit in finding.edits])
        wanted = sample.HEAD
        if example.edits_to:
            wanted = {**wanted, path: wanted[path].replace(example.good, example.edits_to)}
        assert restored[example.path] == wanted[example.path]
        assert restored == wanted
    else:
        assert example.silent or not all(f.edits for f in said), "it has an edit: say fixed=True"
    state = {item.id: item for item in report.items}[rule.item].state
    if example.silent or all(f.level != "error" for f in said):
        assert state in ("passed", "unverified", "not-applicable", *(["waiting"] if example.ready else []))
    else:
        assert state == "failed"


def test_every_rule_is_silent_on_the_good_port():
    report = check(sample.base(), sample.head())
    assert report.findings == ()
    assert [port.stage for port in report.ports] == ["complete"]
    assert {item.id: item.state for item in report.items if item.state not in ("passed", "needs-human")} == {
        item.id: "unverified"
        for item in checklist.items().values()
        if (not item.rules or item.pending) and item.decided != "human"
    } | {"from-pt-flag": "not-applicable"}  # the sample's base reads safetensors


def test_rules_and_checklist_name_each_other():
    named = [slug for item in checklist.items().values() for slug in item.rules]
    assert sorted(named) == sorted(all_rules())


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.slug)
def test_rule_is_complete(rule: Rule):
    assert rule.summary.endswith(".")
    assert rule.why.endswith((".", "!"))
    assert rule.how
    assert any(example.finds for example in rule.examples)


def test_columns_point_at_what_the_message_names():
    def under(finding: Finding, text: str, length: int) -> str:
        return text.split("\n")[finding.line - 1][finding.column - 1 :][:length]

    by_slug = {(rule.slug, e.title): e for rule in all_rules().values() for e in rule.examples}
    for key, word in {
        ("unpack-inputs", "The model forgot it"): "call",
        ("keras-serializable", "The main layer forgot it"): "TFLanternMainLayer",
        ("tf-prefix", "A layer kept its PyTorch name"): "LanternPooler",
        ("doc-table", "The cross was left"): "❌",
    }.items():
        example = by_slug[key]
        head = sample.broken(example)
        (finding,) = check(sample.base(), head).findings
        assert under(finding, head.read(finding.path) or "", len(word)) == word

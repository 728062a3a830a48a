"""Fixing: all planted mistakes at once, in rounds, never twice, and nothing that does not help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from checks.edits import insert
from checks.fix import compatible, fix
from checks.report import Edit, Finding, Report
from checks.rules import all_rules, sample
from checks.run import check
from checks.snapshot import DictSnapshot, Snapshot

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"


def checker(base: dict[str, str] | None = None) -> Callable[[Snapshot], Report]:
    tree = DictSnapshot(sample.BASE if base is None else base)
    return lambda head: check(tree, head)


def break_with(*rules: str) -> DictSnapshot:
    """The good port with the first example of each rule that can be fixed, all in one tree."""
    files: dict[str, str] = dict(sample.HEAD)
    for slug in rules:
        example = next(e for e in all_rules()[slug].examples if e.fixed)
        assert files[example.path].count(example.good) == 1
        files[example.path] = files[example.path].replace(example.good, example.bad)
    return DictSnapshot(files)


def test_many_mistakes_in_one_go():
    head = break_with(
        "unpack-inputs", "keras-serializable", "auto-classes", "dummy-objects", "doc-table", "style-format"
    )
    fixed = fix(head, checker())
    assert {**head.files, **fixed.after} == sample.HEAD
    assert {f.rule for f in fixed.applied} == {
        "unpack-inputs",
        "keras-serializable",
        "auto-classes",
        "dummy-objects",
        "doc-table",
        "style-format",
    }
    assert (fixed.left, fixed.stuck, fixed.report.findings) == ((), (), ())


def test_the_second_time_changes_nothing():
    fixed = fix(break_with("unpack-inputs", "tf-prefix"), checker())
    again = fix(DictSnapshot({**sample.HEAD, **fixed.after}), checker())
    assert (again.after, again.applied, again.rounds) == ({}, (), 0)


def test_what_no_edit_mends_is_left():
    head = DictSnapshot({**sample.HEAD, TF: sample.HEAD[TF].replace("    return", "    return (", 1)})
    fixed = fix(head, checker())
    assert [f.rule for f in fixed.left] == ["readable"]
    assert fixed.after == {}


def test_ignored_findings_are_let_be():
    text = sample.HEAD[TF].replace("@keras_serializable\n", "")
    text = text.replace(
        "class TFLanternMainLayer(keras.layers.Layer):",
        "class TFLanternMainLayer(keras.layers.Layer):  # tfport: ignore[keras-serializable] on purpose",
    )
    fixed = fix(DictSnapshot({**sample.HEAD, TF: text}), checker())
    assert (fixed.after, fixed.left) == ({}, ())


# -- rules that are wrong ------------------------------------------------------------------------------------------------


def finding(message: str, *edits: Edit) -> Finding:
    return Finding("rule", "item", "error", "a.py", 1, message, edits=edits, id=message)


def report_of(*findings: Finding) -> Report:
    return Report("0", "", None, (), (), findings)


def test_an_edit_that_does_not_mend_is_taken_back():
    useless = finding("useless", insert("a.py", 1, "# again\n"))
    good = finding("good", insert("a.py", 2, "# right\n"))

    def checked(head: Snapshot) -> Report:
        return report_of(useless, *([good] if "# right" not in (head.read("a.py") or "") else []))

    fixed = fix(DictSnapshot({"a.py": "x = 1\n"}), checked)
    assert fixed.after == {"a.py": "x = 1\n# right\n"}
    assert ([f.message for f in fixed.applied], [f.message for f in fixed.stuck]) == (["good"], ["useless"])


def test_an_edit_that_breaks_a_module_is_not_made():
    broken = finding("broken", insert("a.py", 1, "def (:\n"))
    good = finding("good", insert("a.py", 2, "# right\n"))

    def checked(head: Snapshot) -> Report:
        text = head.read("a.py") or ""
        return report_of(*(f for f in (broken, good) if f.edits[0].text not in text))

    fixed = fix(DictSnapshot({"a.py": "x = 1\n"}), checked)
    assert fixed.after == {"a.py": "x = 1\n# right\n"}
    assert [f.message for f in fixed.stuck] == ["broken"]


def test_rules_that_undo_each_other_come_to_an_end():
    def checked(head: Snapshot) -> Report:
        text = head.read("a.py")
        other = "y" if text == "x\n" else "x"
        return report_of(
            replace(finding(f"it should be {other}"), edits=(Edit("a.py", (1, 1), (1, 2), other),))
        )

    fixed = fix(DictSnapshot({"a.py": "x\n"}), checked)
    assert fixed.rounds <= 50


def test_equal_findings_are_counted_not_taken_for_each_other():
    """After the first of two equal places is mended, the second has the identity that the first had."""

    def checked(head: Snapshot) -> Report:
        lines = (head.read("a.py") or "").split("\n")
        places = [n for n, line in enumerate(lines, 1) if line == "bad"]
        return report_of(
            *(
                replace(finding("bad"), line=n, edits=(Edit("a.py", (n, 1), (n, 4), "good"),))
                for n in places[:1]
            )
        )

    # Only the first is offered in each round, under the same name; it never gets fewer until the last.
    fixed = fix(DictSnapshot({"a.py": "bad\n"}), checked)
    assert fixed.after == {"a.py": "good\n"}


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (((1, 1), (1, 5)), ((1, 4), (1, 9)), False),
        (((1, 1), (1, 5)), ((1, 5), (1, 9)), True),
        (((1, 1), (3, 1)), ((2, 2), (2, 2)), False),
        (((1, 1), (3, 1)), ((1, 1), (1, 1)), True),
        (((1, 1), (1, 1)), ((1, 1), (1, 1)), True),
    ],
)
def test_overlaps(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...], together: bool):
    findings = [finding("one", Edit("a.py", *one, "x")), finding("other", Edit("a.py", *other, "y"))]
    assert len(compatible(findings)) == 1 + together
    elsewhere = [findings[0], finding("other", Edit("b.py", *other, "y"))]
    assert len(compatible(elsewhere)) == 2


def test_the_same_edit_of_two_findings_is_made_once():
    edit = insert("a.py", 1, "import b\n")
    seen = [finding("one", edit), finding("other", edit)]

    def checked(head: Snapshot) -> Report:
        return report_of(*([] if "import b" in (head.read("a.py") or "") else seen))

    assert fix(DictSnapshot({"a.py": "b.c()\n"}), checked).after == {"a.py": "import b\nb.c()\n"}


def test_the_formatters_come_last():
    """An import that nothing uses would be gone before the decorator that another fix puts there."""
    text = "from u import deco\n\n\nclass A:\n    pass\n"

    def checked(head: Snapshot) -> Report:
        now = head.read("a.py") or ""
        decorated, imported = "@deco" in now, "import" in now
        found: list[Finding] = []
        if not decorated:
            found.append(replace(finding("decorate it", insert("a.py", 4, "@deco\n")), rule="z"))
            if imported:
                found.append(
                    replace(finding("unused", Edit("a.py", (1, 1), (2, 1), "")), rule="style-format")
                )
        return report_of(*reversed(found))

    assert fix(DictSnapshot({"a.py": text}), checked).after == {"a.py": text.replace("class", "@deco\nclass")}

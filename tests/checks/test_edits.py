"""Edits and how they apply."""

from __future__ import annotations

import pytest

from checks.edits import apply, import_name, insert, replace, replace_lines, statement
from checks.report import Edit
from checks.source.python import module_facts


def test_apply():
    files = {"a": "1\n2\n3\n", "b": "x"}
    assert (
        apply(files, [insert("a", 2, "new\n"), replace("a", 3, 1, "3", "three")])["a"] == "1\nnew\n2\nthree\n"
    )
    assert apply(files, [replace_lines("a", 1, 2, "only\n")])["a"] == "only\n3\n"
    assert apply(files, [insert("a", 4, "end\n")])["a"] == "1\n2\n3\nend\n"
    assert apply(files, [insert("b", 2, "y\n")])["b"] == "x\ny\n"
    assert apply(files, [Edit("new", (1, 1), (1, 1), "n\n")]) == {**files, "new": "n\n"}


def test_insertions_at_one_place_keep_their_order_and_equal_ones_count_once():
    one, two = insert("a", 1, "one\n"), insert("a", 1, "two\n")
    assert apply({"a": "x\n"}, [one, two, one])["a"] == "one\ntwo\nx\n"


def test_overlapping_edits_do_not_garble():
    edits = [replace_lines("a", 1, 2, "first\n"), replace_lines("a", 2, 3, "second\n")]
    assert apply({"a": "1\n2\n3\n"}, edits)["a"] == "1\nsecond\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from ..u import b\n", "from ..u import a, b\n"),
        ("from ..u import (\n    b,\n    c,\n)\n", "from ..u import (\n    a,\n    b,\n    c,\n)\n"),
        ("from ..u import (\n    A,\n    Z_,\n)\n", "from ..u import (\n    A,\n    Z_,\n    a,\n)\n"),
        ("from ..u import x as b\n", "from ..u import a, x as b\n"),
        (
            "import os\nfrom ..v import b\n\n\ndef f(): pass\n",
            "import os\nfrom ..v import b\nfrom ..u import a\n\n\ndef f(): pass\n",
        ),
        ("from ..u import a, b\n", "from ..u import a, b\n"),
        ("from ..u import b  # noqa\n", "from ..u import b  # noqa\n"),
        ("def a(): pass\nfrom ..u import b\n", "def a(): pass\nfrom ..u import b\n"),
    ],
)
def test_import(before: str, after: str):
    edits = import_name("m.py", before, module_facts(before), "..u", "a")
    assert apply({"m.py": before}, edits)["m.py"] == after


def test_statement_breaks_long_lists():
    names = [f"TFVeryLongClassName{number}" for number in range(6)]
    text = statement("from .x import", names, indent=4, quoted=False, brackets="()")
    assert text.startswith("    from .x import (\n        TFVeryLongClassName0,\n")
    assert text.endswith(",\n    )\n")
    assert statement("X =", ["a"], indent=0, quoted=True, brackets="[]") == 'X = ["a"]\n'

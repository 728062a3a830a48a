"""Comparing copies as upstream's script does it, in its three manners."""

from __future__ import annotations

import pytest

from checks.source.copies import Manner, copied_block, definition, differences, markers, replaced

OLD = Manner(heads=False, blocks=False, tests=False)
MIDDLE = Manner(heads=True, blocks=False)
NEW = Manner()

ORIGINAL = '''\
class TFBertOutput(Layer):
    """The output."""

    def call(self, x, scale=1):
        x = self.dense(x)

        return x * scale
'''


def compare(copy: str, how: Manner, rest: str = "with Bert->Lantern") -> list[int]:
    """Lines of a module with the copy under its marker that differ."""
    text = f"# Copied from transformers.models.bert.modeling_tf_bert.TFBertOutput {rest}\n{copy}"
    (marker,) = markers(text)
    block, original = copied_block(text.split("\n"), marker), definition(ORIGINAL, ["TFBertOutput"])
    assert block is not None
    assert original is not None
    wanted = replaced(original.text, marker.rest)
    assert wanted is not None
    return [change.first for change in differences(block, wanted, how)]


COPY = ORIGINAL.replace("Bert", "Lantern")


@pytest.mark.parametrize("how", [OLD, MIDDLE, NEW])
@pytest.mark.parametrize(
    ("copy", "lines"),
    [
        (COPY, []),
        (
            COPY.replace(
                "call(self, x, scale=1)", "call(\n        self,\n        x,\n        scale=1,\n    )"
            ),
            [],
        ),
        (COPY.replace("The output.", "An output."), [3]),
        (COPY.replace("x * scale", "scale * x"), [8]),
        (COPY.replace("        x = self.dense(x)\n", "        # Why.\n        x = self.dense(x)\n"), [6]),
    ],
)
def test_in_every_manner(copy: str, lines: list[int], how: Manner):
    assert compare(copy, how) == lines


def test_heads_and_empty_lines_count_at_times():
    other_base = COPY.replace("(Layer)", "(Model)")
    assert (compare(other_base, OLD), compare(other_base, NEW)) == ([], [2])
    tight = COPY.replace("(x)\n\n", "(x)\n")
    assert (bool(compare(tight, OLD)), bool(compare(tight, MIDDLE)), bool(compare(tight, NEW))) == (
        True,
        True,
        False,
    )
    more = f"{COPY}\n    def more(self):\n        return 1\n"
    assert (bool(compare(more, OLD)), bool(compare(more, MIDDLE)), bool(compare(more, NEW))) == (
        True,
        False,
        True,
    )
    ignored = f"{COPY}\n    # Ignore copy\n    def more(self):\n        return 1\n"
    assert compare(ignored, NEW) == []


def test_replacements_of_strangers():
    assert replaced("a" * 10, "with (a+)+$->b") is None, "no patterns of a pull request are run"
    assert replaced("a" * 10_000, f"with a->{'a' * 100}") is None, "nor may the text grow without end"
    assert replaced("Bert BERT bert", "with Bert->Lantern all-casing") == "Lantern LANTERN lantern"


def test_methods_are_found_in_their_class():
    assert definition(ORIGINAL, ["TFBertOutput", "call"]) is not None
    assert definition(ORIGINAL, ["TFBertOutput", "build"]) is None
    assert definition(ORIGINAL, ["call"]) is None

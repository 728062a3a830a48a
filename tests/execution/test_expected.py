"""Which tests have to report: from the head's test file and the base's mixins."""

from __future__ import annotations

import pytest

from checks.errors import UserError
from checks.execution.expected import Expected, expected_tests, is_member, matching
from checks.snapshot import DictSnapshot

PATH = "tests/models/lantern/test_modeling_tf_lantern.py"
COMMON = """
import unittest

class TFModelTesterMixin:
    def test_save_load(self): ...
    def test_generate(self): ...
    def test_attentions(self): ...
    def _prepare_for_class(self): ...

class SomeTest(unittest.TestCase):
    def test_other(self): ...
"""
FILE = """
import unittest
from parameterized import parameterized
from transformers.testing_utils import TestCasePlus, require_tf, slow
from ...test_modeling_tf_common import TFModelTesterMixin

class TFLanternModelTester:
    def test_like(self): ...

@require_tf
class TFLanternModelTest(TFModelTesterMixin, unittest.TestCase):
    test_generate = None
    test_attentions = False
    def setUp(self): ...
    def test_model(self): ...
    @parameterized.expand([("a",), ("b",)])
    def test_beams(self, name): ...

class TFLanternLargeTest(TFLanternModelTest):
    @slow
    def test_large(self): ...

class TFLanternIntegrationTest(TestCasePlus):
    def test_inference(self): ...

def test_alone(): ...
"""
UTILS = "import unittest\nclass TestCasePlus(unittest.TestCase):\n    def setUp(self): ...\n"


def trees(head: str = FILE, **base: str) -> tuple[DictSnapshot, DictSnapshot]:
    below: dict[str, str | bytes | None] = {
        "tests/test_modeling_tf_common.py": COMMON,
        "src/transformers/testing_utils.py": UTILS,
    }
    return DictSnapshot(below), DictSnapshot({PATH: head}, under=DictSnapshot(below))


def short(expected: Expected) -> list[str]:
    return [id.split("::", 1)[1] for id in expected.ids]


def test_own_methods_and_those_of_mixins() -> None:
    expected = expected_tests(PATH, *trees())
    assert sorted(short(expected)) == sorted(
        [
            "TFLanternModelTest::test_save_load",
            "TFLanternModelTest::test_model",
            "TFLanternLargeTest::test_save_load",
            "TFLanternLargeTest::test_model",
            "TFLanternLargeTest::test_large",
            "TFLanternIntegrationTest::test_inference",
            "test_alone",
        ]
    )
    assert expected.families == (
        f"{PATH}::TFLanternModelTest::test_beams",
        f"{PATH}::TFLanternLargeTest::test_beams",
    )
    assert expected.lines[f"{PATH}::TFLanternModelTest::test_model"] == 15


def test_a_mixin_is_read_from_the_base() -> None:
    base, head = trees()
    emptied = DictSnapshot({"tests/test_modeling_tf_common.py": "class TFModelTesterMixin: ..."}, under=head)
    assert "TFLanternModelTest::test_save_load" in short(expected_tests(PATH, base, emptied))


def test_a_file_that_cannot_be_parsed() -> None:
    with pytest.raises(UserError, match="cannot be parsed"):
        expected_tests(PATH, *trees("def"))


def test_members_of_a_family() -> None:
    assert is_member("a.py::T::test_beams_0_greedy", "a.py::T::test_beams")
    assert is_member("a.py::T::test_beams[x]", "a.py::T::test_beams")
    assert not is_member("a.py::T::test_beams_search", "a.py::T::test_beams")


IDS = ["a.py::ModelTest::test_save_load", "a.py::ModelTest::test_keras_save_load", "a.py::BigTest::test_x"]


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("save_load", IDS[:2]),
        ("save_load and not keras", IDS[:1]),
        ("keras or BigTest", IDS[1:]),
        ("not (ModelTest or x)", []),
        ("MODELTEST", IDS[:2]),
    ],
)
def test_expressions_choose_as_pytest_does(expression: str, chosen: list[str]) -> None:
    assert matching(IDS, expression) == chosen


@pytest.mark.parametrize("expression", ["", "and", "a b", "(a", "a or", "not"])
def test_a_wrong_expression_is_told(expression: str) -> None:
    with pytest.raises(UserError, match="no expression"):
        matching(IDS, expression)

"""What tests need from outside, found in the sources."""

from __future__ import annotations

from checks.execution.needs import Need, needs
from checks.snapshot import DictSnapshot

PATH = "tests/models/lantern/test_modeling_tf_lantern.py"
MODELING = "src/transformers/models/lantern/modeling_tf_lantern.py"
FILE = """
import unittest
import requests
from transformers import TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST, TFLanternModel, AutoTokenizer, pipeline

CHECKPOINT = "org/constant"

def prepare_image():
    return requests.get("https://example.org/cats.png", stream=True)

class TFLanternModelTester:
    def __init__(self, parent): ...
    def get_large_config(self):
        return LanternConfig.from_pretrained("org/large")

class TFLanternModelTest(unittest.TestCase):
    checkpoint = "org/attribute"
    pipeline_model_mapping = {"fill-mask": TFLanternForMaskedLM} if is_tf_available() else {}

    def setUp(self):
        self.model_tester = TFLanternModelTester(self)

    @property
    def tokenizer(self):
        return AutoTokenizer.from_pretrained("org/property")

    def test_plain(self):
        with tempfile.TemporaryDirectory() as folder:
            TFLanternModel.from_pretrained(folder)

    def test_literal(self):
        TFLanternModel.from_pretrained("org/literal", from_pt=True)

    def test_variable(self):
        name = "org/variable"
        TFLanternModel.from_pretrained(name)

    def test_constant(self):
        TFLanternModel.from_pretrained(CHECKPOINT)

    def test_attribute(self):
        TFLanternModel.from_pretrained(self.checkpoint)

    def test_property(self):
        self.tokenizer("x")

    def test_archive(self):
        for name in TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST[:1]:
            TFLanternModel.from_pretrained(name)

    def test_image(self):
        prepare_image()

    def test_large(self):
        self.model_tester.get_large_config()

    def test_dataset(self):
        load_dataset("org/sounds", "clean")

    def test_task(self):
        pipeline("fill-mask")
"""
LISTS = 'TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST = ["org/first", "org/second"]\n'
SUMMARY = '{"LanternForMaskedLM": {"sha": "abc"}}'


def needed(test: str) -> list[Need]:
    base = DictSnapshot({"tests/utils/tiny_model_summary.json": SUMMARY})
    head = DictSnapshot({PATH: FILE, MODELING: LISTS})
    id = f"{PATH}::TFLanternModelTest::{test}"
    return sorted(needs(PATH, [id], base, head, modeling=[MODELING]).get(id, ()))


def test_what_each_test_needs() -> None:
    assert needed("test_plain") == []
    assert needed("test_literal") == [Need("model", "org/literal")]
    assert needed("test_variable") == [Need("model", "org/variable")]
    assert needed("test_constant") == [Need("model", "org/constant")]
    assert needed("test_attribute") == [Need("model", "org/attribute")]
    assert needed("test_property") == [Need("model", "org/property")]
    assert needed("test_archive") == [Need("model", "org/first")]
    assert needed("test_image") == [Need("url", "https://example.org/cats.png")]
    assert needed("test_large") == [Need("model", "org/large")]
    assert needed("test_dataset") == [Need("dataset", "org/sounds")]


def test_a_task_is_no_checkpoint() -> None:
    assert needed("test_task") == []


def test_pipeline_tests_need_the_tiny_model_of_their_class() -> None:
    assert needed("test_pipeline_fill_mask") == [
        Need("model", "hf-internal-testing/tiny-random-LanternForMaskedLM", "abc")
    ]
    assert needed("test_pipeline_summarization") == []

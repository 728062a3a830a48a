"""Parsers: what they read, and that no text makes them raise."""

from __future__ import annotations

import string
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules import sample
from checks.snapshot import DictSnapshot
from checks.source import clear_cache, facts
from checks.source.inits import init_facts
from checks.source.python import module_facts, torch_expressions
from checks.source.registries import auto_facts, dummies, page_facts, table_facts

PARSERS = (module_facts, torch_expressions, init_facts, auto_facts, dummies, page_facts, table_facts)


def test_module():
    found = module_facts(
        dedent("""\
        import tensorflow as tf
        from ...utils import a as b, c
        if True:
            from .x import *
        X = Y = 1
        __all__ = ["TFA"]
        __all__ += ["TFB"]

        # Copied from
        @decorated("é", x=1)
        @other.thing
        # between
        class TFA(tf.keras.layers.Layer, Generic[T], metaclass=M):
            config_class = Config
            n: int = 3

            @unpack_inputs
            async def call(self, a, /, b, *args, c=1, **kwargs):
                pass

        é = 1; class_ = 2
        def f(): pass
        """)
    )
    assert found.problem is None
    (cls,) = found.classes.values()
    assert (cls.name, cls.line, cls.column, cls.first_line) == ("TFA", 13, 7, 10)
    assert cls.bases == ("tf.keras.layers.Layer", "Generic")
    assert [d.name for d in cls.decorators] == ["decorated", "other.thing"]
    assert cls.decorated("decorated")
    assert cls.decorated("thing")
    assert not cls.decorated("other")
    assert cls.attributes == {"config_class": ("Config", 14), "n": ("3", 15)}
    call = cls.methods["call"]
    assert call.parameters == ("self", "a", "b", "args", "c", "kwargs")
    assert (call.line, call.column, call.first_line) == (18, 15, 17)
    assert [n.name for n in found.exported or ()] == ["TFA", "TFB"]
    assert found.exported_at == (6, 7)
    assert {(i.local, i.module, i.name) for i in found.imports} == {
        ("tf", "tensorflow", ""),
        ("b", "...utils", "a"),
        ("c", "...utils", "c"),
        ("*", ".x", "*"),
    }
    assert list(found.functions) == ["f"]


def test_columns_count_characters_not_bytes():
    found = module_facts('if "ééé":\n    pass\nx = "é"; y = 1\nclass A:\n    "é"\n    def call(self): "é"\n')
    assert found.classes["A"].column == 7
    assert found.classes["A"].methods["call"].column == 9


@pytest.mark.parametrize(
    "text",
    [
        "def f(:\n",
        "x = (\n",
        "\0",
        "class A\n  pass",
        "(" * 5000,
        "-" * 50000 + "1",
        "a." * 20000 + "b",
        "match x:\n case",
        "\ud800",
    ],
)
def test_what_is_no_python_is_a_fact(text: str):
    for parser in PARSERS:
        parser(text)
    found = module_facts(text)
    assert found.problem is None or found.problem.line >= 1


def test_syntax_error_has_its_place():
    problem = module_facts("x = 1\ny = = 2\n").problem
    assert problem is not None
    assert (problem.line, problem.column) == (2, 5)


def test_torch_expressions():
    text = dedent('''\
        """torch in a docstring"""
        import torch
        from torch import nn
        from .modeling_tf_utils import x  # torch
        class A(nn.Module):
            def forward(self, x):
                return tf.nn.relu(torch.tanh(x))
        ''')
    assert torch_expressions(text) == (2, 3, 5, 6, 7)
    assert torch_expressions("tf.nn.relu(x)\nself.nn\n# torch\n") == ()
    assert torch_expressions("import torch\nx = (\n") == (1,)


OLD_INIT = """\
from typing import TYPE_CHECKING
from ...file_utils import _LazyModule, is_tf_available, is_torch_available

_import_structure = {"configuration_x": ["XConfig"]}
if is_torch_available():
    _import_structure["modeling_x"] = ["XModel"]
if is_tf_available():
    _import_structure["modeling_tf_x"] = [
        "TFXModel",
    ]
if is_sentencepiece_available() and is_tokenizers_available():
    _import_structure["both"] = ["Both"]

if TYPE_CHECKING:
    from .configuration_x import XConfig
    if is_torch_available():
        from .modeling_x import XModel
    if is_tf_available():
        from .modeling_tf_x import TFXModel
else:
    import sys
"""


def test_old_init():
    found = init_facts(OLD_INIT)
    assert [(e.half, e.backend, e.module, [n.name for n in e.names]) for e in found.entries] == [
        ("structure", "", "configuration_x", ["XConfig"]),
        ("structure", "torch", "modeling_x", ["XModel"]),
        ("structure", "tf", "modeling_tf_x", ["TFXModel"]),
        ("structure", "sentencepiece and tokenizers", "both", ["Both"]),
        ("typing", "", "configuration_x", ["XConfig"]),
        ("typing", "torch", "modeling_x", ["XModel"]),
        ("typing", "tf", "modeling_tf_x", ["TFXModel"]),
    ]
    region = found.region("structure", "tf")
    assert region is not None
    assert (region.outer_line, region.line, region.end_line) == (7, 8, 10)
    assert found.type_checking == (14, 19)
    assert not found.lazy


def test_new_init():
    found = init_facts(sample.HEAD["src/transformers/__init__.py"])
    for half in ("structure", "typing"):
        names = {n.name for e in found.of(half, "tf") if e.module == "models.lantern" for n in e.names}
        assert names == {
            "TFLanternForSequenceClassification",
            "TFLanternForTokenClassificationWithFlicker",
            "TFLanternModel",
            "TFLanternPreTrainedModel",
        }


def test_auto():
    found = auto_facts(
        dedent("""\
        A_NAMES = OrderedDict(
            [
                # comment
                ("x", "TFX"),
                ("y", ("TFY", "TFZ")),
                ("x", "TFX2"),
            ]
        )
        B_NAMES = OrderedDict[str, str]([])
        C_NAMES = {"k": "v"}
        lower = OrderedDict([("x", "y")])
        """)
    )
    assert list(found.mappings) == ["A_NAMES", "B_NAMES", "C_NAMES"]
    mapping = found.mappings["A_NAMES"]
    assert [(e.key, [v.name for v in e.values], e.line, e.column) for e in mapping.entries] == [
        ("x", ["TFX"], 4, 9),
        ("y", ["TFY", "TFZ"], 5, 9),
        ("x", ["TFX2"], 6, 9),
    ]
    assert mapping.last == 7
    entry = mapping.get("x")
    assert entry is not None
    assert entry.line == 6


def test_dummies():
    found = dummies(sample.HEAD["src/transformers/utils/dummy_tf_objects.py"])
    assert list(found)[:3] == ["TFPreTrainedModel", "TF_BERT_PRETRAINED_MODEL_ARCHIVE_LIST", "TFBertModel"]
    assert found["TFBertModel"].end_line - found["TFBertModel"].line == 4


def test_page():
    found = page_facts(
        "# T\n\n## TFA\n\n[[autodoc]] transformers.TFA\n    - call\n    - get \n\ntext\n[[autodoc]] TFB\n"
    )
    block = found.get("TFA")
    assert block is not None
    assert (block.line, block.end_line, block.heading, [m.name for m in block.methods]) == (
        5,
        7,
        3,
        ["call", "get"],
    )
    other = found.get("TFB")
    assert other is not None
    assert (other.heading, other.methods) == (0, ())


def test_table_of_every_time():
    old = "| Model | Tokenizer slow | Tokenizer fast | PyTorch support | TensorFlow support | Flax Support |\n|:-:|:-:|\n|  BERT  |  ✅  |  ✅  |  ✅  |  ❌  |  ✅  |\n"
    found = table_facts(f"text\n\n{old}\nafter")
    assert found.column("TensorFlow") == 4
    cell = found.rows["BERT"][4]
    assert (cell.text, cell.line) == ("❌", 5)
    assert old.split("\n")[2][cell.column - 1] == "❌"
    new = table_facts(sample.HEAD["docs/source/en/index.md"])
    assert [cell.text for cell in new.rows["Lantern"][1:]] == ["✅", "✅", "❌"]
    assert table_facts("no table").rows == {}


def test_cache_is_by_content():
    clear_cache()
    calls: list[str] = []

    def parser(text: str) -> int:
        calls.append(text)
        return len(text)

    one, two = DictSnapshot({"a": "x"}), DictSnapshot({"b": "x", "a": "other"})
    assert [
        facts(one, "a", parser),
        facts(two, "b", parser),
        facts(two, "a", parser),
        facts(one, "a", parser),
    ] == [1, 1, 5, 1]
    assert calls == ["x", "other"]
    assert facts(one, "missing", parser) is None


TEXT = st.text(st.sampled_from(string.printable + "é✅\0\u2028 "), max_size=300)


@settings(max_examples=200, deadline=None)
@given(TEXT)
def test_no_text_makes_a_parser_raise(text: str):
    for parser in PARSERS:
        parser(text)


FILES = sorted(sample.HEAD)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 5000), st.integers(0, 200))
def test_no_truncated_file_makes_a_parser_raise(path: str, at: int, length: int):
    text = sample.HEAD[path]
    for parser in PARSERS:
        parser(text[:at] + text[at + length :])

"""PyTorch's tree of modules as its source tells it, and names against it. Small made-up models, one per question."""

from __future__ import annotations

import textwrap

import pytest

from checks.edits import apply
from checks.report import Finding
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot

FOLDER = "src/transformers/models/lantern"
RULES = ("weight-names", "parameters-in-build")

TORCH = """
import torch
from torch import nn
from ...modeling_utils import PreTrainedModel


class LanternBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(4, 4)


class LanternPart(nn.Module):
    def __init__(self, config):
        super().__init__()
{torch}


class LanternModel(PreTrainedModel):
    base_model_prefix = "lantern"

    def __init__(self, config):
        super().__init__(config)
        self.part = LanternPart(config)
"""

TENSORFLOW = """
import tensorflow as tf
from ...modeling_tf_utils import TFPreTrainedModel, keras, keras_serializable, unpack_inputs


class TFLanternBlock(keras.layers.Layer):
    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4, name="dense")


{helper}

class TFLanternPart(keras.layers.Layer):
    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
{tensorflow}


@keras_serializable
class TFLanternMainLayer(keras.layers.Layer):
    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.part = TFLanternPart(config, name="part")

    @unpack_inputs
    def call(self, input_ids=None, training=False):
        return input_ids


class TFLanternPreTrainedModel(TFPreTrainedModel):
    base_model_prefix = "lantern"


class TFLanternModel(TFLanternPreTrainedModel):
    def __init__(self, config, *inputs, **kwargs):
        super().__init__(config, *inputs, **kwargs)
        self.lantern = TFLanternMainLayer(config, name="lantern")

    @unpack_inputs
    def call(self, input_ids=None, training=False):
        return self.lantern(input_ids)
"""


def indented(text: str, spaces: int = 8) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), " " * spaces)


def found(torch: str, tensorflow: str, helper: str = "") -> list[Finding]:
    """Findings of the naming rules on a port of one class."""
    torch_text = TORCH.format(torch=indented(torch))
    text = TENSORFLOW.format(tensorflow=indented(tensorflow), helper=textwrap.dedent(helper))
    files = {f"{FOLDER}/modeling_lantern.py": torch_text}
    base = DictSnapshot({**sample.BASE, **files})
    head = DictSnapshot({**sample.HEAD, **files, f"{FOLDER}/modeling_tf_lantern.py": text})
    report = check(base, head, only=RULES)
    assert not [item for item in report.items if item.state == "error"]
    return list(report.findings)


def rules(torch: str, tensorflow: str, helper: str = "") -> list[str]:
    return [finding.rule for finding in found(torch, tensorflow, helper)]


SPREAD = """
layers = []
layers.append(nn.Linear(4, 4))
layers.append(nn.ReLU())
layers.append(nn.Linear(4, 4))
self.net = nn.Sequential(*layers)
"""
MIXED = """
self.net = nn.Sequential(nn.LayerNorm(4), *[LanternBlock(config) for _ in range(3)])
"""
APPENDED = """
self.blocks = nn.ModuleList()
for i in range(3):
    self.blocks.append(LanternBlock(config))
"""
NESTED = """
self.blocks = nn.ModuleList([nn.ModuleList([LanternBlock(config) for _ in range(2)]) for _ in range(3)])
"""


@pytest.mark.parametrize(
    ("torch", "right", "wrong", "rule"),
    [
        (SPREAD, '"net.2"', '"net.1"', "sequential-indices"),
        (SPREAD, '"net.0"', '"net.3"', "sequential-indices"),
        ("self.net = nn.Linear(4, 4)", '"net"', '"nets"', "weight-names"),
        ("self.net = nn.Linear(4, 4)", '"some___net"', '"net___some"', "weight-names"),
        ("self.add_module('net', nn.Linear(4, 4))", '"net"', '"nets"', "weight-names"),
        ("self.a = LanternBlock(config)", '"a.dense"', '"a.output"', "weight-names"),
        ("self.a = nn.LayerNorm(4)\nself.b = nn.Linear(4, 4)", '"b"', '"a"', "weight-names"),
    ],
)
def test_dense_is_named_as_in_pytorch(torch: str, right: str, wrong: str, rule: str):
    line = "self.x = keras.layers.Dense(4, name={})"
    assert rule not in rules(torch, line.format(right))
    assert rules(torch, line.format(wrong)).count(rule) == 1


@pytest.mark.parametrize(
    ("torch", "right", "wrong"),
    [
        (APPENDED, 'f"blocks.{i}"', 'f"block.{i}"'),
        (APPENDED, 'f"blocks_._{i}"', 'f"blocks_{i}"'),
        (APPENDED, '"blocks_._" + str(i)', '"block_._" + str(i)'),
        (APPENDED, '"blocks.{}".format(i)', '"blocks{}".format(i)'),
        (MIXED, 'f"net.{i + 1}"', 'f"nets.{i + 1}"'),
        (NESTED, 'f"blocks.{i}.0"', 'f"blocks.{i}.dense"'),
    ],
)
def test_items_are_named_as_in_pytorch(torch: str, right: str, wrong: str):
    line = "self.x = [TFLanternBlock(config, name={}) for i in range(3)]"
    assert rules(torch, line.format(right)) == []
    assert rules(torch, line.format(wrong)) == ["module-list-names"]


@pytest.mark.parametrize(
    "torch",
    [
        "self.net = make_net(config)",
        "self.net = nn.utils.weight_norm(nn.Linear(4, 4))",
        "self.net = nn.Linear(4, 4)\nself.net = torch.nn.utils.weight_norm(self.net)",
        "for name in ('a', 'b'):\n    setattr(self, name, nn.Linear(4, 4))",
        "self.net = nn.Sequential(OrderedDict([('a', nn.Linear(4, 4))]))",
        "self.net = nn.ModuleDict({'a': nn.Linear(4, 4)})",
    ],
)
@pytest.mark.parametrize("name", ["net", "net.a", "net.weight_g.b"])
def test_what_the_source_does_not_tell_is_no_mistake(torch: str, name: str):
    assert rules(torch, f'self.x = keras.layers.Dense(4, name="{name}")') == []


def test_either_branch_may_be_meant():
    torch = """
    if config.hidden_size:
        self.net = nn.Linear(4, 4)
    else:
        self.net = nn.LayerNorm(4)
    """
    tensorflow = """
    if config.hidden_size:
        self.net = keras.layers.Dense(4, name="net")
    else:
        self.net = keras.layers.LayerNormalization(epsilon=1e-5, name="net")
    """
    assert rules(torch, tensorflow) == []


HELPER = """
class TFLanternNet(keras.layers.Layer):
    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(4, name="{}")
        self.second = keras.layers.Dense(4, name="{}")
"""


def test_a_helper_stands_where_its_user_names_it():
    tensorflow = 'self.net = TFLanternNet(config, name="net")'
    assert rules(SPREAD, tensorflow, HELPER.format("0", "2")) == []
    (finding,) = found(SPREAD, tensorflow, HELPER.format("0", "1"))
    assert (finding.rule, finding.symbol) == ("sequential-indices", "TFLanternNet")
    assert finding.edits[0].text == "2"


def test_a_helper_that_stands_for_something_unknown_may_name_anything():
    helper = HELPER.format("0", "dense")
    assert (
        rules(SPREAD + "self.other = make(config)", 'self.net = TFLanternNet(config, name="other")', helper)
        == []
    )


def test_a_conditional_layer_without_a_name_is_a_warning():
    torch = "self.net = nn.Linear(4, 4)"
    (finding,) = found(torch, "if config.hidden_size:\n    self.net = keras.layers.Dense(4)")
    assert (finding.rule, finding.level) == ("missing-layer-name", "warning")


def test_what_comes_from_elsewhere_may_have_no_weights():
    torch = "self.net = nn.Linear(4, 4)"
    (finding,) = found(torch, "self.net = TFSomethingElse(config)")
    assert (finding.rule, finding.level) == ("missing-layer-name", "warning")
    assert rules("self.net = nn.ReLU()", "self.net = TFSomethingElse(config)") == []


@pytest.mark.parametrize(
    ("torch", "shape", "level"),
    [
        ("torch.zeros(1, 3, config.hidden_size)", "(1, 3, self.config.hidden_size)", None),
        ("torch.zeros(1, 3, config.hidden_size)", "(1, 4, self.config.hidden_size)", "warning"),
        ("torch.zeros(1, 3, 8)", "(1, 4, 8)", "error"),
        ("torch.zeros(1, 3, 8)", "[3, 8]", None),
        ("torch.zeros((3, 8))", "(8, 3)", "error"),
        ("torch.ones([]) * 2.0", "[]", None),
        ("torch.zeros(n + 1, 8)", "(n + 2, 8)", "warning"),
        ("torch.zeros(n + 1, 8)", "(m, 8)", None),
        ("2 * torch.ones(8), requires_grad=True", "(8,)", None),
    ],
)
def test_shapes_that_do_not_load(torch: str, shape: str, level: str | None):
    findings = with_weight(
        f"self.glow = nn.Parameter({torch})", f'self.add_weight(name="glow", shape={shape})'
    )
    assert [(f.rule, f.level) for f in findings] == ([("parameters-in-build", level)] if level else [])


def with_weight(torch: str, call: str, method: str = "build", before: str = "") -> list[Finding]:
    helper = f"""
class TFLanternBlock(keras.layers.Layer):
    def __init__(self, config, **kwargs):
        super().__init__(**kwargs)
        self.config = config

    def {method}(self, input_shape=None):
        {before}self.glow = {call}
"""
    text = TORCH.replace("self.dense = nn.Linear(4, 4)", torch).format(torch="        pass")
    tensorflow = (
        TENSORFLOW[: TENSORFLOW.index("class TFLanternBlock")]
        + helper
        + TENSORFLOW[TENSORFLOW.index("{helper}") :]
    )
    files = {f"{FOLDER}/modeling_lantern.py": text}
    head = tensorflow.format(helper="", tensorflow="        pass")
    report = check(
        DictSnapshot({**sample.BASE, **files}),
        DictSnapshot({**sample.HEAD, **files, f"{FOLDER}/modeling_tf_lantern.py": head}),
        only=RULES,
    )
    assert not [item for item in report.items if item.state == "error"]
    return list(report.findings)


def test_a_saved_buffer_is_not_trained():
    torch = 'self.register_buffer("glow", torch.ones(8))'
    (finding,) = with_weight(torch, 'self.add_weight(name="glow", shape=(8,))')
    assert (finding.level, finding.edits[0].text) == ("warning", ", trainable=False")
    assert with_weight(torch, 'self.add_weight(name="glow", shape=(8,), trainable=False)') == []
    assert (
        with_weight("self.glow = nn.Parameter(torch.ones(8))", 'self.add_weight(name="glow", shape=(8,))')
        == []
    )


def test_weights_of_a_helper_method_count():
    torch = "self.glow = nn.Parameter(torch.ones(8))"
    assert with_weight(torch, 'self.add_weight(name="glow", shape=(8,))', method="_build_weights") == []


def test_a_parameter_that_is_computed_is_not_asked_for():
    frozen = "self.glow = nn.Parameter(torch.ones(8), requires_grad=False)"
    assert with_weight(frozen, "None", before="self.other = None\n        ") == []
    later = "self.table = nn.Parameter(torch.ones(8))\n        self.table.requires_grad = False"
    assert with_weight(later, "None") == []
    trained = "self.table = nn.Parameter(torch.ones(8))"
    (finding,) = with_weight(trained, "None")
    assert finding.absent
    assert "table" in finding.message


BESIDE = """
self.blocks = nn.ModuleList([LanternBlock(config) for _ in range(3)])
self.block_norm = nn.LayerNorm(4)
self.block_drop = LanternBlock(config)
"""


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ('f"block_{i}"', "blocks_._{i}"),  # no block_norm or block_drop: i is a number
        ('f"block.{i}"', "blocks.{i}"),
        ('f"other_._{i}"', "blocks_._{i}"),
    ],
)
def test_the_advice_says_what_the_edit_writes(wrong: str, meant: str):
    line = f"self.blocks = [TFLanternBlock(config, name={wrong}) for i in range(3)]"
    (finding,) = found(BESIDE, line)
    assert finding.rule == "module-list-names"
    assert finding.advice.startswith(f"Name it {meant} (modeling_lantern.py:")
    text = TENSORFLOW.format(tensorflow=indented(line), helper="")
    path = f"{FOLDER}/modeling_tf_lantern.py"
    assert f'name=f"{meant}"' in apply({path: text}, finding.edits)[path]


def test_a_word_of_a_loop_may_be_any():
    torch = "self.block_a = LanternBlock(config)\nself.block_b = LanternBlock(config)"
    line = 'self.x = [TFLanternBlock(config, name=f"block_{i}") for i in ("a", "b")]'
    assert "module-list-names" not in rules(torch, line)
    torch = torch.replace("block_a", "block_1").replace("block_b", "block_2")
    line = 'self.x = [TFLanternBlock(config, name=f"block_{i + 1}") for i in range(2)]'
    assert "module-list-names" not in rules(torch, line)


def test_a_layer_that_is_called_but_not_made():
    torch, ours = (
        f"src/transformers/models/lantern/modeling_{name}.py" for name in ("lantern", "tf_lantern")
    )
    gate = "        self.gate = nn.Linear(config.hidden_size, config.hidden_size)\n        self.activation = nn.Tanh()\n"
    theirs = sample.BASE[torch].replace("        self.activation = nn.Tanh()\n", gate)
    pooler = "        return self.dense(hidden_states[:, 0])"
    mine = sample.HEAD[ours].replace(pooler, "        return self.dense(self.gate(hidden_states[:, 0]))")
    assert theirs != sample.BASE[torch]
    assert mine != sample.HEAD[ours]
    head = DictSnapshot({**sample.HEAD, torch: theirs, ours: mine}, year=sample.YEAR)
    report = check(DictSnapshot({**sample.BASE, torch: theirs}), head, only=["missing-weights"])
    (finding,) = report.findings
    assert finding.level == "error"
    assert finding.message.startswith("TFLanternPooler calls self.gate, but no layer of that name is made")
    assert "self.gate(" in mine.split("\n")[finding.line - 1]

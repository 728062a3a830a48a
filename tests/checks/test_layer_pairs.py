"""Which PyTorch module each Keras layer stands for."""

from __future__ import annotations

from checks.discover import find_ports
from checks.edits import apply
from checks.layer_pairs import pairing, split_name
from checks.rules import Example, all_rules, sample
from checks.rules._arguments import set_arguments
from checks.run import check
from checks.snapshot import DictSnapshot
from checks.source.layers import class_layers

_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"


def test_layers_of_the_sample():
    (port,) = find_ports(sample.base(), sample.head())
    found = {
        (one.pair.name, one.layer.name or one.layer.attribute): [side.layer.kind for side in one.pytorch]
        for one in pairing(port).layers
    }
    assert found["TFLanternLens", "lens.0"] == ["nn.Conv2d"]
    assert found["TFLanternLens", "lens.1"] == ["nn.BatchNorm2d"]
    assert found["TFLanternLens", "padding"] == []
    assert found["TFLanternEmbeddings", "LayerNorm"] == ["nn.LayerNorm"]
    assert found["TFLanternEmbeddings", "dropout"] == ["nn.Dropout"]
    assert found["TFLanternEncoder", "layer_._{}"] == ["LanternLayer"]
    assert found["TFLanternMainLayer", "encoder"] == ["LanternEncoder"]
    lens = next(one for one in pairing(port).layers if one.layer.name == "lens.0")
    (side,) = lens.pytorch
    assert side.place.startswith("src/transformers/models/lantern/modeling_lantern.py:")
    assert "nn.Conv2d" in (port.text(side.path).split("\n")[side.layer.line - 1])


def test_a_class_stands_for_a_sequential():
    text = sample.HEAD[_TF].replace(
        'self.lens = TFLanternLens(config, name="lens")', 'self.lens = TFGlass(config, name="lens")'
    )
    text = text.replace("class TFLanternLens", "class TFGlass").replace('name="lens.', 'name="')
    pytorch = "src/transformers/models/lantern/modeling_lantern.py"
    inner = sample.HEAD[pytorch].replace(
        "self.lens = LanternLens(config)", "self.lens = nn.Sequential(nn.Conv2d(3, 4, 5))"
    )
    (port,) = find_ports(sample.base(), DictSnapshot({_TF: text, pytorch: inner}, under=sample.head()))
    found = [one for one in pairing(port).layers if one.pair.name == "TFGlass" and one.layer.name == "0"]
    assert [[side.layer.kind for side in one.pytorch] for one in found] == [["nn.Conv2d"]]


def test_names():
    assert split_name("bert___layer_._0") == ("layer", "0")
    assert split_name("lens.0") == ("lens", "0")
    assert split_name("dense") == ("dense", "")


def test_arguments_are_written_where_they_belong():
    (port,) = find_ports(sample.base(), sample.head())
    text = port.text(_TF)
    layers = class_layers(text)
    (dense,) = layers["TFLanternPooler"].layers
    (norm, _) = layers["TFLanternEmbeddings"].layers
    edits = [
        *set_arguments(port, _TF, dense.call, {"units": "7", "use_bias": "False"}),
        *set_arguments(port, _TF, norm.call, {"epsilon": "1e-5", "axis": "-1"}),
    ]
    changed = apply({_TF: text}, edits)[_TF]
    assert "            units=7,\n" in changed
    assert '            use_bias=False,\n            name="dense",\n' in changed
    assert 'keras.layers.LayerNormalization(epsilon=1e-5, axis=-1, name="LayerNorm")' in changed


def test_every_comparison_names_the_line_of_pytorch():
    """Of each example that compares, the advice says where PyTorch's layer stands."""
    compared = (
        "layer-norm-epsilon",
        "batch-norm-defaults",
        "layer-arguments",
        "config-values",
        "softmax-axis",
        "activations",
    )
    for slug in compared:
        rule = all_rules()[slug]
        example: Example = rule.examples[0]
        (port,) = find_ports(sample.base(), sample.broken(example))
        (finding, *_) = rule.check(port)
        assert "modeling_lantern.py:" in finding.advice, slug


def test_functions_are_compared_by_their_name():
    torch, ours = (
        f"src/transformers/models/lantern/modeling_{name}.py" for name in ("lantern", "tf_lantern")
    )
    theirs = "\n\ndef dim_light(light, axis):\n    return nn.functional.softmax(light, dim=-2)\n"
    mine = "\n\ndef dim_light(light, axis):\n    return stable_softmax(light, axis=-1)\n"
    base = DictSnapshot({**sample.BASE, torch: sample.BASE[torch] + theirs})
    head = {**sample.HEAD, torch: sample.HEAD[torch] + theirs}
    report = check(
        base, DictSnapshot({**head, ours: head[ours] + mine}, year=sample.YEAR), only=["softmax-axis"]
    )
    assert [f.message for f in report.findings] == ["dim_light: the softmax axis is -1; PyTorch has dim=-2"]
    right = mine.replace("-1", "-2")
    report = check(
        base, DictSnapshot({**head, ours: head[ours] + right}, year=sample.YEAR), only=["softmax-axis"]
    )
    assert not report.findings

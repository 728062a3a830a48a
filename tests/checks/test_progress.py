"""Ports in the making: how far they are, what comes next, whom to copy from."""

from __future__ import annotations

import pytest

from checks.checklist import GUIDE
from checks.report import PortSummary, Report
from checks.rules import sample
from checks.run import check
from checks.similar import most_similar, outline
from checks.snapshot import DictSnapshot

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
PT = "src/transformers/models/lantern/modeling_lantern.py"
KIN = "src/transformers/models/torch_light/modeling_torch_light.py"
KIN_TF = "src/transformers/models/torch_light/modeling_tf_torch_light.py"

PYTORCH = sample.BASE[PT].replace(
    "from ...modeling_utils import PreTrainedModel\n",
    "from ...modeling_utils import PreTrainedModel\nfrom .configuration_lantern import LanternConfig\n",
)
OTHER = PYTORCH.replace("Lantern", "TorchLight").replace("lantern", "torch_light")
OTHER_TF = "".join(
    f"class TF{name}:\n    pass\n"
    for name in ("TorchLightPooler", "TorchLightModel", "TorchLightForSequenceClassification")
)
BASE = {**sample.BASE, PT: PYTORCH, KIN: OTHER, KIN_TF: OTHER_TF}


def summary(text: str, base: dict[str, str] | None = None) -> tuple[PortSummary, Report]:
    tree = BASE if base is None else base
    report = check(DictSnapshot(tree), DictSnapshot({**tree, TF: text}))
    return report.ports[0], report


def test_an_empty_file_is_welcomed():
    port, report = summary("")
    assert (port.stage, port.converted) == ("empty", (0, 9))
    assert [step.text.split(";")[0] for step in port.steps] == [
        "Copy `modeling_lantern.py` into `modeling_tf_lantern.py` and convert it class by class",
        "Commit and push whenever you like: only what you have begun is checked.",
    ]
    assert port.steps[0].text.endswith("; `modeling_tf_torch_light.py` shares 3 of 9 classes with it.")
    assert "failed" not in {item.state for item in report.items}
    assert report.findings == ()


def test_the_copied_file_has_two_steps():
    port, report = summary(PYTORCH)
    assert port.stage == "copied"
    assert port.progress is not None
    assert port.progress[0] == port.progress[1]
    assert "`LanternEmbeddings`, `LanternLens` and `LanternSelfOutput` come first" in port.steps[0].text
    assert "keras.layers.Layer" in port.steps[0].text
    assert len(port.steps) == 2
    assert report.findings == ()


def test_a_half_written_port_knows_what_is_left():
    text = sample.HEAD[TF]
    cut = text.index("class TFLanternForSequenceClassification")
    cut = text.rindex("\n\n\n", 0, cut) + 3  # with its decorators
    port, _ = summary(text[:cut] + PYTORCH[PYTORCH.index("class LanternForSequenceClassification") :])
    assert (port.stage, port.converted) == ("in-progress", (7, 9))
    assert port.steps[0].text == (
        "Convert what is left: `LanternForSequenceClassification` and `LanternForTokenClassificationWithFlicker`."
    )


def test_names_given_in_advance_wait():
    """The inits and mappings of the complete port, of which one class is not written yet."""
    text = sample.HEAD[TF]
    cut = text.index('@add_start_docstrings("Lantern Model with a flickering')
    rest = PYTORCH[PYTORCH.index("class LanternForTokenClassificationWithFlicker") :]
    head = {**sample.HEAD, TF: text[:cut] + "import torch\n" + rest.replace("self.lantern", "torch.abs")}
    report = check(DictSnapshot(sample.BASE), DictSnapshot(head))
    assert report.ports[0].stage == "in-progress"
    states = {item.id: item.state for item in report.items}
    assert {states[id] for id in ("main-init", "model-init", "auto-classes")} == {"waiting"}


def test_a_complete_port_has_no_steps_and_looks_for_nobody():
    port, _ = summary(sample.HEAD[TF])
    assert (port.stage, port.steps, port.similar, port.converted) == ("complete", (), None, None)


def test_steps_link_to_sections_of_the_guide():
    for text in ("", PYTORCH):
        assert all(step.anchor in ("", "#4-model-implementation") for step in summary(text)[0].steps)
    assert GUIDE.endswith("/v4.36.1/en/add_tensorflow_model")


def test_a_report_survives_json():
    for text in ("", PYTORCH, "class TFLanternModel(TFPreTrainedModel):\n    pass\n", "def (:"):
        report = summary(text)[1]
        assert Report.from_json(report.to_json()) == report


# -- whom to copy from ---------------------------------------------------------------------------------------------------


def test_the_most_similar_model():
    found = most_similar(DictSnapshot(BASE), "lantern", [PYTORCH])
    assert found is not None
    assert (found.model, found.shared, found.of, found.path) == ("torch_light", 3, 9, KIN_TF)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "def (:",
        "class TorchLightModel:\n    pass\n",
        OTHER.replace("self.dense", "self.other")
        .replace("self.pooler", "self.p")
        .replace("self.torch_light", "self.x"),
    ],
    ids=["empty", "no-python", "no-methods", "other-code"],
)
def test_without_shared_classes_the_kinds_of_layers_count(other: str):
    found = most_similar(DictSnapshot({**BASE, KIN: other}), "lantern", [PYTORCH])
    assert found is not None
    assert found.shared == 0
    assert "Linear" in found.kinds


def test_nobody_is_similar():
    assert most_similar(DictSnapshot(BASE), "lantern", ["class LanternModel:\n    pass\n"]) is None


def test_the_same_main_input_goes_before_more_layers():
    text = "class X(nn.Module):\n    def f(self,\n        {}: torch.Tensor):\n        return {}\n"
    own = text.format("pixel_values", "nn.Conv2d(1), nn.BatchNorm2d(1), nn.Linear(1)")
    tree = {
        f"src/transformers/models/{name}/modeling_{prefix}{name}.py": body if not prefix else ""
        for name, body in {
            "speech": text.format("input_features", "nn.Conv2d(1), nn.BatchNorm2d(1), nn.Linear(1)"),
            "vision": text.format("pixel_values", "nn.Conv2d(1)"),
        }.items()
        for prefix in ("", "tf_")
    }
    found = most_similar(DictSnapshot(tree), "own", [own])
    assert found is not None
    assert (found.model, found.shared, found.kinds) == ("vision", 0, "Conv2d")


def test_what_is_not_converted_there_is_not_counted():
    tree = {**BASE, KIN_TF: "class TFTorchLightPooler:\n    pass\n"}
    found = most_similar(DictSnapshot(tree), "lantern", [PYTORCH])
    assert found is not None
    assert found.shared == 0


def test_stem():
    assert (
        outline("from .configuration_blip import BlipConfig, BlipTextConfig\nclass BlipTextModel(X):\n").stem
        == "Blip"
    )
    assert outline("from .configuration_x import (\n    XConfig,\n)\nclass XLayer(Y):\n").names == {"Layer"}
    assert outline("class Free(X):\n    pass\n").stem == ""

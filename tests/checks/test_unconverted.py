"""Ports that are half PyTorch: what is converted is checked, what waits is not."""

from __future__ import annotations

from checks.report import Report
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot
from tests.checks.test_progress import BASE, PYTORCH, TF


def half(good: str = "", bad: str = "", *, ready: bool = False) -> Report:
    """The sample's port up to its main layer, and below it the PyTorch models, copied with their imports."""
    text = sample.HEAD[TF]
    cut = text.rindex("\n\n\n", 0, text.index("class TFLanternPreTrainedModel")) + 3
    text = (
        text[:cut]
        + PYTORCH[: PYTORCH.index("\n\n\n")]
        + "\n\n\n"
        + PYTORCH[PYTORCH.index("class LanternModel") :]
    )
    assert text.count(good or text) == 1
    text = text.replace(good, bad) if good else text
    return check(DictSnapshot(BASE), DictSnapshot({**BASE, TF: text}), ready=ready)


def states(report: Report) -> dict[str, str]:
    return {item.id: item.state for item in report.items}


def test_what_waits_is_no_finding():
    report = half()
    assert report.ports[0].stage == "in-progress"
    assert report.ports[0].classes == ()
    assert [f for f in report.findings if not f.absent] == []
    assert states(report)["torch-leftovers"] == "waiting"
    assert "failed" not in states(report).values()


def test_a_mistake_in_a_converted_class_is_found():
    report = half("@keras_serializable\n", "")
    assert [f.symbol for f in report.findings if f.rule == "keras-serializable"] == ["TFLanternMainLayer"]
    assert states(report)["keras-serializable"] == "failed"


def test_torch_in_a_class_that_was_begun_is_found():
    report = half(
        "        size = tf.shape(pixel_values)[1:3] * 2\n", "        size = torch.max(pixel_values) * 2\n"
    )
    (finding,) = [f for f in report.findings if f.rule == "torch-leftovers"]
    assert (finding.locations, finding.message) == ((), "torch.max is PyTorch's")


def test_a_class_that_is_mostly_pytorch_waits():
    """Its base and `call` are Keras', the rest is as it was copied: no list of what it lacks."""
    copied = (
        "class TFLanternGlass(keras.layers.Layer):\n    def __init__(self, config):\n        super().__init__()\n"
        "        self.first = nn.Linear(config.hidden_size, 4)\n        self.norm = nn.LayerNorm(4)\n"
        "        self.last = nn.Linear(4, 4)\n\n    def call(self, light):\n"
        "        return torch.cat([self.first(light), self.last(self.norm(light))], dim=-1)\n\n\n"
    )
    good = "class TFLanternLens(keras.layers.Layer):\n"
    assert [f for f in half(good, copied + good).findings if not f.absent] == []
    assert [
        f for f in half(good, copied + good, ready=True).findings if f.symbol.startswith("TFLanternGlass")
    ]


def test_nothing_waits_once_it_is_no_draft():
    found = {f.rule for f in half(ready=True).findings}
    assert {"torch-leftovers", "torch-imports"} <= found

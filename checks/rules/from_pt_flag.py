"""Tests that load a checkpoint which has no TensorFlow weights yet."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._tests import test_paths
from checks.source.tests import Load, test_facts

_LOCAL = (".", "/")


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    if port.ready:
        raise NotApplicable("the pull request is no draft any more: the flag has to go (from-pt-removed)")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    loads = [
        (path, load) for _, path in tested for load in test_facts(port.text(path)).loads if _counts(load)
    ]
    given = {load.checkpoint: (path, load) for path, load in loads if load.from_pt is not None}
    for checkpoint, (_path, other) in given.items():
        lacking = [(p, load) for p, load in loads if load.checkpoint == checkpoint and load.from_pt is None]
        if lacking:
            where, first = lacking[0]
            yield RULE.finding(
                where,
                first.line,
                f"{first.model} loads {checkpoint} without from_pt=True, but line {other.line} needs it",
                "Add from_pt=True while the checkpoint has no TensorFlow weights, or take it out in both places.",
                symbol=f"{first.owner}.{first.method}",
                locations=[Location(p, load.line) for p, load in lacking[1:]],
            )
    if not given and port.conventions.reads_safetensors:
        raise NotApplicable("TensorFlow models of the base read PyTorch's safetensors")


def _counts(load: Load) -> bool:
    return load.model.startswith("TF") and bool(load.checkpoint) and not load.checkpoint.startswith(_LOCAL)


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_INFERENCE = (
    '    def test_inference(self):\n        model = TFLanternModel.from_pretrained("lighthouse/lantern-base"'
)

RULE = Rule(
    slug="from-pt-flag",
    level="suggestion",
    summary="While a checkpoint has no TensorFlow weights, all tests load it with `from_pt=True`.",
    why="Without the flag `from_pretrained` looks for TensorFlow weights; the slow tests fail although the port is right.",
    how='TF….from_pretrained("…", from_pt=True), until the weights are on the Hub.',
    guide="Step 5: load with from_pt=True as long as the TensorFlow weights are missing.",
    since="not needed where TensorFlow reads safetensors (4.24, 6c24443ff)",
    check=check,
    examples=(
        Example(
            title="Only one of two tests has it",
            path=_TEST,
            good=f"{_INFERENCE})",
            bad=f"{_INFERENCE}, from_pt=True)",
            finds=('model = TFLanternModel.from_pretrained("lighthouse/lantern-base")',),
        ),
    ),
)

"""How large the models of the tests are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.rules._tests import test_path, test_paths
from checks.source.tests import test_facts

_MOST = {
    "hidden_size": 64,
    "embed_dim": 64,
    "d_model": 64,
    "num_hidden_layers": 5,
    "num_layers": 5,
    "n_layer": 5,
    "encoder_layers": 5,
    "decoder_layers": 5,
    "image_size": 64,
    "vocab_size": 1200,
}
"""As upstream's check_model_tester.py, with room for what merged tests have."""


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    for module, path in tested:
        twin = test_path(port, module).replace("test_modeling_tf_", "test_modeling_")
        pytorch = port.text(twin) if any(True for _ in test_facts(port.text(path)).sizes) else ""
        large = [
            (name, value, line)
            for _, name, value, line in test_facts(port.text(path)).sizes
            if value > _MOST.get(name, value) and not re.search(rf"\b{name}={value}\b", pytorch)
        ]
        if large:
            yield RULE.finding(
                path,
                large[0][2],
                f"The model of the tests is large: {enumerate_names([f'{name}={value}' for name, value, _ in large])}",
                "Take a tiny one, as the PyTorch tests do: every common test builds it, several times.",
                symbol=large[0][0],
                locations=[Location(path, line) for _, _, line in large[1:]],
            )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_SIGNATURE = "    def __init__(self, parent, batch_size=2, seq_length=7, vocab_size=99, hidden_size=32, num_hidden_layers=2):"

RULE = Rule(
    slug="test-sizes",
    level="warning",
    summary="The model tester makes tiny models.",
    why="The common tests build each class dozens of times; with a real size they take minutes and time out in CI.",
    how="hidden_size 32, 2 layers, pictures of 32 pixels; what the PyTorch tester has is fine.",
    guide="Step 5: write the tests.",
    source="upstream utils/check_model_tester.py; review of EfficientFormer (“Make tests smaller”)",
    check=check,
    examples=(
        Example(
            title="A real model",
            path=_TEST,
            good=_SIGNATURE,
            bad=_SIGNATURE.replace("hidden_layers=2", "hidden_layers=12").replace(
                "hidden_size=32", "hidden_size=768"
            ),
            finds=(
                _SIGNATURE.replace("hidden_layers=2", "hidden_layers=12")
                .replace("hidden_size=32", "hidden_size=768")
                .strip(),
            ),
        ),
    ),
)

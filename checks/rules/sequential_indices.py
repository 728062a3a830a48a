"""Indices in the names of what was an `nn.Sequential`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._misnamed import findings


def check(port: Port) -> Iterator[Finding]:
    yield from findings(port, RULE)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="sequential-indices",
    level="error",
    summary="What was an item of an `nn.Sequential` has its index in the name.",
    why="In PyTorch every item has an index, activations and dropout too: after Conv, BatchNorm and ReLU comes item 3. With another index the weights go elsewhere or nowhere.",
    how="Count all items of the `nn.Sequential` from 0, and name those with weights by their index: `lens.0`, `lens.1`, `lens.3`.",
    guide="Step 4: names of layers have to be those of PyTorch, so that its weights can be loaded.",
    source="convert_tf_weight_name_to_pt_weight_name; asked for in review",
    check=check,
    examples=(
        Example(
            title="Only layers with weights were counted",
            path=_TF,
            good='kernel_size=1, name="lens.3")',
            bad='kernel_size=1, name="lens.2")',
            finds=(
                'self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, name="lens.2")',
            ),
            fixed=True,
        ),
        Example(
            title="An index that is not there",
            path=_TF,
            good='kernel_size=1, name="lens.3")',
            bad='kernel_size=1, name="lens.4")',
            finds=(
                'self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, name="lens.4")',
            ),
            fixed=True,
        ),
        Example(
            title="No index",
            path=_TF,
            good='momentum=0.9, name="lens.1")',
            bad='momentum=0.9, name="lens")',
            finds=(
                'self.normalization = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="lens")',
            ),
            fixed=True,
        ),
    ),
)

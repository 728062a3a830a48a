"""Names of the items of lists."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._indices import miscounted
from checks.rules._misnamed import findings


def check(port: Port) -> Iterator[Finding]:
    yield from findings(port, RULE)
    for wrong in miscounted(port):
        pair = wrong.naming.pair
        yield RULE.finding(pair.path, wrong.line, wrong.message, wrong.advice, symbol=pair.name)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

_INDEX = 'f"layer_._{i}"'
_ITEM = "self.layer = [TFLanternLayer(config, name={}) for i in range(config.num_hidden_layers)]"

RULE = Rule(
    slug="module-list-names",
    level="error",
    summary="The items of an `nn.ModuleList` are named after its attribute and their index.",
    why="PyTorch calls them `layer.0`, `layer.1`. Items that are named alike share one path, so that all but one stay random.",
    how='`self.layer = [TFXLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers)]`, where `layer` is PyTorch\'s attribute. '
    "`.` instead of `_._` gives the same path.",
    guide="Step 4: names of layers have to be those of PyTorch, so that its weights can be loaded.",
    source="convert_tf_weight_name_to_pt_weight_name; 2bd2de62c (dots and sharded weights)",
    check=check,
    examples=(
        Example(
            title="Another name than the list's",
            path=_TF,
            good='name=f"layer_._{i}"',
            bad='name=f"layers_._{i}"',
            finds=(_ITEM.format('f"layers_._{i}"'),),
            fixed=True,
        ),
        Example(
            title="All items are named alike",
            path=_TF,
            good='name=f"layer_._{i}"',
            bad='name="layer"',
            finds=(_ITEM.format('"layer"'),),
            fixed=True,
        ),
        Example(
            title="No name",
            path=_TF,
            good='(config, name=f"layer_._{i}")',
            bad="(config)",
            finds=(_ITEM.replace(", name={}", ""),),
            fixed=True,
        ),
        Example(
            title="Counted from 1",
            path=_TF,
            good='name=f"layer_._{i}"',
            bad='name=f"layer_._{i + 1}"',
            finds=(_ITEM.format('f"layer_._{i + 1}"'),),
            fixed=True,
        ),
        Example(
            title="Begins with 0 behind another item",
            path=_TF,
            good=f"        {_ITEM.format(_INDEX)}\n",
            bad="        self.layer = [\n"
            '            TFLanternLayer(config, name="layer_._0"),\n'
            '            *[TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers - 1)],\n'
            "        ]\n",
            finds=(
                '*[TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers - 1)],',
            ),
        ),
        Example(
            title="A dot is a level, too",
            path=_TF,
            good='name=f"layer_._{i}"',
            bad='name=f"layer.{i}"',
            silent=True,
        ),
    ),
)

"""Layers without `name=`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._misnamed import findings


def check(port: Port) -> Iterator[Finding]:
    yield from findings(port, RULE)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_DENSE = """\
        self.{} = keras.layers.Dense(
            units=config.hidden_size, kernel_initializer=get_initializer(config.initializer_range), name="{}"
        )
"""
_TWO = _DENSE.format("query", "query") + _DENSE.format("key", "key")

RULE = Rule(
    slug="missing-layer-name",
    level="error",
    summary="Every layer with weights has a `name=`.",
    why="Without a name Keras makes one up (`dense_3`), which depends on what was built before, and PyTorch's weights do not find the layer.",
    how="Give `name=` the attribute of the PyTorch class. Dropout, activations, pooling and padding need none.",
    guide="Step 4: names of layers have to be those of PyTorch, so that its weights can be loaded.",
    source="convert_tf_weight_name_to_pt_weight_name in modeling_tf_pytorch_utils.py",
    check=check,
    examples=(
        Example(
            title="A layer of Keras",
            path=_TF,
            good='            activation="tanh",\n            name="dense",\n',
            bad='            activation="tanh",\n',
            finds=("self.dense = keras.layers.Dense(#2",),
            fixed=True,
        ),
        Example(
            title="A layer of the port's own",
            path=_TF,
            good='TFLanternEmbeddings(config, name="embeddings")',
            bad="TFLanternEmbeddings(config)",
            finds=("self.embeddings = TFLanternEmbeddings(config)",),
            fixed=True,
        ),
        Example(
            title="Several layers of a class, told once",
            path=_TF,
            good=_TWO,
            bad=_TWO.replace(', name="query"', "").replace(', name="key"', ""),
            finds=("self.query = keras.layers.Dense(",),
            fixed=True,
        ),
        Example(
            title="A layer without weights",
            path=_TF,
            good="self.activation = keras.layers.ReLU()",
            bad="self.activation = keras.layers.ReLU(max_value=None)",
            silent=True,
        ),
    ),
)

"""Names of layers against the attributes of the PyTorch class."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._misnamed import findings
from checks.rules._namings import namings


def check(port: Port) -> Iterator[Finding]:
    if not any(naming.names for naming in namings(port)):
        raise NotBegun("no class makes a layer yet")
    yield from findings(port, RULE)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_QUERY = "units=config.hidden_size, kernel_initializer=get_initializer(config.initializer_range), name="
_KEY = f"""
        )
        self.key = keras.layers.Dense(
            {_QUERY}"""

RULE = Rule(
    slug="weight-names",
    level="error",
    summary="Every layer with weights is named as the PyTorch class calls it.",
    why=(
        "Weights are found by their path: the names of the layers around them. A name that PyTorch does not have leaves random values, and "
        "says so only in a warning; two names that are exchanged load without a word and give wrong results."
    ),
    how=(
        "Give `name=` the attribute of the PyTorch class; the attribute of the TensorFlow class may be another one. `a___b` counts as `b`, "
        '`_._` and `.` go one level down: `f"layer_._{i}"` is `layer.0`, `layer.1` and so on.'
    ),
    guide="Step 4: names of layers have to be those of PyTorch, so that its weights can be loaded.",
    source="convert_tf_weight_name_to_pt_weight_name in modeling_tf_pytorch_utils.py",
    check=check,
    examples=(
        Example(
            title="A name that PyTorch does not have",
            path=_TF,
            good=f'{_QUERY}"query"',
            bad=f'{_QUERY}"question"',
            finds=(f'{_QUERY}"question"',),
            fixed=True,
        ),
        Example(
            title="Two names are exchanged",
            path=_TF,
            good=f'{_QUERY}"query"{_KEY}"key"',
            bad=f'{_QUERY}"key"{_KEY}"query"',
            finds=(f'{_QUERY}"key"',),
            fixed=True,
        ),
        Example(
            title="A name was copied with its layer",
            path=_TF,
            good=f'{_QUERY}"query"{_KEY}"key"',
            bad=f'{_QUERY}"query"{_KEY}"query"',
            finds=(f'{_QUERY}"query"#2',),
            fixed=True,
        ),
        Example(
            title="The name of a layer of another kind",
            path=_TF,
            good='self.pooler = TFLanternPooler(config, name="pooler")',
            bad='self.pooler = TFLanternPooler(config, name="pool")',
            finds=('self.pooler = TFLanternPooler(config, name="pool")',),
            fixed=True,
        ),
        Example(
            title="What stands before ___ does not count",
            path=_TF,
            good='            activation="tanh",\n            name="dense",\n',
            bad='            activation="tanh",\n            name="first___dense",\n',
            silent=True,
        ),
    ),
)

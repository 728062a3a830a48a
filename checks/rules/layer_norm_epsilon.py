"""`epsilon` of LayerNormalization and GroupNormalization."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import LayerPair, Pairing, Side, arguments, defaults, is_keras, pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._arguments import differs, set_arguments, told, usable
from checks.source.values import Value, literal

_NORMS = ("LayerNormalization", "GroupNormalization")
_KERAS = literal(1e-3)
_PYTORCH = literal(1e-5)


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    for found in paired.layers:
        if (found.layer.short in _NORMS and is_keras(found.layer)) or _is_own(found):
            yield from _epsilon(port, paired, found)
            yield from _groups(port, found)


def _is_own(found: LayerPair) -> bool:
    """`TFWav2Vec2GroupNorm(…)`, where PyTorch has nn.GroupNorm."""
    return found.layer.short.endswith("GroupNorm") and any(
        s.layer.short == "GroupNorm" for s in found.pytorch
    )


def _epsilon(port: Port, paired: Pairing, found: LayerPair) -> Iterator[Finding]:
    sides = [side for side in found.pytorch if side.layer.short.endswith("Norm")]
    given = found.layer.argument("epsilon", 1)
    mine = found.tensorflow.value("epsilon", 1) if given is not None else _KERAS
    theirs = [_pytorch_epsilon(paired, found.pair, side) for side in sides]
    if given is None and not is_keras(found.layer):
        return
    if given is not None and not differs(mine, [value for _, value in theirs]):
        return
    side = sides[0] if sides else None
    node, value = theirs[0] if theirs else (None, None)
    if given is None and value is not None and _KERAS.equals(value):
        return
    level = "error"
    if mine is not None and mine.attribute and value is not None and value.is_literal:
        # The configuration where PyTorch has a number: only that number's own default keeps them equal.
        known = paired.config.defaults.get(mine.attribute, ())
        if known and all(value.equals(literal(default)) for default in known):
            return
        level = "warning"
    text = usable(value, node, found) if node is not None else ("1e-5" if side else "")
    has = f"epsilon={ast.unparse(given)}" if given is not None else "no epsilon, so that Keras takes 1e-3"
    theirs_text = ast.unparse(node) if node is not None else "1e-5, its default"
    yield RULE.finding(
        found.pair.path,
        found.layer.line if given is None else given.lineno,
        f"{found.symbol} has {has}{f'; PyTorch has {theirs_text}' if side and value else ''}",
        f"Give it epsilon={text or theirs_text}{f', as in {side.owner.name}{told(side)}' if side else ''}."
        if text or value
        else "Give it the eps of the PyTorch layer (1e-5, if that names none).",
        symbol=found.symbol,
        level=level,
        edits=set_arguments(port, found.pair.path, found.layer.call, {"epsilon": text}) if text else (),
    )


def _pytorch_epsilon(paired: Pairing, pair: Pair, side: Side) -> tuple[ast.expr | None, Value | None]:
    """The eps of a norm of PyTorch: the node, if it is given, and what it amounts to."""
    kind = side.layer.short
    if side.layer.is_nn or kind in ("LayerNorm", "GroupNorm"):
        node = side.layer.argument("eps", 2 if kind == "GroupNorm" else 1)
        return node, side.scope.value(node) if node is not None else _PYTORCH
    own = paired.pytorch_class(pair, kind)
    if own is None:
        node = side.layer.argument("eps")
        return node, side.scope.value(node)
    given = arguments(side.layer.call, own)
    for name in ("eps", "epsilon", "variance_epsilon", "layer_norm_eps"):
        if name in given:
            return given[name], side.scope.value(given[name])
        node = defaults(own).get(name)
        if node is not None:
            return node, side.scope.value(node)
    return None, None


def _groups(port: Port, found: LayerPair) -> Iterator[Finding]:
    if "Group" not in found.layer.short:
        return
    name = "groups"
    given = found.layer.argument(name, 0)
    if given is None and _is_own(found):
        return
    mine = found.tensorflow.scope.value(given) if given is not None else literal(32)
    sides = [side for side in found.pytorch if side.layer.short == "GroupNorm"]
    if not differs(mine, [side.value("num_groups", 0) for side in sides]):
        return
    node = sides[0].layer.argument("num_groups", 0)
    text = usable(sides[0].value("num_groups", 0), node, found)
    yield RULE.finding(
        found.pair.path,
        given.lineno if given is not None else found.layer.line,
        f"{found.symbol} has {f'{ast.unparse(given)} groups' if given is not None else 'the 32 groups of Keras'}; PyTorch has {ast.unparse(node) if node else ''}",
        f"Give it {name}={text or 'that'}, as in {sides[0].owner.name}{told(sides[0])}.",
        symbol=found.symbol,
        edits=set_arguments(port, found.pair.path, found.layer.call, {name: text}) if text else (),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="layer-norm-epsilon",
    level="error",
    summary="Norms have the epsilon of the PyTorch layer.",
    why=(
        "Keras takes 1e-3 where PyTorch takes 1e-5. The outputs of every layer then differ by some 1e-4, which is more than the cross "
        "tests allow, and no weight is to blame."
    ),
    how=(
        "Write `epsilon=` with what the PyTorch code gives as `eps`, mostly `config.layer_norm_eps`, or 1e-5 where it gives none. "
        "GroupNormalization needs `groups=` besides: Keras takes 32."
    ),
    guide="Step 4: the frameworks' defaults differ (batch norm and layer norm have other epsilons); give them explicitly.",
    source="all 267 norms of merged ports have it",
    check=check,
    examples=(
        Example(
            title="It is left to Keras",
            path=_TF,
            good="class TFLanternEmbeddings(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.config = config\n        self.LayerNorm = keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, ",
            bad="class TFLanternEmbeddings(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.config = config\n        self.LayerNorm = keras.layers.LayerNormalization(",
            finds=('self.LayerNorm = keras.layers.LayerNormalization(name="LayerNorm")',),
            fixed=True,
        ),
        Example(
            title="A number where PyTorch reads the configuration",
            path=_TF,
            good="class TFLanternEmbeddings(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.config = config\n        self.LayerNorm = keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, ",
            bad="class TFLanternEmbeddings(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.config = config\n        self.LayerNorm = keras.layers.LayerNormalization(epsilon=1e-5, ",
            finds=('self.LayerNorm = keras.layers.LayerNormalization(epsilon=1e-5, name="LayerNorm")',),
            fixed=True,
        ),
    ),
)

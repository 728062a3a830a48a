"""`epsilon` and `momentum` of BatchNormalization."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.conventions import read
from checks.layer_pairs import LayerPair, Side, pairing
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._arguments import differs, set_arguments, spelled, told, usable
from checks.rules._copies import tensorflow_paths
from checks.source.values import Value, literal


def check(port: Port) -> Iterator[Finding]:
    for found in pairing(port).keras:
        if found.layer.short == "BatchNormalization":
            yield from _of(port, found)


def _of(port: Port, found: LayerPair) -> Iterator[Finding]:
    sides = [side for side in found.pytorch if "BatchNorm" in side.layer.short]
    wanted: dict[str, str] = {}
    said: list[str] = []
    lines: list[int] = []
    epsilon = found.layer.argument("epsilon", 2)
    mine = found.tensorflow.scope.value(epsilon) if epsilon is not None else literal(1e-3)
    theirs = [_value(side, "eps", 1, 1e-5) for side in sides]
    if (epsilon is None and not sides) or differs(mine, theirs):
        wanted["epsilon"] = _epsilon(found, sides)
        said.append(_has("epsilon", epsilon, "1e-3"))
        lines += [epsilon.lineno] if epsilon is not None else []
    momentum = found.layer.argument("momentum", 1)
    mine = found.tensorflow.scope.value(momentum) if momentum is not None else literal(0.99)
    weights = [_of_old(_value(side, "momentum", 2, 0.1)) for side in sides]
    if (momentum is None and not sides) or differs(mine, weights) or _is_pytorchs(mine, sides):
        wanted["momentum"] = _momentum(found, sides)
        said.append(_has("momentum", momentum, "0.99"))
        lines += [momentum.lineno] if momentum is not None else []
    if not wanted:
        return
    good = {name: text for name, text in wanted.items() if text}
    pytorch = f" as PyTorch's {sides[0].owner.name}{told(sides[0])} says" if sides else ""
    swapped = (
        " PyTorch's momentum is the weight of the new value, Keras's that of the old one: 0.1 becomes 0.9."
    )
    yield RULE.finding(
        found.pair.path,
        min(lines, default=found.layer.line),
        f"{found.symbol} has {' and '.join(said)}",
        f"Give it {' and '.join(f'{name}={text}' for name, text in good.items()) or 'the epsilon and 1 - momentum of the PyTorch layer'},"
        f"{pytorch}.".replace(",.", ".")
        + (swapped if "momentum" in wanted else ""),
        symbol=found.symbol,
        edits=set_arguments(port, found.pair.path, found.layer.call, good) if good == wanted else (),
        level="error" if "epsilon" in wanted or _is_known(port) else "warning",
    )


_KNOWN: dict[str | None, bool] = {}


def _is_known(port: Port) -> bool:
    """The base has ports with the right momentum. Before #19454 none had, and reviewers let PyTorch's pass."""
    sha = port.base.sha
    if sha is None or sha not in _KNOWN:
        # Other rules read these modules, too, so that this is faster than a search of all files.
        known = any("momentum=0.9" in read(port.base, path) for path in tensorflow_paths(port.base))
        if sha is None:
            return known
        if len(_KNOWN) > 256:
            _KNOWN.clear()
        _KNOWN[sha] = known
    return _KNOWN[sha]


def _value(side: Side, name: str, position: int, default: float) -> Value | None:
    node = side.layer.argument(name, position)
    return side.scope.value(node) if node is not None else literal(default)


def _of_old(value: Value | None) -> Value | None:
    """Keras's momentum for PyTorch's."""
    if value is None or not value.is_literal or not isinstance(value.plain, (int, float)):
        return None
    return literal(round(1 - value.plain, 10))


def _is_pytorchs(mine: Value | None, sides: list[Side]) -> bool:
    """0.1 without a PyTorch layer to ask."""
    return not sides and mine is not None and mine.equals(literal(0.1))


def _has(name: str, node: ast.expr | None, default: str) -> str:
    return f"no {name}, so that Keras takes {default}" if node is None else f"{name}={ast.unparse(node)}"


def _epsilon(found: LayerPair, sides: list[Side]) -> str:
    node = sides[0].layer.argument("eps", 1) if sides else None
    return usable(sides[0].scope.value(node), node, found) if node is not None else "1e-5"


def _momentum(found: LayerPair, sides: list[Side]) -> str:
    node = sides[0].layer.argument("momentum", 2) if sides else None
    if node is None:
        return "0.9"
    value = sides[0].scope.value(node)
    old = _of_old(value)
    if old is not None and isinstance(old.plain, float):
        return spelled(old.plain)
    text = usable(value, node, found)
    return f"1 - {text}" if text else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = "keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, "

RULE = Rule(
    slug="batch-norm-defaults",
    level="error",
    summary="BatchNormalization has the epsilon of the PyTorch layer, and 1 minus its momentum.",
    why=(
        "Keras takes epsilon 1e-3 and momentum 0.99, PyTorch 1e-5 and 0.1. Epsilon changes every output. Momentum means the opposite: "
        "PyTorch's is the weight of the new batch, Keras's that of the running mean; a copied 0.1 forgets nine tenths at each step of "
        "training."
    ),
    how="Write both: `epsilon=` as PyTorch's `eps` (1e-5 if it gives none), `momentum=` as 1 minus PyTorch's (0.9 if it gives none).",
    guide="Step 4: the frameworks' defaults differ (batch norm and layer norm have other epsilons); give them explicitly.",
    source="#18597, #19454: four merged models had to be mended",
    check=check,
    examples=(
        Example(
            title="The momentum of PyTorch",
            path=_TF,
            good=_GOOD,
            bad=_GOOD.replace("0.9", "0.1"),
            finds=(
                'self.normalization = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.1, name="lens.1")',
            ),
            fixed=True,
        ),
        Example(
            title="Both are left to Keras",
            path=_TF,
            good=_GOOD,
            bad="keras.layers.BatchNormalization(",
            finds=('self.normalization = keras.layers.BatchNormalization(name="lens.1")',),
            fixed=True,
        ),
    ),
)

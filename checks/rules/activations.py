"""Which activation functions the classes use."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.conventions import SOURCE, read
from checks.layer_pairs import Pairing, is_keras, pairing, split_name
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Level
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.rules._common import enumerate_names
from checks.source.activations import Activation, activations, same, table_keys
from checks.source.layers import ClassLayers
from checks.source.python import dotted, walk

_TABLE = f"{SOURCE}/activations_tf.py"
_IDENTITIES = ("linear", "")


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    keys = table_keys(read(port.head, _TABLE) or read(port.base, _TABLE))
    for pair in paired.pairs:
        made = activations(pair.tensorflow)
        yield from _called_again(port, pair, made)
        for one in made:
            yield from _unknown(paired, pair, one, keys)
        yield from _other(port, paired, pair, made)


def _other(port: Port, paired: Pairing, pair: Pair, made: tuple[Activation, ...]) -> Iterator[Finding]:
    """Functions that the PyTorch class does not use."""
    theirs = [(owner, one) for owner in pair.pytorch for one in activations(owner)]
    names = {one.name for _, one in theirs} - {"linear"}
    if not names or "" in names:
        return
    synonyms = {f"config.{k}": f"config.{v}" for k, v in paired.config.synonyms.items()}
    names = {synonyms.get(name, name) for name in names}
    for one in made:
        name = synonyms.get(one.name, one.name)
        own = [(o, t) for o, t in theirs if t.attribute and t.attribute in (one.attribute, _root(pair, one))]
        wanted = {synonyms.get(t.name, t.name) for _, t in own} or names
        if name in wanted or name in _IDENTITIES or (not own and name in names):
            continue
        owner, other = (own or theirs)[0]
        sure = len(wanted) == 1 and (bool(own) or len({o.name for o in made} - {*_IDENTITIES}) == 1)
        yield _finding(port, paired, pair, one, owner, other, "error" if sure else "warning")
    used = [one for one in made if one.name != "linear"]
    if (
        not used
        and len(names) == 1
        and all(one.layer is False for _, one in theirs)
        and _is_plain(port, pair)
    ):
        owner, other = theirs[0]
        yield RULE.finding(
            pair.path,
            pair.facts.line,
            f"{pair.name} applies no activation; PyTorch has {_spelled(other.name)}",
            f"Apply {_spelled(other.name)}, as {owner.name} does{_at(paired, owner, other.node)}.",
            symbol=pair.name,
            column=pair.facts.column,
            level="warning",
        )


def _root(pair: Pair, one: Activation) -> str:
    """The name of the layer that holds it, which is an attribute of the PyTorch class."""
    layers = pair.tensorflow.of(one.attribute) if one.attribute and not one.layer else ()
    return split_name(layers[0].name)[0] if layers and layers[0].name else ""


def _is_plain(port: Port, pair: Pair) -> bool:
    """A layer that does its work itself, so that what is missing is missing."""
    bases = [base.rsplit(".", 1)[-1] for base in pair.tensorflow.bases]
    if not all(is_keras(layer) for layer in pair.tensorflow.layers):
        return False
    return (
        bases == ["Layer"]
        and pair.tensorflow.method("call") is not None
        and not pair.name.endswith("MainLayer")
    )


def _finding(
    port: Port,
    paired: Pairing,
    pair: Pair,
    one: Activation,
    owner: ClassLayers,
    other: Activation,
    level: Level,
) -> Finding:
    symbol = f"{pair.name}.{one.attribute or one.method}"
    text = ""
    if one.layer and not other.from_config:
        text = f'"{other.name}"'
    elif isinstance(one.node, ast.Call) and dotted(one.node.func).endswith("get_tf_activation"):
        text = f"get_tf_activation({other.name if other.from_config else repr(other.name)})".replace("'", '"')
    lines = port.text(pair.path).split("\n")
    start = place(lines, one.node.lineno, one.node.col_offset)
    end = place(lines, one.node.end_lineno or one.node.lineno, one.node.end_col_offset or 0)
    if other.from_config and not one.from_config:
        message = f"{symbol} is always {_spelled(one.name)}; PyTorch reads {other.name}"
    else:
        message = f"{symbol} is {_spelled(one.name)}; PyTorch has {_spelled(other.name)}"
    advice = f"Use {_call(other)}, as in {owner.name}{_at(paired, owner, other.node)}."
    return RULE.finding(
        pair.path,
        one.node.lineno,
        message,
        advice,
        symbol=symbol,
        column=start[1],
        level=level,
        edits=(Edit(pair.path, start, end, text),) if text and _can_write(pair, one, other) else (),
    )


def _can_write(pair: Pair, one: Activation, other: Activation) -> bool:
    init = pair.tensorflow.method(one.method)
    names = {a.arg for a in init.args.args} if init else set[str]()
    return not other.from_config or "config" in names


def _call(other: Activation) -> str:
    if other.from_config:
        return f"get_tf_activation({other.name})"
    if other.name == "gelu_new":
        return 'get_tf_activation("gelu_new") (the tanh form)'
    return f'get_tf_activation("{other.name}")' + (" (the exact form)" if other.name == "gelu" else "")


def _spelled(name: str) -> str:
    return name if name.startswith("config.") else f'"{name}"'


def _at(paired: Pairing, owner: ClassLayers, node: ast.expr) -> str:
    path = paired.path_of(owner)
    return f" ({path}:{node.lineno})" if path else ""


def _unknown(paired: Pairing, pair: Pair, one: Activation, keys: frozenset[str]) -> Iterator[Finding]:
    """Keys that the table of TensorFlow does not have."""
    if not keys or not _from_table(one.node):
        return
    written = _written(one.node)
    if written is not None:
        names = {written}
    elif one.from_config:
        defaults = paired.config.defaults.get(one.name.removeprefix("config."), ())
        names = {default for default in defaults if isinstance(default, str)}
    else:
        return
    missing = sorted(names - keys)
    if missing:
        near = [key for key in sorted(keys) if same(key) == same(missing[0])]
        yield RULE.finding(
            pair.path,
            one.node.lineno,
            f'{pair.name} looks up "{missing[0]}", which the table of {_TABLE} does not have'
            + (f": it is the default of {one.name}" if written is None else ""),
            f'Use "{near[0]}", which is the same.'
            if near and written is not None
            else f"Add it to ACT2FN of {_TABLE}"
            + (f' ("{near[0]}" is the same function)' if near else "")
            + f"; it has {enumerate_names(sorted(keys), 30)}.",
            symbol=f"{pair.name}.{one.attribute or one.method}",
        )


def _from_table(node: ast.expr) -> bool:
    return dotted(node).rsplit(".", 1)[-1] in ("get_tf_activation", "ACT2FN")


def _written(node: ast.expr) -> str | None:
    key = (
        node.slice
        if isinstance(node, ast.Subscript)
        else node.args[0]
        if isinstance(node, ast.Call) and node.args
        else None
    )
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None


def _called_again(port: Port, pair: Pair, made: tuple[Activation, ...]) -> Iterator[Finding]:
    """`ACT2FN[…]()`: what the table holds are functions, not classes."""
    init = pair.tensorflow.method("__init__")
    if init is None or not any(_from_table(one.node) for one in made):
        return
    held = {
        dotted(node.targets[0])
        for node in walk(init)
        if isinstance(node, ast.Assign) and _is_function(node.value)
    }
    for node in walk(init):
        if not isinstance(node, ast.Call) or node.args or node.keywords:
            continue
        if _is_function(node.func) or (
            held and not isinstance(node.func, ast.Call) and dotted(node.func) in held
        ):
            lines = port.text(pair.path).split("\n")
            start = place(lines, node.func.end_lineno or node.lineno, node.func.end_col_offset or 0)
            end = place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
            yield RULE.finding(
                pair.path,
                node.lineno,
                f"{pair.name} calls {ast.unparse(node.func)} to make an activation, but it is the function already",
                "Leave out the empty parentheses: TensorFlow's table holds functions, where PyTorch's holds classes.",
                symbol=f"{pair.name}.__init__",
                edits=(Edit(pair.path, start, end, ""),),
            )


def _is_function(node: ast.expr) -> bool:
    """`ACT2FN[…]`, `get_tf_activation(…)`."""
    if isinstance(node, ast.Subscript):
        return dotted(node.value) == "ACT2FN"
    return isinstance(node, ast.Call) and dotted(node.func) == "get_tf_activation" and bool(node.args)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="activations",
    level="error",
    summary="Activations are those of the PyTorch class: from the configuration where it reads that, and of the same kind.",
    why=(
        "Another activation computes something else with the same weights. `gelu` and `gelu_new` differ by 5e-4, which passes a quick look "
        "and fails the cross tests. Where the configuration decides, a fixed one is right for some checkpoints only."
    ),
    how=(
        "Write `get_tf_activation(config.hidden_act)` where PyTorch has `ACT2FN[config.hidden_act]`. What it gives is the function: do not "
        "call it once more to make it. TensorFlow's table lacks some of PyTorch's keys."
    ),
    source="a real draft's history; research into merged ports: none differs",
    check=check,
    examples=(
        Example(
            title="A fixed function where PyTorch reads the configuration",
            path=_TF,
            good="self.act = get_tf_activation(config.hidden_act)",
            bad='self.act = get_tf_activation("gelu")',
            finds=('self.act = get_tf_activation("gelu")',),
            fixed=True,
        ),
        Example(
            title="Another function",
            path=_TF,
            good='activation="tanh"',
            bad='activation="relu"',
            finds=('activation="relu",',),
            fixed=True,
        ),
        Example(
            title="Called once more",
            path=_TF,
            good="self.act = get_tf_activation(config.hidden_act)",
            bad="self.act = get_tf_activation(config.hidden_act)()",
            finds=("self.act = get_tf_activation(config.hidden_act)()",),
            fixed=True,
        ),
    ),
)

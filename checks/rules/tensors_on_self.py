"""No tensor is kept on `self` while the model runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.layers import argument
from checks.source.walk import Function, calls, nodes, on_self


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        kept = [(call, node, name) for node, name in _kept(call)]
        for helper in _helpers(pair, call):
            kept += [(helper, node, name) for node, name in _kept(helper)]
        if kept:
            function, node, name = kept[0]
            yield RULE.finding(
                pair.path,
                node.lineno,
                f"{pair.name}.{function.name} keeps a value of this call as self.{name}",
                "Use a local variable and hand it on: in a tf.function the next call finds a tensor of another graph there, which raises "
                "an error.",
                symbol=f"{pair.name}.{function.name}",
                column=node.col_offset + 1,
                locations=[Location(pair.path, other.lineno) for _, other, _ in kept[1:]],
            )
    if not seen:
        raise NotBegun("no call() yet")


def _kept(function: Function) -> Iterator[tuple[ast.stmt, str]]:
    for node in nodes(function):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
            value = node.value
            if value is None or _is_lasting(value):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from ((node, name) for part in parts if (name := on_self(part)))


def _is_lasting(value: ast.expr) -> bool:
    """A constant, or a weight that is made."""
    if isinstance(value, ast.Constant):
        return True
    return (
        isinstance(value, ast.Call)
        and on_self(value.func) == "add_weight"
        and argument(value, "name") is not None
    )


def _helpers(pair: Pair, call: Function) -> Iterator[Function]:
    names = {on_self(node.func) for node in calls(call)} - {"", "build", "call"}
    for name in sorted(names):
        helper = pair.tensorflow.method(name)
        if helper is not None:
            yield helper


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="tensors-on-self",
    level="warning",
    summary="`call` assigns nothing to `self`.",
    why=(
        "`call` is traced once and then runs as a graph. A tensor that it keeps on `self` belongs to the graph of that trace: the next trace, "
        "or anybody who looks at it, gets an error."
    ),
    how="Compute it anew, return it, or compute what does not depend on the input in `__init__`.",
    source="asked for in review, #29708 and #19587",
    check=check,
    examples=(
        Example(
            title="A cache",
            path=_TF,
            good="        attention = stable_softmax(scores, axis=-1)\n        context = self.act(tf.matmul(attention, hidden_states))\n",
            bad="        self.attention = stable_softmax(scores, axis=-1)\n        context = self.act(tf.matmul(self.attention, hidden_states))\n",
            finds=("self.attention = stable_softmax(scores, axis=-1)",),
        ),
    ),
)

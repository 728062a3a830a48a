"""Layers and parameters that nobody uses, names that say nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Set

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import bases, by_name, forward, is_main_layer, is_model, method, pairs_of
from checks.source.walk import Function, Parameter, methods, nodes, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    short: list[tuple[Pair, Parameter]] = []
    for pair in pairs_of(port):
        if not port.is_keras(pair.facts):
            continue
        seen = True
        yield from _layers(port, pair)
        call = pair.tensorflow.method("call")
        if call is None or is_model(pair) or is_main_layer(pair):
            continue
        theirs = forward(pair)
        known = parameters(theirs) if theirs else {}
        yield from _parameters(pair, call, known.keys())
        # Merged ports have copied stochastic depth from each other with its x.
        if theirs is not None and not pair.name.endswith("DropPath"):
            short += [
                (pair, p) for name, p in parameters(call).items() if len(name) == 1 and name not in known
            ]
    if short:
        pair, first = short[0]
        yield RULE.finding(
            pair.path,
            first.line,
            f"{pair.name}.call takes {first.name}, which says nothing of what it is",
            "Give it the name that PyTorch's forward has, or hidden_states.",
            symbol=f"{pair.name}.call",
            column=first.column,
            locations=[Location(other.path, p.line) for other, p in short[1:]],
        )
    if not seen:
        raise NotBegun("no layer yet")


def _layers(port: Port, pair: Pair) -> Iterator[Finding]:
    """Made in the constructor, and mentioned nowhere but where it is built."""
    own = {
        layer.attribute
        for layer in pair.tensorflow.layers
        if layer.method == "__init__" and layer.attribute and (layer.is_keras or layer.short in by_name(port))
    }
    if not own or method(pair, "call") is None or "__call__" in pair.facts.methods:
        return
    used = {
        node.attr
        for function in methods(pair.tensorflow.node)
        if function.name != "build"
        for node in nodes(function)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    used |= {
        node.value
        for function in methods(pair.tensorflow.node)
        if function.name != "build"
        for node in nodes(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for attribute in sorted(own - used, key=lambda name: pair.tensorflow.of(name)[0].line):
        layers = pair.tensorflow.of(attribute)
        # Subclasses, and other classes of the module, may use it.
        if _mentioned_outside(port, pair, attribute) or any(layer.conditional for layer in layers):
            continue
        if attribute in pair.pytorch_attributes and not _used_in_pytorch(pair, attribute):
            continue
        yield RULE.finding(
            pair.path,
            layers[0].line,
            f"self.{attribute} of {pair.name} is made, but never used",
            "Use it where PyTorch's forward does, or remove it.",
            symbol=f"{pair.name}.{attribute}",
        )


def _used_in_pytorch(pair: Pair, attribute: str) -> bool:
    theirs = forward(pair)
    return theirs is not None and any(
        isinstance(n, ast.Attribute) and n.attr == attribute for n in nodes(theirs)
    )


def _mentioned_outside(port: Port, pair: Pair, attribute: str) -> bool:
    pattern = re.compile(rf"\.{attribute}\b")
    for module in port.modules:
        lines = port.text(module.path).split("\n")
        if module.path == pair.path:
            lines = [*lines[: pair.facts.line - 1], *lines[pair.facts.end_line :]]
            subclasses = any(pair in bases(other) and other is not pair for other in pairs_of(port))
            # `.dense` occurs everywhere; only who holds or extends the class can mean this one.
            if not subclasses and not any(
                re.search(rf"\bself\.\w+(\[\w+\])?\.{attribute}\b", line) for line in lines
            ):
                continue
        if any(pattern.search(line) for line in lines):
            return True
    return False


def _parameters(pair: Pair, call: Function, known: Set[str]) -> Iterator[Finding]:
    read = {node.id for node in nodes(call) if isinstance(node, ast.Name)}
    unused = [
        p
        for name, p in parameters(call).items()
        if name not in read and name != "training" and name not in known
    ]
    if unused and call.args.kwarg is None and len(call.body) > 1:
        names = [p.name for p in unused]
        yield RULE.finding(
            pair.path,
            unused[0].line,
            f"{pair.name}.call does not use {enumerate_names(names)}",
            f"Remove {verb(names, 'it', 'them')}, if no caller has to pass {verb(names, 'it', 'them')}.",
            symbol=f"{pair.name}.call",
            column=unused[0].column,
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="unused-code",
    level="suggestion",
    summary="Layers and parameters are used, and have names that say what they are.",
    why="A layer that PyTorch uses and TensorFlow only makes is a bug that no test of shapes finds. Everything else is read in vain.",
    how="Use it as PyTorch does, or remove it.",
    source="asked for in review, #23342 and #18678",
    check=check,
    examples=(
        Example(
            title="Dropout that is never applied",
            path=_TF,
            good="        return self.dropout(embeddings, training=training)\n",
            bad="        return embeddings\n",
            finds=("self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)#1",),
        ),
        Example(
            title="A parameter with one letter",
            path=_TF,
            good="    def call(self, hidden_states: tf.Tensor) -> tf.Tensor:\n        return self.dense(hidden_states[:, 0])\n",
            bad="    def call(self, x: tf.Tensor) -> tf.Tensor:\n        return self.dense(x[:, 0])\n",
            finds=("def call(self, x: tf.Tensor) -> tf.Tensor:",),
        ),
    ),
)

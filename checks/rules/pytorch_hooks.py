"""Hooks of PyTorch's models that TensorFlow's have no use for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Level, Location
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.walk import calls, methods, nodes, on_self

_METHODS = ("post_init", "_init_weights", "init_weights", "_set_gradient_checkpointing")


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    texts = {module.path: port.text(module.path) for module in port.modules}
    if not any(word in text for text in texts.values() for word in (*_METHODS, "gradient_checkpointing")):
        return
    for pair in pairs_of(port):
        if not port.is_keras(pair.facts):
            continue
        own = {function.name for function in methods(pair.tensorflow.node)}
        for function in methods(pair.tensorflow.node):
            if function.name in _METHODS:
                yield _finding(
                    pair,
                    function,
                    f"{pair.name} defines {function.name}, which nobody calls in TensorFlow",
                    "Remove it. Layers get their initial values from their initializers.",
                    "warning",
                )
            for call in calls(function):
                name = on_self(call.func)
                if name in ("post_init", "init_weights", "apply") and name not in own:
                    yield _finding(
                        pair,
                        call,
                        f"{pair.name}.{function.name} calls self.{name}, which TensorFlow's models do not have",
                        "Remove the line. Layers get their initial values from their initializers.",
                        None,
                        _line(port, pair, call),
                    )
    yield from _checkpointing(port)


def _finding(
    pair: Pair,
    node: ast.expr | ast.stmt,
    message: str,
    advice: str,
    level: Level | None,
    edits: tuple[Edit, ...] = (),
) -> Finding:
    return RULE.finding(
        pair.path,
        node.lineno,
        message,
        advice,
        symbol=pair.name,
        column=node.col_offset + 1,
        level=level,
        edits=edits,
    )


def _line(port: Port, pair: Pair, call: ast.Call) -> tuple[Edit, ...]:
    """The whole line, and the comment above that says the same."""
    lines = port.text(pair.path).split("\n")
    if lines[call.lineno - 1].strip() != ast.unparse(call):
        return ()
    first = call.lineno
    while first > 1 and lines[first - 2].strip().startswith("# Initialize weights"):
        first -= 1
    return (replace_lines(pair.path, first, call.lineno, ""),)


def _checkpointing(port: Port) -> Iterator[Finding]:
    places: list[tuple[Pair, int]] = []
    for pair in pairs_of(port):
        for function in methods(pair.tensorflow.node):
            for node in nodes(function):
                if isinstance(node, ast.Assign) and any(
                    on_self(t) == "gradient_checkpointing" for t in node.targets
                ):
                    places.append((pair, node.lineno))
        if "supports_gradient_checkpointing" in pair.facts.attributes:
            places.append((pair, pair.facts.attributes["supports_gradient_checkpointing"][1]))
    if places:
        pair, line = places[0]
        yield RULE.finding(
            pair.path,
            line,
            f"{pair.name} sets a flag for gradient checkpointing, which TensorFlow's models do not have",
            "Remove it, and what depends on it.",
            symbol=pair.name,
            locations=[Location(other.path, at) for other, at in places[1:]],
            level="suggestion",
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_HEAD = (
    "        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.classifier"
)

RULE = Rule(
    slug="pytorch-hooks",
    level="error",
    summary="`post_init`, `_init_weights` and gradient checkpointing stay in PyTorch.",
    why="`TFPreTrainedModel` has no `post_init`: the constructor fails. The others are dead code that readers look for a meaning in.",
    how="Remove them. Initial values come from `kernel_initializer=get_initializer(config.initializer_range)`.",
    source="Whisper's review: remove the copied gradient checkpointing; TFPreTrainedModel",
    check=check,
    examples=(
        Example(
            title="post_init was copied",
            path=_TF,
            good=_HEAD,
            bad="        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.post_init()\n        self.classifier",
            finds=("self.post_init()",),
            fixed=True,
        ),
        Example(
            title="A flag for gradient checkpointing",
            path=_TF,
            good=_HEAD,
            bad="        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.gradient_checkpointing = False\n"
            "        self.classifier",
            finds=("self.gradient_checkpointing = False",),
        ),
    ),
)

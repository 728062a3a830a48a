"""What Python does once only, while the graph is traced: logging of values, changes of outputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.python import dotted, walk
from checks.source.walk import Function, calls, nodes, on_self, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        yield from _logged(pair, call)
        yield from _changed(pair, call)
    if not seen:
        raise NotBegun("no call() yet")


def _logged(pair: Pair, call: Function) -> Iterator[Finding]:
    for node in calls(call):
        if not dotted(node.func).startswith("logger.") or not node.args:
            continue
        inputs = parameters(call).keys()
        values = [part for part in walk(node.args[0]) if isinstance(part, ast.Name) and part.id in inputs]
        if values:
            yield RULE.finding(
                pair.path,
                node.lineno,
                f"{pair.name}.call logs {values[0].id}, of which a graph knows no value",
                "Use tf.debugging.assert_… or tf.print, or check it before the model is called.",
                symbol=f"{pair.name}.call",
                column=node.col_offset + 1,
                level="suggestion",
            )


def _changed(pair: Pair, call: Function) -> Iterator[Finding]:
    """`outputs.loss = …` of what a layer returned."""
    outputs = {
        target.id
        for node in nodes(call)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and on_self(node.value.func)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in nodes(call):
        if not isinstance(node, (ast.Assign, ast.AugAssign)):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            inner = target.value if isinstance(target, (ast.Attribute, ast.Subscript)) else None
            key = isinstance(target, ast.Attribute) or (
                isinstance(target, ast.Subscript)
                and isinstance(target.slice, ast.Constant)
                and isinstance(target.slice.value, str)
            )
            if isinstance(inner, ast.Name) and inner.id in outputs and key:
                yield RULE.finding(
                    pair.path,
                    node.lineno,
                    f"{pair.name}.call changes what a layer returned: {ast.unparse(target)} = …",
                    "Keep the new value in a local variable and make a new output of it: a compiled call must not change its inputs.",
                    symbol=f"{pair.name}.call",
                    column=node.col_offset + 1,
                )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_OUTPUT = """\
        outputs = self.lantern(input_ids, return_dict=return_dict, training=training)
        logits = self.classifier(outputs[0])
"""

RULE = Rule(
    slug="side-effects",
    level="warning",
    summary="`call` changes no output of a layer and logs no values.",
    why=(
        "In a graph, Python runs once: what is logged then is the name of a tensor, and what is changed on an output is not seen by the "
        "compiled code, or raises an error."
    ),
    how="Make a new `TF…Output(loss=…, logits=…)`.",
    source="#28712 (BLIP), #25496 (Longformer)",
    check=check,
    examples=(
        Example(
            title="An output is changed",
            path=_TF,
            good=_OUTPUT,
            bad=_OUTPUT + "        outputs.logits = logits\n",
            finds=("outputs.logits = logits",),
        ),
    ),
)

"""`training=False`, or another argument in its place."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.source.calls import Call, calls
from checks.source.training import flagged_calls, parameters


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    found, classes = paired.pairs, paired.classes
    for pair in found:
        flagged = {id(call.node): call.given for call in flagged_calls(pair.tensorflow, classes)}
        for call in calls(pair.tensorflow.node):
            value = next((k.value for k in call.node.keywords if k.arg == "training"), None)
            if value is None and id(call.node) in flagged:
                value = flagged[id(call.node)]
            own = call.name.startswith(("self.", "super")) or (call.name.islower() and "." not in call.name)
            if value is not None and own:
                yield from _of(port, pair, call, value)


def _of(port: Port, pair: Pair, made: Call, value: ast.expr) -> Iterator[Finding]:
    method = pair.tensorflow.method(made.method)
    known = parameters(method) if method is not None else []
    constant = isinstance(value, ast.Constant) and isinstance(value.value, bool)
    other = isinstance(value, ast.Name) and value.id != "training" and value.id in known
    if not (constant and (made.method == "call" or "training" in known)) and not other:
        return
    lines = port.text(pair.path).split("\n")
    start = place(lines, value.lineno, value.col_offset)
    end = place(lines, value.end_lineno or value.lineno, value.end_col_offset or 0)
    always = "never" if constant and isinstance(value, ast.Constant) and not value.value else "always"
    yield RULE.finding(
        pair.path,
        value.lineno,
        f"{pair.name}.{made.method} gives {made.name} training={ast.unparse(value)}"
        + (f", so that it {always} trains" if constant else ", which is another argument"),
        "Write training=training" + ("." if "training" in known else ", and take training=False in call()."),
        symbol=f"{pair.name}.{made.method}",
        column=start[1],
        edits=(Edit(pair.path, start, end, "training"),) if "training" in known else (),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="constant-training",
    level="error",
    summary="Layers get the flag that `call` was given, no constant and no other argument.",
    why=(
        "With `training=False` the layer never drops anything and batch statistics never move: the model can be evaluated but not trained. With "
        "`training=True` its outputs are random. Keras hands the right value on by itself only where none is given."
    ),
    how="Write `training=training`.",
    guide="Step 4, checklist: layers that act differently in training get the training argument, all the way from the top classes.",
    source="no merged port has a constant there",
    check=check,
    examples=(
        Example(
            title="Always off",
            path=_TF,
            good="        return self.dropout(embeddings, training=training)",
            bad="        return self.dropout(embeddings, training=False)",
            finds=("return self.dropout(embeddings, training=False)",),
            fixed=True,
        ),
        Example(
            title="Another argument",
            path=_TF,
            good="        return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)",
            bad="        return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=return_dict)",
            finds=(
                "return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=return_dict)",
            ),
            fixed=True,
        ),
    ),
)

"""Tuple and ModelOutput have the same order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.python import dotted
from checks.source.walk import nodes


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        returned = [
            node.value for node in nodes(call) if isinstance(node, ast.Return) and node.value is not None
        ]
        tuples = [value for value in returned if isinstance(value, ast.Tuple)]
        outputs = [
            value
            for value in returned
            if isinstance(value, ast.Call) and dotted(value.func).rsplit(".", 1)[-1].startswith("TF")
        ]
        if len(outputs) != 1:
            continue
        fields = [ast.unparse(keyword.value) for keyword in outputs[0].keywords]
        for value in tuples:
            items = [ast.unparse(item) for item in value.elts]
            ours = [item for item in items if item in fields]
            theirs = [field for field in fields if field in ours]
            if len(set(ours)) == len(ours) and ours != theirs:
                yield RULE.finding(
                    pair.path,
                    value.lineno,
                    f"The tuple of {pair.name}.call has another order than its {dotted(outputs[0].func)}",
                    f"Return ({', '.join(theirs)}), as the fields of the output come.",
                    symbol=f"{pair.name}.call",
                    column=value.col_offset + 1,
                )
    if not seen:
        raise NotBegun("no call() yet")


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="output-order",
    level="warning",
    summary="With `return_dict=False`, `call` returns the fields of its output in their order.",
    why="`outputs[0]` means the same for both forms; heads and the common tests rely on it.",
    how="Put the tuple in the order of the `TF…Output`.",
    source="#22620: tuple and dict differed",
    check=check,
    examples=(
        Example(
            title="The pooled output comes first",
            path=_TF,
            good="            return (hidden_states, pooled_output)\n",
            bad="            return (pooled_output, hidden_states)\n",
            finds=("return (pooled_output, hidden_states)",),
        ),
    ),
)

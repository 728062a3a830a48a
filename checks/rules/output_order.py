"""Tuple and ModelOutput have the same order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import forward, pairs_of
from checks.source.python import dotted, walk
from checks.source.walk import Function, nodes, parameters


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
        tuples = [found for value in returned if (found := _tuple(value)) is not None]
        outputs = [
            value
            for value in returned
            if isinstance(value, ast.Call) and dotted(value.func).rsplit(".", 1)[-1].startswith("TF")
        ]
        if len(outputs) != 1:
            continue
        yield from _always(pair, call, outputs[0])
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


def _always(pair: Pair, call: Function, output: ast.Call) -> Iterator[Finding]:
    """An output although `return_dict=False` asks for a tuple, which PyTorch gives."""
    theirs = forward(pair)
    if "return_dict" in parameters(call) and theirs is not None and _asks(theirs) and not _asks(call):
        yield RULE.finding(
            pair.path,
            output.lineno,
            f"{pair.name}.call takes return_dict, but never returns a tuple",
            f"Return a tuple if not return_dict, as {pair.pytorch[0].name}.forward does.",
            symbol=f"{pair.name}.call",
            column=output.col_offset + 1,
        )


def _asks(function: Function) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == "return_dict"
        for branch in nodes(function)
        if isinstance(branch, (ast.If, ast.IfExp)) and "return_dict is" not in ast.unparse(branch.test)
        for node in walk(branch.test)
    )


def _tuple(value: ast.expr) -> ast.Tuple | ast.List | None:
    """`(a, b)`, and the list of `tuple(v for v in [a, b] if v is not None)`."""
    if isinstance(value, ast.Tuple):
        return value
    if isinstance(value, ast.Call) and dotted(value.func) == "tuple" and len(value.args) == 1:
        made = value.args[0]
        if isinstance(made, (ast.GeneratorExp, ast.ListComp)) and len(made.generators) == 1:
            listed = made.generators[0].iter
            return listed if isinstance(listed, (ast.Tuple, ast.List)) else None
    return None


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="output-order",
    level="warning",
    summary="With `return_dict=False`, `call` returns a tuple: the fields of its output in their order.",
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
        Example(
            title="The pooled output comes first, where it is there",
            path=_TF,
            good="            return (hidden_states, pooled_output)\n",
            bad="            return tuple(v for v in [pooled_output, hidden_states] if v is not None)\n",
            finds=("return tuple(v for v in [pooled_output, hidden_states] if v is not None)",),
        ),
        Example(
            title="There is no tuple",
            path=_TF,
            good="        if not return_dict:\n            return (hidden_states, pooled_output)\n",
            bad="        return_dict = return_dict if return_dict is not None else True\n",
            finds=(
                "return TFBaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled_output)",
            ),
        ),
    ),
)

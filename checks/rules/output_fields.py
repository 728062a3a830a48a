"""Outputs have the fields that PyTorch's have."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.rules._structure import forward, pairs_of, pytorch_place
from checks.source.python import dotted
from checks.source.walk import Function, nodes, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    declared = {p.name.removeprefix("TF"): _fields(p.tensorflow.node) for p in pairs_of(port)}
    for pair in pairs_of(port):
        if "ModelOutput" in pair.tensorflow.bases:
            seen = True
            yield from _declared(pair)
        call, theirs = pair.tensorflow.method("call"), forward(pair)
        if call is not None:
            seen = True
        if call is not None and theirs is not None:
            yield from _returned(pair, call, theirs, declared)
    if not seen:
        raise NotBegun("no call() yet")


def _declared(pair: Pair) -> Iterator[Finding]:
    """The fields of a `ModelOutput` of the port."""
    ours = _fields(pair.tensorflow.node)
    for twin in pair.pytorch:
        theirs = _fields(twin.node)
        if not theirs or not ours or "ModelOutput" not in twin.bases:
            continue
        missing = [name for name in theirs if name not in ours and "loss" not in name]
        common = [name for name in ours if name in theirs]
        where = pytorch_place(pair, twin.node.lineno)
        if missing:
            yield RULE.finding(
                pair.path,
                pair.facts.line,
                f"{pair.name} has no {enumerate_names(missing)}; PyTorch's {twin.name} has ({where})",
                "Add it in PyTorch's place: the cross tests compare the outputs field by field.",
                symbol=pair.name,
                column=pair.facts.column,
            )
        elif common != [name for name in theirs if name in common]:
            first = next(name for name, other in zip(common, theirs, strict=False) if name != other)
            yield RULE.finding(
                pair.path,
                ours[first],
                f"The fields of {pair.name} come in another order than those of PyTorch's {twin.name} ({where})",
                f"Their order is {', '.join(theirs)}; outputs[0] and tuples follow it.",
                symbol=pair.name,
            )


def _fields(node: ast.ClassDef) -> dict[str, int]:
    """The annotated fields of a class in their order, with their lines."""
    return {
        part.target.id: part.lineno
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }


def _returned(
    pair: Pair, call: Function, theirs: Function, declared: Mapping[str, Mapping[str, int]]
) -> Iterator[Finding]:
    """`return TFXOutput(…)` without a field that `forward` fills."""
    ours = _outputs(call)
    labelled = any("label" in name or "position" in name for name in parameters(call))
    for name, their_call in _outputs(theirs).items():
        our_call = ours.get(name)
        if our_call is None or any(k.arg is None for k in (*our_call.keywords, *their_call.keywords)):
            continue
        given = {k.arg for k in our_call.keywords}
        known = declared.get(name)
        missing = [
            k.arg
            for k in their_call.keywords
            if k.arg
            and k.arg not in given
            and (not known or k.arg in known)
            and (labelled or "loss" not in k.arg)
        ]
        if missing and not our_call.args:
            yield RULE.finding(
                pair.path,
                our_call.lineno,
                f"{pair.name}.call returns no {enumerate_names(missing)}; PyTorch's forward does ({pytorch_place(pair, their_call.lineno)})",
                "Pass it to the output, or say in the pull request why it is left out.",
                symbol=f"{pair.name}.call",
                column=our_call.col_offset + 1,
            )


def _outputs(function: Function) -> dict[str, ast.Call]:
    """What a function returns, by the name of the output without TF; only what it makes in one place."""
    made: dict[str, list[ast.Call]] = {}
    for node in nodes(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
            name = dotted(node.value.func).rsplit(".", 1)[-1].removeprefix("TF")
            if name.endswith("Output") or "Output" in name:
                made.setdefault(name, []).append(node.value)
    return {name: found[0] for name, found in made.items() if len(found) == 1}


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="output-fields",
    level="warning",
    summary="Outputs have PyTorch's fields, in PyTorch's order, and `call` fills those that `forward` fills.",
    why="Who changes from PyTorch finds nothing where something was, and `outputs[1]` means another thing.",
    how="Carry over each field of PyTorch's `…Output`; pass on what the encoder returns.",
    guide="Step 4: the outputs are those of PyTorch.",
    source="asked for in review: output classes; upstream test_modeling_tf_common.py, check_pt_tf_outputs",
    check=check,
    examples=(
        Example(
            title="A field is not returned",
            path=_TF,
            good="        return TFBaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled_output)\n",
            bad="        return TFBaseModelOutputWithPooling(last_hidden_state=hidden_states)\n",
            finds=("return TFBaseModelOutputWithPooling(last_hidden_state=hidden_states)",),
        ),
    ),
)

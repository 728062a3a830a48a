"""What `call` takes it uses, and passes on under its own name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import forward, pairs_of, pytorch_place
from checks.source.walk import Function, calls, nodes, parameters

_KNOWN = frozenset(
    {
        "attention_mask",
        "bbox",
        "head_mask",
        "input_ids",
        "inputs_embeds",
        "labels",
        "output_attentions",
        "output_hidden_states",
        "past_key_values",
        "pixel_values",
        "position_ids",
        "return_dict",
        "token_type_ids",
        "use_cache",
    }
)
"""Names that mean the same in every class, so that none is passed as another."""


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        yield from _unused(pair, call)
        yield from _crossed(port, pair, call)
    if not seen:
        raise NotBegun("no call() yet")


def _unused(pair: Pair, call: Function) -> Iterator[Finding]:
    theirs = forward(pair)
    if theirs is None:
        return
    ours, known = parameters(call), parameters(theirs)
    read = _read(call)
    dropped = [name for name in ours if name not in read and name in known and name != "training"]
    if not dropped:
        return
    read_there = _read(theirs)
    wanted = [name for name in dropped if name in read_there]
    if wanted:
        first = ours[wanted[0]]
        yield RULE.finding(
            pair.path,
            first.line,
            f"{pair.name}.call takes {enumerate_names(wanted)} and does not use {verb(wanted, 'it', 'them')}; PyTorch's forward does "
            f"({pytorch_place(pair, theirs.lineno)})",
            "Pass it on as PyTorch does.",
            symbol=f"{pair.name}.call",
            column=first.column,
        )


def _read(function: Function) -> set[str]:
    return {node.id for node in nodes(function) if isinstance(node, ast.Name)}


def _crossed(port: Port, pair: Pair, call: Function) -> Iterator[Finding]:
    theirs = forward(pair)
    same = {
        (keyword.arg, ast.unparse(keyword.value))
        for node in (calls(theirs) if theirs else ())
        for keyword in node.keywords
        if isinstance(keyword.value, ast.Name)
    }
    for node in calls(call):
        for keyword in node.keywords:
            name, value = keyword.arg or "", keyword.value
            if (
                name not in _KNOWN
                or not isinstance(value, ast.Name)
                or value.id not in _KNOWN
                or value.id == name
            ):
                continue
            if (name, value.id) in same:  # BLIP's PyTorch code passes the attention mask as head mask
                continue
            yield RULE.finding(
                pair.path,
                value.lineno,
                f"{pair.name}.call passes {value.id} as {name}",
                f"Write {name}={name}.",
                symbol=f"{pair.name}.call",
                column=value.col_offset + 1,
                edits=_edits(port, pair, call, name, value),
                level="error",
            )


def _edits(port: Port, pair: Pair, call: Function, name: str, value: ast.Name) -> tuple[Edit, ...]:
    if name not in parameters(call) or not port.text(pair.path).split("\n")[value.lineno - 1].isascii():
        return ()
    return (replace(pair.path, value.lineno, value.col_offset + 1, value.id, name),)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_PASSED = "        outputs = self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)\n"

RULE = Rule(
    slug="passed-inputs",
    level="warning",
    summary="What `call` takes it uses as PyTorch's `forward` does, and passes on under its own name.",
    why="An input that is dropped on the way changes the result without an error, and a test whose mask is all ones does not notice.",
    how="`self.lantern(input_ids, attention_mask=attention_mask, …)`: pass every argument on.",
    source="XGLM was merged with position_ids that nobody used",
    check=check,
    examples=(
        Example(
            title="An input is dropped",
            path=_TF,
            good=_PASSED,
            bad=_PASSED.replace(" pixel_values=pixel_values,", ""),
            finds=("pixel_values: TFModelInputType | None = None,#3",),
        ),
        Example(
            title="One for another",
            path=_TF,
            good=_PASSED,
            bad=_PASSED.replace("pixel_values=pixel_values", "pixel_values=input_ids").replace(
                "(input_ids,", "(pixel_values,"
            ),
            finds=(
                "outputs = self.lantern(pixel_values, pixel_values=input_ids, return_dict=return_dict, training=training)",
            ),
            edits_to=_PASSED.replace("(input_ids,", "(pixel_values,"),
        ),
    ),
)

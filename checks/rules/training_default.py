"""`training` is the last parameter of `call`, and False."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.rules._structure import is_main_layer, is_model, pairs_of
from checks.source.walk import Function, Parameter, methods, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    late: list[tuple[Pair, Parameter]] = []
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
        for function in methods(pair.tensorflow.node):
            if function.name != "__init__":
                yield from _true(port, pair, function)
        ours = parameters(call)
        found = ours.get("training")
        if found is None or found.default == "True":
            continue
        if (is_model(pair) or is_main_layer(pair)) and list(ours)[-1] != "training":
            late.append((pair, found))
        elif is_model(pair) and found.default is None:
            yield RULE.finding(
                pair.path,
                found.line,
                f"training of {pair.name}.call has no default",
                "Make it training: bool = False.",
                symbol=f"{pair.name}.call",
                column=found.column,
            )
    if late:
        pair, found = late[0]
        yield RULE.finding(
            pair.path,
            found.line,
            f"training is not the last parameter of {enumerate_names(f'{pair.name}.call' for pair, _ in late)}",
            "Move it to the end, so that positional arguments come in PyTorch's order.",
            symbol=f"{pair.name}.call",
            column=found.column,
            locations=[Location(pair.path, found.line) for pair, found in late[1:]],
        )
    if not seen:
        raise NotBegun("no call() yet")


def _true(port: Port, pair: Pair, function: Function) -> Iterator[Finding]:
    found = parameters(function).get("training")
    if found is not None and found.default == "True":
        yield RULE.finding(
            pair.path,
            found.line,
            f"training of {pair.name}.{function.name} is True by default",
            "Make it training: bool = False: Keras passes True in fit(), and everybody else wants to predict.",
            symbol=f"{pair.name}.{function.name}",
            column=found.column,
            edits=_edits(port, pair, function, found),
            level="error",
        )


def _edits(port: Port, pair: Pair, call: Function, found: Parameter) -> tuple[Edit, ...]:
    arguments = [*call.args.args, *call.args.kwonlyargs]
    defaults = [
        *([None] * (len(call.args.args) - len(call.args.defaults))),
        *call.args.defaults,
        *call.args.kw_defaults,
    ]
    node = next(d for a, d in zip(arguments, defaults, strict=True) if a.arg == found.name)
    line = port.text(pair.path).split("\n")[node.lineno - 1] if node else ""
    return (
        (replace(pair.path, node.lineno, node.col_offset + 1, "True", "False"),)
        if node and line.isascii()
        else ()
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="training-default",
    level="warning",
    summary="`training` is the last parameter of `call`, and `False` by default.",
    why="With True, everybody who calls the model gets dropout in their predictions, and results that differ from PyTorch's in each call.",
    how="`training: bool = False` at the end of the parameters.",
    guide="Step 4, checklist: the training argument.",
    source="“Set training default to False”, #22620",
    check=check,
    examples=(
        Example(
            title="Training by default",
            path=_TF,
            good="    def call(self, input_ids: tf.Tensor, training: bool = False) -> tf.Tensor:",
            bad="    def call(self, input_ids: tf.Tensor, training: bool = True) -> tf.Tensor:",
            finds=("def call(self, input_ids: tf.Tensor, training: bool = True) -> tf.Tensor:",),
            fixed=True,
        ),
        Example(
            title="Not the last",
            path=_TF,
            good="""\
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFSequenceClassifierOutput""",
            bad="""\
        training: bool = False,
        return_dict: bool | None = None,
    ) -> TFSequenceClassifierOutput""",
            finds=("training: bool = False,#3",),
        ),
    ),
)

"""`training` is the last parameter of `call`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.rules._structure import is_main_layer, is_model, pairs_of
from checks.source.walk import Parameter, parameters


def check(port: Port) -> Iterator[Finding]:
    seen = False
    late: list[tuple[Pair, Parameter]] = []
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not port.is_keras(pair.facts):
            continue
        seen = True
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


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="training-default",
    level="warning",
    summary="`training` is the last parameter of `call`, and has a default.",
    why="Positional arguments have to come in PyTorch's order, which knows no `training`; and who only predicts gives none.",
    how="`training: bool = False` at the end of the parameters.",
    guide="Step 4, checklist: the training argument.",
    source="“Set training default to False”, #22620",
    check=check,
    examples=(
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

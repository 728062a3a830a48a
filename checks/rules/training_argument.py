"""`training=training` in calls of layers."""

from __future__ import annotations

from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._arguments import set_arguments
from checks.rules._common import enumerate_names
from checks.source.training import Flagged, flagged_calls, parameters


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    found, classes = paired.pairs, paired.classes
    by_module: dict[str, list[list[_Missing]]] = {}
    for pair in found:
        missing = [
            (pair, call)
            for call in flagged_calls(pair.tensorflow, classes)
            if call.given is None and _has_flag(pair, call.method)
        ]
        if missing:
            by_module.setdefault(pair.path, []).append(missing)
    for groups in by_module.values():
        # A file that never passes it says so once.
        for missing in groups if len(groups) <= _MOST else [[one for group in groups for one in group]]:
            yield _finding(port, missing)


_Missing = tuple[Pair, Flagged]
_MOST = 3
"""Classes of a file that are told one by one."""


def _has_flag(pair: Pair, method: str) -> bool:
    node = pair.tensorflow.method(method)
    return node is not None and "training" in parameters(node)


def _finding(port: Port, missing: list[_Missing]) -> Finding:
    pair, first = missing[0]
    calls = [call for _, call in missing]
    classes = list(dict.fromkeys(pair.name for pair, _ in missing))
    what = enumerate_names(dict.fromkeys(f"self.{call.attribute}" for call in calls))
    edits = [
        edit for call in calls for edit in set_arguments(port, pair.path, call.node, {"training": "training"})
    ]
    return RULE.finding(
        pair.path,
        first.node.lineno,
        f"{pair.name}.{first.method} calls {what} without training=training"
        if len(classes) == 1
        else f"{len(calls)} calls in {enumerate_names(classes)} are made without training=training",
        "Pass it on. Keras mostly does so by itself, so this is for the reader.",
        symbol=f"{pair.name}.{first.method}",
        locations=[Location(pair.path, call.node.lineno) for call in calls[1:]],
        edits=edits,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="training-argument",
    level="suggestion",
    summary="Dropout, batch normalization and layers that contain them are called with `training=training`.",
    why=(
        "PyTorch knows by itself whether it trains, a Keras layer is told. Keras 2 hands the flag on to layers that were not told, so that a "
        "forgotten one mostly changes nothing; but who reads the code can't know, and outside of `call` nobody hands it on."
    ),
    how="Write `training=training` in each call of such a layer.",
    guide="Step 4, checklist: layers that act differently in training, such as dropout, get the training argument, all the way from the top classes.",
    source="asked for in review, #22620; 659 of 765 calls in merged ports pass it",
    check=check,
    examples=(
        Example(
            title="A dropout",
            path=_TF,
            good="        return self.dropout(embeddings, training=training)",
            bad="        return self.dropout(embeddings)",
            finds=("return self.dropout(embeddings)",),
            fixed=True,
        ),
        Example(
            title="The layers of a list",
            path=_TF,
            good="            hidden_states = layer(hidden_states, training=training)",
            bad="            hidden_states = layer(hidden_states)",
            finds=("hidden_states = layer(hidden_states)",),
            fixed=True,
        ),
    ),
)

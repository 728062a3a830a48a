"""Class attributes of the models."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from checks.edits import insert, replace
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import attribute, bases, layers, models, pytorch_attributes, pytorch_place

_WHY = {
    "config_class": "from_pretrained and the auto classes read the configuration by it",
    "base_model_prefix": "the library finds the base model, and the weights of checkpoints, by it",
    "main_input_name": "generate, pipelines and the common tests feed the model by it",
}


def check(port: Port) -> Iterator[Finding]:
    yield from _derived(port)
    if not models(port):
        raise NotBegun("no model yet")
    for pair in models(port):
        theirs = {name: (value, line) for name, value, line in pytorch_attributes(pair) if name in _WHY}
        for name, (value, line) in theirs.items():
            found = attribute(pair, name)
            wanted = value.strip("\"'")
            place = pytorch_place(pair, line)
            if found is None:
                if pair.name.endswith("PreTrainedModel") and not _inherits_elsewhere(port, pair):
                    yield RULE.finding(
                        pair.path,
                        pair.facts.line,
                        f"{pair.name} has no {name}, which PyTorch sets to {value} ({place})",
                        f"Add {name} = {value}: {_WHY[name]}.",
                        symbol=f"{pair.name}.{name}",
                        column=pair.facts.column,
                        edits=_added(pair, name, value),
                    )
            elif name in pair.facts.attributes and found and found != wanted:
                at = pair.facts.attributes[name][1]
                yield RULE.finding(
                    pair.path,
                    at,
                    f"{name} of {pair.name} is {_as_written(value, found)}, in PyTorch it is {value} ({place})",
                    f"Write {name} = {value}: {_WHY[name]}.",
                    symbol=f"{pair.name}.{name}",
                    edits=_changed(port, pair, at, found, wanted),
                )


def _derived(port: Port) -> Iterator[Finding]:
    """Models of PyTorch that are plain Keras classes here."""
    for pair in layers(port):
        if not re.search(r"For[A-Z]\w+$|Model$", pair.name) or pair.twin is None:
            continue
        theirs = [base for base in pair.twin.bases if base.endswith("PreTrainedModel")]
        ours = [base for base in pair.tensorflow.bases if not base.endswith("Loss")]
        if theirs and all(re.search(r"keras\.(Model|layers\.Layer)$", base) for base in ours):
            yield RULE.finding(
                pair.path,
                pair.facts.line,
                f"{pair.name} derives from {pair.tensorflow.bases[0]}; PyTorch's {pair.twin.name} is a {theirs[0]}",
                f"Derive it from TF{theirs[0]}: what is no TFPreTrainedModel cannot be loaded or saved.",
                symbol=pair.name,
                column=pair.facts.column,
            )


def _inherits_elsewhere(port: Port, pair: Pair) -> bool:
    """A base comes from another model's module (or from another library), where the attribute may be."""
    known = {owner.name for owner in bases(pair)} | {"TFPreTrainedModel"}
    return any(
        base not in known and "PreTrainedModel" in base
        for owner in bases(pair)
        for base in owner.tensorflow.bases
    )


def _as_written(value: str, found: str) -> str:
    return repr(found).replace("'", value[0]) if value[0] in "\"'" else found


def _added(pair: Pair, name: str, value: str) -> tuple[Edit, ...]:
    """After the attributes that come before it in the usual order, or after the docstring."""
    names = list(_WHY)
    after = [
        part
        for part in pair.tensorflow.node.body
        if isinstance(part, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id in names[: names.index(name)] for t in part.targets)
    ]
    if after:
        return (insert(pair.path, (after[-1].end_lineno or 0) + 1, f"    {name} = {value}\n"),)
    before = [
        part
        for part in pair.tensorflow.node.body
        if isinstance(part, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id in names for t in part.targets)
    ]
    if before:
        return (insert(pair.path, before[0].lineno, f"    {name} = {value}\n"),)
    return ()


def _changed(port: Port, pair: Pair, line: int, found: str, wanted: str) -> tuple[Edit, ...]:
    source = port.text(pair.path).split("\n")[line - 1]
    at = source.find(found, source.find("=") + 1)
    return (replace(pair.path, line, at + 1, found, wanted),) if at > 0 else ()


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_ATTRIBUTES = '    config_class = LanternConfig\n    base_model_prefix = "lantern"\n'

RULE = Rule(
    slug="base-class",
    level="error",
    summary="`config_class`, `base_model_prefix` and `main_input_name` are those of the PyTorch class.",
    why=(
        "By `config_class` the right configuration is loaded, by `base_model_prefix` the weights of a checkpoint find their place, and "
        "by `main_input_name` generation, pipelines and tests know what to feed."
    ),
    how="Copy the three lines from PyTorch's `…PreTrainedModel`.",
    guide="Step 4: TFBrandNewBertPreTrainedModel is the base class of the models.",
    check=check,
    examples=(
        Example(
            title="A model that is none",
            path=_TF,
            good="class TFLanternForTokenClassificationWithFlicker(TFLanternPreTrainedModel, TFTokenClassificationLoss):",
            bad="class TFLanternForTokenClassificationWithFlicker(keras.Model, TFTokenClassificationLoss):",
            finds=(
                "class TFLanternForTokenClassificationWithFlicker(keras.Model, TFTokenClassificationLoss):",
            ),
        ),
        Example(
            title="Another prefix",
            path=_TF,
            good=_ATTRIBUTES,
            bad=_ATTRIBUTES.replace('"lantern"', '"tf_lantern"'),
            finds=('base_model_prefix = "tf_lantern"',),
            edits_to=_ATTRIBUTES,
        ),
        Example(
            title="No prefix",
            path=_TF,
            good=_ATTRIBUTES,
            bad="    config_class = LanternConfig\n",
            finds=("class TFLanternPreTrainedModel(TFPreTrainedModel):",),
            fixed=True,
        ),
        Example(
            title="No configuration class",
            path=_TF,
            good=_ATTRIBUTES,
            bad='    base_model_prefix = "lantern"\n',
            finds=("class TFLanternPreTrainedModel(TFPreTrainedModel):",),
            fixed=True,
        ),
    ),
)

"""Heads compute their loss by the shared mixins."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.conventions import TF_UTILS, read
from checks.edits import import_name
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import bases, forward, method, models, pytorch_place
from checks.source.python import dotted, walk
from checks.source.walk import Function, calls, nodes, on_self, parameters

_MIXINS = (
    ("ForSequenceClassification", "TFSequenceClassificationLoss"),
    ("ForImageClassification", "TFSequenceClassificationLoss"),
    ("ForTokenClassification", "TFTokenClassificationLoss"),
    ("ForQuestionAnswering", "TFQuestionAnsweringLoss"),
    ("ForMaskedLM", "TFMaskedLanguageModelingLoss"),
    ("ForMultipleChoice", "TFMultipleChoiceLoss"),
    ("ForCausalLM", "TFCausalLanguageModelingLoss"),
    ("LMHeadModel", "TFCausalLanguageModelingLoss"),
    ("ForConditionalGeneration", "TFCausalLanguageModelingLoss"),
    ("ForNextSentencePrediction", "TFNextSentencePredictionLoss"),
)
"""Ending of a head's name -> the mixin of `modeling_tf_utils` with its loss."""


def check(port: Port) -> Iterator[Finding]:
    heads = [pair for pair in models(port) if _labels(pair)]
    if not heads:
        raise NotBegun("no head takes labels yet")
    utils = read(port.base, TF_UTILS)
    old = "hf_compute_loss" not in utils
    name = "compute_loss" if old else "hf_compute_loss"
    for pair in heads:
        yield from _unshifted(pair, name)
        mixin = next(
            (mixin for ending, mixin in _MIXINS if pair.name.endswith(ending) and f"class {mixin}" in utils),
            "",
        )
        if method(pair, name) is not None:
            continue
        if _has_loss(pair):
            yield from _of_another_task(pair, mixin, utils)
            continue
        call = pair.tensorflow.method("call")
        used = next((node for node in calls(call) if on_self(node.func) == name), None) if call else None
        if used is not None:
            yield RULE.finding(
                pair.path,
                pair.facts.line,
                f"{pair.name} calls self.{name}, which none of its bases has",
                f"Derive it from {mixin}, too."
                if mixin
                else f"Derive it from the mixin with the right loss, or define {name}.",
                symbol=pair.name,
                column=pair.facts.column,
                edits=_edits(port, pair, mixin),
                level="error",
            )


def _of_another_task(pair: Pair, mixin: str, utils: str) -> Iterator[Finding]:
    has = [base for base in pair.tensorflow.bases if base.endswith("Loss") and f"class {base}" in utils]
    if mixin and has and mixin not in has:
        yield RULE.finding(
            pair.path,
            pair.facts.line,
            f"{pair.name} computes its loss by {has[0]}",
            f"{mixin} is the loss of such heads: was {has[0]} left from the class that this one was copied from?",
            symbol=pair.name,
            column=pair.facts.column,
        )


def _unshifted(pair: Pair, name: str) -> Iterator[Finding]:
    """PyTorch compares each token with the next one, TensorFlow with itself."""
    call, theirs = pair.tensorflow.method("call"), forward(pair)
    if (
        call is None
        or theirs is None
        or not _shifts(theirs)
        or _shifts(call)
        or method(pair, name) is not None
    ):
        return
    used = next((node for node in calls(call) if on_self(node.func) == name), None)
    if used is not None:
        yield RULE.finding(
            pair.path,
            used.lineno,
            f"{pair.name}.call compares each token with itself; PyTorch shifts the labels ({pytorch_place(pair, theirs.lineno)})",
            "Leave out the last of the logits and the first of the labels: logits[:, :-1] and labels[:, 1:].",
            symbol=f"{pair.name}.call",
            column=used.col_offset + 1,
        )


def _shifts(function: Function) -> bool:
    """`labels[..., 1:]`, of whatever name; or a call of something that is called so."""
    if any("shift" in dotted(node.func) or "roll" in dotted(node.func) for node in calls(function)):
        return True
    return any(
        isinstance(node, ast.Slice)
        and node.upper is None
        and isinstance(node.lower, ast.Constant)
        and node.lower.value == 1
        for subscript in nodes(function)
        if isinstance(subscript, ast.Subscript) and "label" in ast.unparse(subscript.value)
        for node in walk(subscript.slice)
    )


def _labels(pair: Pair) -> bool:
    call = pair.tensorflow.method("call")
    return call is not None and any(
        name in ("labels", "start_positions") or name.endswith("_labels") for name in parameters(call)
    )


def _has_loss(pair: Pair) -> bool:
    """A base that is a loss, or that comes from another model's module."""
    known = {owner.name for owner in bases(pair)}
    foreign = [base for owner in bases(pair) for base in owner.tensorflow.bases if base not in known]
    return any(
        base.endswith("Loss") or (base.startswith("TF") and not base.endswith("PreTrainedModel"))
        for base in foreign
    )


def _edits(port: Port, pair: Pair, mixin: str) -> tuple[Edit, ...]:
    base = pair.tensorflow.node.bases[-1] if pair.tensorflow.node.bases else None
    if not mixin or base is None or base.end_lineno is None or base.end_col_offset is None:
        return ()
    text = port.text(pair.path)
    if not text.split("\n")[base.end_lineno - 1].isascii():
        return ()
    place = (base.end_lineno, base.end_col_offset + 1)
    imports = import_name(pair.path, text, pair.module.facts, "...modeling_tf_utils", mixin)
    return (Edit(pair.path, place, place, f", {mixin}"), *imports)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="losses",
    level="warning",
    summary="Heads that take labels compute their loss by a mixin, or by an `hf_compute_loss` of their own.",
    why=(
        "`fit()` without a loss, and `model(**batch).loss`, both use `hf_compute_loss`. The mixins leave out the labels -100 and work under "
        "every distribution strategy."
    ),
    how="`class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFSequenceClassificationLoss)`.",
    guide="Step 4: heads inherit the loss that fits.",
    check=check,
    examples=(
        Example(
            title="The mixin was forgotten",
            path=_TF,
            good="class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFSequenceClassificationLoss):",
            bad="class TFLanternForSequenceClassification(TFLanternPreTrainedModel):",
            finds=("class TFLanternForSequenceClassification(TFLanternPreTrainedModel):",),
            fixed=True,
        ),
        Example(
            title="The mixin of another task",
            path=_TF,
            good="class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFSequenceClassificationLoss):",
            bad="class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFTokenClassificationLoss):",
            finds=(
                "class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFTokenClassificationLoss):",
            ),
        ),
    ),
)

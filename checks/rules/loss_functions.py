"""Losses of Keras: outside of `call`, without a reduction, of the right kind."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import pairs_of
from checks.source.layers import argument
from checks.source.python import dotted
from checks.source.walk import Function, guarded, methods, nodes


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    if not any("keras.losses." in port.text(module.path) for module in port.modules):
        return
    for pair in pairs_of(port):
        for function in methods(pair.tensorflow.node):
            yield from _check(pair, function)


def _is_loss(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func).startswith(("tf.keras.losses.", "keras.losses."))


def _check(pair: Pair, function: Function) -> Iterator[Finding]:
    if not any(map(_is_loss, nodes(function))):
        return
    for node, conditions in guarded(function):
        if not _is_loss(node):
            continue
        assert isinstance(node, ast.Call)
        if not isinstance(node.func, ast.Attribute) or not node.func.attr[0].isupper():
            continue
        kind = node.func.attr
        where = f"{pair.name}.{function.name}"
        if "multi_label" in " ".join(map(ast.unparse, conditions[-1:])) and kind.startswith("Sparse"):
            yield _finding(
                pair,
                node,
                where,
                f"{where} computes the loss of several labels at once by {kind}, which takes one class per example",
                "PyTorch uses BCEWithLogitsLoss there: write BinaryCrossentropy(from_logits=True).",
            )
        elif function.name == "call":
            yield _finding(
                pair,
                node,
                where,
                f"{where} makes a {kind} itself",
                "Compute the loss in hf_compute_loss, a mixin's or the model's own, as fit() calls it too.",
            )
        elif _reduces(node):
            yield _finding(
                pair,
                node,
                where,
                f"{kind} in {where} reduces by itself",
                "Give it reduction=keras.losses.Reduction.NONE and take the mean of the labels that count: otherwise ignored ones "
                "count too, and distribution strategies raise an error.",
            )


def _reduces(node: ast.Call) -> bool:
    reduction = argument(node, "reduction")
    return reduction is None or not ast.unparse(reduction).strip("\"'").lower().endswith("none")


def _finding(pair: Pair, node: ast.Call, where: str, message: str, advice: str) -> Finding:
    return RULE.finding(pair.path, node.lineno, message, advice, symbol=where, column=node.col_offset + 1)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_LOSS = "        logits = self.classifier(outputs[0])\n        loss = None if labels is None else self.hf_compute_loss(labels=labels, logits=logits)\n"

RULE = Rule(
    slug="loss-functions",
    level="warning",
    summary="Losses of Keras are used in `hf_compute_loss` only, without a reduction, and of the kind that PyTorch's is.",
    why=(
        "A loss in `call` is not the one of fit(). The default reduction is the mean over all elements, ignored ones included, and fails under "
        "a distribution strategy."
    ),
    how="Use the mixins. In a loss of your own give `reduction=keras.losses.Reduction.NONE` and average yourself.",
    source="reviews of SegFormer and SwiftFormer",
    check=check,
    examples=(
        Example(
            title="A loss in call",
            path=_TF,
            good=_LOSS,
            bad=_LOSS.replace(
                "self.hf_compute_loss(labels=labels, logits=logits)",
                "keras.losses.SparseCategoricalCrossentropy(True)(labels, logits)",
            ),
            finds=(
                "loss = None if labels is None else keras.losses.SparseCategoricalCrossentropy(True)(labels, logits)",
            ),
        ),
    ),
)

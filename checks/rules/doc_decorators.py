"""Docstring decorators on public models."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import by_name, is_main_layer

_CLASS, _CALL = "add_start_docstrings", "add_start_docstrings_to_model_forward"


def check(port: Port) -> Iterator[Finding]:
    found = [
        pair
        for name in port.models
        if (pair := by_name(port).get(port.intended[name]))
        and "call" in pair.facts.methods
        and not is_main_layer(pair)
    ]
    if not found:
        raise NotBegun("no public model yet")
    classes = [
        pair
        for pair in found
        if not pair.facts.decorated(_CLASS)
        and not _documented(pair.tensorflow.node)
        and _in_pytorch(port, pair)
    ]
    methods = [
        pair
        for pair in found
        if not pair.facts.methods["call"].decorated(_CALL)
        and not pair.facts.methods["call"].decorated("add_code_sample_docstrings")
        and not _documented(pair.tensorflow.method("call"))
        and _in_pytorch(port, pair, "forward")
    ]
    for wanted, pairs, where in ((_CLASS, classes, ""), (_CALL, methods, ".call")):
        if not pairs:
            continue
        lines = [pair.facts.methods["call"].line if where else pair.facts.line for pair in pairs]
        names = [f"{pair.name}{where}" for pair in pairs]
        yield RULE.finding(
            pairs[0].path,
            lines[0],
            f"{enumerate_names(names)} {verb(names, 'has', 'have')} neither @{wanted} nor a docstring",
            f"Put @{wanted}(…) above, with the docstring that PyTorch's class has in its TensorFlow form.",
            symbol=names[0],
            locations=[Location(pair.path, line) for pair, line in zip(pairs[1:], lines[1:], strict=True)],
        )


def _in_pytorch(port: Port, pair: Pair, method: str = "") -> bool:
    """PyTorch's class has the decorator."""
    theirs = port.pytorch_classes.get(pair.twin.name) if pair.twin else None
    if theirs is None:
        return False
    if not method:
        return theirs.decorated(_CLASS)
    return method in theirs.methods and theirs.methods[method].decorated(_CALL)


def _documented(node: ast.AST | None) -> bool:
    return isinstance(node, (ast.ClassDef, ast.FunctionDef)) and len(ast.get_docstring(node) or "") > 200


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_DECORATOR = '@add_start_docstrings("Lantern Model with a classifier on top.", LANTERN_START_DOCSTRING)\n'

RULE = Rule(
    slug="doc-decorators",
    level="suggestion",
    summary="Public models carry `@add_start_docstrings`, their `call` `@add_start_docstrings_to_model_forward`.",
    why="The model's page shows what they say: which inputs there are, and in which formats.",
    how="Copy the decorators and the texts from PyTorch's class; types become `tf.Tensor`.",
    source="reviews of merged ports",
    check=check,
    examples=(
        Example(
            title="A class without a docstring",
            path=_TF,
            good=_DECORATOR,
            bad="",
            finds=(
                "class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFSequenceClassificationLoss):",
            ),
        ),
    ),
)

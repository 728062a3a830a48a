"""`TF` before the name of every class."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.source.python import Class, Problem, parse, walk

# TF models of 2020 have a helper layer of this name, which is no model of PyTorch's module either.
_ALLOWED = frozenset({"BiasLayer"})


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    for module, found in port.classes.values():
        name = port.intended_name(found)
        if name == found.name or found.name in _ALLOWED:
            continue
        yield RULE.finding(
            module.path,
            found.line,
            f"{found.name} is a TensorFlow class without the prefix TF",
            f"Call it {name}, as PyTorch's class is {name.removeprefix('TF')}.",
            symbol=found.name,
            column=found.column,
            edits=()
            if name in module.facts.classes
            else _rename(module.path, port.text(module.path), found, name),
        )


def _rename(path: str, text: str, found: Class, name: str) -> tuple[Edit, ...]:
    tree = parse(text)
    if isinstance(tree, Problem) or not text.isascii():
        return ()
    uses = [
        replace(path, node.lineno, node.col_offset + 1, found.name, name)
        for node in walk(tree)
        if isinstance(node, ast.Name) and node.id == found.name
    ]
    return (replace(path, found.line, found.column, found.name, name), *uses)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="tf-prefix",
    level="error",
    summary="Every Keras layer and model that has a PyTorch namesake is called `TF` and its name.",
    why=(
        "Both classes are imported from `transformers`: without the prefix one hides the other. The auto classes, the dummies "
        "and the cross tests find the pair by this prefix."
    ),
    how="Rename `LanternPooler` to `TFLanternPooler`, and all its uses. A private class may be called `_TF…`.",
    guide="Step 4: put TF before the name of every class.",
    check=check,
    examples=(
        Example(
            title="A layer kept its PyTorch name",
            path=_TF,
            good="class TFLanternPooler(keras.layers.Layer):",
            bad="class LanternPooler(keras.layers.Layer):",
            finds=("class LanternPooler(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="The prefix in lower case",
            path=_TF,
            good="class TFLanternPooler(keras.layers.Layer):",
            bad="class TfLanternPooler(keras.layers.Layer):",
            finds=("class TfLanternPooler(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="A helper that PyTorch does not have",
            path=_TF,
            good="class TFLanternPooler(keras.layers.Layer):",
            bad="class Flicker:\n    pass\n\n\nclass TFLanternPooler(keras.layers.Layer):",
            silent=True,
        ),
    ),
)

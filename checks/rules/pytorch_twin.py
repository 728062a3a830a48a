"""A PyTorch class for every TensorFlow class."""

from __future__ import annotations

from collections.abc import Iterator

from checks.conventions import MAIN_INIT
from checks.errors import NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import models


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    if port.base.blob_id(MAIN_INIT) is None:
        raise Undecidable("the base is no complete tree")
    for module in port.modules:
        name = f"modeling_{module.suffix}.py"
        if not module.added:
            continue
        if not module.pytorch_path:
            yield RULE.finding(
                module.path,
                1,
                f"There is no PyTorch model that this file ports: neither base nor pull request has {port.folder}/{name}",
                f"Name the file after the PyTorch module it ports, modeling_tf_X.py for modeling_X.py of {port.folder}.",
            )
        elif port.base.blob_id(module.pytorch_path) is None:
            yield RULE.finding(
                module.path,
                1,
                f"The PyTorch model is not in the base yet: {name} comes with this pull request",
                "Wait until PyTorch's model is merged and rebase: while it changes, every change has to be made twice.",
                level="warning",
            )
    for pair in models(port):
        offered = pair.name in port.tensorflow_exports or (
            "call" in pair.facts.methods and not pair.name.startswith("_")
        )
        if pair.twin is None and pair.module.pytorch is not None and offered:
            yield RULE.finding(
                pair.path,
                pair.facts.line,
                f"{pair.name} has no counterpart in PyTorch's {pair.module.pytorch_path.rsplit('/', 1)[-1]}",
                "Cross tests and loading with from_pt=True need a class of the same name without TF. Name it as PyTorch's class, "
                "or say in the pull request why TensorFlow needs one more.",
                symbol=pair.name,
                column=pair.facts.column,
                level="warning",
            )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="pytorch-twin",
    level="error",
    summary="The PyTorch model is merged already, and every public TensorFlow class has its PyTorch class.",
    why=(
        "A port is checked against PyTorch and takes its weights from it: without the PyTorch class there is nothing to compare "
        "with, and nothing to load."
    ),
    how="Name file and classes after PyTorch's: `modeling_tf_lantern.py` for `modeling_lantern.py`, `TFLanternModel` for `LanternModel`.",
    guide="Step 1: choose a model whose PyTorch implementation is there.",
    source="SwiftFormer was told to wait for the PyTorch merge, #22771",
    check=check,
    examples=(
        Example(
            title="A public model that PyTorch does not have",
            path="src/transformers/models/lantern/modeling_lantern.py",
            good="class LanternForTokenClassificationWithFlicker(",
            bad="class LanternForFlicker(",
            finds=(
                "class TFLanternForTokenClassificationWithFlicker(TFLanternPreTrainedModel, TFTokenClassificationLoss):",
            ),
            finds_in=_TF,
        ),
    ),
)

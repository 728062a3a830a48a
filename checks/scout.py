"""Which step of the guide fits a checkpoint: a new port, only its weights, or nothing any more. Pure: what the Hub says is given."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from checks.checklist import GUIDE
from checks.conventions import MODELS, TF_UTILS, read
from checks.errors import NoTensorFlow
from checks.missing import folder_in
from checks.snapshot import Snapshot

Verdict = Literal["new port", "new head", "weights only", "done", "not in transformers"]
"""What is open: everything, a class, the weights, nothing, or even the PyTorch model."""


@dataclass(frozen=True, slots=True)
class Scouting:
    """What a checkpoint has and lacks.

    Attributes:
        folder: of its model in this tree, "" if there is none.
        architectures: the PyTorch classes that it was saved from, each with whether its TensorFlow class exists.
        weights: the file that TensorFlow loads, "" if there is none.
    """

    checkpoint: str
    model_type: str
    folder: str
    module: str
    architectures: tuple[tuple[str, bool], ...]
    weights: str
    verdict: Verdict
    next: str


def scout(
    tree: Snapshot, checkpoint: str, model_type: str, architectures: Iterable[str], files: Iterable[str]
) -> Scouting:
    """What is open for a checkpoint.

    Args:
        tree: transformers as it is now.
        model_type, architectures: of its `config.json`.
        files: the paths in its repository.

    Raises:
        checks.errors.NoTensorFlow: the tree has no TensorFlow support.
    """
    if tree.blob_id(TF_UTILS) is None:
        raise NoTensorFlow(
            f"this tree has no TensorFlow support: {TF_UTILS} is missing",
            hint="name an older commit: --rev v4.40.0",
        )
    folder = folder_in(tree, model_type) if model_type else ""
    modules = [p for p in tree.list(f"{MODELS}/{folder}") if _is_tensorflow(p)] if folder else []
    known = {name for path in modules for name in re.findall(r"^class (\w+)", read(tree, path), re.MULTILINE)}
    classes = tuple((name, f"TF{name}" in known) for name in architectures)
    weights = tensorflow_weights(files, reads_safetensors="safetensors" in read(tree, TF_UTILS))
    verdict = _verdict(folder, bool(modules), all(there for _, there in classes), weights)
    module = modules[0] if modules else f"{MODELS}/{folder}/modeling_tf_{folder}.py" if folder else ""
    return Scouting(
        checkpoint,
        model_type,
        folder,
        module,
        classes,
        weights,
        verdict,
        _next(verdict, checkpoint, folder, module, classes),
    )


def tensorflow_weights(files: Iterable[str], *, reads_safetensors: bool) -> str:
    """The file from which TensorFlow loads weights, "" if there is none.

    Args:
        reads_safetensors: TensorFlow models of this tree load PyTorch's safetensors, too.
    """
    names = set(files)
    wanted = ["tf_model.h5", "tf_model.h5.index.json"]
    if reads_safetensors:
        wanted += ["model.safetensors", "model.safetensors.index.json"]
    return next((name for name in wanted if name in names), "")


def _is_tensorflow(path: str) -> bool:
    return path.rsplit("/", 1)[-1].startswith("modeling_tf_") and path.count("/") == MODELS.count("/") + 2


def _verdict(folder: str, ported: bool, complete: bool, weights: str) -> Verdict:
    if not folder:
        return "not in transformers"
    if not ported:
        return "new port"
    if not complete:
        return "new head"
    return "done" if weights else "weights only"


def _next(
    verdict: Verdict, checkpoint: str, folder: str, module: str, classes: tuple[tuple[str, bool], ...]
) -> str:
    match verdict:
        case "not in transformers":
            return "add the PyTorch model first: TensorFlow ports are made from merged PyTorch code."
        case "new port":
            return f"add {module}, then tfport check. The guide: {GUIDE}#4-model-implementation"
        case "new head":
            lacking = next(f"TF{name}" for name, there in classes if not there)
            return f"add {lacking} to {module}, then tfport check. The guide: {GUIDE}#4-model-implementation"
        case "weights only":
            return (
                f"convert them: transformers-cli pt-to-tf --model-name {checkpoint} opens a pull request on the Hub. "
                f"The guide: {GUIDE}#adding-tensorflow-weights-to--hub"
            )
        case "done":
            first = next((f"TF{name}" for name, there in classes if there), "TFAutoModel")
            return f'use it: {first}.from_pretrained("{checkpoint}")'

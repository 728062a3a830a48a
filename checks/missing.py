"""Which models have PyTorch code but no TensorFlow port, and which of them should come next."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from checks.conventions import AUTO, MODELS, TF_UTILS, read
from checks.errors import NoTensorFlow
from checks.report import Similar
from checks.similar import most_similar
from checks.snapshot import Snapshot
from checks.source import facts
from checks.source.registries import auto_facts


@dataclass(frozen=True, slots=True)
class Missing:
    """A model without TensorFlow port.

    Attributes:
        model: its folder; `model_type`: its name in `config.json`.
        copied_by: other models whose code says that it was copied from this one.
        downloads: of its most popular checkpoint in the last month, None where the Hub was not asked or did not answer.
        classes, lines: of its PyTorch modules: the size of the work.
        attention: its classes that are some attention, without the model's name.
        similar: a model with a port that shares code with it.
    """

    model: str
    model_type: str
    copied_by: int
    classes: int
    lines: int
    attention: tuple[str, ...]
    similar: Similar | None = None
    downloads: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


_PYTORCH = re.compile(re.escape(MODELS) + r"/(\w+)/modeling_(?!tf_|flax_)(\w+)\.py")
_COPIED = re.compile(r"# Copied from transformers\.models\.(\w+)\.modeling_(?!tf_|flax_)")
_CLASS = re.compile(r"^class (\w+)\((.*)\):", re.MULTILINE)


def missing(tree: Snapshot) -> list[Missing]:
    """Every model folder with a PyTorch model but no `modeling_tf_*.py`, the most important first.

    Folders whose model is public nowhere (no configuration in the auto mapping) and deprecated ones are left out; so are the auto classes.

    Raises:
        checks.errors.NoTensorFlow: the tree has no TensorFlow support.
    """
    if tree.blob_id(TF_UTILS) is None:
        raise NoTensorFlow(
            f"this tree has no TensorFlow support: {TF_UTILS} is missing",
            hint="name an older commit: --rev v4.40.0",
        )
    paths = tree.list(MODELS)
    modules: dict[str, list[str]] = {}
    for path in paths:
        if match := _PYTORCH.fullmatch(path):
            modules.setdefault(match[1], []).append(path)
    ported = {path.split("/")[-2] for path in paths if path.rsplit("/", 1)[-1].startswith("modeling_tf_")}
    texts = {model: [read(tree, path) for path in of_model] for model, of_model in modules.items()}
    copied: Counter[str] = Counter()
    for model, of_model in texts.items():
        copied.update({source for text in of_model for source in _COPIED.findall(text)} - {model})
    types = _model_types(tree)
    found = [
        _measure(model, types[model], copied[model], texts[model])
        for model in modules
        if model not in ported and model != "auto" and model in types
    ]
    return ranked(found)


def ranked(found: list[Missing]) -> list[Missing]:
    """The most important first: by how much depends on it and how popular it is; of equals the one that is less work."""
    return sorted(found, key=lambda m: (-importance(m), m.lines, m.model))


def importance(model: Missing) -> float:
    """Models that copied from it, and a point for each factor of ten in its downloads beyond a hundred."""
    digits = len(str(model.downloads)) - 2 if model.downloads else 0
    return model.copied_by + 2 * max(digits, 0)


def with_similar(tree: Snapshot, model: Missing) -> Missing:
    """The same, with the most similar model that has a port. It takes some hundred milliseconds the first time."""
    folder = f"{MODELS}/{model.model}/"
    texts = [read(tree, path) for path in tree.list(folder) if _PYTORCH.fullmatch(path)]
    return _replaced(model, similar=most_similar(tree, model.model, texts))


def with_downloads(found: list[Missing], downloads: Mapping[str, int]) -> list[Missing]:
    """The same in their new order, with the downloads by model type."""
    return ranked([_replaced(m, downloads=downloads.get(m.model_type)) for m in found])


def _replaced(model: Missing, **changes: Any) -> Missing:
    from dataclasses import replace

    return replace(model, **changes)


def _measure(model: str, model_type: str, copied_by: int, texts: list[str]) -> Missing:
    classes = [name for text in texts for name, bases in _CLASS.findall(text) if "ModelOutput" not in bases]
    stem = _stem(classes)
    attention = sorted(
        {name.removeprefix(stem) for name in classes if name.endswith(("Attention", "SelfAttention"))}
    )
    lines = sum(text.count("\n") for text in texts)
    return Missing(model, model_type, copied_by, len(classes), lines, tuple(attention))


def _stem(classes: list[str]) -> str:
    """What most of the classes begin with: "Llama" of LlamaModel."""
    return next(
        (name.removesuffix("PreTrainedModel") for name in classes if name.endswith("PreTrainedModel")), ""
    )


def _model_types(tree: Snapshot) -> dict[str, str]:
    """Folder -> model type, of every configuration that the auto classes know. A folder with several gets the one named as it."""
    found = facts(tree, f"{AUTO}/configuration_auto.py", auto_facts)
    if found is None:
        return {}
    special = found.mappings.get("SPECIAL_MODEL_TYPE_TO_MODULE_NAME")
    known = found.mappings.get("CONFIG_MAPPING_NAMES")
    types: dict[str, str] = {}
    for entry in known.entries if known is not None else ():
        folder = folder_of(entry.key, {e.key: e.values[0].name for e in special.entries} if special else {})
        if folder not in types or entry.key.replace("-", "_") == folder:
            types[folder] = entry.key
    return types


def folder_of(model_type: str, special: Mapping[str, str]) -> str:
    """The folder of a model type: "gpt_neox" of "gpt_neox", "openai" of "openai-gpt"."""
    return special.get(model_type, model_type.replace("-", "_"))


def folder_in(tree: Snapshot, model_type: str) -> str:
    """The folder of a model type in a tree, "" if it has none of that name."""
    found = facts(tree, f"{AUTO}/configuration_auto.py", auto_facts)
    special = found.mappings.get("SPECIAL_MODEL_TYPE_TO_MODULE_NAME") if found is not None else None
    folder = folder_of(model_type, {e.key: e.values[0].name for e in special.entries} if special else {})
    return folder if re.fullmatch(r"\w+", folder) and tree.list(f"{MODELS}/{folder}") else ""

"""The model nearest to another one that has a TensorFlow port already: whom to copy from.

Two classes count as shared if they have the same name but for the model's, and at least `ALIKE` of their statements agree when the
model's name is taken out. Only source is compared; nothing is imported.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from checks.conventions import MODELS, read
from checks.errors import Unreadable
from checks.report import Similar
from checks.snapshot import Snapshot
from checks.source import facts
from checks.source.python import Problem, parse

T = TypeVar("T")

ALIKE = 0.7
"""Share of the statements of the longer class that the two have in common."""

_CANDIDATES = 6
"""Models that are compared statement by statement; the others are ruled out by names alone."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What patterns tell of a PyTorch module.

    Attributes:
        stem: what its classes' names begin with: "ConvNextV2".
        names: its classes without the stem.
    """

    stem: str
    names: frozenset[str]


_NOTHING = Outline("", frozenset())
_CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
_CONFIGS = re.compile(r"^from \.configuration_\w+ import (\([^)]*\)|.*)", re.MULTILINE)
_CONFIG = re.compile(r"\b([A-Z]\w*)Config\b")
_COPIED = re.compile(r"# Copied from transformers\.models\.(\w+)\.modeling_")


def outline(text: str) -> Outline:
    """The outline of a PyTorch module."""
    classes: list[str] = _CLASS.findall(text)
    # The configuration of a part (BlipTextConfig) begins with the whole's name, so the shortest is taken.
    configs: list[str] = _CONFIG.findall(" ".join(_CONFIGS.findall(text)))
    stems = [stem for stem in configs if any(name.startswith(stem) for name in classes)]
    stem = min(stems, key=len, default="")
    return Outline(stem, frozenset(name.removeprefix(stem) for name in classes))


def ported(base: Snapshot) -> dict[str, tuple[str, str]]:
    """Model -> (PyTorch module, TensorFlow module) of every model of the tree that has both, each module by its own suffix."""
    paths = base.list(MODELS)
    known = set(paths)
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        folder, _, file = path.rpartition("/")
        model = folder.removeprefix(f"{MODELS}/")
        if file == f"modeling_tf_{model}.py" and f"{folder}/modeling_{model}.py" in known:
            found[model] = (f"{folder}/modeling_{model}.py", path)
    return found


def most_similar(base: Snapshot, model: str, texts: Iterable[str]) -> Similar | None:
    """The ported model that shares most classes with `model`. If none shares more than two (or a quarter), the one that has the most similar
    set of kinds of layers, of the same modality if there is one; None if there is nothing in common.

    Args:
        texts: the PyTorch modules of `model`.
    """
    texts = list(texts)
    own = [outline(text) for text in texts]
    candidates = ported(base)
    candidates.pop(model, None)
    copied = Counter(source for text in texts for source in _COPIED.findall(text))
    names = frozenset[str]().union(*(of.names for of in own))

    def likeness(name: str) -> float:
        theirs = _known(base, candidates[name][0], outline, _NOTHING).names
        return 2 * copied[name] + len(names & theirs) / (1 + len(theirs - names) / 10)

    likely = sorted(candidates, key=likeness, reverse=True)
    shapes = [shape for text, of in zip(texts, own, strict=True) for shape in classes(text, of.stem).items()]
    best: Similar | None = None
    for name in likely[:_CANDIDATES]:
        pytorch, tensorflow = candidates[name]
        theirs = _known(base, pytorch, _own_classes, {})
        known = set(_CLASS.findall(read(base, tensorflow)))
        stem = _known(base, pytorch, outline, _NOTHING).stem
        shared = [n for n, shape in shapes if f"TF{stem}{n}" in known and _alike(shape, theirs.get(n))]
        if shared and (best is None or len(shared) > best.shared):
            best = Similar(name, len(shared), len(shapes), tensorflow)
    if best is not None and (best.shared > 2 or best.shared > best.of / 4):
        return best
    return _nearest(base, candidates, "\n".join(texts), len(shapes))


@dataclass(frozen=True, slots=True)
class Makeup:
    """What a PyTorch module is made of: its kinds of layers, and the main input of its models."""

    kinds: frozenset[str]
    modality: str


_KIND = re.compile(
    r"\bnn\.((?:Conv|BatchNorm|LayerNorm|GroupNorm|Linear|Embedding|LSTM|GRU|Adaptive|AvgPool|MaxPool)\w*)\("
)
_INPUT = re.compile(r"^\s+(pixel_values|input_features|input_values|input_ids)\s*:", re.MULTILINE)
_BARE = Makeup(frozenset(), "")


def makeup(text: str) -> Makeup:
    """The makeup of a PyTorch module; attention counts as a kind of layer."""
    kinds = set(_KIND.findall(text))
    if re.search(r"^class \w*Attention\w*\(", text, re.MULTILINE):
        kinds.add("attention")
    inputs = Counter(_INPUT.findall(text))
    return Makeup(frozenset(kinds), inputs.most_common(1)[0][0] if inputs else "")


def _nearest(base: Snapshot, candidates: dict[str, tuple[str, str]], text: str, of: int) -> Similar | None:
    """The port with the most similar set of kinds of layers, one with the same main input before others."""
    own = makeup(text)
    if not own.kinds:
        return None

    def nearness(name: str) -> tuple[bool, float, str]:
        theirs = _known(base, candidates[name][0], makeup, _BARE)
        both, either = own.kinds & theirs.kinds, own.kinds | theirs.kinds
        return bool(both) and theirs.modality == own.modality, len(both) / len(either), name

    name = max(candidates, key=nearness, default="")
    if not name:
        return None
    shared = own.kinds & _known(base, candidates[name][0], makeup, _BARE).kinds
    if not shared:
        return None
    return Similar(
        name, 0, of, candidates[name][1], ", ".join(sorted(shared, key=lambda k: (k in _COMMON, k)))
    )


def peers(base: Snapshot, model: str, texts: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """TensorFlow modules of the ported models with the same main input, those with the most similar kinds of layers first.

    Args:
        texts: the PyTorch modules of `model`.
    """
    own = makeup("\n".join(texts))
    if not own.modality:
        return ()
    found: list[tuple[float, str, str]] = []
    for name, (pytorch, tensorflow) in ported(base).items():
        theirs = _known(base, pytorch, makeup, _BARE)
        if name != model and theirs.modality == own.modality:
            either = own.kinds | theirs.kinds
            found.append((-len(own.kinds & theirs.kinds) / (len(either) or 1), name, tensorflow))
    return tuple(tensorflow for _, _, tensorflow in sorted(found)[:most])


_COMMON = ("Linear", "LayerNorm", "Embedding")
"""What nearly every model has, and so is named last."""


def _known(base: Snapshot, path: str, parser: Callable[[str], T], otherwise: T) -> T:
    try:
        found = facts(base, path, parser)
    except Unreadable:
        return otherwise
    return otherwise if found is None else found


def _own_classes(text: str) -> dict[str, Counter[str]]:
    return classes(text, outline(text).stem)


def classes(text: str, stem: str) -> dict[str, Counter[str]]:
    """The statements of each class that has a method, by its name without the stem; empty if the text is no Python."""
    tree = parse(_neutral(text, stem))
    if isinstance(tree, Problem):
        return {}
    found = {
        node.name.removeprefix(_STEM): _statements(node)
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    return {name: shape for name, shape in found.items() if shape}


_STEM = "Xx"


def _neutral(text: str, stem: str) -> str:
    """The text without the model's name, in each of its spellings."""
    if not stem:
        return text
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()
    text = text.replace(stem, _STEM).replace(stem.upper(), _STEM.upper())
    for spelled in dict.fromkeys((snake, stem.lower())):
        text = re.sub(rf"\b{re.escape(spelled)}(?=\b|_)", _STEM.lower(), text)
    return text


def _statements(node: ast.ClassDef) -> Counter[str]:
    return Counter(
        ast.dump(statement)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
        for statement in method.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    )


def _alike(one: Counter[str], other: Counter[str] | None) -> bool:
    if not other:
        return False
    return (one & other).total() >= ALIKE * max(one.total(), other.total())

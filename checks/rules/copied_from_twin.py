"""A class or method whose PyTorch twin is a copy, while the TensorFlow one is not marked as one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.conventions import MODELS, read
from checks.edits import insert
from checks.errors import NotApplicable, Undecidable
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._copies import MOST_MARKERS, compare, how, origin
from checks.rules.unmarked_copy import says_so, unmarked
from checks.source.copies import Block, Marker, copied_block, definition, markers, replaced

_ALIKE = 0.9
"""Share of equal lines from which on it is worth a look whether the rest has to differ."""


def check(port: Port) -> Iterator[Finding]:
    if port.broken:
        raise Undecidable(f"{port.broken[0].path.rsplit('/', 1)[-1]} cannot be parsed")
    copied = list(_copied(port))
    if not copied:
        raise NotApplicable("no PyTorch class is a copy of one that has its port")
    known = {block.lines[0] for _, block, _ in unmarked(port)}
    for one in copied:
        if one.block.lines[0] in known:
            continue
        if says_so(port.text(one.module.path).split("\n"), one.block.first):
            continue
        finding = _finding(port, one)
        if finding is not None:
            yield finding


@dataclass(frozen=True, slots=True)
class _Copied:
    """A TensorFlow class or method whose PyTorch twin says that it is a copy.

    Attributes:
        block, name: of the port: "TFLanternLayer.call".
        line: of the comment in the PyTorch module.
        source: what the port's marker would name.
        rest: replacements of the PyTorch marker.
    """

    module: Module
    block: Block
    name: str
    line: int
    source: str
    rest: str


def _copied(port: Port) -> Iterator[_Copied]:
    for module in port.modules:
        text = port.text(module.pytorch_path) or read(port.base, module.pytorch_path)
        ours = port.text(module.path)
        lines = text.split("\n")
        for marker in markers(text)[:MOST_MARKERS]:
            names = _below(lines, marker)
            source = _tensorflow_name(marker.name)
            if not names or not source or marker.root != "transformers":
                continue
            if not read(port.base, f"{MODELS}/{source.split('.')[1]}/{source.split('.')[2]}.py"):
                continue
            named = [f"TF{names[0]}" if names[0][:1].isupper() else names[0]]
            named += ["call" if name == "forward" else name for name in names[1:]]
            block = definition(ours, named)
            if block is None or block.first not in module.touched or named[-1].endswith("PreTrainedModel"):
                continue
            if len(names) > 1 and definition(ours, named[:1]) in _blocks_marked(port, module.path):
                continue
            yield _Copied(module, block, ".".join(named), marker.line, source, marker.rest.strip())


def _below(lines: list[str], marker: Marker) -> list[str]:
    """Name of what stands under a marker: ["BertLayer"] or ["BertLayer", "forward"]."""
    block = copied_block(lines, marker)
    match = re.match(r"(\s*)(?:class|def)\s+(\w+)", block.lines[0]) if block else None
    if match is None:
        return []
    if not match[1]:
        return [match[2]]
    for number in range(marker.line - 1, -1, -1):
        if owner := re.match(r"class\s+(\w+)", lines[number]):
            return [owner[1], match[2]]
    return []


def _tensorflow_name(name: str) -> str:
    """ "models.bert.modeling_tf_bert.TFBertLayer.call" of "models.bert.modeling_bert.BertLayer.forward"."""
    match = re.fullmatch(r"models\.(\w+)\.modeling_(\w+)\.(\w+)((?:\.\w+)?)", name)
    if match is None or match[2].startswith(("tf_", "flax_")):
        return ""
    model, suffix, found, method = match.groups()
    found = f"TF{found}" if found[:1].isupper() else found
    return f"models.{model}.modeling_tf_{suffix}.{found}{'.call' if method == '.forward' else method}"


def _blocks_marked(port: Port, path: str) -> list[Block]:
    lines = port.text(path).split("\n")
    return [
        b for marker in markers(port.text(path)) if not marker.indent and (b := copied_block(lines, marker))
    ]


def _finding(port: Port, one: _Copied) -> Finding | None:
    place = origin(port.head, "transformers", one.source)
    if place.block is None or len(one.block.lines) < 3:
        return None
    shown = ".".join(one.source.split(".")[3:])
    for rest in dict.fromkeys((one.rest, "")):
        changes, unknown = compare(one.block, place, rest, how(port))
        if not changes and not unknown:
            marker = f"# Copied from transformers.{one.source}{' ' if rest else ''}{rest}"
            return RULE.finding(
                one.module.path,
                one.block.first,
                f"{one.name} is the same as {shown}, but does not say so; its PyTorch twin does ({one.module.pytorch_path}:{one.line})",
                f"Put {marker} above it.",
                symbol=one.name,
                edits=(insert(one.module.path, one.block.first, f"{' ' * one.block.indent}{marker}\n"),),
            )
    wanted = replaced(place.block.text, one.rest)
    if wanted is None or one.block.indent:
        return None
    ours, theirs = _lines(one.block.text), _lines(wanted)
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    # Upper bounds first: ratio() takes quadratic time.
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE or matcher.ratio() < _ALIKE:
        return None
    return RULE.finding(
        one.module.path,
        one.block.first,
        f"{one.name} is almost {shown}, of which its PyTorch twin is a copy ({one.module.pytorch_path}:{one.line})",
        f"If it need not differ from {place.path}:{place.block.first}, copy that and put "
        f"# Copied from transformers.{one.source}{' ' if one.rest else ''}{one.rest} above it.",
        symbol=one.name,
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n")[1:] if line.strip()]


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_MARKER = "# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern\n"

RULE = Rule(
    slug="copied-from-twin",
    level="suggestion",
    summary="What is a copy in PyTorch is a copy in TensorFlow, where the original has its port.",
    why="The original's port was reviewed already, and later fixes of it reach the copy by `make fix-copies`.",
    how="Take over the TensorFlow class that belongs to the PyTorch original, and mark it as the PyTorch class is marked.",
    guide="Step 4, checklist: code that is copied says so by # Copied from.",
    source="163 of 190 merged classes do",
    check=check,
    examples=(
        Example(
            title="The PyTorch class is a copy, this one almost",
            path=_TF,
            good=f"{_MARKER}class TFLanternSelfOutput(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n\n        self.dense",
            bad="class TFLanternSelfOutput(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.epsilon = config.layer_norm_eps\n        self.dense",
            finds=("class TFLanternSelfOutput(keras.layers.Layer):",),
        ),
        Example(
            title="It differs, and says so",
            path=_TF,
            good=f"{_MARKER}class TFLanternSelfOutput(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n\n        self.dense",
            bad="# Adapted from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput\nclass TFLanternSelfOutput(keras.layers.Layer):\n    def __init__(self, config: LanternConfig, **kwargs):\n        super().__init__(**kwargs)\n        self.epsilon = config.layer_norm_eps\n        self.dense",
            silent=True,
        ),
    ),
)

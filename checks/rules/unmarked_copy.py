"""A class that is another model's class, but does not say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.edits import insert
from checks.errors import NotBegun, Undecidable
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._copies import Classes, class_index, dotted_path, how, tensorflow_modules
from checks.source.copies import Block, differences, replaced

_LEAST = 8
"""Lines of a class that is worth a comment; the shortest that upstream marks."""


def check(port: Port) -> Iterator[Finding]:
    if port.broken:
        raise Undecidable(f"{port.broken[0].path.rsplit('/', 1)[-1]} cannot be parsed")
    if not port.classes:
        raise NotBegun("no class yet")
    for module, block, twin in unmarked(port):
        name = _name(block)
        marker = f"# Copied from {dotted_path(twin.path)}.{twin.name}{' ' if twin.rest else ''}{twin.rest}"
        yield RULE.finding(
            module.path,
            block.first,
            f"{name} is the same as {twin.name} of {twin.path.rsplit('/', 2)[-2]}, but does not say so",
            f"Put {marker} above it, so that make fix-copies keeps it up to date.",
            symbol=name,
            column=len("class ") + 1,
            edits=(insert(module.path, block.first, f"{marker}\n"),),
        )


@dataclass(frozen=True, slots=True)
class Twin:
    """The class that another is a copy of: its module, name, and the replacements that make the one of the other."""

    path: str
    name: str
    rest: str


@lru_cache(maxsize=8)
def unmarked(port: Port) -> tuple[tuple[Module, Block, Twin], ...]:
    """The port's classes without a marker that are copies, each with the nearest class of which it is one."""
    return tuple(_unmarked(port))


def _unmarked(port: Port) -> Iterator[tuple[Module, Block, Twin]]:
    prefix = port.configuration.removesuffix("Config")
    wanted: list[tuple[Module, Block, str]] = []
    for module in port.modules:
        text = port.text(module.path)
        lines = text.split("\n")
        classes = class_index(text)
        for name, found in module.facts.classes.items():
            if name not in classes.spans or found.line not in module.touched:
                continue
            if found.end_line - found.line + 1 < _LEAST or name.endswith("PreTrainedModel"):
                continue
            if any(base.endswith("ModelOutput") for base in found.bases):
                continue
            if says_so(lines, found.line):
                continue
            wanted.append((module, classes.block(name), name.removeprefix("TF").removeprefix(prefix)))
    if wanted:
        others = list(tensorflow_modules(port))
        ranked = sorted(others, key=lambda other: (_rank(port, other[0]), other[0]))
        for module, block, suffix in wanted:
            if suffix and (twin := _twin(port, prefix, block, suffix, ranked)):
                yield module, block, twin


_SAYS = re.compile(r"\s*#.*\b(copied|adapted|taken|same as|based on|borrowed)\b", re.IGNORECASE)


def says_so(lines: list[str], line: int) -> bool:
    """A comment above the class or function of a line tells, in whatever words, where it is from."""
    for above in range(line - 2, max(line - 12, -1), -1):
        source = lines[above].strip()
        if _SAYS.match(source):
            return True
        if source and not source.startswith(("#", "@")):
            return False
    return False


def _rank(port: Port, path: str) -> int:
    """Whom to name if several are the same: what the PyTorch code names, then BERT and ViT, which others copied."""
    near = [port.kin, "bert", "vit", "bart", "roberta"]
    model = path.split("/")[-2]
    return near.index(model) if model in near else len(near)


def _twin(
    port: Port, prefix: str, block: Block, suffix: str, others: list[tuple[str, Classes]]
) -> Twin | None:
    counts = _counts(block.text)
    squeezed = _squeezed(block.text.partition("\n")[2])
    ours = _name(block)
    for path, classes in others:
        for name, (start, end) in classes.spans.items():
            if not name.endswith(suffix) or not name.startswith("TF"):
                continue
            # A first look at the span, which may be longer than the class.
            if any(classes.text.count(word, start, end) < count for word, count in counts.items()):
                continue
            other = classes.block(name)
            if _counts(other.text) != counts or _is_ours(classes.text[:start], ours):
                continue
            old = name[2 : len(name) - len(suffix)] if ours.startswith(f"TF{prefix}") else ""
            for rest in _rests(old, prefix, path, port):
                text = replaced(other.text, rest)
                if (
                    text is not None
                    and _squeezed(text.partition("\n")[2]) == squeezed
                    and not differences(block, text, how(port))
                ):
                    return Twin(path, name, rest)
    return None


def _is_ours(before: str, ours: str) -> bool:
    """The comment above a class says that it is a copy of ours, which is the original then."""
    above = re.search(r"(?:^[#@].*\n)*\Z", before, re.MULTILINE)
    return above is not None and re.search(rf"# Copied from \S+\.{ours}\b", above[0]) is not None


def _rests(old: str, new: str, path: str, port: Port) -> Iterator[str]:
    """Replacements that may make the one model's code of the other's."""
    yield ""
    if not old or not new or old == new:
        return
    yield f"with {old}->{new}"
    model = path.split("/")[-2]
    yield f"with {old}->{new}, {model}->{port.model}"
    yield f"with {old}->{new} all-casing"


def _counts(text: str) -> dict[str, int]:
    """Words that no replacement touches, and how often they occur."""
    return {word: text.count(word) for word in ("self.", "def ", "return", "=", "#")}


def _squeezed(text: str) -> str:
    return re.sub(r"[\s(),\"']", "", text)


def _name(block: Block) -> str:
    match = re.match(r"class (\w+)", block.lines[0])
    return match[1] if match else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_MARKER = "# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern\n"

RULE = Rule(
    slug="unmarked-copy",
    level="warning",
    summary="A class that is the same as another model's, but for the model's name, carries `# Copied from`.",
    why="A copy that is marked gets every later fix of its original by `make fix-copies`; one that is not stays broken alone.",
    how="Put the comment directly above `class`: the finding has it ready.",
    guide="Step 4, checklist: code that is copied says so by # Copied from.",
    source="asked for in review (#18678, #23342)",
    check=check,
    examples=(
        Example(
            title="The comment was forgotten",
            path=_TF,
            good=_MARKER,
            bad="",
            finds=("class TFLanternSelfOutput(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="It was changed, and says so",
            path=_TF,
            good=_MARKER,
            bad="# Adapted from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput\n",
            silent=True,
        ),
    ),
)

"""Other models' names in the documentation of the port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.port import Module, Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._models import COMPARES, foreign_stems, mentions, plain
from checks.source.docstrings import doc_facts

_WORD = re.compile(r"\b[A-Z]\w+")
_CLASS = re.compile(
    r"(?:TF|Flax)?([A-Z]\w*?)(Config|PreTrainedModel|MainLayer|LMHeadModel|DoubleHeadsModel|Model|For[A-Z]\w+"
    r"|Tokenizer(?:Fast)?|FeatureExtractor|ImageProcessor|Processor|(?:Encoder|Decoder)?Layer|Encoder|Decoder|Attention|Embeddings)"
)
_FILTER = re.compile(r"huggingface\.co/models\?(?:\w+=\w+&)*(?:filter|other|search)=([\w-]+)")

_BARE = re.compile(r"\bThe bare ([A-Z][\w-]+)")


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    stems, names = foreign_stems(port)
    if not stems:
        return
    for module in port.modules:
        yield from _of_module(port, module, stems, names)


def _of_module(port: Port, module: Module, stems: frozenset[str], names: frozenset[str]) -> Iterator[Finding]:
    text = port.text(module.path)
    pytorch = port.text(module.pytorch_path) if module.pytorch_path else ""
    imported = {found.local for found in module.facts.imports}
    theirs = set(_WORD.findall(pytorch))
    foreign = {
        word: match[1]
        for word in set(_WORD.findall(text)) - imported
        if (match := _CLASS.fullmatch(word)) and match[1] in stems and word.removeprefix("TF") not in theirs
    }
    found: dict[str, list[tuple[int, int, str]]] = {}
    texts = doc_facts(text).texts
    for part in texts if foreign else ():
        for number, line in part.numbered:
            if COMPARES.search(line) and "obtained using" not in line:
                continue
            for match in _WORD.finditer(line):
                if match[0] in foreign:
                    found.setdefault(foreign[match[0]], []).append((number, match.start() + 1, match[0]))
    own = port.configuration.removesuffix("Config")
    for stem, places in found.items():
        edits: list[Edit] = []
        for number, column, name in places:
            meant = name.replace(stem, own, 1)
            if own and (meant in port.classes or meant == port.configuration):
                edits.append(replace(module.path, number, column, name, meant))
        first, *others = sorted({number for number, _, _ in places})
        yield RULE.finding(
            module.path,
            first,
            f"The documentation names {places[0][2]}, which is another model's",
            f"{edits[0].text} is meant." if edits else f"Write {own}'s." if own else "Name this model.",
            symbol=places[0][2],
            column=places[0][1],
            edits=edits,
            locations=[Location(module.path, line) for line in others],
        )
    yield from _bare(port, module, stems | names, pytorch)
    yield from _headings(port, module, names, pytorch)
    yield from _filters(module, text, pytorch)


def _headings(port: Port, module: Module, names: frozenset[str], pytorch: str) -> Iterator[Finding]:
    """The module's own docstring and the sentences that say what a class is."""
    facts = doc_facts(port.text(module.path))
    places: dict[int, str] = {}
    own = [text for text in facts.texts if text.owner == "" or text.owner in port.classes]
    known = mentions("\n".join(line for text in own for line in text.lines), names)
    foreign = [name for name in known if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", pytorch)]
    for text in own if foreign else ():
        for number, line in text.numbered:
            if _BARE.search(line) and _BARE.search(pytorch):
                continue
            for name in () if COMPARES.search(line) else mentions(line, frozenset(foreign)):
                places.setdefault(number, name)
    if places:
        first, *others = sorted(places)
        yield RULE.finding(
            module.path,
            first,
            f"The documentation speaks of {places[first]}, and PyTorch's does not",
            "Name this model.",
            symbol=places[first],
            locations=[Location(module.path, line) for line in others],
            level="suggestion",
        )


def _bare(port: Port, module: Module, foreign: frozenset[str], pytorch: str) -> Iterator[Finding]:
    """ "The bare BERT model", where PyTorch's sentence has another name."""
    text, right = port.text(module.path), set(_BARE.findall(pytorch))
    others = {plain(name) for name in foreign}
    for match in _BARE.finditer(text) if right else ():
        if (
            match[1] in right
            or plain(match[1]) not in others
            or plain(module.suffix).startswith(plain(match[1]))
        ):
            continue
        yield _other(
            module,
            text,
            match,
            f"The documentation speaks of the bare {match[1]} model",
            f"PyTorch's speaks of {min(right)}.",
            min(right),
        )


def _filters(module: Module, text: str, pytorch: str) -> Iterator[Finding]:
    right = set(_FILTER.findall(pytorch))
    for match in _FILTER.finditer(text):
        if right and match[1] not in right:
            yield _other(
                module,
                text,
                match,
                f"The link leads to the checkpoints of {match[1]}",
                f"PyTorch's has {min(right)}.",
                min(right),
            )


def _other(module: Module, text: str, match: re.Match[str], message: str, advice: str, meant: str) -> Finding:
    """A name that is the match's first group, and should be the one that is meant."""
    line = text.count("\n", 0, match.start(1)) + 1
    column = match.start(1) - text.rfind("\n", 0, match.start(1))
    return RULE.finding(
        module.path,
        line,
        message,
        advice,
        symbol=match[1],
        column=column,
        edits=(replace(module.path, line, column, match[1], meant),),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="docstring-models",
    level="warning",
    summary="The documentation of the port names this model, not the one that it was copied from.",
    why="The page of one model that speaks of another sends its readers there.",
    how="Search the file for the name of the model that you copied from. `# Copied from` comments keep it, of course.",
    guide="Step 3: rename the classes, in the documentation as well.",
    source="review of XGLM (LED) and others",
    check=check,
    examples=(
        Example(
            title="Another model's configuration",
            path=_TF,
            good="        config ([`LanternConfig`]): Model configuration class",
            bad="        config ([`XLMConfig`]): Model configuration class",
            finds=(
                "config ([`XLMConfig`]): Model configuration class with all the parameters of the model.",
            ),
            fixed=True,
        ),
        Example(
            title="Another model's tokenizer",
            path=_TF,
            good="            Indices of input sequence tokens in the vocabulary.\n",
            bad="            Indices of input sequence tokens in the vocabulary.\n\n"
            "            Indices can be obtained using [`XLMTokenizer`]. See [`PreTrainedTokenizer.__call__`] for details.\n",
            finds=(
                "Indices can be obtained using [`XLMTokenizer`]. See [`PreTrainedTokenizer.__call__`] for details.",
            ),
        ),
        Example(
            title="Another model in the first sentence",
            path=_TF,
            good='@add_start_docstrings("The bare Lantern Model.", LANTERN_START_DOCSTRING)',
            bad='@add_start_docstrings("The bare BERT Model.", LANTERN_START_DOCSTRING)',
            finds=('@add_start_docstrings("The bare BERT Model.", LANTERN_START_DOCSTRING)',),
        ),
    ),
)

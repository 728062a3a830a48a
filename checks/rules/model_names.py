"""Another model's name in comments, docstrings and messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from checks.conventions import AUTO, read
from checks.errors import Undecidable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.rules._copies import copied_lines
from checks.rules._hygiene import File, modules, pytorch_text
from checks.rules._models import COMPARES

_AUTO = f"{AUTO}/configuration_auto.py"

_COMMON = frozenset(
    {"CLIP", "OPT", "Transformer", "Speech Encoder decoder", "X-MOD", "M-CTC-T", "Marian", "RAG"}
)
"""Names that stand for other things, too."""


def check(port: Port) -> Iterator[Finding]:
    names = _names(read(port.base, _AUTO))
    if not names:
        raise Undecidable(f"{_AUTO} names no models")
    own = port.configuration.removesuffix("Config")
    config = port.text(f"{port.folder}/configuration_{port.model}.py")
    copied = copied_lines(port)
    for file in modules(port):
        assert file.module is not None
        known = f"{pytorch_text(port, file.module)}\n{config}"
        found = _found(file, names, own, port.model, known, copied)
        for name, lines in found.items():
            where = file.lines[lines[0] - 1].strip()
            yield RULE.finding(
                file.path,
                lines[0],
                f"{name} is named, but this is {own or port.model}: {where[:90]}"
                + (f" ({len(lines)} times)" if lines[1:] else ""),
                f"If {enumerate_names([name])} is left from a copy, write {own or port.model}.",
                column=max(file.lines[lines[0] - 1].find(name), 0) + 1,
                locations=[Location(file.path, line) for line in lines[1:20]],
            )


def _found(
    file: File, names: frozenset[str], own: str, model: str, known: str, copied: set[tuple[str, int]]
) -> dict[str, list[int]]:
    """Name -> lines of prose on which it stands without being known to the PyTorch module or the configuration."""
    found: dict[str, list[int]] = {}
    plain = {own.lower(), model.replace("_", "").lower()}
    for line in file.prose:
        if (file.path, line.line) in copied or COMPARES.search(line.text):
            continue
        for match in re.finditer(r"(?<![\w./`-])(?:TF)?([A-Z][\w-]*)", line.text):
            word = match[1]
            name = word if word in names else _prefix(word, names)
            if not name or name in _COMMON or name.lower().replace("-", "") in plain or name in own:
                continue
            if re.search(rf"\b(?:TF)?{re.escape(word)}\b", known) or re.search(
                rf"\b{re.escape(name)}", known
            ):
                continue
            lines = found.setdefault(name, [])
            if line.line not in lines:
                lines.append(line.line)
    return found


_ENDS = re.compile(r"(?:Model|Config|Layer|Encoder|Decoder|Attention|MainLayer|PreTrainedModel|For[A-Z]\w+)$")


def _prefix(word: str, names: frozenset[str]) -> str:
    """ "Bert" of "BertForMaskedLM", "" if it is no name of a class."""
    bare = _ENDS.sub("", word)
    return bare if bare != word and bare in names else ""


@lru_cache(maxsize=8)
def _names(text: str) -> frozenset[str]:
    """What models are called: "BERT" and "Bert"."""
    shown = re.search(
        r"MODEL_NAMES_MAPPING\s*=\s*OrderedDict\(\s*\[(.*?)^\s*\]", text, re.DOTALL | re.MULTILINE
    )
    configs = re.search(
        r"CONFIG_MAPPING_NAMES\s*=\s*OrderedDict\(\s*\[(.*?)^\s*\]", text, re.DOTALL | re.MULTILINE
    )
    names = set(re.findall(r'\("[\w-]+", "([\w .+/-]+)"\)', shown[1])) if shown else set[str]()
    if configs:
        names.update(name.removesuffix("Config") for name in re.findall(r'"(\w+Config)"', configs[1]))
    return frozenset(name for name in names if len(name) > 2)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="model-names",
    level="suggestion",
    summary="Comments, docstrings and messages name this model, not the one whose code was copied.",
    why="Users read the docstring of another model, and search for what is not there.",
    how="Write this model's name; where another one is meant, say how it is related (as in BERT).",
    source="asked for in review (4 of 44 pull requests: BERT, LED instead of XGLM)",
    by_the_way=True,
    check=check,
    examples=(
        Example(
            title="A comment of BERT",
            path=_TF,
            good="        embeddings = self.LayerNorm(embeddings)\n",
            bad="        # BERT looks only once\n        embeddings = self.LayerNorm(embeddings)\n",
            finds=("# BERT looks only once",),
        ),
        Example(
            title="Another model is meant",
            path=_TF,
            good='    """Looks at the picture: half its size, and back."""\n',
            bad='    """Looks at the picture, as in BERT."""\n',
            silent=True,
        ),
    ),
)

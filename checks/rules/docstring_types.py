"""PyTorch in docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.source.docstrings import Text, doc_facts

_TYPE = re.compile(r"\btorch\.\w*Tensor\b|\btf\.(?:Long|Float|Bool|Int|Double|Half|Byte)Tensor\b")
_MODULE = re.compile(r"(?<=[\[`(])(?:torch\.)?nn\.[A-Z]\w+")
_EXAMPLE = re.compile(r"(?:>>>|\.\.\.) .*(?:\btorch\b|return_tensors=[\"']pt[\"'])")
_TENSORS = re.compile(r"(return_tensors=[\"'])pt([\"'])")

_PROSE = re.compile(
    r"implement|version of|equivalent|same as|like|unlike|instead|differ|correspond", re.IGNORECASE
)
"""Of lines that speak of PyTorch on purpose."""


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    for module in port.modules:
        text = port.text(module.path)
        if not any(pattern.search(text) for pattern in (_TYPE, _MODULE, _EXAMPLE)):
            continue
        texts = doc_facts(text).texts
        yield from _types(module.path, texts)
        yield from _modules(module.path, texts)
        yield from _examples(module.path, texts)


def _types(path: str, texts: tuple[Text, ...]) -> Iterator[Finding]:
    found: dict[int, str] = {}
    edits: list[Edit] = []
    for text in texts:
        for number, line in text.numbered:
            if _EXAMPLE.search(line):
                continue
            for match in _TYPE.finditer(line):
                found.setdefault(number, match[0])
                edits.append(replace(path, number, match.start() + 1, match[0], "tf.Tensor"))
    if not found:
        return
    first, *others = sorted(found)
    name = found[first]
    wrong = "which does not exist" if name.startswith("tf.") else "PyTorch's type"
    yield RULE.finding(
        path,
        first,
        f"The documentation names {name}, {wrong}",
        "Write tf.Tensor (inputs may also be np.ndarray).",
        symbol=name,
        edits=edits,
        locations=[Location(path, line) for line in others],
    )


def _modules(path: str, texts: tuple[Text, ...]) -> Iterator[Finding]:
    """`nn.Embedding` as the type of an argument; a sentence may well speak of it."""
    found = {
        number: match[0]
        for text in texts
        for number, line in text.numbered
        if ":" in line and not _PROSE.search(line) and (match := _MODULE.search(line))
    }
    if found:
        first, *others = sorted(found)
        yield RULE.finding(
            path,
            first,
            f"The documentation names {found[first]}, a class of PyTorch",
            f"Name the layer of Keras, or the TF class, that takes the place of {found[first]}.",
            symbol=found[first],
            locations=[Location(path, line) for line in others],
        )


def _examples(path: str, texts: tuple[Text, ...]) -> Iterator[Finding]:
    lines: dict[int, str] = {}
    for text in texts:
        lines.update({number: line for number, line in text.numbered if _EXAMPLE.search(line)})
    if not lines:
        return
    first, *others = sorted(lines)
    tensors = ((n, m) for n, line in lines.items() if (m := _TENSORS.search(line)))
    yield RULE.finding(
        path,
        first,
        "The example in the docstring is PyTorch code",
        'Write it for TensorFlow: import tensorflow as tf, return_tensors="tf", no torch.no_grad().',
        edits=[replace(path, n, m.start() + 1, m[0], f"{m[1]}tf{m[2]}") for n, m in tensors],
        locations=[Location(path, line) for line in others],
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="docstring-types",
    level="suggestion",
    summary="Docstrings name TensorFlow's types, and their examples are TensorFlow code.",
    why="Who reads the page of TFLanternModel is told what to pass to it: a `torch.LongTensor` fails, and a `tf.LongTensor` does not exist.",
    how='`tf.Tensor`, or `np.ndarray` or `tf.Tensor`; in examples `return_tensors="tf"`.',
    guide="Step 3: convert the PyTorch code, its documentation included.",
    source="review of XGLM, Speech2Text, ConvNext and others",
    check=check,
    examples=(
        Example(
            title="PyTorch's type",
            path=_TF,
            good="        labels (`tf.Tensor` of shape `(batch_size,)`, *optional*):",
            bad="        labels (`torch.LongTensor` of shape `(batch_size,)`, *optional*):",
            finds=("labels (`torch.LongTensor` of shape `(batch_size,)`, *optional*):",),
            fixed=True,
        ),
        Example(
            title="A type that does not exist",
            path=_TF,
            good="        input_ids (`tf.Tensor` of shape",
            bad="        input_ids (`tf.LongTensor` of shape",
            finds=("input_ids (`tf.LongTensor` of shape `(batch_size, sequence_length)`):",),
            fixed=True,
        ),
        Example(
            title="A class of PyTorch",
            path=_TF,
            good='    """Looks at the picture: half its size, and back."""\n',
            bad='    """\n    Looks at the picture: half its size, and back.\n\n    Args:\n        glass ([nn.Conv2d]): the lens.\n    """\n',
            finds=("glass ([nn.Conv2d]): the lens.",),
        ),
        Example(
            title="An example for PyTorch",
            path=_TF,
            good="            Labels for computing the sequence classification loss.\n",
            bad=(
                "            Labels for computing the sequence classification loss.\n\n        Example:\n\n        ```python\n"
                '        >>> inputs = tokenizer("Light", return_tensors="pt")\n        ```\n'
            ),
            edits_to=(
                "            Labels for computing the sequence classification loss.\n\n        Example:\n\n        ```python\n"
                '        >>> inputs = tokenizer("Light", return_tensors="tf")\n        ```\n'
            ),
            finds=('>>> inputs = tokenizer("Light", return_tensors="pt")',),
        ),
    ),
)

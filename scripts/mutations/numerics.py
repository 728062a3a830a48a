"""Breakages of numbers: what layers are given, which functions are used, where the training flag goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation

_ARGUMENT = r"(?<=[(,\s])"


@dataclass(frozen=True, slots=True)
class Breakage:
    """A change of text.

    Attributes:
        what: for people.
        pattern: what is changed, in code.
        new: what stands there instead.
        rule: that has to find it.
        within: the call that it has to stand in, as a pattern of what opens it; "" for anywhere.
        unless: a pattern that, in the same statement, means that the change is none.
    """

    what: str
    pattern: str
    new: str | Callable[[re.Match[str]], str]
    rule: str
    within: str = ""
    unless: str = ""


_NORM = r"\bLayerNormalization\("
_BATCH = r"\bBatchNormalization\("
_CONV = r"\bConv[12]D\("
_DENSE = r"\bDense\("
_VALUE = r"[^,()]+(?:\([^()]*\))?"

BREAKAGES = (
    Breakage("epsilon left to Keras", rf"{_ARGUMENT}epsilon={_VALUE}, ", "", "layer-norm-epsilon", _NORM),
    Breakage(
        "another epsilon",
        rf"{_ARGUMENT}epsilon={_VALUE}(?=[,)])",
        "epsilon=1e-3",
        "layer-norm-epsilon",
        _NORM,
    ),
    Breakage("momentum of PyTorch", r"momentum=0\.9", "momentum=0.1", "batch-norm-defaults", _BATCH),
    Breakage("momentum left to Keras", r"momentum=[\d.]+, ", "", "batch-norm-defaults", _BATCH),
    Breakage("epsilon of batch norm left to Keras", r"epsilon=[\w.-]+, ", "", "batch-norm-defaults", _BATCH),
    Breakage("same with a stride", r'padding="valid"', 'padding="same"', "same-padding", _CONV),
    Breakage("same with a stride, in capitals", r'padding="VALID"', 'padding="SAME"', "same-padding", _CONV),
    Breakage("no same", r'padding="same",\s+', "", "same-padding", _CONV),
    Breakage("padding in pairs", r'padding="(?:valid|same)"', "padding=(1, 1)", "same-padding", _CONV),
    Breakage(
        "other zeros", r"(?<=ZeroPadding2D\()(?:padding=)?[\w/ .]+(?=\))", "padding=5", "same-padding", ""
    ),
    Breakage(
        "stride left out", rf"{_ARGUMENT}strides={_VALUE}, ", "", "layer-arguments", _CONV, r"strides=1\b"
    ),
    Breakage(
        "another stride", rf"{_ARGUMENT}strides={_VALUE}(?=[,)])", "strides=11", "layer-arguments", _CONV
    ),
    Breakage(
        "another kernel",
        rf"{_ARGUMENT}kernel_size={_VALUE}(?=[,)])",
        "kernel_size=5",
        "layer-arguments",
        _CONV,
    ),
    Breakage("no groups", rf"{_ARGUMENT}groups={_VALUE}, ", "", "layer-arguments", _CONV),
    Breakage("no bias", r'name="', 'use_bias=False, name="', "layer-arguments", _DENSE, "use_bias"),
    Breakage(
        "bias that PyTorch has not", r"use_bias=False, ", "", "layer-arguments", r"\b(?:Dense|Conv2D)\("
    ),
    Breakage(
        "another width",
        r"(?<=Dense\()(?:units=)?config\.num_labels",
        "units=config.hidden_size",
        "layer-arguments",
        "",
    ),
    Breakage("a fixed width", r"(?<=Dense\()units=config\.hidden_size", "units=768", "config-values", ""),
    Breakage(
        "a fixed dropout", r"(?<=Dropout\()(?:rate=)?(?:self\.)?config\.\w+", "rate=0.1", "config-values", ""
    ),
    Breakage(
        "another dropout",
        r"(?<=Dropout\()(?:rate=)?(?:self\.)?config\.\w+",
        "rate=config.classifier_rate",
        "config-values",
        "",
    ),
    Breakage(
        "a fixed activation",
        r"get_tf_activation\((?:self\.)?config\.\w+\)",
        'get_tf_activation("relu")',
        "activations",
    ),
    Breakage(
        "a fixed activation of the table",
        r"ACT2FN\[(?:self\.)?config\.\w+\]",
        'ACT2FN["gelu_new"]',
        "activations",
    ),
    Breakage(
        "another activation of a layer",
        r'activation="(?:tanh|relu|sigmoid)"',
        'activation="gelu"',
        "activations",
    ),
    Breakage(
        "an activation called again",
        r"get_tf_activation\((?:self\.)?config\.\w+\)(?!\()",
        lambda m: f"{m[0]}()",
        "activations",
    ),
    Breakage("another axis", r"(?<=axis=)-1(?=\)$)", "-2", "softmax-axis", r"softmax\("),
    Breakage(
        "channels first",
        r'data_format="channels_last"',
        'data_format="channels_first"',
        "channels-first",
        _CONV,
    ),
    Breakage("another mode", r'method="bilinear"', 'method="nearest"', "resize-modes", r"image\.resize\("),
    Breakage(
        "the flag is off", r"(?<=\(|\s)training=training(?=[,)])", "training=False", "constant-training"
    ),
    Breakage("the flag is on", r"(?<=\(|\s)training=training(?=[,)])", "training=True", "constant-training"),
    Breakage(
        "the flag is left out",
        r"(?<=self\.dropout\(hidden_states), training=training(?=\)$)",
        "",
        "training-argument",
    ),
    Breakage(
        "trains by default",
        r"training(: (?:bool|Optional\[bool\]))? = False",
        lambda m: m[0].replace("False", "True"),
        "training-parameter",
    ),
)
"""One kind of defect each."""

_EACH = 4
"""Of one kind in one port."""


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """The port with one number changed, for each kind at a few places."""
    for port in report.ports:
        text = head.read(port.path) or ""
        told = any(finding.rule == "training-argument" for finding in report.findings)
        for breakage in BREAKAGES:
            if told and breakage.rule == "training-argument":
                continue  # one more place of the same finding
            yield from _broken(port.path, text, breakage)


def _broken(path: str, text: str, breakage: Breakage) -> Iterator[Mutation]:
    found = [m for m in re.finditer(breakage.pattern, text, re.MULTILINE) if _fits(text, m, breakage)]
    for match in found[:: max(len(found) // _EACH, 1)][:_EACH]:
        new = breakage.new if isinstance(breakage.new, str) else breakage.new(match)
        broken = text[: match.start()] + new + text[match.end() :]
        line = text.count("\n", 0, match.start()) + 1
        opened = text.count("\n", 0, _opening(text, match.start())) + 1
        yield Mutation(
            f"{breakage.what}: {match[0].strip()} at line {line}",
            path,
            broken,
            breakage.rule,
            line,
            frozenset({opened}),
        )


def _fits(text: str, match: re.Match[str], breakage: Breakage) -> bool:
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    function = text[: match.start()].rfind("def ")
    if "#" in line or (breakage.rule == "resize-modes" and text[function - 1] == "\n"):
        return False  # functions of the module have no class to compare with
    start = _opening(text, match.start())
    statement = text[text.rfind("\n", 0, start) + 1 : text.find("\n", match.end())]
    if breakage.unless and re.search(breakage.unless, statement):
        return False
    return not breakage.within or re.search(rf"{breakage.within}$", text[: start + 1][-60:]) is not None


def _opening(text: str, at: int) -> int:
    """Of the bracket that is open at an offset; the offset itself if none is."""
    depth = 0
    for offset in range(at - 1, max(at - 2000, 0), -1):
        if text[offset] in ")]}":
            depth += 1
        elif text[offset] in "([{":
            if depth == 0:
                return offset
            depth -= 1
    return at

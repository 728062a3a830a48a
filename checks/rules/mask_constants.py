"""Numbers that half precision cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.port import Module, Port
from checks.report import Finding, Location
from checks.rules import Example, Rule

_NUMBER = re.compile(r"-\s*+(\d++\.?+\d*+e\+?\d+|\d{6,}(?:\.\d*)?)\b|float\(\"-inf\"\)")
_LARGEST = 65504.0


def check(port: Port) -> Iterator[Finding]:
    for module in port.modules:
        text = port.text(module.path)
        lines = text.split("\n")
        for found in module.facts.classes.values():
            at = [n for n in range(found.line, found.end_line + 1) if _is_too_large(lines[n - 1])]
            if at and not _asks(lines, found.line, found.end_line):
                yield _finding(module, found.name, lines, at)


def _is_too_large(line: str) -> bool:
    code = line.split("#", 1)[0]
    for match in _NUMBER.finditer(code):
        if (
            match[1]
            and float(match[1]) > _LARGEST
            and not code[: match.start()].rstrip().endswith(("e", "E"))
        ):
            return True
    return False


def _asks(lines: list[str], first: int, last: int) -> bool:
    """The class looks at the type before it takes a number."""
    return any(
        "float16" in line or "dtype.min" in line or "finfo" in line for line in lines[first - 1 : last]
    )


def _finding(module: Module, name: str, lines: list[str], at: list[int]) -> Finding:
    match = _NUMBER.search(lines[at[0] - 1])
    return RULE.finding(
        module.path,
        at[0],
        f"{name}: {match[0] if match else 'the mask'} is minus infinity in half precision, and a row that is masked completely becomes NaN",
        "Take the smallest number of the type, scores.dtype.min, or LARGE_NEGATIVE as other models do.",
        symbol=name,
        locations=[Location(module.path, line) for line in at[1:]],
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="mask-constants",
    level="suggestion",
    summary="Mask constants fit into half precision.",
    why="Numbers below -65504 become minus infinity in float16; softmax over a row of those is NaN.",
    how="Use `scores.dtype.min`, which is right for every precision.",
    source="measured with TensorFlow 2.15; deberta #32618",
    check=check,
    examples=(
        Example(
            title="A large number",
            path=_TF,
            good="        attention = stable_softmax(scores, axis=-1)",
            bad="        attention = stable_softmax(scores + -1e9, axis=-1)",
            finds=("attention = stable_softmax(scores + -1e9, axis=-1)",),
        ),
    ),
)

"""TODO and FIXME."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from checks.port import Port
from checks.report import Finding, Level, Location
from checks.rules import Example, Rule
from checks.rules._copies import copied_lines
from checks.rules._hygiene import File, modules, pytorch_tests, pytorch_text, tests
from checks.source.prose import Line

_WORD = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

_NAMED = re.compile(r"\bTODO:? (?:\(\w+\)|[A-Z]\w+:)|\bTODO\(\w+\)")
"""Somebody has taken it over, as maintainers do in merged ports."""


def check(port: Port) -> Iterator[Finding]:
    copied = copied_lines(port)
    for file in modules(port):
        assert file.module is not None
        known = pytorch_text(port, file.module)
        for line in file.prose:
            match = _WORD.search(line.text)
            if match and line.kind != "string" and (file.path, line.line) not in copied:
                yield _finding(file, line, match[1], line.text in known)
    known_tests = pytorch_tests(port)
    for file in tests(port):
        todo: list[Line] = []
        for line in file.prose:
            match = _WORD.search(line.text) if line.kind != "string" else None
            if match and match[1] == "FIXME":
                yield _finding(file, line, match[1], False)
            elif match and line.text not in known_tests and not _NAMED.search(line.text):
                todo.append(line)
        if todo:  # merged tests are full of them
            more = [Location(file.path, line.line) for line in todo[1:]]
            yield replace(_finding(file, todo[0], "TODO", False), level="suggestion", locations=tuple(more))


def _finding(file: File, line: Line, word: str, inherited: bool) -> Finding:
    level: Level = "error" if word == "FIXME" else "warning"
    if inherited or _NAMED.search(line.text):
        level = "suggestion"
    whose = ", as in the PyTorch module" if inherited else ""
    return RULE.finding(
        file.path,
        line.line,
        f"A {word} is left{whose}: {line.text[:100]}",
        "If it is done or means another model, take it out; if not, say in the pull request what is open."
        if not inherited
        else "See whether it holds for TensorFlow too.",
        column=line.column,
        level=level,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = "        size = tf.shape(pixel_values)[1:3] * 2\n"

RULE = Rule(
    slug="leftover-comments",
    level="error",
    summary="No FIXME is left, and no TODO that the port should have done.",
    why="Reviewers ask about every one of them; those that were copied with the code of another model mean that model.",
    how="Do it, take it out, or write into the pull request what is open. FIXME blocks, TODO is a warning, or a suggestion if it says whose it is.",
    source="asked for in review (#23342, #17910, #16543); 12 TODO and no FIXME in 67 merged modules",
    check=check,
    examples=(
        Example(
            title="A FIXME",
            path=_TF,
            good=_GOOD,
            bad=f"        # FIXME: odd sizes\n{_GOOD}",
            finds=("# FIXME: odd sizes",),
        ),
        Example(
            title="A TODO",
            path=_TF,
            good=_GOOD,
            bad=_GOOD.replace("\n", "  # TODO (keeper): odd sizes\n"),
            finds=("size = tf.shape(pixel_values)[1:3] * 2  # TODO (keeper): odd sizes",),
        ),
        Example(
            title="A TODO in the tests",
            path="tests/models/lantern/test_modeling_tf_lantern.py",
            good="        self.batch_size = batch_size\n",
            bad="        self.batch_size = 1  # TODO: change the batch size back\n",
            finds=("self.batch_size = 1  # TODO: change the batch size back",),
        ),
    ),
)

"""Statements that do nothing, or are there twice."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules
from checks.source.python import Problem, parse, walk
from checks.source.walk import nodes


def check(port: Port) -> Iterator[Finding]:
    for file in modules(port):
        if not _suspicious(file.text):
            continue
        tree = parse(file.text)
        if isinstance(tree, Problem):
            continue
        for node in nodes(tree):
            if isinstance(node, (ast.FunctionDef, ast.If, ast.For, ast.With, ast.While)):
                yield from _block(file, node.body)
                if not isinstance(node, (ast.FunctionDef, ast.With)):
                    yield from _block(file, node.orelse)


_BARE = re.compile(r"^[ \t]+[A-Za-z_][\w.]*[ \t]*(?:#.*)?$", re.MULTILINE)
_ITSELF = re.compile(r"^[ \t]+([\w.]+) = \1$|^([ \t]+)(?![#\"'\s]).*[^:,(\[{\"'\n]\n\2pass\b", re.MULTILINE)
_LEAVES = re.compile(r"(?:return|raise)\b")
_GOES_ON = ("elif", "else", "except", "finally", "#")
_LONGEST = 8
"""Lines of a statement that may be there twice."""


def _suspicious(text: str) -> bool:
    """A first look by text, as hardly any module has such a statement."""
    lines = text.split("\n")
    if (
        _ITSELF.search(text)
        or any(not _is_word(match[0]) for match in _BARE.finditer(text))
        or _goes_on_after_leaving(lines)
    ):
        return True
    seen: dict[str, int] = {}
    for number, line in enumerate(lines):
        if " = " not in line:
            continue
        before = seen.get(line, -100)
        seen[line] = number
        if number - before <= _LONGEST:
            indent = line[: len(line) - len(line.lstrip())]
            rest = (f"{indent} ", f"{indent})", f"{indent}]", f"{indent}}}")
            if all(between.startswith(rest) or not between.strip() for between in lines[before + 1 : number]):
                return True
    return False


def _is_word(line: str) -> bool:
    """It is a statement by itself (`pass`), or one word of a text."""
    code = line.partition("#")[0].strip()
    return (
        code in ("pass", "return", "raise", "continue", "break", "else", "try", "finally") or "." not in code
    )


def _goes_on_after_leaving(lines: list[str]) -> bool:
    """A line follows a `return` or `raise` in the same block, as far as indentation tells."""
    left: list[str] = []  # indentation of those whose block may go on, deeper and deeper
    for line in lines:
        code = line.lstrip(" \t")
        if not code or code.isspace():
            continue
        indent = line[: len(line) - len(code)]
        while left and len(left[-1]) > len(indent):
            left.pop()
        if left and left[-1] == indent:
            if code[0] in ")]}":
                continue
            if not code.startswith(_GOES_ON):
                return True
            left.pop()
        if indent and _LEAVES.match(code):
            left.append(indent)
    return False


def _block(file: File, body: list[ast.stmt]) -> Iterator[Finding]:
    before: ast.stmt | None = None
    for node in body:
        what = _what(before, node)
        if what and node.lineno in file.touched:
            yield _finding(file, node, what)
        before = node


def _what(before: ast.stmt | None, node: ast.stmt) -> str:
    if isinstance(before, (ast.Return, ast.Raise)):
        return "never runs: the line above leaves"
    if isinstance(node, ast.Pass) and before is not None and not _is_docstring(before):
        return "does nothing"
    if isinstance(node, ast.Expr) and isinstance(node.value, (ast.Name, ast.Attribute)):
        return "does nothing"
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = ast.unparse(node.targets[0])
        if isinstance(node.value, (ast.Name, ast.Attribute)) and target == ast.unparse(node.value):
            return "assigns something to itself"
        if isinstance(before, ast.Assign) and ast.dump(before) == ast.dump(node) and not _reads_itself(node):
            return "is there twice"
    return ""


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _reads_itself(node: ast.Assign) -> bool:
    """`x = f(x)` twice is something else than once; so is anything random."""
    target = ast.unparse(node.targets[0])
    names = {ast.unparse(part) for part in walk(node.value) if isinstance(part, (ast.Name, ast.Attribute))}
    return target in names or any("random" in name for name in names)


def _finding(file: File, node: ast.stmt, what: str) -> Finding:
    last = node.end_lineno or node.lineno
    edits: tuple[Edit, ...] = (replace_lines(file.path, node.lineno, last, ""),)
    shown = file.lines[node.lineno - 1].strip()[:80]
    return RULE.finding(
        file.path,
        node.lineno,
        f"This {what}: {shown}",
        "Take it out.",
        column=node.col_offset + 1,
        end_line=last,
        edits=edits if what != "never runs: the line above leaves" else (),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = "        size = tf.shape(pixel_values)[1:3] * 2\n"

RULE = Rule(
    slug="no-op-code",
    level="suggestion",
    summary="No statement is there twice, does nothing, or cannot be reached.",
    why="It is left from a change, and one of the two is probably not what was meant.",
    how="Take it out.",
    source="asked for in review (3 of 44 pull requests)",
    check=check,
    examples=(
        Example(
            title="Twice",
            path=_TF,
            good=_GOOD,
            bad=f"{_GOOD}{_GOOD}",
            finds=("size = tf.shape(pixel_values)[1:3] * 2#2",),
            fixed=True,
        ),
        Example(
            title="Something is assigned to itself",
            path=_TF,
            good=_GOOD,
            bad=f"        pixel_values = pixel_values\n{_GOOD}",
            finds=("pixel_values = pixel_values",),
            fixed=True,
        ),
        Example(
            title="An attribute is looked at",
            path=_TF,
            good=_GOOD,
            bad=f"        self.config\n{_GOOD}",
            finds=("self.config",),
            fixed=True,
        ),
        Example(
            title="A step that is made twice",
            path=_TF,
            good="        pixel_values = self.projection(pixel_values)\n",
            bad="        pixel_values = self.projection(pixel_values)\n        pixel_values = self.projection(pixel_values)\n",
            silent=True,
        ),
    ),
)

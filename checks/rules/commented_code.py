"""Code in comments."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._copies import copied_lines
from checks.rules._hygiene import modules, pytorch_text
from checks.source.prose import Line
from checks.source.python import walk


def check(port: Port) -> Iterator[Finding]:
    copied = copied_lines(port)
    for file in modules(port):
        assert file.module is not None
        known = pytorch_text(port, file.module)
        lines = file.lines
        found: list[list[Line]] = []
        for block in _blocks(file.prose):
            if (file.path, block[0].line) in copied or all(line.text in known for line in block):
                continue
            if _is_code([lines[line.line - 1][line.column - 1 :] for line in block]):
                found.append(block)
        if found:
            first = found[0]
            yield RULE.finding(
                file.path,
                first[0].line,
                f"Code is left in comments: {first[0].text[:80]}"
                + (f" ({len(found)} places)" if found[1:] else ""),
                "Take it out: git remembers it.",
                column=first[0].column,
                end_line=first[-1].line,
                edits=[replace_lines(file.path, block[0].line, block[-1].line, "") for block in found],
                locations=[Location(file.path, block[0].line) for block in found[1:]],
            )


def _blocks(prose: list[Line]) -> Iterator[list[Line]]:
    """Comments on lines of their own, those that follow each other at one indentation together."""
    block: list[Line] = []
    for line in prose:
        if line.kind != "comment":
            continue
        if block and (line.line != block[-1].line + 1 or line.column != block[-1].column):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


_LOOKS = re.compile(r"[=(]|^(?:return|import|from|assert|raise|pass|break|continue)\b|:$")


def _is_code(comments: list[str]) -> bool:
    """The comments are Python, and no sentence that happens to be: an assignment, a call of something dotted, a block."""
    code = textwrap.dedent("\n".join(re.sub(r"^#+ ?", "", comment) for comment in comments))
    if len(code) > 5000 or not any(_LOOKS.search(line) for line in code.split("\n")):
        return False
    tree = _parsed(code)
    if tree is None:
        return False
    sure = [_statement(node) for node in tree.body]
    # A bare call beside what is code for sure is code too.
    return any(sure) and all(s or _is_call(node) for s, node in zip(sure, tree.body, strict=True))


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _parsed(code: str) -> ast.Module | None:
    last = code.rstrip().rsplit("\n", 1)[-1]
    indent = len(last) - len(last.lstrip())
    candidates = [code, f"{code}\n{' ' * (indent + 4)}pass"] if last.rstrip().endswith(":") else [code]
    for candidate in candidates:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _statement(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        # "# hidden_states = (batch, length, width)" and "# x = None" explain; a call does something.
        return any(isinstance(part, (ast.Call, ast.Attribute)) for part in walk(node))
    if isinstance(node, ast.AugAssign):
        return True
    if isinstance(node, ast.Expr):
        # "# shape_list(x)" may be a remark, "# self.dense.build(None)" is none.
        return isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute)
    if isinstance(node, ast.Return):
        return node.value is not None and not isinstance(node.value, ast.Name)
    if isinstance(node, (ast.If, ast.For, ast.While, ast.With, ast.FunctionDef, ast.ClassDef)):
        return any(
            isinstance(part, (ast.Call, ast.Assign, ast.Return, ast.Raise, ast.Pass)) for part in node.body
        ) or any(isinstance(part, ast.Call) for part in walk(node))
    return isinstance(node, (ast.Import, ast.ImportFrom))


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = "        pixel_values = self.projection(pixel_values)\n"

RULE = Rule(
    slug="commented-code",
    level="suggestion",
    summary="No code is left in comments.",
    why="The next reader has to guess whether it is missing, wrong or an idea.",
    how="Take it out; what it was for may stay as a sentence.",
    source="asked for in review (6 of 44 pull requests)",
    check=check,
    examples=(
        Example(
            title="A line that was tried",
            path=_TF,
            good=_GOOD,
            bad=f"        # pixel_values = self.dropout(pixel_values)\n{_GOOD}",
            finds=("# pixel_values = self.dropout(pixel_values)",),
            fixed=True,
        ),
        Example(
            title="A comment about shapes",
            path=_TF,
            good=_GOOD,
            bad=f"        # pixel_values: (batch, height, width, channels)\n{_GOOD}",
            silent=True,
        ),
    ),
)

"""`from __future__ import annotations`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.conventions import MODELS, read
from checks.edits import insert
from checks.errors import NotApplicable, Undecidable
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.python import Problem, parse, walk

_IMPORT = "from __future__ import annotations"
_OLDEST = 'python_requires=">=3.'


def check(port: Port) -> Iterator[Finding]:
    bert = read(port.base, f"{MODELS}/bert/modeling_tf_bert.py")
    if _IMPORT not in bert:
        raise NotApplicable("the base's ports do not have it yet")
    for module in port.broken:
        raise Undecidable(f"{module.path.rsplit('/', 1)[-1]} cannot be parsed")
    for module in port.modules:
        text = port.text(module.path)
        if not module.added or _IMPORT in text or not text.strip():
            continue
        line = _needed(text)
        at = _place(port, module)
        yield RULE.finding(
            module.path,
            at,
            f"{_IMPORT} is missing" + (f": line {line} has a | in an annotation" if line else ""),
            "Add it before the other imports."
            if not line
            else f"Add it before the other imports; before Python 3.10 line {line} fails without it.",
            edits=(insert(module.path, at, f"{_IMPORT}\n\n"),),
            level="error" if line and _old_python(port) else "suggestion",
        )


def _needed(text: str) -> int:
    """The first line with an annotation `X | Y`, 0 if there is none."""
    if " | " not in text:
        return 0
    tree = parse(text)
    if isinstance(tree, Problem):
        return 0
    for node in walk(tree):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            parts = [node.returns, *(argument.annotation for argument in every)]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        for part in filter(None, parts):
            if any(isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.BitOr) for inner in walk(part)):
                return part.lineno
    return 0


def _old_python(port: Port) -> bool:
    """The base supports a Python before 3.10."""
    setup = read(port.base, "setup.py")
    _, found, rest = setup.partition(_OLDEST)
    return not found or int("".join(char for char in rest[:2] if char.isdigit()) or 0) < 10


def _place(port: Port, module: Module) -> int:
    """Line of the first import, 1 if there is none."""
    return min((found.line for found in module.facts.imports), default=1)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="future-annotations",
    level="error",
    summary="The module begins with `from __future__ import annotations`, where it annotates with `tf.Tensor | None`.",
    why="Without it Python 3.8 and 3.9, which the library supports, evaluate `tf.Tensor | None` and fail on import.",
    how="Put it above all other imports.",
    since="4.30 (f8b257441, #23477)",
    source="63 of 67 merged modules",
    check=check,
    examples=(
        Example(
            title="It is missing",
            path=_TF,
            good="from __future__ import annotations\n\n",
            bad="",
            finds=("import numpy as np",),
            fixed=True,
        ),
    ),
)

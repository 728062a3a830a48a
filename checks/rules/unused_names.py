"""Imports and local variables that nothing reads."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from checks.edits import unimport
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules, tests
from checks.source.python import Problem, parse
from checks.source.walk import nodes

_NOQA = re.compile(r"#\s*noqa\b", re.IGNORECASE)


def check(port: Port) -> Iterator[Finding]:
    for file in (*modules(port), *tests(port)):
        tree = parse(file.text)
        if isinstance(tree, Problem) or "__all__" in file.text:
            continue
        if port.stage == "complete":  # until then, imports are made for what is to come
            yield from _imports(file, tree)
        for node in nodes(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield from _locals(file, node)


def _imports(file: File, tree: ast.Module) -> Iterator[Finding]:
    """As pyflakes' F401; words of short strings count as uses, as annotations may be texts."""
    used = {node.id for node in nodes(tree) if isinstance(node, ast.Name)}
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 80:
            used.update(re.findall(r"\w+", node.value))
    bound = Counter(
        name
        for node in nodes(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in map(_bound, node.names)
    )
    for node in nodes(tree):
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or getattr(node, "module", "") == "__future__":
            continue
        unused = [
            alias
            for alias in node.names
            if _bound(alias) and (_bound(alias) not in used or _twice(bound, alias, node))
        ]
        unused = [
            a for a in unused if a.lineno in file.touched and not _NOQA.search(file.lines[a.lineno - 1])
        ]
        # Of `torch`, torch-imports speaks.
        unused = [a for a in unused if _bound(a) not in ("torch", "nn", "F") and "*" not in a.name]
        for alias in unused:
            yield RULE.finding(
                file.path,
                alias.lineno,
                f"{_bound(alias)} is imported, but never used"
                if _bound(alias) not in used
                else f"{_bound(alias)} is imported twice",
                "Take it out.",
                symbol=_bound(alias),
                column=alias.col_offset + 1,
                edits=unimport(file.path, file.lines, node, alias) if len(unused) == 1 else (),
            )


def _bound(alias: ast.alias) -> str:
    """The name that the module gets; "" of `import a.b`, whose use is hard to tell."""
    return alias.asname or ("" if "." in alias.name else alias.name)


def _twice(bound: Counter[str], alias: ast.alias, node: ast.Import | ast.ImportFrom) -> bool:
    """The same statement imports it once more."""
    same = [other for other in node.names if _bound(other) == _bound(alias)]
    return bound[_bound(alias)] > 1 and len(same) > 1 and alias is not same[0]


def _locals(file: File, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    """As pyflakes' F841: a plain name that is assigned and read nowhere in the function."""
    if "locals()" in ast.unparse(function):
        return
    assigned: dict[str, ast.Assign] = {}
    others: set[str] = set()
    for node in nodes(function):
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            for target in node.targets:
                assert isinstance(target, ast.Name)
                assigned.setdefault(target.id, node)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            others.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            others.update(node.names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            others.add(node.target.id)
        elif isinstance(node, ast.ClassDef):
            return
    for name, node in assigned.items():
        if name in others or name.startswith("_") or node.lineno not in file.touched:
            continue
        if _NOQA.search(file.lines[node.lineno - 1]):
            continue
        yield RULE.finding(
            file.path,
            node.lineno,
            f"{name} is computed, but never used",
            "Use it, or take it out." if "expected" not in name.lower() else "Compare it with the output.",
            symbol=f"{function.name}.{name}",
            column=node.col_offset + 1,
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_GOOD = "        size = tf.shape(pixel_values)[1:3] * 2\n"

RULE = Rule(
    slug="unused-names",
    level="error",
    summary="What is imported and computed is used.",
    why="`make quality` stops at it. A test that computes what it expects and compares it with nothing tests nothing.",
    how="Take it out, or use it.",
    source="F401 and F841 of the linter that upstream runs",
    check=check,
    by_the_way=True,
    examples=(
        Example(
            title="An import that is left",
            path=_TF,
            good="import numpy as np\n",
            bad="import random\n\nimport numpy as np\n",
            finds=("import random",),
            fixed=True,
        ),
        Example(
            title="One of several",
            path=_TF,
            good="    TFModelInputType,\n    TFPreTrainedModel,\n",
            bad="    TFModelInputType,\n    TFPreTrainedModel,\n    TFSharedEmbeddings,\n",
            finds=("TFSharedEmbeddings,",),
            fixed=True,
        ),
        Example(
            title="Computed for nothing",
            path=_TF,
            good=_GOOD,
            bad=f"{_GOOD}        half = tf.shape(pixel_values)[1:3] // 2\n",
            finds=("half = tf.shape(pixel_values)[1:3] // 2",),
        ),
        Example(
            title="A test that compares nothing",
            path=_TEST,
            good="        tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)\n",
            bad="",
            finds=(
                "expected_slice = tf.constant([[[-0.0483, 0.1188, -0.0313], [-0.0606, 0.1435, 0.0199]]])",
            ),
        ),
    ),
)

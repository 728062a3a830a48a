"""print, pdb and breakpoint()."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules, tests
from checks.source.python import Problem, dotted, parse
from checks.source.walk import nodes

_PROBE = re.compile(r"\b(?:print|breakpoint|set_trace|ipdb|pdb|embed)\b")
_CALLS = frozenset(
    {
        "print",
        "breakpoint",
        "tf.print",
        "pdb.set_trace",
        "ipdb.set_trace",
        "set_trace",
        "IPython.embed",
        "pprint",
    }
)
_MODULES = frozenset({"pdb", "ipdb", "IPython", "pprint"})


def check(port: Port) -> Iterator[Finding]:
    for file in (*modules(port), *tests(port)):
        if not _PROBE.search(file.text):
            continue
        tree = parse(file.text)
        if isinstance(tree, Problem):
            continue
        seen: set[int] = set()
        for body in _bodies(tree):
            for node in body:
                said = _said(node)
                if said and node.lineno in file.touched - seen:
                    seen.add(node.lineno)
                    line = [other for other in body if other.lineno == node.lineno]
                    yield _finding(file, line, said, alone=len(body) == len(line))


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    for node in nodes(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body:
                yield body  # pyright: ignore[reportUnknownVariableType]


def _said(node: ast.stmt) -> str:
    """ "print()" of a statement that prints, "pdb" of an import."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        name = dotted(node.value.func)
        return f"{name}()" if name in _CALLS else ""
    if isinstance(node, ast.Import):
        return next((alias.name for alias in node.names if alias.name in _MODULES), "")
    if isinstance(node, ast.ImportFrom) and not node.level:
        return node.module if node.module in _MODULES else ""
    return ""


def _finding(file: File, line: list[ast.stmt], said: str, *, alone: bool) -> Finding:
    """
    Args:
        line: the statements of a line, of which the first one that is left from debugging is told.
        alone: their block has no others.
    """
    node = next(found for found in line if _said(found))
    last = max(found.end_lineno or found.lineno for found in line)
    plain = not file.lines[node.lineno - 1][: line[0].col_offset].strip()
    whole = plain and not alone and all(map(_said, line))
    harmless = file.module is None and said in ("print()", "pprint()")
    return RULE.finding(
        file.path,
        node.lineno,
        f"{said} is left from debugging",
        "Take it out." if not harmless else "Take it out: nobody reads what tests print.",
        column=node.col_offset + 1,
        edits=(replace_lines(file.path, node.lineno, last, ""),) if whole else (),
        level="warning" if harmless else None,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = "        pixel_values = self.projection(pixel_values)\n"

RULE = Rule(
    slug="debug-output",
    level="error",
    summary="No `print`, `tf.print`, `pdb` or `breakpoint()` is left.",
    why="A breakpoint stops everybody's program, and output of a layer fills the logs of whoever trains.",
    how="Take it out. What users have to be told goes through `logger`, outside of `call`.",
    guide="Debugging: the guide advises breakpoint() while one looks for a difference.",
    source="none in 67 merged modules; asked for in review (whisper, efficientformer)",
    check=check,
    examples=(
        Example(
            title="A print in a layer",
            path=_TF,
            good=_GOOD,
            bad=f'{_GOOD}        print("lens", pixel_values.shape)\n',
            finds=('print("lens", pixel_values.shape)',),
            fixed=True,
        ),
        Example(
            title="A breakpoint",
            path=_TF,
            good=_GOOD,
            bad=f"        breakpoint()\n{_GOOD}",
            finds=("breakpoint()",),
            fixed=True,
        ),
        Example(
            title="A breakpoint on one line",
            path=_TF,
            good=_GOOD,
            bad=f"        import pdb; pdb.set_trace()\n{_GOOD}",
            finds=("import pdb; pdb.set_trace()",),
            fixed=True,
        ),
        Example(
            title="A print in an example of a docstring",
            path=_TF,
            good='    """Looks at the picture: half its size, and back."""\n',
            bad='    """Looks at the picture: half its size, and back.\n\n    >>> print(lens)\n    """\n',
            silent=True,
        ),
    ),
)

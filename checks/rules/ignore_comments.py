"""`# tfport: ignore[…]` comments name rules that exist, and stand where there is something to ignore."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from checks import checklist, rules
from checks.changes import changed_lines
from checks.edits import replace
from checks.ignores import of_changes
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule


def check(port: Port) -> Iterator[Finding]:
    known = sorted({*checklist.items(), *rules.all_rules()})
    for comment in of_changes(port):
        if comment.line in changed_lines(port.base, port.head, comment.path):
            for name, column in comment.names:
                if name not in known:
                    yield _unknown(comment.path, comment.line, column, name, known)


def nothing_to_ignore(path: str, line: int, column: int, name: str) -> Finding:
    """The finding about a comment that silences nothing. `checks.run` tells, which knows what all rules have found."""
    return RULE.finding(
        path,
        line,
        f"{name} has found nothing here, so there is nothing to ignore",
        "Take the comment out, or put it on the line that the finding names or directly above it.",
        symbol=name,
        column=column,
    )


def _unknown(path: str, line: int, column: int, name: str, known: list[str]) -> Finding:
    near = difflib.get_close_matches(name[:80].lower().replace("_", "-"), known, n=1, cutoff=0.6)
    return RULE.finding(
        path,
        line,
        f"There is no rule or item {name[:80]}, so nothing is ignored here",
        f"{near[0]} is meant." if near else "tfport explain lists all of them.",
        symbol=name[:80],
        column=column,
        edits=(replace(path, line, column, name, near[0]),) if near else (),
    )


_PATH = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="ignore-comments",
    level="suggestion",
    summary="A comment that silences tfport names rules or items that exist, and has something to silence.",
    why="A misspelt name silences nothing, and the finding that it was meant for stays. A comment that outlives its finding misleads readers.",
    how="Correct the name: `# tfport: ignore[rule] reason`. `tfport explain` lists all names. The comment stands on the finding's line, or on a "
    "line of its own directly above it (of a class or function: above the decorators).",
    check=check,
    early=True,
    examples=(
        Example(
            title="A misspelt name",
            path=_PATH,
            good="    def __init__(self, config: LanternConfig, **kwargs):  # main layer\n",
            bad="    def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[keras-serialisable] on purpose\n",
            finds=(
                "def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[keras-serialisable] on purpose",
            ),
            edits_to="    def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[keras-serializable] on purpose\n",
        ),
        Example(
            title="Nothing to ignore",
            path=_PATH,
            good="    def __init__(self, config: LanternConfig, **kwargs):  # main layer\n",
            bad="    def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[main-layer] on purpose\n",
            finds=(
                "def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[main-layer] on purpose",
            ),
        ),
    ),
)

"""`# tfport: ignore[…]` comments name rules that exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from checks import checklist, rules
from checks.changes import changed_lines
from checks.edits import replace
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule

IGNORE = re.compile(r"tfport:\s*ignore\[([\w\s,-]+)\](.*)$")
"""The comment: the rules or items that it names, and the reason."""


def check(port: Port) -> Iterator[Finding]:
    known = sorted({*checklist.items(), *rules.all_rules()})
    for path, change in port.changed.items():
        text = port.text(path) if change.status != "removed" and path.endswith((".py", ".md", ".mdx")) else ""
        if "tfport:" not in text:
            continue
        touched = changed_lines(port.base, port.head, path)
        for number, line in enumerate(text.split("\n"), 1):
            match = IGNORE.search(line) if "tfport:" in line and number in touched else None
            for word in re.finditer(r"[\w-]+", match[1]) if match else ():
                if word[0] not in known:
                    assert match is not None
                    yield _unknown(path, number, match.start(1) + word.start() + 1, word[0], known)


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
    summary="A comment that silences tfport names rules or items that exist.",
    why="A misspelt name silences nothing, and the finding that it was meant for stays.",
    how="Correct the name: `# tfport: ignore[rule] reason`. `tfport explain` lists all names.",
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
            title="An item's name will do",
            path=_PATH,
            good="    def __init__(self, config: LanternConfig, **kwargs):  # main layer\n",
            bad="    def __init__(self, config: LanternConfig, **kwargs):  # tfport: ignore[main-layer] on purpose\n",
            silent=True,
        ),
    ),
)

"""`# Copied from` stands directly above `class` or `def`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import insert, replace_lines
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._copies import Copy, copies, in_base

_FARTHEST = 40
"""Lines between the comment and its class: decorators with long arguments."""


def check(port: Port) -> Iterator[Finding]:
    found = copies(port)
    if not found:
        raise NotApplicable("nothing says that it is copied")
    for copy in found:
        if copy.origin.block is None:
            continue  # `copied-from-syntax` speaks about it
        lines = port.text(copy.path).split("\n")
        if copy.block is None:
            yield _misplaced(port, copy, lines)
        elif copy.block.indent != copy.marker.indent:
            yield RULE.finding(
                copy.path,
                copy.marker.line,
                "This # Copied from is not indented as what it stands above",
                f"Give it {copy.block.indent} blanks.",
                symbol=_name(copy.block.lines[0]),
                edits=(_line(copy, copy.marker.line, copy.block.indent),),
            )


def _misplaced(port: Port, copy: Copy, lines: list[str]) -> Finding:
    target = _below(lines, copy.marker.line)
    if target is None:
        return RULE.finding(
            copy.path,
            copy.marker.line,
            "No class or function stands under this # Copied from",
            "Put it directly above the one that is copied, or take it out.",
            symbol=copy.marker.name,
        )
    source = lines[target - 1]
    between = lines[copy.marker.line : target - 1]
    what = "its decorators" if any(line.lstrip().startswith("@") for line in between) else "what is copied"
    where = (
        f"between the decorators and {source.split()[0]}"
        if what == "its decorators"
        else f"directly above {source.split()[0]}"
    )
    indent = len(source) - len(source.lstrip())
    # Empty lines between would stand above the class as before.
    first = copy.marker.line
    edits = (
        replace_lines(copy.path, first, first + _leading_empty(between), ""),
        insert(copy.path, target, f"{' ' * indent}{copy.marker.text}\n"),
    )
    return RULE.finding(
        copy.path,
        copy.marker.line,
        f"# Copied from stands above {what}"
        if what == "its decorators"
        else "# Copied from does not stand directly above what is copied",
        f"Move it down, {where} {_name(source)}: {in_base(port)} does not find the class otherwise.",
        symbol=_name(source),
        edits=edits,
    )


def _line(copy: Copy, line: int, indent: int) -> Edit:
    return replace_lines(copy.path, line, line, f"{' ' * indent}{copy.marker.text}\n")


def _leading_empty(lines: list[str]) -> int:
    count = 0
    while count < len(lines) and not lines[count].strip():
        count += 1
    return count


def _below(lines: list[str], after: int) -> int | None:
    """Line of the class or function below line `after`, if only decorators, comments and empty lines are between."""
    depth = 0
    for number in range(after + 1, min(after + _FARTHEST, len(lines)) + 1):
        line = lines[number - 1].strip()
        if not depth and re.match(r"(class|def|async def)\s", line):
            return number
        if not depth and line and not line.startswith(("@", "#")):
            return None
        depth += line.count("(") - line.count(")") if not line.startswith("#") else 0
    return None


def _name(line: str) -> str:
    match = re.match(r"\s*(?:async )?(?:class|def)\s+(\w+)", line)
    return match[1] if match else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_MARKER = "# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern\n"

RULE = Rule(
    slug="copied-from-place",
    level="error",
    summary="`# Copied from` stands between the decorators and `class` or `def`.",
    why="`make fix-copies` takes the line below the comment for the head of the copy; with a decorator there it destroys the class.",
    how="Put the comment on the line directly above `class` or `def`, with the same indentation.",
    guide="Step 4, checklist: code that is copied says so by # Copied from.",
    source="asked for in review, #18020 and #11056; upstream utils/check_copies.py",
    check=check,
    examples=(
        Example(
            title="Above a decorator",
            path=_TF,
            good=f"{_MARKER}class TFLanternSelfOutput",
            bad=f'{_MARKER}@some.decorator("x")\nclass TFLanternSelfOutput',
            edits_to=f'@some.decorator("x")\n{_MARKER}class TFLanternSelfOutput',
            finds=(_MARKER.strip(),),
        ),
        Example(
            title="An empty line between",
            path=_TF,
            good=_MARKER,
            bad=f"{_MARKER}\n",
            finds=(_MARKER.strip(),),
            fixed=True,
        ),
    ),
)

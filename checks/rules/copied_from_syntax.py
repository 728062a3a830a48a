"""`# Copied from` is spelled so that it is read, and names something that is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._copies import Copy, copies, files, in_base
from checks.rules._copy_repair import misspelt, repaired
from checks.source.copies import LONGEST_LINE, Block, Marker, copied_block, markers


def check(port: Port) -> Iterator[Finding]:
    made = copies(port)
    seen = bool(made)
    for copy in made:
        if finding := _broken(port, copy):
            yield finding
    for path in files(port):
        found = list(_unread(port, path))
        seen = seen or bool(found)
        yield from _ignored(port, path, found)
    if not seen:
        raise NotApplicable("nothing says that it is copied")


def _broken(port: Port, copy: Copy) -> Finding | None:
    """A comment that upstream reads, but that names nothing, or whose replacements it cannot read."""
    marker = copy.marker
    if copy.origin.block is not None and not copy.changes:
        return None
    if copy.origin.block is not None:
        fixed = misspelt(port, copy)
        if fixed is None:
            return None  # it is no copy: `copied-from-content` speaks about it
        message = f"The replacements of this # Copied from cannot be read: {marker.rest}"
        if "modeling_tf_" in fixed.text and "modeling_tf_" not in marker.text:
            message = "This # Copied from names the PyTorch code"
    else:
        fixed = repaired(port, copy.path, marker.line, marker.text)
        message = _absent(copy)
    advice = f"Write {fixed.text}" if fixed else "Name something that is there"
    return RULE.finding(
        copy.path,
        marker.line,
        message,
        f"{advice} ({in_base(port)} stops at this line).",
        symbol=_symbol(port, copy.path, marker.line),
        column=marker.indent + 1,
        edits=(_edit(copy.path, marker.line, marker.indent, fixed.text),) if fixed else (),
    )


def _absent(copy: Copy) -> str:
    if not copy.origin.path:
        return f"There is no module transformers.{_module_of(copy.marker.name)}"
    return f"{copy.origin.path.rsplit('/', 1)[-1]} has no {'.'.join(copy.origin.names)}"


def _ignored(port: Port, path: str, found: list[tuple[int, str]]) -> Iterator[Finding]:
    """Comments that upstream does not read: a small c, a part of the path is missing. One finding for all."""
    if not found:
        return
    edits: list[Edit] = []
    for line, text in found:
        fixed = repaired(port, path, line, text.strip())
        if fixed is not None and fixed.equal:
            edits.append(_edit(path, line, len(text) - len(text.lstrip()), fixed.text))
    line, text = found[0]
    yield RULE.finding(
        path,
        line,
        f"Nobody compares this copy, as its comment is not read: {text.strip()[:100]}",
        "It has to be spelled # Copied from transformers.models.<model>.modeling_tf_<model>.<Class> with A->B; "
        "write # Adapted from if it is no exact copy.",
        symbol=_symbol(port, path, line),
        column=len(text) - len(text.lstrip()) + 1,
        edits=edits,
        locations=[Location(path, other) for other, _ in found[1:20]],
        level="warning",
    )


_MEANT = re.compile(
    r"^\s*#+\s*copied\s+from:?\s+[`'\"]?(?:src[./])?(?:transfor\w*[./]models?[./]\w+[./]\w+|(?:\w+[./])*(?:test_)?modeling_\w+[./](?!py\b)\w+)",
    re.IGNORECASE,
)


def _unread(port: Port, path: str) -> Iterator[tuple[int, str]]:
    text = port.text(path)
    if "opied" not in text and "OPIED" not in text:
        return
    read_anyway = {marker.line for marker in markers(text)}
    for number, line in enumerate(text.split("\n"), 1):
        if number not in read_anyway and len(line) <= LONGEST_LINE and _MEANT.match(line):
            yield number, line


def _edit(path: str, line: int, indent: int, text: str) -> Edit:
    return replace_lines(path, line, line, f"{' ' * indent}{text}\n")


def _module_of(name: str) -> str:
    parts = name.split(".")
    at = next((n for n, part in enumerate(parts) if part.startswith(("modeling_", "test_"))), len(parts) - 2)
    return ".".join(parts[: at + 1])


def _symbol(port: Port, path: str, line: int) -> str:
    """Name of what stands under the comment."""
    below: Block | None = copied_block(port.text(path).split("\n"), Marker(line, 0, "", "", "", ""))
    match = re.match(r"\s*(?:class|def)\s+(\w+)", below.lines[0]) if below else None
    return match[1] if match else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_MARKER = "# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern\n"

RULE = Rule(
    slug="copied-from-syntax",
    level="error",
    summary="`# Copied from` is spelled exactly so, and names a class, function or method of a TensorFlow module that is there.",
    why=(
        "`make repo-consistency` stops at a name that does not exist, and it overlooks a comment that is spelled otherwise: the copy "
        "then misses every later fix of the original."
    ),
    how="`# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern, BERT->LANTERN`, in tests `# Copied from tests.models.…`.",
    guide="Step 4, checklist: code that is copied says so by # Copied from.",
    source="upstream utils/check_copies.py",
    check=check,
    examples=(
        Example(
            title="The class does not exist",
            path=_TF,
            good=_MARKER,
            bad=_MARKER.replace("TFBertSelfOutput", "TFBertSelfOuput"),
            finds=(_MARKER.strip().replace("TFBertSelfOutput", "TFBertSelfOuput"),),
            fixed=True,
        ),
        Example(
            title="It names the PyTorch class",
            path=_TF,
            good=_MARKER,
            bad=_MARKER.replace("modeling_tf_bert.TFBert", "modeling_bert.Bert"),
            finds=(_MARKER.strip().replace("modeling_tf_bert.TFBert", "modeling_bert.Bert"),),
            fixed=True,
        ),
        Example(
            title="The module does not exist",
            path=_TF,
            good=_MARKER,
            bad=_MARKER.replace("modeling_tf_bert.", "modeling_tf_brt."),
            finds=(_MARKER.strip().replace("modeling_tf_bert.", "modeling_tf_brt."),),
            fixed=True,
        ),
        Example(
            title="Blanks around the arrow",
            path=_TF,
            good=_MARKER,
            bad=_MARKER.replace("Bert->", "Bert -> "),
            finds=(_MARKER.strip().replace("Bert->", "Bert -> "),),
            fixed=True,
        ),
        Example(
            title="A small c: nobody reads it",
            path=_TF,
            good=_MARKER,
            bad=_MARKER.replace("# Copied", "# copied"),
            finds=(_MARKER.strip().replace("# Copied", "# copied"),),
            fixed=True,
        ),
        Example(
            title="A sentence about where code is from",
            path=_TF,
            good=_MARKER,
            bad=f"{_MARKER}".replace("# Copied", "# Adapted"),
            silent=True,
        ),
    ),
)

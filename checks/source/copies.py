"""`# Copied from` comments: which there are, what they name, and whether the code under them still is what they say.

As `utils/check_copies.py` of transformers does it. That script has changed with time, so its text is asked what it does (`Manner`); and it
formats the original before it compares, for which it starts a formatter: here two texts are equal if their syntax trees and comments are.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from checks.source.python import walk

LONGEST_LINE = 500
"""Characters of a comment that is looked at: the patterns below are upstream's, and take quadratic time."""
LONGEST_COPY = 200_000
"""Characters of a block, and of what replacements make of it."""


MOST_ALIKE = 200_000
"""Pairs of equal lines in a copy and its original. A class of 1,500 lines has 50,000."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the base's script compares.

    Attributes:
        heads: the first line counts, but for the name (since #19829).
        blocks: `# Ignore copy` takes a method out, and empty lines do not count (since #27328).
        tests: `# Copied from tests.` is checked (since #26713).
    """

    heads: bool = True
    blocks: bool = True
    tests: bool = True


def manner(script: str) -> Manner:
    """What the text of `utils/check_copies.py` says; of a tree without one, what its last version did."""
    if not script:
        return Manner()
    return Manner("def check_codes_match" in script, "# Ignore copy" in script, "_for_test_file" in script)


@dataclass(frozen=True, slots=True)
class Marker:
    """One comment.

    Attributes:
        line: from 1.
        indent: number of blanks before it.
        root: "transformers" or "tests".
        name: dotted, without the root: "models.bert.modeling_tf_bert.TFBertSelfOutput".
        rest: what follows the name: "with Bert->Lantern".
        text: the comment as written.
    """

    line: int
    indent: int
    root: str
    name: str
    rest: str
    text: str


_MARKER = re.compile(r"^(\s*)#\s*Copied from\s+(transformers|tests)\.(\S+\.\S+)\s*($|\S.*$)")


@lru_cache(maxsize=32)
def markers(text: str) -> tuple[Marker, ...]:
    """The comments that upstream's script reads."""
    if "Copied from" not in text:
        return ()
    found: list[Marker] = []
    for number, line in enumerate(text.split("\n"), 1):
        if "Copied from" in line and len(line) <= LONGEST_LINE and (match := _MARKER.match(line)):
            found.append(Marker(number, len(match[1]), match[2], match[3], match[4], line.strip()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Block:
    """A class or function in a text: lines `first` to `last` (from 1), of which the first is that of `class` or `def`."""

    first: int
    last: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its lines."""
        return "\n".join(self.lines)

    @property
    def indent(self) -> int:
        """Blanks before its first line."""
        return len(self.lines[0]) - len(self.lines[0].lstrip())


_HEADER_ENDS = re.compile(r"^\s*\)(\s*->.*:|:)\s*$")


def _continues(line: str, indent: str) -> bool:
    return line.startswith(indent) or not line.strip() or _HEADER_ENDS.match(line) is not None


def definition(text: str, names: Sequence[str]) -> Block | None:
    """The class or function under a dotted name (["TFBertModel", "call"]), found as upstream finds it; None if there is none."""
    return _definition(text, tuple(names))


@lru_cache(maxsize=256)
def _definition(text: str, names: tuple[str, ...]) -> Block | None:
    at, start, indent = 0, 0, ""
    if not names:
        return None
    for name in names:
        match = re.compile(rf"^{indent}(?:class|def)\s+{re.escape(name)}[(:]", re.MULTILINE).search(text, at)
        if match is None:
            return None
        start = match.start()
        end = text.find("\n", start)
        at = len(text) if end < 0 else end + 1
        indent += "    "
    lines = [text[start : at - 1] if at < len(text) or text.endswith("\n") else text[start:]]
    for line in _lines_from(text, at):
        if not _continues(line, indent):
            break
        lines.append(line)
    while not lines[-1]:
        lines.pop()
    first = text.count("\n", 0, start) + 1
    return Block(first, first + len(lines) - 1, tuple(lines))


def _lines_from(text: str, at: int) -> Iterator[str]:
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def copied_block(lines: list[str], marker: Marker) -> Block | None:
    """What stands under a marker, if that is a class or function; `lines` are those of the file."""
    start = marker.line
    if start >= len(lines) or not re.match(r"\s*(?:class|def)\s", lines[start]):
        return None
    body = " " * (len(lines[start]) - len(lines[start].lstrip()) + 4)
    end = start + 1
    while (
        end < len(lines) and _continues(lines[end], body) and not lines[end].startswith(f"{body}# End copy")
    ):
        end += 1
    while end > start + 1 and not lines[end - 1]:
        end -= 1
    return Block(start + 1, end, tuple(lines[start:end]))


_REPLACEMENT = re.compile(r"^\s*(\S+)->(\S+)(\s+.*|$)")
_PLAIN = re.compile(r"[\w.:/\- ]+")
"""What is replaced is a pattern for upstream, but nobody writes one. Nor do we run patterns that come with a pull request."""


def replaced(code: str, rest: str) -> str | None:
    """The code after `with A->B, C->D all-casing`; None if the replacements are no plain text, or make it huge."""
    for part in rest.replace("with", "").split(","):
        match = _REPLACEMENT.match(part[:LONGEST_LINE])
        if match is None:
            continue
        old, new, option = match.groups()
        if not _PLAIN.fullmatch(old) or "\\" in new:
            return None
        pairs = [(old, new)]
        if option.strip() == "all-casing":
            pairs += [(old.lower(), new.lower()), (old.upper(), new.upper())]
        for was, now in pairs:
            code = re.sub(was, now, code)
            if len(code) > LONGEST_COPY:
                return None
    return code


@dataclass(frozen=True, slots=True)
class Change:
    """Lines `first` to `last` of the copy (from 1; `last` < `first`: nothing stands there) should read `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def differences(copy: Block, original: str, how: Manner) -> tuple[Change, ...]:
    """Where a copy differs from its original (after replacements): empty if it is one.

    Lines that only a formatter would lay out differently are no difference.
    """
    wanted = _named_as(copy, original, how)
    if copy.text == wanted:
        return ()
    if how.blocks:
        return _by_block(copy, wanted)
    if how.heads:
        # That script compares no further than the shorter of the two goes, unless the other goes on without an empty line.
        copy, wanted = _cut(copy, wanted)
    return _changes(copy, wanted)


def _changes(copy: Block, wanted: str) -> tuple[Change, ...]:
    if len(copy.text) > LONGEST_COPY or copy.text == wanted:
        return ()
    # Parsing is what takes the time: last.
    if _bare(copy.lines) == _bare(wanted.split("\n")) and _same(copy.text, wanted):
        return ()
    ours, theirs = list(copy.lines), wanted.split("\n")
    whole = Change(copy.first, copy.last, tuple(theirs))
    if _alike(ours, theirs) > MOST_ALIKE:
        return (whole,)
    found: list[Change] = []
    matcher = difflib.SequenceMatcher(None, _stripped(ours), _stripped(theirs), autojunk=False)
    for tag, first, last, begin, end in matcher.get_opcodes():
        if tag != "equal" and _bare(ours[first:last]) != _bare(theirs[begin:end]):
            found.append(Change(copy.first + first, copy.first + last - 1, tuple(theirs[begin:end])))
    # The trees differ, but no line does more than in its layout: an operator of a string, a parenthesis.
    return tuple(found) or (whole,)


def _alike(ours: list[str], theirs: list[str]) -> int:
    """Pairs of equal lines, each of which the comparison looks at many times."""
    counts = Counter(ours)
    return sum(counts[line] for line in theirs)


def _stripped(lines: list[str]) -> list[str]:
    return [line.rstrip() for line in lines]


_LAYOUT = str.maketrans("", "", " \t(),\"'")


def _bare(lines: Sequence[str]) -> str:
    """What a formatter leaves alone: the characters, and where empty lines are."""
    return "".join(line.translate(_LAYOUT) or ("\0" if not line.strip() else "") for line in lines)


_HEAD = re.compile(r"(\s*(?:class|def)\s+)([^(:]+)")


def _named_as(copy: Block, original: str, how: Manner) -> str:
    """The original under the copy's name; where heads do not count, with its first line."""
    first, line_end, rest = original.partition("\n")
    if not how.heads:
        return f"{copy.lines[0]}{line_end}{rest}"
    ours, theirs = _HEAD.match(copy.lines[0]), _HEAD.match(first)
    if ours is None or theirs is None:
        return original
    return f"{first.replace(theirs[2], ours[2])}{line_end}{rest}"


def _cut(copy: Block, wanted: str) -> tuple[Block, str]:
    theirs = wanted.split("\n")
    length = min(len(theirs), len(copy.lines))
    if length < len(copy.lines) and not copy.lines[length].strip():
        return Block(copy.first, copy.first + length - 1, copy.lines[:length]), wanted
    if length < len(theirs) and not theirs[length].strip():
        return copy, "\n".join(theirs[:length])
    return copy, wanted


def _by_block(copy: Block, wanted: str) -> tuple[Change, ...]:
    """Compares without empty lines, and without the methods that say `# Ignore copy`."""
    ignored = {name for name, (_, lines) in _methods(copy.lines) if any("# Ignore copy" in x for x in lines)}
    kept, numbers = _without(copy.lines, ignored)
    original, _ = _without(tuple(wanted.split("\n")), ignored)
    block = Block(1, len(kept), tuple(kept))
    changes = _changes(block, "\n".join(original))
    return tuple(
        Change(
            copy.first + numbers[min(change.first, len(numbers)) - 1],
            copy.first + numbers[min(change.last, len(numbers)) - 1]
            if change.last >= change.first
            else copy.first + numbers[min(change.first, len(numbers)) - 1] - 1,
            change.lines,
        )
        for change in changes
    )


def _methods(lines: tuple[str, ...]) -> Iterator[tuple[str, tuple[int, tuple[str, ...]]]]:
    """The methods of a class's lines: name, where it begins (with its decorators and comments), its lines."""
    indent = " " * (len(lines[0]) - len(lines[0].lstrip()) + 4)
    begins = [n for n, line in enumerate(lines) if n and re.match(rf"{indent}(?:class|def)\s+\w+", line)]
    for begin in begins:
        top = begin
        while top > 1 and lines[top - 1].startswith(indent) and lines[top - 1].strip():
            top -= 1
        end = begin + 1
        while end < len(lines) and _continues(lines[end], f"{indent}    "):
            end += 1
        match = re.match(r"\s*(?:class|def)\s+(\w+)", lines[begin])
        yield match[1] if match else "", (top, lines[top:end])


def _without(lines: tuple[str, ...], names: set[str]) -> tuple[list[str], list[int]]:
    """The lines but for those of some methods and empty ones, and where (from 0) each stood."""
    gone = {n for name, (top, of) in _methods(lines) if name in names for n in range(top, top + len(of))}
    numbers = [n for n, line in enumerate(lines) if n not in gone and line.strip()]
    return [lines[n] for n in numbers], numbers


def _same(ours: str, theirs: str) -> bool:
    """Equal but for layout: trees (long strings by their words) and comments."""
    ours, theirs = _dedented(ours), _dedented(theirs)
    try:
        return _tree(ours) == _tree(theirs) and _comments(ours) == _comments(theirs)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return False


def _dedented(code: str) -> str:
    indent = len(code) - len(code.lstrip(" "))
    return "\n".join(line[indent:] if line[:indent].isspace() else line for line in code.split("\n"))


@lru_cache(maxsize=32)
def _tree(code: str) -> str:
    tree = ast.parse(code)
    for node in walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            node.value = " ".join(node.value.split())
            node.kind = None
    return ast.dump(tree)


def _comments(code: str) -> list[str]:
    if "#" not in code:
        return []
    reader = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string.strip() for token in reader if token.type == tokenize.COMMENT]

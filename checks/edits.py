"""Edits: making the common ones, and applying them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from checks.report import Edit
from checks.source.python import ModuleFacts


def insert(path: str, line: int, text: str) -> Edit:
    """New whole lines before line `line` (one past the last line appends). `text` ends with a line end."""
    return Edit(path, (line, 1), (line, 1), text)


def replace(path: str, line: int, column: int, old: str, new: str) -> Edit:
    """`new` instead of `old`, which stands at `line`, `column`."""
    return Edit(path, (line, column), (line, column + len(old)), new)


def replace_lines(path: str, first: int, last: int, text: str) -> Edit:
    """`text` (with its line end) instead of the lines `first` to `last`."""
    return Edit(path, (first, 1), (last + 1, 1), text)


def apply(files: Mapping[str, str], edits: Iterable[Edit]) -> dict[str, str]:
    """The files after the edits; edits refer to the files as given. The same edit twice counts once, and of edits that overlap
    the last in the file: the next check offers the others again.

    Args:
        files: text by path; a path that is missing here is created.
    """
    changed = dict(files)
    by_path: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        by_path.setdefault(edit.path, []).append(edit)
    for path, of_path in by_path.items():
        text = changed.get(path, "")
        lines = text.split("\n")
        # A text without a last line end gets one, if something is to follow it.
        if text and not text.endswith("\n") and any(edit.start[0] > len(lines) for edit in of_path):
            text += "\n"
            lines = text.split("\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)

        def offset(place: tuple[int, int], starts: list[int] = starts, text: str = text) -> int:
            return min(starts[min(place[0] - 1, len(starts) - 1)] + place[1] - 1, len(text))

        # From the end on, so that earlier offsets stay valid. Insertions at one place keep their order.
        ordered = sorted(of_path, key=lambda edit: (offset(edit.start), offset(edit.end)))
        bound = len(text)
        for edit in ordered[::-1]:
            start, end = offset(edit.start), offset(edit.end)
            if end <= bound:
                text = text[:start] + edit.text + text[end:]
                bound = start
        changed[path] = text
    return changed


LINE_LENGTH = 119
"""Of the upstream formatter."""


def statement(head: str, names: Iterable[str], *, indent: int, quoted: bool, brackets: str) -> str:
    """A list of names as the upstream formatter lays it out: on one line if it fits, else one name per line.

    Args:
        head: what stands before the names, `from .models.bert import`.
        quoted: the names are strings.
        brackets: around several lines ("()" of an import), kept on one line unless they are "()".
    """
    space = " " * indent
    shown = [f'"{name}"' if quoted else name for name in names]
    inline = ", ".join(shown) if brackets == "()" else f"{brackets[0]}{', '.join(shown)}{brackets[1]}"
    line = f"{space}{head} {inline}"
    if len(line) <= LINE_LENGTH:
        return f"{line}\n"
    body = "".join(f"{space}    {name},\n" for name in shown)
    return f"{space}{head} {brackets[0]}\n{body}{space}{brackets[1]}\n"


def isort_key(name: str) -> tuple[int, str]:
    """Order of names in imports and inits: constants, classes, functions."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return (kind, name)


def import_name(path: str, text: str, facts: ModuleFacts, module: str, name: str) -> tuple[Edit, ...]:
    """Edits that make `from module import name` true; none if it is already.

    Args:
        facts: of the module `path` with `text`.
    """
    if any(found.module == module and found.name == name for found in facts.imports):
        return ()
    if facts.importing(name) is not None or name in facts.classes or name in facts.functions:
        return ()
    of_module = [found for found in facts.imports if found.module == module and found.name != "*"]
    lines = text.split("\n")
    if of_module:
        first, last = of_module[0].line, of_module[0].end_line
        same = [found for found in of_module if found.line == first]
        block = lines[first - 1 : last]
        if any("#" in line for line in block):
            return ()
        names = sorted({_spelled(found.name, found.local) for found in same} | {name}, key=isort_key)
        indent = len(block[0]) - len(block[0].lstrip())
        if first == last or not block[0].rstrip().endswith("("):
            text = statement(f"from {module} import", names, indent=indent, quoted=False, brackets="()")
            return (replace_lines(path, first, last, text),)
        at = first + 1
        for line in range(first + 1, last):
            if isort_key(lines[line - 1].strip().rstrip(",")) < isort_key(name):
                at = line + 1
        return (insert(path, at, f"{' ' * (indent + 4)}{name},\n"),)
    if not facts.imports:
        return ()
    after = max(found.end_line for found in facts.imports if found.line <= _last_top_import(facts)) + 1
    return (insert(path, after, f"from {module} import {name}\n"),)


def unimport(
    path: str, lines: Sequence[str], node: ast.Import | ast.ImportFrom, alias: ast.alias
) -> tuple[Edit, ...]:
    """Edits that take one name out of an import; none where it is written in a way that is not plain.

    Args:
        lines: of the module that `node` is in.
    """
    first, last = node.lineno, node.end_lineno or node.lineno
    block = lines[first - 1 : last]
    if ";" in block[0] or block[0][: node.col_offset].strip():
        return ()
    if len(node.names) == 1:
        return (
            (replace_lines(path, first, last + _gap(lines, first, last), ""),) if node.col_offset == 0 else ()
        )
    if first == last:
        if not isinstance(node, ast.ImportFrom) or "#" in block[0]:
            return ()
        names = [
            _spelled(other.name, other.asname or other.name) for other in node.names if other is not alias
        ]
        head = f"from {'.' * node.level}{node.module or ''} import"
        return (
            replace_lines(path, first, last, f"{block[0][: node.col_offset]}{head} {', '.join(names)}\n"),
        )
    alone = lines[alias.lineno - 1].strip().rstrip(",") == ast.unparse(alias)
    return (replace_lines(path, alias.lineno, alias.lineno, ""),) if alone and alias.lineno != first else ()


def _gap(lines: Sequence[str], first: int, last: int) -> int:
    """1 if the lines are a block of their own, whose empty line goes with it."""
    before = first < 2 or not lines[first - 2].strip()
    return int(before and last < len(lines) and not lines[last].strip())


def _spelled(name: str, local: str) -> str:
    return name if name == local else f"{name} as {local}"


def _last_top_import(facts: ModuleFacts) -> int:
    """Line of the last import before the first class or function."""
    first = min((found.line for found in (*facts.classes.values(), *facts.functions.values())), default=10**9)
    return max((found.line for found in facts.imports if found.line < first), default=facts.imports[0].line)

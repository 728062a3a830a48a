"""Names in inits: which are missing or misspelt in a half, where they belong, and the edits that put them there."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from checks.edits import insert, isort_key, replace, replace_lines, statement
from checks.report import Edit, Finding, Location
from checks.rules import Rule
from checks.source.inits import Entry, Half, InitFacts
from checks.source.python import Name

MOST = 100
"""Names that are compared with each other; whoever misspells more does it on purpose."""

HALVES: tuple[Half, Half] = ("structure", "typing")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is, or belongs, and the edits that set it right there."""

    half: Half
    line: int
    column: int
    edits: tuple[Edit, ...] = ()


def twins_of(init: InitFacts, half: Half) -> list[str]:
    """Names that a half offers for PyTorch, in their order."""
    return [name.name for entry in init.of(half, "torch") for name in entry.names]


def misspelt(
    entries: Iterable[Entry], known: Collection[str], missing: Collection[str], changed: Collection[int]
) -> dict[Name, str]:
    """Listed names on changed lines that nothing defines -> the missing name that is meant, "" if none is near."""
    found: dict[Name, str] = {}
    left = sorted(missing)
    for entry in entries:
        for name in entry.names:
            if name.name in known or name.name == "*" or name.line not in changed:
                continue
            if len(found) >= MOST:
                return found
            small = len(name.name) < 200 and len(left) < MOST  # comparing all with all is slow
            near = difflib.get_close_matches(name.name, left, n=1, cutoff=0.8) if small else []
            found[name] = near[0] if near else ""
            left = [other for other in left if other not in near]
    return found


def spelling_edit(path: str, half: Half, name: Name, meant: str) -> tuple[Edit, ...]:
    """Replaces a listed name by the one that is meant."""
    if not meant:
        return ()
    column = name.column + (1 if half == "structure" else 0)  # inside the quotes
    return (replace(path, name.line, column, name.name, meant),)


def add_name(
    path: str, lines: Sequence[str], entry: Entry, name: str, opening: str, twins: Sequence[str] = ()
) -> Place:
    """The place of a name in a statement that offers others already.

    Args:
        lines: of the file.
        opening: what stands before the names if the statement is written anew.
        twins: PyTorch's names in their order, which counts where the names are not in the upstream order.
    """
    quoted = entry.half == "structure"
    rows = [found.line for found in entry.names]
    if entry.line < entry.end_line and len(set(rows)) == len(rows) and entry.line not in rows and rows:
        following = _following([found.name for found in entry.names], name, twins)
        at = next((found.line for found in entry.names if found.name == following), rows[-1] + 1)
        row = lines[rows[0] - 1]
        space = row[: len(row) - len(row.lstrip())]
        shown = f'"{name}"' if quoted else name
        last = lines[rows[-1] - 1].rstrip()
        edits = [insert(path, at, f"{space}{shown},\n")]
        if at > rows[-1] and not last.endswith(","):
            edits.insert(0, replace(path, rows[-1], len(last) + 1, "", ","))
        return Place(entry.half, at, len(space) + 1, tuple(edits))
    if any("#" in line for line in lines[entry.line - 1 : entry.end_line]):
        return Place(entry.half, entry.line, entry.column)
    names = sorted({found.name for found in entry.names} | {name}, key=isort_key)
    text = offer(entry.half, opening, names, entry.column - 1)
    return Place(
        entry.half, entry.line, entry.column, (replace_lines(path, entry.line, entry.end_line, text),)
    )


def _following(names: Sequence[str], name: str, twins: Sequence[str]) -> str:
    """The listed name that a new one goes before, "" for the end."""
    if list(names) == sorted(names, key=isort_key) or name[2:] not in twins:
        return next((other for other in names if isort_key(other) > isort_key(name)), "")
    later = twins[twins.index(name[2:]) + 1 :]
    return next((other for other in names if other[2:] in later), "")


def offer(half: Half, opening: str, names: Iterable[str], indent: int) -> str:
    """A statement that offers names, as the upstream formatter lays it out.

    Args:
        opening: `from .models.bert import`, `_import_structure["modeling_tf_bert"] =`, or
            `_import_structure["models.bert"].extend`.
    """
    ordered = sorted(names, key=isort_key)
    if half == "typing":
        return statement(opening, ordered, indent=indent, quoted=False, brackets="()")
    if not opening.endswith(".extend"):
        return statement(opening, ordered, indent=indent, quoted=True, brackets="[]")
    space = " " * indent
    if len(ordered) == 1:
        return f'{space}{opening.removesuffix("extend")}append("{ordered[0]}")\n'
    shown = [f'"{name}"' for name in ordered]
    line = f"{space}{opening}([{', '.join(shown)}])"
    if len(line) <= 119:
        return f"{line}\n"
    body = "".join(f"{space}        {name},\n" for name in shown)
    return f"{space}{opening}(\n{space}    [\n{body}{space}    ]\n{space})\n"


def add_statement(
    path: str, init: InitFacts, half: Half, module: str, opening: str, names: Iterable[str]
) -> Place | None:
    """The place of a new statement among the TensorFlow statements of a half, by the alphabet; None if there are none."""
    region = init.region(half, "tf")
    if region is None:
        return None
    family = module.split(".")[0]
    inside = [e for e in init.of(half, "tf") if region.line <= e.line <= region.end_line]
    before = [e for e in inside if e.module.split(".")[0] == family and e.module < module]
    after = [e for e in inside if e.module.split(".")[0] == family and e.module > module]
    line = before[-1].end_line + 1 if before else after[0].line if after else region.end_line + 1
    indent = region.column - 1
    return Place(half, line, region.column, (insert(path, line, offer(half, opening, names, indent)),))


def group(missing: dict[str, list[Half]], begun: Collection[Half]) -> list[list[str]]:
    """Names to be told of together: one by one, but those of a half that has none of the port's names yet all at once.

    Args:
        missing: name -> the halves that lack it.
        begun: the halves that have some name.
    """
    alone: list[list[str]] = []
    together: dict[tuple[Half, ...], list[str]] = {}
    for name, halves in missing.items():
        if all(half in begun for half in halves):
            alone.append([name])
        else:
            together.setdefault(tuple(halves), []).append(name)
    return [*together.values(), *alone]


def repeated(rule: Rule, path: str, lines: Sequence[str], entries: Iterable[Entry]) -> Iterator[Finding]:
    """Names that a half offers twice, which upstream's check_inits.py refuses; `entries` are of one half."""
    first: dict[str, int] = {}
    for entry in entries:
        for name in entry.names:
            if name.name not in first:
                first[name.name] = name.line
                continue
            alone = (
                name.line <= len(lines) and lines[name.line - 1].strip().strip(",").strip('"') == name.name
            )
            yield rule.finding(
                path,
                name.line,
                f"{name.name} is listed twice",
                f"It stands in line {first[name.name]} already; take this one out.",
                symbol=name.name,
                column=name.column,
                edits=(replace_lines(path, name.line, name.line, ""),) if alone else (),
                locations=(Location(path, first[name.name]),),
            )


def unguarded(
    rule: Rule, path: str, entries: Iterable[Entry], names: Collection[str], changed: Collection[int]
) -> Iterator[Finding]:
    """TensorFlow names among those of another backend, or of none: without TensorFlow the import fails."""
    for entry in entries:
        found = [n for n in entry.names if n.name in names and n.line in changed]
        if entry.backend.split(" and ").count("tf") or not found:
            continue
        where = {"torch": "is_torch_available()", "": "no condition"}.get(
            entry.backend, f"is_{entry.backend}_available()"
        )
        yield rule.finding(
            path,
            found[0].line,
            f"{found[0].name} stands under {where}",
            "Move it below is_tf_available().",
            symbol=found[0].name,
            column=found[0].column,
            locations=[
                Location(path, line)
                for line in dict.fromkeys(n.line for n in found[1:])
                if line != found[0].line
            ],
        )

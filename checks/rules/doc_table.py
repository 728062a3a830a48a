"""The TensorFlow column of the table of frameworks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.conventions import AUTO, read
from checks.edits import insert, replace
from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.registries import TableFacts, auto_facts, table_facts


def check(port: Port) -> Iterator[Finding]:
    path = port.conventions.table
    if not path:
        raise NotApplicable("the base has no table of frameworks")
    if not port.public:
        raise NotBegun("no public class yet")
    table = port.facts(path, table_facts)
    column = table.column("TensorFlow") if table is not None else None
    if table is None or column is None:
        raise Undecidable(f"{path} has no table of frameworks (any more)")
    names, shown = _names(port)
    rows = [(name, table.rows[name]) for name in names if name in table.rows]
    base = port.known_facts(path, table_facts, base=True) or TableFacts()
    gone = [name for name in base.rows if name not in table.rows and name in shown]
    for name in gone:
        yield _gone(port, table, base, name, own=name in names)
    if not rows and not set(gone) & set(names):
        raise Undecidable(f"found no row of {port.model} in {path}")
    for name, cells in rows:
        if len(cells) <= column:
            continue
        cell = cells[column]
        if "✅" not in cell.text:
            yield RULE.finding(
                path,
                cell.line,
                f"The row {name} is not ticked for TensorFlow",
                "Put ✅ there, or run make fix-copies.",
                symbol=name,
                column=cell.column,
                edits=(replace(path, cell.line, cell.column, cell.text, "✅"),) if cell.text else (),
                absent=True,
            )


def _gone(port: Port, table: TableFacts, base: TableFacts, name: str, *, own: bool) -> Finding:
    """A row of the base that the head lacks, and the edit that puts it back; the port's own one ticked."""
    path = port.conventions.table
    following = [n for n in list(base.rows)[list(base.rows).index(name) + 1 :] if n in table.rows]
    if following:
        line = table.rows[following[0]][0].line
    else:
        line = max((cells[0].line for cells in table.rows.values()), default=table.line + 1) + 1
    row = read(port.base, path).split("\n")[base.rows[name][0].line - 1]
    column = base.column("TensorFlow")
    if own and column is not None and column < len(base.rows[name]):
        cell = base.rows[name][column]
        end = cell.column - 1 + len(cell.text)
        row = f"{row[: cell.column - 1]}✅{row[end:]}"
    lines = port.text(path).count("\n")
    return RULE.finding(
        path,
        min(line, max(lines, 1)),
        f"The row {name} is gone from the table",
        f"Put it back{', ticked for TensorFlow' if own else ''}, or run make fix-copies.",
        symbol=name,
        edits=(insert(path, line, f"{row}\n"),) if base.header == table.header else (),
    )


def _names(port: Port) -> tuple[list[str], frozenset[str]]:
    """The model's names in the table, and those of all models. As upstream's check_table.py: a row is ticked if a class `TF<prefix>…` exists, with the
    configuration's name as prefix, and the longest prefix that is a model's counts."""
    auto = port.facts(f"{AUTO}/configuration_auto.py", auto_facts)
    if auto is None or auto.problem is not None:
        raise Undecidable(f"{AUTO}/configuration_auto.py cannot be parsed")
    types, shown = auto.mappings.get("CONFIG_MAPPING_NAMES"), auto.mappings.get("MODEL_NAMES_MAPPING")
    if types is None or shown is None:
        raise Undecidable("configuration_auto.py does not name the models as in known versions")
    prefixes = {
        entry.key: entry.values[0].name.removesuffix("Config") for entry in types.entries if entry.values
    }
    own = {prefix for name in port.public if (prefix := _prefix(name, frozenset(prefixes.values())))}
    keys = {key for key, prefix in prefixes.items() if prefix in own}
    own_names = [entry.values[0].name for entry in shown.entries if entry.key in keys and entry.values]
    return own_names, frozenset(entry.values[0].name for entry in shown.entries if entry.values)


_TF_CLASS = re.compile(r"TF(.*)(?:Model|Encoder|Decoder|ForConditionalGeneration)")
_WORD = re.compile(r".+?(?:(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|$)")


def _prefix(name: str, prefixes: frozenset[str]) -> str:
    match = _TF_CLASS.match(name)
    stem = match[1] if match and len(name) < 200 else ""
    while stem and stem not in prefixes:
        stem = "".join(_WORD.findall(stem)[:-1])
    return stem


_PAGE = "docs/source/en/index.md"

RULE = Rule(
    slug="doc-table",
    level="error",
    summary="The model's row in the table of frameworks (`docs/source/en/index.md`) is ticked for TensorFlow.",
    why="The table is where people look first whether a model exists for TensorFlow.",
    how="`make fix-copies` writes the table from the auto classes. The German index.md of the guide's text is frozen; leave it.",
    since="always, until the table was removed (4.50, c0f8d055c)",
    guide="Step 4: a green tick in the TensorFlow column of index.md (of the English documentation).",
    source="upstream utils/check_table.py",
    check=check,
    examples=(
        Example(
            title="The cross was left",
            path=_PAGE,
            good="| [Lantern](model_doc/lantern) |       ✅        |         ✅         |",
            bad="| [Lantern](model_doc/lantern) |       ✅        |         ❌         |",
            finds=("| [Lantern](model_doc/lantern) |       ✅        |         ❌         |      ❌      |",),
            fixed=True,
        ),
        Example(
            title="The row is gone",
            path=_PAGE,
            good="| [Lantern](model_doc/lantern) |       ✅        |         ✅         |      ❌      |\n",
            bad="",
            finds=("|     [XLM](model_doc/xlm)     |       ✅        |         ✅         |      ❌      |",),
            fixed=True,
        ),
        Example(
            title="Another model's row is gone",
            path=_PAGE,
            good="|     [XLM](model_doc/xlm)     |       ✅        |         ✅         |      ❌      |\n",
            bad="",
            finds=("| [Lantern](model_doc/lantern) |       ✅        |         ✅         |      ❌      |",),
            fixed=True,
        ),
    ),
)

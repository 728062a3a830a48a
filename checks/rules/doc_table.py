"""The TensorFlow column of the table of frameworks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.conventions import AUTO
from checks.edits import replace
from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.registries import auto_facts, table_facts


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
    names = _names(port)
    rows = [(name, table.rows[name]) for name in names if name in table.rows]
    if not rows:
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


def _names(port: Port) -> list[str]:
    """The model's names in the table. As upstream's check_table.py: a row is ticked if a class `TF<prefix>…` exists, with the
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
    return [entry.values[0].name for entry in shown.entries if entry.key in keys and entry.values]


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
    ),
)

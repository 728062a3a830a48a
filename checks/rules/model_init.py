"""Public classes in the model's own `__init__.py`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.changes import changed_lines
from checks.edits import import_name, insert
from checks.errors import NotBegun
from checks.port import Module, Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._inits import (
    HALVES,
    Place,
    add_name,
    add_statement,
    group,
    misspelt,
    offer,
    spelling_edit,
    twins_of,
)
from checks.rules._star_imports import check_star_imports
from checks.source.inits import Entry, Half, InitFacts, Region
from checks.source.python import module_facts

_SAID = {"structure": "_import_structure", "typing": "the TYPE_CHECKING part"}


def check(port: Port) -> Iterator[Finding]:
    if not port.public:
        raise NotBegun("no public class yet")
    init = port.init(port.init_path)
    if init.lazy:
        yield from check_star_imports(RULE, port, init)
        return
    missing: dict[str, list[Half]] = {}
    for half in HALVES:
        entries = _entries(init, half)
        offered = {name.name for entry in entries for name in entry.names if _has(port, entry, name.name)}
        absent = [n for n in (*port.public, *port.archive_lists) if n not in offered]
        for finding in _misspelt(port, half, entries, absent):
            if finding.symbol in absent:
                absent.remove(finding.symbol)
            yield finding
        for name in absent:
            missing.setdefault(name, []).append(half)
    yield from _absent(port, init, missing)


def _entries(init: InitFacts, half: Half) -> list[Entry]:
    return [entry for entry in init.of(half, "tf") if entry.module.startswith("modeling_tf_")]


def _has(port: Port, entry: Entry, name: str) -> bool:
    """The module of the statement defines or imports the name; of a module outside the port that is believed."""
    module = next((m for m in port.modules if m.path.endswith(f"/{entry.module}.py")), None)
    return module is None or name in _names(port, module)


def _names(port: Port, module: Module) -> set[str]:
    facts = module.facts
    meant = {port.intended_name(found) for found in facts.classes.values()}
    return {*meant, *facts.classes, *facts.functions, *facts.names, *(i.local for i in facts.imports)}


def _misspelt(port: Port, half: Half, entries: list[Entry], absent: list[str]) -> Iterator[Finding]:
    changed = changed_lines(port.base, port.head, port.init_path)
    for entry in entries:
        module = next((m for m in port.modules if m.path.endswith(f"/{entry.module}.py")), None)
        if module is not None:
            known = _names(port, module)
        else:
            facts = port.facts(f"{port.folder}/{entry.module}.py", module_facts)
            if facts is None or facts.problem:
                continue
            known = {*facts.classes, *facts.functions, *facts.names, *(i.local for i in facts.imports)}
        for name, meant in misspelt([entry], known, absent, changed).items():
            yield RULE.finding(
                port.init_path,
                name.line,
                f"{name.name} is not in {entry.module}.py",
                f"{meant} is meant." if meant else "Take it out, or define it there.",
                symbol=meant or name.name,
                column=name.column,
                edits=spelling_edit(port.init_path, half, name, meant),
                absent=not meant and port.awaits(name.name),
            )


def _absent(port: Port, init: InitFacts, missing: dict[str, list[Half]]) -> Iterator[Finding]:
    lines = port.text(port.init_path).split("\n")
    begun: list[Half] = [half for half in HALVES if _entries(init, half)]
    for names in group(missing, begun):
        halves = missing[names[0]]
        places = [place for half in halves for place in _places(port, init, half, names, lines)]
        twice = len(halves) == 2
        be, it = verb(names, "is", "are"), verb(names, "it", "them")
        where = "in neither half" if twice else f"not in {_SAID[missing[names[0]][0]]}"
        line = min(places[0].line, init.lines) if places else max(init.lines, 1)
        edits = [edit for place in places for edit in place.edits]
        yield RULE.finding(
            port.init_path,
            line,
            f"{enumerate_names(names)} {be} {where} of the model's __init__.py",
            f"Add {it} {'to both halves' if twice else 'there'}, under is_tf_available().",
            symbol=names[0] if len(names) == 1 else "",
            column=places[0].column if places else 1,
            edits=[*edits, *(() if begun or not edits else _import_guard(port))],
            locations=[
                Location(port.init_path, min(p.line, init.lines)) for p in places if p.half != halves[0]
            ][:1],
            absent=True,
            level="warning" if all(name in port.archive_lists for name in names) else None,
        )


def _places(port: Port, init: InitFacts, half: Half, names: list[str], lines: list[str]) -> list[Place]:
    """Where names belong in a half: beside the names of their module, or in a part of their own."""
    places: list[Place] = []
    new: dict[str, list[str]] = {}
    for name in names:
        # The statement of the module that defines it, else of one that imports it (TFBlipTextModel stands in modeling_tf_blip's).
        module = _home(port, name)
        entries = sorted(_entries(init, half), key=lambda entry: entry.module != module)
        entry = next((e for e in entries if e.module == module or _has(port, e, name)), None)
        if entry is None:
            new.setdefault(module, []).append(name)
        else:
            opening = _opening(half, entry.module)
            places.append(add_name(port.init_path, lines, entry, name, opening, twins_of(init, half)))
    statements: list[tuple[str, list[str]]] = []
    for module, of_module in new.items():
        place = add_statement(port.init_path, init, half, module, _opening(half, module), of_module)
        if place is not None:
            places.append(place)
        else:
            statements.append((module, of_module))
    if statements and (place := _new_part(port, init, half, statements, lines)) is not None:
        places.append(place)
    return places


def _home(port: Port, name: str) -> str:
    module = port.archive_lists[name][0] if name in port.archive_lists else port.of(name)[0]
    return f"modeling_tf_{module.suffix}"


def _opening(half: Half, module: str) -> str:
    return f"from .{module} import" if half == "typing" else f'_import_structure["{module}"] ='


def _new_part(
    port: Port, init: InitFacts, half: Half, statements: list[tuple[str, list[str]]], lines: list[str]
) -> Place | None:
    """A part under `is_tf_available()` after that of PyTorch, guarded as that one is."""
    torch = init.region(half, "torch")
    if torch is None:
        return None
    outer = " " * (len(lines[torch.outer_line - 1]) - len(lines[torch.outer_line - 1].lstrip()))
    body = "".join(offer(half, _opening(half, module), names, len(outer) + 4) for module, names in statements)
    line = torch.outer_end_line + 1
    return Place(
        half,
        line,
        len(outer) + 1,
        (insert(port.init_path, line, f"\n{_guard(lines, torch, outer)}{body}"),),
    )


def _guard(lines: list[str], torch: Region, indent: str) -> str:
    if lines[torch.outer_line - 1].lstrip().startswith("if"):
        return f"{indent}if is_tf_available():\n"
    rows = (
        "try:",
        "    if not is_tf_available():",
        "        raise OptionalDependencyNotAvailable()",
        "except OptionalDependencyNotAvailable:",
        "    pass",
        "else:",
    )
    return "".join(f"{indent}{row}\n" for row in rows)


def _import_guard(port: Port) -> tuple[Edit, ...]:
    facts = port.facts(port.init_path, module_facts)
    torch = facts.importing("is_torch_available") if facts else None
    if facts is None or torch is None:
        return ()
    return import_name(port.init_path, port.text(port.init_path), facts, torch.module, "is_tf_available")


_INIT = "src/transformers/models/lantern/__init__.py"

RULE = Rule(
    slug="model-init",
    level="error",
    summary="Every public class is in the model's `__init__.py`, in both halves under `is_tf_available()`; in newer trees in `__all__`.",
    why="The library is loaded lazily: what the model's `__init__.py` does not name does not exist for it.",
    how=(
        'List the class in `_import_structure["modeling_tf_…"]` and import it under `TYPE_CHECKING`. Where the '
        "`__init__.py` uses `define_import_structure`, write `from .modeling_tf_… import *` there and name the class in "
        "`__all__` of the TensorFlow file."
    ),
    since="`__all__` since 4.48 (8e806a336, b2f297753)",
    guide="Step 4: update the import structure in the model's __init__.py.",
    source="upstream utils/check_inits.py",
    check=check,
    examples=(
        Example(
            title="A class is missing in the first half",
            path=_INIT,
            good='        "TFLanternModel",\n',
            bad="",
            finds=('"TFLanternPreTrainedModel",',),
            fixed=True,
        ),
        Example(
            title="A class is missing in the second half",
            path=_INIT,
            good="            TFLanternModel,\n",
            bad="",
            finds=("TFLanternPreTrainedModel,",),
            fixed=True,
        ),
        Example(
            title="No part for TensorFlow under TYPE_CHECKING",
            path=_INIT,
            good=(
                "\n    try:\n        if not is_tf_available():\n            raise OptionalDependencyNotAvailable()\n"
                "    except OptionalDependencyNotAvailable:\n        pass\n    else:\n        from .modeling_tf_lantern import (\n"
                "            TFLanternForSequenceClassification,\n            TFLanternForTokenClassificationWithFlicker,\n"
                "            TFLanternModel,\n            TFLanternPreTrainedModel,\n        )\n"
            ),
            bad="",
            finds=("#9",),
            fixed=True,
        ),
        Example(
            title="A misspelt class",
            path=_INIT,
            good='        "TFLanternModel",\n',
            bad='        "TFLanternModle",\n',
            finds=('"TFLanternModle",',),
            fixed=True,
        ),
    ),
)

"""Public classes in `src/transformers/__init__.py`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import MAIN_INIT
from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._inits import (
    HALVES,
    Place,
    add_name,
    add_statement,
    group,
    misspelt,
    spelling_edit,
    twins_of,
)
from checks.source.inits import Half, InitFacts
from checks.source.python import module_facts

_SAID = {"structure": "_import_structure", "typing": "the TYPE_CHECKING part"}


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.lists_classes:
        raise NotApplicable("the base's main __init__.py finds the models by itself")
    if not port.public:
        raise NotBegun("no public class yet")
    init = port.init(MAIN_INIT)
    if not all(init.region(half, "tf") for half in HALVES):
        raise Undecidable(f"{MAIN_INIT} has no part for TensorFlow")
    missing, found = _misspelt(port, init)
    yield from found
    yield from _absent(port, init, missing)


def _module(port: Port) -> str:
    return f"models.{port.model}"


def _opening(port: Port, half: Half) -> str:
    module = _module(port)
    return f"from .{module} import" if half == "typing" else f'_import_structure["{module}"].extend'


def _listed(port: Port, init: InitFacts, half: Half) -> set[str]:
    entries = (entry for entry in init.of(half, "tf") if entry.module == _module(port))
    return {name.name for entry in entries for name in entry.names}


def _misspelt(port: Port, init: InitFacts) -> tuple[dict[str, list[Half]], list[Finding]]:
    """Missing names with the halves they miss in, and the findings about names that nothing defines."""
    expected = [*port.public, *(name for name in port.archive_lists if name in port.tensorflow_exports)]
    missing: dict[str, list[Half]] = {}
    findings: dict[str, Finding] = {}
    known = defined_names(port)
    changed = changed_lines(port.base, port.head, MAIN_INIT)
    for half in HALVES:
        listed = _listed(port, init, half)
        absent = [name for name in expected if name not in listed]
        entries = [entry for entry in init.of(half, "tf") if entry.module == _module(port)]
        for name, meant in misspelt(entries, known, absent, changed).items():
            if meant:
                absent.remove(meant)
            edits = spelling_edit(MAIN_INIT, half, name, meant)
            if name.name in findings:
                first = findings[name.name]
                findings[name.name] = RULE.finding(
                    MAIN_INIT,
                    first.line,
                    first.message,
                    first.advice,
                    symbol=first.symbol,
                    column=first.column,
                    edits=(*first.edits, *edits),
                    locations=(Location(MAIN_INIT, name.line),),
                    absent=first.absent,
                )
                continue
            findings[name.name] = RULE.finding(
                MAIN_INIT,
                name.line,
                f"{name.name} is listed, but {port.model} has no such class",
                f"{meant} is meant." if meant else "Take it out, or define it.",
                symbol=meant or name.name,
                column=name.column,
                edits=edits,
                absent=not meant and port.awaits(name.name),
            )
        for name in absent:
            missing.setdefault(name, []).append(half)
    return missing, list(findings.values())


def defined_names(port: Port) -> set[str]:
    """Everything that a TensorFlow file of the model's folder defines or imports, under the name that it should have."""
    known = {*port.intended, *port.archive_lists}
    for path in port.head.list(port.folder):
        name = path.rsplit("/", 1)[-1]
        if path.endswith(".py") and "_tf" in name and path.count("/") == port.folder.count("/") + 1:
            facts = port.facts(path, module_facts)
            if facts is not None:
                known.update(facts.classes, facts.functions, facts.names, (i.local for i in facts.imports))
    for module in port.modules:
        known.update(module.facts.functions, module.facts.names, (i.local for i in module.facts.imports))
    return known


def _absent(port: Port, init: InitFacts, missing: dict[str, list[Half]]) -> Iterator[Finding]:
    lines = port.text(MAIN_INIT).split("\n")
    begun: list[Half] = [half for half in HALVES if _listed(port, init, half)]
    for names in group(missing, begun):
        halves = missing[names[0]]
        places = [place for half in halves for place in _places(port, init, half, names, lines)]
        if not places:
            continue
        twice = len(halves) == 2
        be, it = verb(names, "is", "are"), verb(names, "it", "them")
        where = "in neither half" if twice else f"not in {_SAID[places[0].half]}"
        yield RULE.finding(
            MAIN_INIT,
            min(places[0].line, init.lines),
            f"{enumerate_names(names)} {be} {where} of the main __init__.py",
            f"Add {it} {'to both halves' if twice else 'there'}, under is_tf_available().",
            symbol=names[0] if len(names) == 1 else "",
            column=places[0].column,
            edits=[edit for place in places for edit in place.edits],
            locations=[
                Location(MAIN_INIT, min(place.line, init.lines))
                for place in places[1:]
                if place.half != places[0].half
            ][:1],
            absent=True,
            level="warning" if names[0] in port.archive_lists else None,
        )


def _places(port: Port, init: InitFacts, half: Half, names: list[str], lines: list[str]) -> list[Place]:
    opening = _opening(port, half)
    entries = [entry for entry in init.of(half, "tf") if entry.module == _module(port)]
    if entries:
        twins = twins_of(init, half)
        return [add_name(MAIN_INIT, lines, entries[-1], name, opening, twins) for name in names]
    place = add_statement(MAIN_INIT, init, half, _module(port), opening, names)
    return [place] if place is not None else []


_GOOD = """    _import_structure["models.lantern"].extend(
        [
            "TFLanternForSequenceClassification",
            "TFLanternForTokenClassificationWithFlicker",
            "TFLanternModel",
            "TFLanternPreTrainedModel",
        ]
    )
"""

RULE = Rule(
    slug="main-init",
    level="error",
    summary="Every public class is in `src/transformers/__init__.py` twice: in `_import_structure` and under `TYPE_CHECKING`.",
    why="`from transformers import TFLanternModel` fails without the first; editors and the generator of the dummies miss it without the second.",
    how="Add it to the model's list in both halves, in the part under `is_tf_available()`. Public is what has a public PyTorch twin.",
    since="always, until the main init began to scan the models (4.52, 54a123f06)",
    guide="Step 4: add all public classes to src/transformers/__init__.py.",
    source="upstream utils/check_inits.py",
    check=check,
    examples=(
        Example(
            title="A class is missing in the first half",
            path=MAIN_INIT,
            good='            "TFLanternModel",\n',
            bad="",
            finds=('"TFLanternPreTrainedModel",',),
            fixed=True,
        ),
        Example(
            title="A class is missing in the second half",
            path=MAIN_INIT,
            good="            TFLanternModel,\n",
            bad="",
            finds=("TFLanternPreTrainedModel,",),
            fixed=True,
        ),
        Example(
            title="The model is missing in the first half",
            path=MAIN_INIT,
            good=_GOOD,
            bad="",
            finds=('_import_structure["models.xlm"].extend(["TFXLMModel", "TFXLMPreTrainedModel"])',),
            fixed=True,
        ),
        Example(
            title="A misspelt class",
            path=MAIN_INIT,
            good='            "TFLanternModel",\n',
            bad='            "TFLanternModle",\n',
            finds=('"TFLanternModle",',),
            fixed=True,
        ),
    ),
)

"""Public classes in the auto mappings."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from checks.changes import changed_lines
from checks.conventions import AUTO, MAIN_INIT
from checks.edits import insert, replace, replace_lines
from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._check_repo import BUILDING_BLOCKS, CHECK_REPO, listed
from checks.rules._common import enumerate_names, verb
from checks.rules.main_init import defined_names
from checks.source.inits import init_facts
from checks.source.python import Name
from checks.source.registries import MapEntry, Mapping

_PATH = f"{AUTO}/modeling_tf_auto.py"


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.auto:
        raise NotApplicable("the base has no auto classes for TensorFlow")
    if not port.public:
        raise NotBegun("no public class yet")
    tensorflow, pytorch = port.auto("modeling_tf_auto").mappings, port.auto("modeling_auto").mappings
    exists = _existence(port)
    changed = changed_lines(port.base, port.head, _PATH)
    found = [f for mapping in tensorflow.values() for f in _nonexistent(port, mapping, exists, changed)]
    yield from found
    yield from _twice(port, tensorflow)
    wrong = {finding.line for finding in found}
    renamed = {(finding.symbol, edit.text) for finding in found for edit in finding.edits}
    told = {edit.text for finding in found for edit in finding.edits}
    for name, mapping in tensorflow.items():
        twin = pytorch.get(name.removeprefix("TF_"))
        if twin is None or not name.startswith("TF_"):
            continue
        for entry in twin.entries:
            expected = [f"TF{value.name}" for value in entry.values if f"TF{value.name}" in port.models]
            if not expected:
                continue
            told.update(expected)
            own = mapping.get(entry.key)
            if own is None and (expected[0], entry.key) in renamed:
                continue
            if own is None:
                doubtful = _doubtful(name, expected) or entry.key.endswith(("_text_model", "_vision_model"))
                yield _absent(port, mapping, entry.key, expected, doubtful)
            elif own.line not in wrong:
                lacking = [value for value in expected if value not in {v.name for v in own.values}]
                if lacking:
                    yield _different(port, mapping, own, lacking)
    yield from _nowhere(port, tensorflow, told)


def _twice(port: Port, mappings: dict[str, Mapping]) -> Iterator[Finding]:
    """A model type that a mapping has twice (the last entry counts), or a class in a mapping whose PyTorch counterpart has another there."""
    changed = changed_lines(port.base, port.head, _PATH)
    for mapping in mappings.values():
        first: dict[str, MapEntry] = {}
        for entry in mapping.entries:
            before = first.setdefault(entry.key, entry)
            if before is entry or not {before.line, entry.line} & changed:
                continue
            shown, other = (entry, before) if entry.line in changed else (before, entry)
            yield RULE.finding(
                _PATH,
                shown.line,
                f'{mapping.name} has "{entry.key}" twice',
                f"It stands in line {other.line} too; keep one.",
                symbol=entry.key,
                column=shown.column,
                edits=(replace_lines(_PATH, shown.line, shown.end_line, ""),) if mapping.alone(shown) else (),
                locations=(Location(_PATH, other.line),),
            )


def _doubtful(name: str, values: list[str]) -> bool:
    """Mappings in which merged ports lack entries, as another mapping has the class: pre-training, the old LM mapping, and encoder-decoders
    that can also fill masks."""
    return any(word in name for word in ("PRETRAINING", "PRE_TRAINING", "WITH_LM_HEAD")) or (
        "MASKED_LM" in name and all("ForConditionalGeneration" in value for value in values)
    )


def _nowhere(port: Port, mappings: dict[str, Mapping], told: set[str]) -> Iterator[Finding]:
    """Classes in no mapping at all, which check_repo.py wants to be excepted."""
    text = port.text(CHECK_REPO)
    at = text.find("IGNORE_NON_AUTO_CONFIGURED = ")
    if at < 0:
        return
    exempt = listed(port, "IGNORE_NON_AUTO_CONFIGURED")
    used = {
        value.name for mapping in mappings.values() for entry in mapping.entries for value in entry.values
    }
    for name in port.models:
        if name in used or name in exempt or name in told or any(word in name for word in BUILDING_BLOCKS):
            continue
        yield RULE.finding(
            CHECK_REPO,
            text.count("\n", 0, at) + 1,
            f"{name} is in no auto class, and check_repo.py does not except it",
            f"PyTorch's {name.removeprefix('TF')} has no mapping with a TensorFlow counterpart: add {name} to IGNORE_NON_AUTO_CONFIGURED here.",
            symbol=name,
            absent=True,
        )


def _absent(port: Port, mapping: Mapping, key: str, values: list[str], doubtful: bool) -> Finding:
    line = _place(mapping, key)
    return RULE.finding(
        _PATH,
        line,
        f"{enumerate_names(values)} {verb(values, 'is', 'are')} not in {mapping.name}",
        f"Add {_entry(key, values)} here, as modeling_auto.py has it for PyTorch.",
        symbol=values[0],
        column=_column(port, mapping),
        edits=(insert(_PATH, line, f"{' ' * (_column(port, mapping) - 1)}{_entry(key, values)},\n"),)
        if _is_between_entries(port, mapping, line)
        else (),
        absent=True,
        level="warning" if doubtful else None,
    )


def _different(port: Port, mapping: Mapping, own: MapEntry, lacking: list[str]) -> Finding:
    known = defined_names(port)
    kept = [value.name for value in own.values if value.name in known]
    edits: tuple[Edit, ...] = ()
    if own.line == own.end_line and mapping.alone(own):
        text = f"{' ' * (own.column - 1)}{_entry(own.key, kept + lacking)},\n"
        edits = (replace_lines(_PATH, own.line, own.line, text),)
    return RULE.finding(
        _PATH,
        own.line,
        f'{mapping.name} has "{own.key}" without {enumerate_names(lacking)}',
        "modeling_auto.py has its PyTorch class there.",
        symbol=lacking[0],
        column=own.column,
        edits=edits,
    )


def _nonexistent(
    port: Port, mapping: Mapping, exists: Callable[[str], bool], changed: frozenset[int]
) -> Iterator[Finding]:
    """Entries that the pull request writes and whose class or model type nobody knows."""
    for entry in mapping.entries:
        if entry.line not in changed:
            continue
        if not _is_model_type(port, entry.key):
            yield _no_model_type(port, mapping, entry)
            continue
        for value in entry.values:
            if not exists(value.name):
                small = len(value.name) < 200 and not port.awaits(value.name)
                near = (
                    difflib.get_close_matches(value.name, port.models[:100], n=1, cutoff=0.7) if small else []
                )
                meant = _meant(port, mapping, entry, value) or (near[0] if near else "")
                yield RULE.finding(
                    _PATH,
                    value.line,
                    f'"{entry.key}" names {value.name}, which does not exist',
                    f"{meant} is meant." if meant else "Take it out, or write the class.",
                    symbol=value.name,
                    column=value.column,
                    edits=(replace(_PATH, value.line, value.column + 1, value.name, meant),) if meant else (),
                    absent=not meant and port.awaits(value.name),
                )


def _is_model_type(port: Port, key: str) -> bool:
    if any(m.get(key) for m in port.auto("modeling_auto").mappings.values()):
        return True
    types = port.auto("configuration_auto").mappings.get("CONFIG_MAPPING_NAMES")
    return types is None or types.get(key) is not None


def _no_model_type(port: Port, mapping: Mapping, entry: MapEntry) -> Finding:
    pytorch = port.auto("modeling_auto").mappings.get(mapping.name.removeprefix("TF_"))
    own = {value.name for value in entry.values}
    keys = [e.key for e in pytorch.entries if own & {f"TF{v.name}" for v in e.values}] if pytorch else []
    return RULE.finding(
        _PATH,
        entry.line,
        f'"{entry.key}" is no model type',
        f'"{keys[0]}" is meant.' if keys else "Use the model_type of the configuration.",
        symbol=entry.values[0].name if entry.values else entry.key,
        column=entry.column + 1,
        edits=(replace(_PATH, entry.line, entry.column + 2, entry.key, keys[0]),) if keys else (),
    )


def _meant(port: Port, mapping: Mapping, entry: MapEntry, value: Name) -> str:
    """The class that PyTorch's entry asks for, if it is the only one."""
    twin = port.auto("modeling_auto").mappings.get(mapping.name.removeprefix("TF_"))
    other = twin.get(entry.key) if twin is not None else None
    names = [f"TF{v.name}" for v in other.values if f"TF{v.name}" in port.models] if other else []
    lacking = [name for name in names if name not in {v.name for v in entry.values}]
    return lacking[0] if len(lacking) == 1 and value.name not in names else ""


def _existence(port: Port) -> Callable[[str], bool]:
    """Tells whether there is a class of a name; in doubt there is."""
    own = defined_names(port)
    if not port.conventions.lists_classes:
        # Where no init names the classes, only those that carry the model's name can be judged.
        stem = f"tf{port.configuration.removesuffix('Config').lower()}"
        return lambda name: name in own or not port.configuration or not name.lower().startswith(stem)
    init = port.known_facts(MAIN_INIT, init_facts)
    if init is None or init.problem is not None:
        return lambda name: True
    # Classes of other models; what the init says of this model is another rule's business.
    others = {
        n.name for e in init.of("structure", "tf") if e.module != f"models.{port.model}" for n in e.names
    }
    return lambda name: name in own or name in others


def _entry(key: str, values: list[str]) -> str:
    shown = ", ".join(f'"{value}"' for value in values)
    return f'("{key}", {shown})' if len(values) == 1 else f'("{key}", ({shown}))'


def _place(mapping: Mapping, key: str) -> int:
    """Line of the first entry that follows by the alphabet, else the one after the last, within the mapping."""
    following = [entry for entry in mapping.entries if entry.key > key]
    preceding = [entry for entry in mapping.entries if entry.key < key]
    if (
        preceding and following and following[0].line < preceding[-1].line
    ):  # not sorted: the upstream script sorts
        return min(preceding[-1].end_line + 1, mapping.last)
    if following:
        return following[0].line
    return min(preceding[-1].end_line + 1, mapping.last) if preceding else mapping.last


def _is_between_entries(port: Port, mapping: Mapping, line: int) -> bool:
    """A line can be put before this one: each entry is a tuple on lines of its own, with a comma."""
    lines = port.text(_PATH).split("\n")
    return (
        mapping.line < line <= mapping.last
        and lines[line - 2].split("#")[0].rstrip().endswith((",", "[", "("))
        and lines[line - 1].lstrip().startswith(("(", "]"))
    )


def _column(port: Port, mapping: Mapping) -> int:
    return mapping.entries[0].column if mapping.entries else 9


RULE = Rule(
    slug="auto-classes",
    level="error",
    summary="Each mapping of `modeling_tf_auto.py` has the port's class where its PyTorch counterpart has the PyTorch class.",
    why="`TFAutoModel.from_pretrained(…)` and the pipelines find the class by these mappings only.",
    how="Take the model's entries from `modeling_auto.py` to the `TF_` mappings of the same name. A mapping without TensorFlow counterpart asks for nothing.",
    guide="Step 4: add the classes to the auto classes in modeling_tf_auto.py.",
    source="upstream utils/check_repo.py",
    check=check,
    examples=(
        Example(
            title="An entry is missing",
            path=_PATH,
            good='        ("lantern", "TFLanternForSequenceClassification"),\n',
            bad="",
            finds=('("xlm", "TFXLMForSequenceClassification"),',),
            fixed=True,
        ),
        Example(
            title="The last entry of a mapping is missing",
            path=_PATH,
            good='        ("lantern", "TFLanternForTokenClassificationWithFlicker"),\n',
            bad="",
            finds=("]#3",),
            fixed=True,
        ),
        Example(
            title="An entry names a class that does not exist",
            path=_PATH,
            good='        ("lantern", "TFLanternModel"),',
            bad='        ("lantern", "TFLantern"),',
            finds=('("lantern", "TFLantern"),',),
            fixed=True,
        ),
        Example(
            title="An entry names another model's class",
            path=_PATH,
            good='        ("lantern", "TFLanternModel"),',
            bad='        ("lantern", "TFXLMModel"),',
            finds=('("lantern", "TFXLMModel"),',),
            fixed=True,
        ),
        Example(
            title="An entry stands twice",
            path=_PATH,
            good='        ("lantern", "TFLanternModel"),\n',
            bad='        ("lantern", "TFLanternModel"),\n        ("lantern", "TFLanternModel"),\n',
            finds=('("lantern", "TFLanternModel"),#2',),
            fixed=True,
        ),
        Example(
            title="A misspelt model type",
            path=_PATH,
            good='        ("lantern", "TFLanternModel"),',
            bad='        ("latern", "TFLanternModel"),',
            finds=('("latern", "TFLanternModel"),',),
            fixed=True,
        ),
    ),
)

"""Dummies of public classes."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import DUMMIES, MAIN_INIT
from checks.edits import insert, isort_key, replace, replace_lines
from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, has_conflict, verb
from checks.rules.main_init import defined_names
from checks.source.inits import init_facts
from checks.source.registries import Dummy, dummies


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.dummies:
        raise NotApplicable("the base makes the dummies of models by itself")
    if not port.public:
        raise NotBegun("no public class yet")
    found = port.facts(DUMMIES, dummies)
    if found is None:
        raise NotApplicable(f"there is no {DUMMIES}")
    if has_conflict(port.text(DUMMIES)):
        raise Undecidable(f"{DUMMIES} has a merge conflict")
    order = _order(port)
    offered = _offered(port)
    models = (name for name in port.public if name in offered or port.is_model(port.of(name)[1]))
    expected = [*models, *(name for name in port.archive_lists if name in order)]
    misspelt = _misspelt(port, found, [name for name in expected if name not in found])
    yield from _different(port, {n: d for n, d in found.items() if n not in misspelt})
    for wrong, right in misspelt.items():
        yield _renamed(port, found[wrong], right)
    missing = [name for name in expected if name not in {*found, *misspelt.values()}]
    groups = [[name] for name in missing] if len(missing) < len(expected) else [missing]
    lines = port.text(DUMMIES).count("\n")
    for names in filter(None, groups):
        line = _place(found, order, names[0])
        text = "".join(f"{_dummy(name)}\n\n" for name in names)
        yield RULE.finding(
            DUMMIES,
            min(line, max(lines, 1)),
            f"{enumerate_names(names)} {verb(names, 'has', 'have')} no dummy",
            f"Run make fix-copies, or add {verb(names, 'it', 'them')} here.",
            symbol=names[0] if len(missing) < len(expected) else "",
            edits=(insert(DUMMIES, line, text if line <= lines else f"\n\n{text.rstrip()}\n"),),
            absent=True,
        )


def _offered(port: Port) -> list[str]:
    """TensorFlow names of the main init, in its order: what the file is generated from."""
    init = port.facts(MAIN_INIT, init_facts)
    return (
        [name.name for entry in init.of("typing", "tf") for name in entry.names] if init is not None else []
    )


def _different(port: Port, found: dict[str, Dummy]) -> Iterator[Finding]:
    """Dummies that the pull request writes, and that the generator would not: of names that the init does not offer, twice, in
    another place, or with other contents."""
    if DUMMIES not in port.changed:
        return
    changed = changed_lines(port.base, port.head, DUMMIES)
    text = port.text(DUMMIES)
    lines = text.split("\n")
    position = _positions(port)
    names = list(found)
    known = defined_names(port)
    for number, (name, dummy) in enumerate(found.items()):
        if not changed & set(range(dummy.line, dummy.end_line + 1)):
            continue
        body = "\n".join(lines[dummy.line - 1 : dummy.end_line]) + "\n"
        after = next((other for other in names[:number][::-1] if other in position), None)
        if name not in position:
            if name not in known and not (
                name.startswith("TF") and name.removeprefix("TF") in port.pytorch_classes
            ):
                yield _wrong(dummy, f"{name} has a dummy, but the main __init__.py does not offer it")
        elif not name.isupper() and name[0].isupper() and body != _dummy(name):
            yield RULE.finding(
                DUMMIES,
                dummy.line,
                f"The dummy of {name} is not as make fix-copies writes it",
                "Run make fix-copies.",
                symbol=name,
                edits=(replace_lines(DUMMIES, dummy.line, dummy.end_line, _dummy(name)),),
            )
        elif after is not None and position[after] > position[name]:
            yield _wrong(dummy, f"The dummy of {name} is not where make fix-copies puts it")
    for name in {n for n in found if text.count(f"\nclass {n}(") > 1}:
        yield _wrong(found[name], f"{name} has two dummies")


def _positions(port: Port) -> dict[str, tuple[int, tuple[int, str]]]:
    """Names in the order that the file has once the init is sorted: by its statements, and in these constants before classes."""
    init = port.facts(MAIN_INIT, init_facts)
    entries = init.of("typing", "tf") if init is not None else ()
    return {
        name.name: (number, isort_key(name.name))
        for number, entry in enumerate(entries)
        for name in entry.names
    }


def _misspelt(port: Port, found: dict[str, Dummy], missing: list[str]) -> dict[str, str]:
    """Dummies that the pull request adds, that nobody offers, and that are nearly named as one that is missing -> that name."""
    if DUMMIES not in port.changed or not missing:
        return {}
    changed = changed_lines(port.base, port.head, DUMMIES)
    known = {*_positions(port), *defined_names(port)}
    pairs: dict[str, str] = {}
    for name, dummy in found.items():
        if dummy.line not in changed or name in known or len(name) > 100:
            continue
        left = [other for other in missing if other not in pairs.values()][:100]
        if near := difflib.get_close_matches(name, left, n=1, cutoff=0.85):
            pairs[name] = near[0]
    return pairs


def _renamed(port: Port, dummy: Dummy, name: str) -> Finding:
    source = port.text(DUMMIES).split("\n")[dummy.line - 1]
    column = source.find(dummy.name) + 1
    return RULE.finding(
        DUMMIES,
        dummy.line,
        f"There is no {dummy.name}: {name} is meant",
        "Run make fix-copies, or rename it here.",
        symbol=name,
        column=max(column, 1),
        edits=(replace(DUMMIES, dummy.line, column, dummy.name, name),) if column else (),
    )


def _wrong(dummy: Dummy, message: str) -> Finding:
    return RULE.finding(DUMMIES, dummy.line, message, "Run make fix-copies.", symbol=dummy.name)


def _order(port: Port) -> dict[str, int]:
    """Names in the order of the file: that of the main init, with the port's classes beside each other's place in the alphabet."""
    init = port.facts(MAIN_INIT, init_facts)
    entries = init.of("typing", "tf") if init is not None else ()
    names = [name.name for entry in entries for name in entry.names]
    known = set(names)
    for name in port.public:
        if name not in known:
            of_model = [
                n for e in entries if e.module == f"models.{port.model}" for n in (x.name for x in e.names)
            ]
            following = next((other for other in of_model if not other.isupper() and other > name), None)
            if following is not None:
                names.insert(names.index(following), name)
            elif of_model:
                names.insert(names.index(of_model[-1]) + 1, name)
            else:
                _insert_by_module(port, names, name)
    return {name: number for number, name in enumerate(names)}


def _insert_by_module(port: Port, names: list[str], name: str) -> None:
    """A model that the main init lacks altogether: before the first model that follows it."""
    init = port.facts(MAIN_INIT, init_facts)
    entries = (
        [e for e in init.of("typing", "tf") if e.module.startswith("models.")] if init is not None else []
    )
    following = next(
        (e.names[0].name for e in entries if e.module > f"models.{port.model}" and e.names), None
    )
    names.insert(names.index(following) if following in names else bisect_left(names, name), name)


def _place(found: dict[str, Dummy], order: dict[str, int], name: str) -> int:
    """Line before which a dummy belongs: that of the first dummy that follows it."""
    mine = order.get(name)
    if mine is not None:
        following = [d for n, d in found.items() if order.get(n, -1) > mine]
        if following:
            return min(following, key=lambda dummy: order[dummy.name]).line
    return max((dummy.end_line for dummy in found.values()), default=0) + 1


def _dummy(name: str) -> str:
    """As upstream's `utils/check_dummies.py` writes it."""
    if name.isupper():
        return f"{name} = None\n"
    return (
        f"class {name}(metaclass=DummyObject):\n"
        '    _backends = ["tf"]\n\n'
        "    def __init__(self, *args, **kwargs):\n"
        '        requires_backends(self, ["tf"])\n'
    )


RULE = Rule(
    slug="dummy-objects",
    level="error",
    summary="Every public class has a dummy in `src/transformers/utils/dummy_tf_objects.py`.",
    why=(
        "Without TensorFlow installed, `from transformers import TFLanternModel` gives the dummy, which says what to install. "
        "Without the dummy it is an ImportError that helps nobody."
    ),
    how="`make fix-copies` writes the file from the main `__init__.py`; it is never edited by hand.",
    since="always, until the dummies of models went (4.52, 54a123f06)",
    guide="Step 4: add the classes for lazy loading to dummy_tf_objects.py.",
    source="upstream utils/check_dummies.py",
    check=check,
    examples=(
        Example(
            title="One dummy is missing",
            path=DUMMIES,
            good=f"{_dummy('TFLanternModel')}\n\n",
            bad="",
            finds=("class TFLanternPreTrainedModel(metaclass=DummyObject):",),
            fixed=True,
        ),
        Example(
            title="A misspelt dummy",
            path=DUMMIES,
            good="class TFLanternModel(",
            bad="class TFLanternModle(",
            finds=("class TFLanternModle(metaclass=DummyObject):",),
            fixed=True,
        ),
        Example(
            title="PyTorch's backend",
            path=DUMMIES,
            good=_dummy("TFLanternModel"),
            bad=_dummy("TFLanternModel").replace("tf", "torch"),
            finds=("class TFLanternModel(metaclass=DummyObject):",),
            fixed=True,
        ),
        Example(
            title="At another place",
            path=DUMMIES,
            good=f"{_dummy('TFLanternModel')}\n\n{_dummy('TFLanternPreTrainedModel')}",
            bad=f"{_dummy('TFLanternPreTrainedModel')}\n\n{_dummy('TFLanternModel')}",
            finds=("class TFLanternModel(metaclass=DummyObject):",),
        ),
        Example(
            title="A dummy of nothing",
            path=DUMMIES,
            good=_dummy("TFLanternModel"),
            bad=f"{_dummy('TFLanternModel')}\n\n{_dummy('TFLanternOldModel')}",
            finds=("class TFLanternOldModel(metaclass=DummyObject):",),
        ),
        Example(
            title="All dummies of the model are missing",
            path=DUMMIES,
            good="".join(
                f"{_dummy(name)}\n\n"
                for name in (
                    "TFLanternForSequenceClassification",
                    "TFLanternForTokenClassificationWithFlicker",
                    "TFLanternModel",
                    "TFLanternPreTrainedModel",
                )
            ),
            bad="",
            finds=("class TFXLMModel(metaclass=DummyObject):",),
            fixed=True,
        ),
    ),
)

"""What is wrong with the names that a class gives to its layers. One defect has one finding, so the rules share this judgement and each
takes its kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Rule
from checks.rules._common import enumerate_names
from checks.rules._exchanged import exchanged
from checks.rules._judge import Misnamed, judge
from checks.rules._naming import Name, Naming
from checks.rules._namings import namings


def findings(port: Port, rule: Rule) -> Iterator[Finding]:
    """The findings of one of the rules."""
    for found in _together(misnamed(port)):
        if found.rule == rule.slug:
            pair = found.naming.pair
            yield rule.finding(
                pair.path,
                found.line,
                found.message,
                found.advice,
                symbol=pair.name,
                edits=found.edits,
                locations=[Location(pair.path, line) for line in found.others],
                level=found.level,
            )


def _together(found: tuple[Misnamed, ...]) -> Iterator[Misnamed]:
    """Layers of one class without a name are one mistake."""
    groups: dict[object, list[Misnamed]] = {}
    for one in found:
        unnamed = one.rule == "missing-layer-name" and one.name.text is None
        groups.setdefault((one.naming.pair.name, one.level) if unnamed else id(one), []).append(one)
    for first, *others in groups.values():
        if not others:
            yield first
            continue
        names = enumerate_names((one.name.attribute for one in (first, *others)), limit=8)
        yield replace(
            first,
            message=f"{names} of {first.naming.pair.name} have no name=, so Keras makes names up and PyTorch's weights do not find them",
            edits=tuple(edit for one in (first, *others) for edit in one.edits),
            others=tuple(dict.fromkeys(one.line for one in others)),
        )


@lru_cache(maxsize=4)
def misnamed(port: Port) -> tuple[Misnamed, ...]:
    """Everything that is misnamed in the port."""
    known = prefixes(port)
    return tuple(found for naming in namings(port) for found in _of_class(port, naming, known))


def prefixes(port: Port) -> frozenset[str]:
    """`base_model_prefix` of the PyTorch and TensorFlow classes: what the base model is called within a model with a head."""
    classes = [*port.pytorch_classes.values(), *(found for _, found in port.classes.values())]
    values = (found.attributes.get("base_model_prefix", ("", 0))[0] for found in classes)
    return frozenset(filter(None, values))


def _of_class(port: Port, naming: Naming, prefixes: frozenset[str]) -> Iterator[Misnamed]:
    fine: list[Name] = []
    for name in naming.names:
        if name.layer is None or name.weighted is False or name.layer.kind.endswith("MainLayer"):
            continue
        if name.layer.method in ("build", "call"):  # where no layer should be made: another rule tells
            continue
        found = judge(port, naming, name, prefixes)
        if found is not None:
            yield found
        elif name.segments:
            fine.append(name)
    yield from exchanged(port, naming, fine)

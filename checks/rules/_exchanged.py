"""Names that are fine by themselves, but exchanged or given twice."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.rules._judge import Misnamed, Slug, choose
from checks.rules._name_edits import segment_edit
from checks.rules._naming import Name, Naming


def exchanged(port: Port, naming: Naming, fine: list[Name]) -> Iterator[Misnamed]:
    """Layers whose attribute is one of PyTorch's, but whose name is that of another one."""
    weighted = naming.torch_weighted
    by_path: dict[tuple[str, ...], list[Name]] = {}
    for name in fine:
        by_path.setdefault(name.segments, []).append(name)
    wrong: dict[int, tuple[Name, Name | None]] = {}
    for name in fine:
        twice = [
            o for o in by_path[name.segments] if o is not name and o.text == name.text and _both(name, o)
        ]
        if twice and (name.attribute != name.root or all(other.attribute == other.root for other in twice)):
            if not any(id(other) in wrong for other in twice):
                wrong[id(name)] = (name, twice[0])
        elif (
            naming.paired
            and len(name.segments) == 1
            and name.attribute != name.root
            and name.attribute in weighted
            and name.root in weighted
        ):
            wrong[id(name)] = (name, None)
    told: set[int] = set()
    for name, twin in wrong.values():
        if id(name) in told:
            continue
        partner = next(
            (o for o, _ in wrong.values() if o.root == name.attribute and o.attribute == name.root), None
        )
        if partner is not None:
            told.add(id(partner))
        yield _exchange(port, naming, name, twin, partner)


def _both(name: Name, other: Name) -> bool:
    """Both layers exist in one instance, as far as the source tells."""
    a, b = name.layer, other.layer
    assert a is not None
    assert b is not None
    if a.looped or b.looped or a.method != b.method or (a.conditional and b.conditional):
        return False
    return a.attribute != b.attribute or (
        a.held == b.held != "attribute" and not a.conditional and not b.conditional
    )


def _exchange(port: Port, naming: Naming, name: Name, twin: Name | None, partner: Name | None) -> Misnamed:
    meant = name.attribute if name.attribute in naming.torch_weighted and len(name.segments) == 1 else ""
    if not meant and len(naming.free) == 1 and len(name.segments) == 1:
        meant = naming.free[0]
    edits = list(segment_edit(port, naming, name, name.segments[-1], meant, 0)) if meant else []
    if partner is not None:
        edits += segment_edit(port, naming, partner, partner.segments[-1], partner.attribute, 0)
        message = f"The names of {naming.pair.name}.{name.attribute} and .{partner.attribute} are exchanged: each gets the other's weights"
    elif twin is not None:
        message = f'"{name.text}" is given twice in {naming.pair.name} (also in line {twin.line}), so one of both gets no weights'
    else:
        message = f'{naming.pair.name}.{name.attribute} is named "{name.text}", which is another weight of {naming.torch} ({naming.attribute_line(name.root)})'
    where = naming.attribute_line(meant) if meant else ""
    advice = f"Name it {meant}{f' ({where})' if where else ''}." if meant else choose(naming, name)
    rule: Slug = "weight-names"
    if twin is not None and name.segments[-1].isdigit():
        rule = "sequential-indices"
    others = (partner.line,) if partner is not None else ()
    return Misnamed(rule, naming, name, name.line, message, advice, "error", meant, tuple(edits), others)

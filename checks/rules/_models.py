"""All other models' names, for rules that look for what was copied and not renamed."""

from __future__ import annotations

import re

from checks.conventions import AUTO
from checks.port import Port
from checks.source.registries import auto_facts

COMPARES = re.compile(
    r"copied|adapted|taken from|based on|borrowed|inspired|similar|same as|like|unlike|as in|see |https?://|contrast|instead of|differ|compar",
    re.IGNORECASE,
)
"""Words of lines that name another model on purpose."""


def foreign_stems(port: Port) -> tuple[frozenset[str], frozenset[str]]:
    """Of all other models: what their classes begin with ("Bert"), and their names as people write them ("BERT")."""
    auto = port.known_facts(f"{AUTO}/configuration_auto.py", auto_facts)
    types = auto.mappings.get("CONFIG_MAPPING_NAMES") if auto is not None else None
    if auto is None or types is None:
        return frozenset(), frozenset()
    shown = auto.mappings.get("MODEL_NAMES_MAPPING")
    own = {plain(port.configuration.removesuffix("Config")), plain(port.model)}
    own |= {plain(module.suffix) for module in port.modules}
    stems = {entry.values[0].name.removesuffix("Config") for entry in types.entries if entry.values}
    names = {entry.values[0].name for entry in shown.entries if entry.values} if shown else set[str]()
    return (
        frozenset(stem for stem in stems if plain(stem) not in own),
        frozenset(name for name in names if plain(name) not in own),
    )


def plain(name: str) -> str:
    """In lower case, without what is no letter or digit."""
    return re.sub(r"\W|_", "", name).lower()


def mentions(text: str, names: frozenset[str]) -> list[str]:
    """Those of the names that stand in the text as words, sorted."""
    near = sorted(name for name in names if len(name) > 2 and name in text)
    return [name for name in near if re.search(rf"(?<![\w/.-]){re.escape(name)}(?![\w/-])", text)]

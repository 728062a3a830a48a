"""Names of other models in the tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.port import Module, Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._models import foreign_stems, mentions
from checks.rules._tests import test_path, test_paths
from checks.source.python import module_facts
from checks.source.tests import test_facts

_CLASS = re.compile(
    r"^class (?:TF)?(\w+?)(?:Text|Vision|Model|Integration|For[A-Z]\w*|Interpolate)*(?:Model)?(?:Tester|Test)\b",
    re.MULTILINE,
)


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    stems, names = foreign_stems(port)
    for module, path in tested:
        yield from _of_file(port, module, path, stems, names)


def _of_file(
    port: Port, module: Module, path: str, stems: frozenset[str], names: frozenset[str]
) -> Iterator[Finding]:
    text = port.text(path)
    pytorch = port.text(test_path(port, module).replace("test_modeling_tf_", "test_modeling_"))
    imports = port.facts(path, module_facts)
    imported = {found.local for found in imports.imports} if imports else set[str]()
    places: dict[int, str] = {}
    for match in _CLASS.finditer(text):
        if match[1] in stems and f"class {match[1]}" not in pytorch:
            places[text.count("\n", 0, match.start()) + 1] = match[1]
    doc = test_facts(text).doc
    if doc is not None:
        known = mentions(doc.name, names | stems)
        if known and not mentions(doc.name, frozenset({port.configuration.removesuffix("Config")})):
            foreign = [name for name in known if name not in imported]
            if foreign and f"{foreign[0]}" not in pytorch[:2000]:
                places[doc.line] = foreign[0]
    if places:
        first, *others = sorted(places)
        yield RULE.finding(
            path,
            first,
            f"The tests speak of {places[first]}, which is another model",
            "Rename what was copied.",
            symbol=places[first],
            locations=[Location(path, line) for line in others],
        )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="test-names",
    level="suggestion",
    summary="The test file names this model, not the one that it was copied from.",
    why="Reports of failed tests name the class; with another model's name they mislead.",
    how="Rename the test classes and the sentence at the top of the file.",
    guide="Step 5: adapt the copied test file.",
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="The sentence at the top",
            path=_TEST,
            good='"""Testing suite for the TensorFlow Lantern model."""',
            bad='"""Testing suite for the TensorFlow BERT model."""',
            finds=('"""Testing suite for the TensorFlow BERT model."""',),
        ),
    ),
)

"""Which classes the tests look at."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._check_repo import BUILDING_BLOCKS, listed
from checks.rules._common import enumerate_names, verb
from checks.rules._tests import test_paths
from checks.source.python import module_facts
from checks.source.tests import test_facts


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    if not port.models:
        raise NotBegun("no public model class yet")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    texts = {path: test_facts(port.text(path)) for _, path in tested}
    everything = frozenset[str]().union(*(facts.listed for facts in texts.values()))
    exempt = listed(port, "IGNORE_NON_TESTED")
    for module, path in tested:
        facts = texts[path]
        if not any("all_model_classes" in names for names in facts.assigned.values()):
            continue  # what test-file says, or a composite model
        names = [
            name
            for name in port.models
            if port.of(name)[0] is module
            and name not in everything
            and name not in exempt
            and not name.endswith(BUILDING_BLOCKS)
        ]
        if not names:
            continue
        found = port.facts(path, module_facts)
        places = (
            [
                c.attributes["all_model_classes"][1]
                for c in found.classes.values()
                if "all_model_classes" in c.attributes
            ]
            if found
            else []
        )
        used = [name for name in names if name in facts.names]
        yield RULE.finding(
            path,
            places[0] if places else 1,
            f"{enumerate_names(names)} {verb(names, 'is', 'are')} not in all_model_classes"
            + ("" if used else f", and no test uses {verb(names, 'it', 'them')}"),
            f"Add {verb(names, 'it', 'them')} here, so that the common tests run for {verb(names, 'it', 'them')}.",
            symbol=names[0] if len(names) == 1 else "",
            absent=True,
        )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_CLASSES = (
    "        (TFLanternModel, TFLanternForSequenceClassification, TFLanternForTokenClassificationWithFlicker)"
)

RULE = Rule(
    slug="test-coverage",
    level="error",
    summary="Every public model class is in `all_model_classes` of the test file.",
    why="The common tests (PyTorch equivalence, saving, compiling, signatures) run for the classes that are named there, and for no others.",
    how="Name it there. A part that cannot be tested alone goes into `IGNORE_NON_TESTED` of utils/check_repo.py, with a comment.",
    guide="Step 5: write the tests.",
    source="upstream utils/check_repo.py",
    check=check,
    examples=(
        Example(
            title="A class was forgotten",
            path=_TEST,
            good=_CLASSES,
            bad="        (TFLanternModel, TFLanternForSequenceClassification)",
            finds=("all_model_classes = (",),
        ),
    ),
)

"""Tests that are switched off or loosened."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._tests import test_paths
from checks.source.tests import Test, test_facts

_CONDITIONAL = frozenset({"skipIf", "skipUnless"})


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    for _, path in tested:
        facts, lines = test_facts(port.text(path)), port.text(path).split("\n")
        tests = [test for test in facts.tests if test.name.startswith("test_")]
        bare = [t for t in tests if any(m.name == "skip" and not m.reasoned for m in t.marks)]
        yield from _finding(
            path,
            bare,
            verb(bare, "is skipped without a reason", "are skipped without a reason"),
            'Say why: @unittest.skip(reason="Lantern does not use inputs_embeds").',
        )
        emptied = [
            t
            for t in tests
            if t.does == "nothing"
            and not {m.name for m in t.marks} & {"skip", *_CONDITIONAL}
            and not any("#" in line or '"""' in line for line in lines[t.line : t.end_line])
        ]
        yield from _finding(
            path,
            emptied,
            verb(emptied, "is overridden to do nothing", "are overridden to do nothing"),
            "Make the test pass, or skip it with @unittest.skip(reason=…), so that the report shows it.",
        )
        loosened = [t for t in tests if t.does == "parent" and t.loose is not None]
        largest = max((t.loose or 0 for t in loosened), default=0)
        yield from _finding(
            path,
            loosened,
            f"{verb(loosened, 'compares', 'compare')} with a tolerance of {largest:g}",
            "Find the layer that differs; if it can't be helped, say in a comment why.",
        )


def _finding(path: str, tests: list[Test], wrong: str, advice: str) -> Iterator[Finding]:
    if not tests:
        return
    names = enumerate_names(list(dict.fromkeys(test.name for test in tests)))
    yield RULE.finding(
        path,
        tests[0].line,
        f"{names} {wrong}",
        advice,
        symbol=f"{tests[0].owner}.{tests[0].name}",
        column=9,
        locations=[Location(path, test.line) for test in tests[1:]],
    )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_TESTED = "    def test_config(self):\n"

RULE = Rule(
    slug="skipped-tests",
    level="warning",
    summary="A test that is skipped, emptied or given a larger tolerance says why.",
    why="The common tests are what shows a port to be right. Reviewers ask about each one that does not run.",
    how='@unittest.skip(reason="…") with the property of the model that makes the test pointless.',
    guide="Step 5: make all tests pass.",
    source="review of IDEFICS and others",
    check=check,
    examples=(
        Example(
            title="No reason",
            path=_TEST,
            good=_TESTED,
            bad=f"    @unittest.skip\n    def test_save_load(self):\n        pass\n\n{_TESTED}",
            finds=("def test_save_load(self):",),
        ),
        Example(
            title="Emptied",
            path=_TEST,
            good=_TESTED,
            bad=f"    def test_save_load(self):\n        return\n\n{_TESTED}",
            finds=("def test_save_load(self):",),
        ),
        Example(
            title="A larger tolerance",
            path=_TEST,
            good=_TESTED,
            bad=f"    def test_pt_tf_equivalence(self):\n        super().test_pt_tf_equivalence(tol=1e-2)\n\n{_TESTED}",
            finds=("def test_pt_tf_equivalence(self):",),
        ),
        Example(
            title="Skipped with a reason",
            path=_TEST,
            good=_TESTED,
            bad=f'    @unittest.skip(reason="Lantern does not use inputs_embeds")\n    def test_inputs_embeds(self):\n        pass\n\n{_TESTED}',
            silent=True,
        ),
    ),
)

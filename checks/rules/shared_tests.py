"""Changes to tests that all models share."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names

_SHARED = re.compile(
    r"tests/(?:\w+/)?(?:test_modeling_(?:tf_|flax_)?(?:common|core|utils)|test_configuration_common|test_pipeline_mixin)\.py"
)


def check(port: Port) -> Iterator[Finding]:
    changed = [
        path
        for path, change in sorted(port.changed.items())
        if change.status == "modified" and _SHARED.fullmatch(path)
    ]
    if not changed:
        return
    names = [path.rsplit("/", 1)[-1] for path in changed]
    lines = [min(changed_lines(port.base, port.head, path), default=1) for path in changed]
    yield RULE.finding(
        changed[0],
        lines[0],
        f"{enumerate_names(names)} {'is' if len(names) == 1 else 'are'} shared by all models",
        "If only this model needs it, override the test in its own test file; else a pull request of its own is easier to review.",
        locations=[Location(path, line) for path, line in zip(changed[1:], lines[1:], strict=True)],
    )


RULE = Rule(
    slug="shared-tests",
    level="warning",
    summary="A port leaves the tests that all models share as they are.",
    why="A change there runs for some 70 other models, and reviewers mostly asked to take it back.",
    how="Override the test in the model's test class.",
    guide="Step 5: the common tests have to pass.",
    source="review of SAM (“Revert changes to common tests”) and others",
    check=check,
    examples=(
        Example(
            title="The common tests were changed",
            path="tests/test_modeling_tf_common.py",
            good="    def test_save_load(self):",
            bad="    def test_save_load(self, tolerance=1e-3):",
            finds=("def test_save_load(self, tolerance=1e-3):",),
        ),
    ),
)

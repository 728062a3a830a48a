"""from_pt=True at the end of a port."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import replace
from checks.errors import Later, NotApplicable
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._tests import is_tiny, test_paths
from checks.source.docstrings import doc_facts
from checks.source.tests import Load, test_facts


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    found = list(_flags(port))
    if not found:
        return
    if port.ready:
        path, line, _ = found[0]
        yield RULE.finding(
            path,
            line,
            "from_pt=True is still there",
            "Take it out once the TensorFlow weights are in the official repository.",
            edits=[edit for *_, edits in found for edit in edits],
            locations=[Location(p, at) for p, at, _ in found[1:]],
        )
    raise Later(
        f"from_pt=True is in {len(found)} {'place' if len(found) == 1 else 'places'}; it goes once there are TensorFlow weights"
    )


def _flags(port: Port) -> Iterator[tuple[str, int, tuple[Edit, ...]]]:
    for _, path in test_paths(port):
        text = port.text(path)
        if "from_pt" not in text:
            continue
        for load in test_facts(text).loads:
            if load.from_pt is not None and not is_tiny(load.checkpoint):
                yield path, load.from_pt.line, _without(text, path, load)
    for module in port.modules:
        text = port.text(module.path)
        if "from_pt=True" not in text:
            continue
        for part in doc_facts(text).texts:
            for number, line in part.numbered:
                if ">>>" in line and "from_pretrained(" in line and "from_pt=True" in line:
                    at = line.find(", from_pt=True")
                    edits = (replace(module.path, number, at + 1, ", from_pt=True", ""),) if at >= 0 else ()
                    yield module.path, number, edits


def _without(text: str, path: str, load: Load) -> tuple[Edit, ...]:
    assert load.from_pt is not None
    line = text.split("\n")[load.from_pt.line - 1]
    at = line.find(", from_pt=True")
    return (replace(path, load.from_pt.line, at + 1, ", from_pt=True", ""),) if at >= 0 else ()


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
_INFERENCE = '    def test_model_from_pretrained(self):\n        model = TFLanternModel.from_pretrained("lighthouse/lantern-base"'

RULE = Rule(
    slug="from-pt-removed",
    level="warning",
    summary="When the port is ready, nothing loads official checkpoints with `from_pt=True` any more.",
    why="The test would pass without the TensorFlow weights, and users who copy the example need PyTorch for no reason.",
    how="Open the pull request with the weights on the Hub, have it merged, and take the flag out. Tiny random checkpoints may keep it.",
    guide="Step 6: as the last thing, remove from_pt=True and add the weights.",
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="An integration test kept it",
            path=_TEST,
            good=f"{_INFERENCE})",
            bad=f"{_INFERENCE}, from_pt=True)",
            finds=('model = TFLanternModel.from_pretrained("lighthouse/lantern-base", from_pt=True)',),
            fixed=True,
            ready=True,
        ),
    ),
)

"""A test with real weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._tests import test_paths
from checks.source.python import module_facts
from checks.source.tests import Test, test_facts

_COMPARES = re.compile(
    r"assert_near|allclose|assertAlmostEqual|assert_almost_equal|assertListEqual|assertEqual\w*\(|assert_allclose|assertTrue\(|EXPECTED|expected"
)


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    tested = [(module, path) for module, path in test_paths(port) if module.added]
    for _, path in tested:
        facts = port.facts(path, module_facts)
        if facts is None or facts.problem:
            raise Undecidable(f"{path} cannot be parsed")
    if not tested:
        raise NotBegun("there is no test file yet")
    slow = compares = False
    for _, path in tested:
        text = port.text(path)
        facts = test_facts(text)
        lines = text.split("\n")
        for test in facts.tests:
            marks = (*test.marks, *facts.classes.get(test.owner, ()))
            marked = any(mark.name in ("slow", "tooslow") for mark in marks)
            loading = any((load.owner, load.method) == (test.owner, test.name) for load in facts.loads)
            if not test.name.startswith("test_") or test.does != "something" or not (marked or loading):
                continue
            slow = True
            if "ntegration" in test.owner or test.name != "test_model_from_pretrained":
                compares |= bool(_COMPARES.search("\n".join(lines[test.line : test.end_line])))
    if compares:
        yield from _without_counterpart(port, [path for _, path in tested])
        return
    path = tested[0][1]
    facts = test_facts(port.text(path))
    owner = next((name for name in facts.classes if "ntegration" in name), "")
    yield RULE.finding(
        path,
        next(
            (t.line for t in facts.tests if t.owner == owner),
            max(len(port.text(path).rstrip().split("\n")), 1),
        ),
        "No slow test compares the outputs of a real checkpoint with known numbers"
        if slow
        else "No slow test loads a real checkpoint",
        "Take the integration test of the PyTorch file: same checkpoint, same input, same expected slice.",
        absent=True,
    )


def _without_counterpart(port: Port, paths: list[str]) -> Iterator[Finding]:
    """Ported classes that PyTorch's integration tests load, and no TensorFlow test does."""
    for path in paths:
        twin = path.replace("test_modeling_tf_", "test_modeling_")
        if twin == path or not port.text(twin):
            continue
        mine, theirs = test_facts(port.text(path)), test_facts(port.text(twin))
        loaded = {load.model for load in mine.loads}
        absent: dict[str, Test] = {}
        for test in theirs.tests:
            for load in theirs.loads:
                name = f"TF{load.model}"
                if (
                    (load.owner, load.method) == (test.owner, test.name)
                    and "ntegration" in test.owner
                    and test.name.startswith("test_")
                    and not _PYTORCH_ONLY.search(test.name)
                    and name in port.models
                    and name not in loaded
                ):
                    absent.setdefault(name, test)
        if absent:
            names, tests = list(absent), list(absent.values())
            owner = next((name for name in mine.classes if "ntegration" in name), "")
            yield RULE.finding(
                path,
                next((t.line for t in mine.tests if t.owner == owner), 1),
                f"No integration test loads {enumerate_names(names)}; PyTorch's {enumerate_names([t.name for t in tests])} "
                f"{verb(tests, 'does', 'do')} ({twin.rsplit('/', 1)[-1]}:{tests[0].line})",
                "Port it: same checkpoint, same input, same numbers.",
                symbol=names[0] if len(names) == 1 else "",
                level="suggestion",
                absent=True,
            )


_PYTORCH_ONLY = re.compile(
    r"fp16|half|gpu|cuda|int8|bf16|bfloat|4bit|8bit|sdpa|flash|torch|export|compile|quanti|jit|onnx|deepspeed|parallel|device|xla"
)

_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="integration-test",
    level="warning",
    summary="A `@slow` test loads a real checkpoint and compares the output with the numbers of the PyTorch test.",
    why="Tiny random models hide what goes wrong with real weights; this test is the one that shows the port to work.",
    how="A class `TF…ModelIntegrationTest` with `@slow` tests, from the PyTorch test file with TensorFlow calls.",
    guide="Step 5: integration tests, as in the PyTorch test file.",
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="Only shapes of tiny models",
            path=_TEST,
            good=(
                "@require_tf\nclass TFLanternModelIntegrationTest(unittest.TestCase):\n    @slow\n    def test_inference(self):\n"
                '        model = TFLanternModel.from_pretrained("lighthouse/lantern-base")\n'
                "        output = model(tf.constant([[0, 31, 17, 5]]))[0]\n"
                "        self.assertEqual(output.shape, (1, 4, 32))\n"
                "        expected_slice = tf.constant([[[-0.0483, 0.1188, -0.0313], [-0.0606, 0.1435, 0.0199]]])\n"
                "        tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)\n"
            ),
            bad="class TFLanternHelper:\n    dtype = tf.int32\n",
            finds=("dtype = tf.int32",),
        ),
        Example(
            title="PyTorch's tests load one class more",
            path="tests/models/lantern/test_modeling_lantern.py",
            good="    def test_sequence_classification(self):\n        pass\n",
            bad=(
                "    def test_sequence_classification(self):\n        pass\n\n\nclass LanternModelIntegrationTest(unittest.TestCase):\n"
                "    def test_inference_head(self):\n"
                '        model = LanternForSequenceClassification.from_pretrained("lighthouse/lantern-base")\n'
                "        self.assertEqual(model(ids)[0].shape, (1, 2))\n"
            ),
            finds=("def test_inference(self):",),
            finds_in=_TEST,
        ),
    ),
)

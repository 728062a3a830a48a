"""What the tests need, and say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import insert, replace
from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._tests import is_tiny, test_paths
from checks.source.python import ModuleFacts, module_facts
from checks.source.tests import Test, TestFacts, test_facts

_CROSS = "is_pt_tf_cross_test"
_COMPARING = ("pt_tf", "pt_to_tf", "tf_to_pt", "pt_inputs", "pt_model")
_LOCAL = ("./", "/")
_ARCHIVE = re.compile(r"\bTF_\w+_ARCHIVE_LIST\b")


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    tested = list(test_paths(port))
    if not tested:
        raise NotBegun("there is no test file yet")
    for _, path in tested:
        facts, module = test_facts(port.text(path)), port.facts(path, module_facts)
        if module is None or module.problem:
            continue
        yield from _require_tf(path, facts, module)
        yield from _require_vision(path, facts, module, port.text(path))
        yield from _slow(path, facts, module)
        yield from _torch(path, facts)


def _owners(facts: TestFacts) -> dict[str, list[Test]]:
    owners: dict[str, list[Test]] = {}
    for test in facts.tests:
        if test.name.startswith("test_"):
            owners.setdefault(test.owner, []).append(test)
    return owners


def _require_tf(path: str, facts: TestFacts, module: ModuleFacts) -> Iterator[Finding]:
    """Classes that run without TensorFlow, although they need it."""
    for owner, tests in _owners(facts).items():
        found = module.classes.get(owner)
        if found is None or not any(base.endswith("TestCase") for base in found.bases):
            continue
        marked = {mark.name for mark in facts.classes.get(owner, ())}
        # Of a class that requires PyTorch instead, `_torch` speaks.
        if marked & {"require_tf", "require_tensorflow_text", "require_torch", _CROSS}:
            continue
        if all({mark.name for mark in test.marks} & {"require_tf", _CROSS} for test in tests):
            continue
        known = module.importing("require_tf") is not None
        yield RULE.finding(
            path,
            found.line,
            f"{owner} is not decorated with @require_tf",
            "Add @require_tf above the class, so that it is skipped where TensorFlow is not installed.",
            symbol=owner,
            column=found.column,
            edits=(insert(path, found.first_line, "@require_tf\n"),) if known else (),
            level="warning",
        )


def _require_vision(path: str, facts: TestFacts, module: ModuleFacts, text: str) -> Iterator[Finding]:
    """Tests that open pictures need PIL."""
    if "Image.open(" not in text:
        return
    lines = text.split("\n")
    for owner, tests in _owners(facts).items():
        found = module.classes.get(owner)
        marked = {mark.name for mark in facts.classes.get(owner, ())}
        if found is None or "require_vision" in marked:
            continue
        needing = [
            test
            for test in tests
            if not test.marked("require_vision")
            and any(
                w in "\n".join(lines[test.line - 1 : test.end_line]) for w in ("prepare_img(", "Image.open(")
            )
        ]
        if needing:
            yield RULE.finding(
                path,
                found.line,
                f"{owner} opens pictures, but is not decorated with @require_vision",
                "Add @require_vision above the class, so that it is skipped where Pillow is not installed.",
                symbol=owner,
                column=found.column,
                edits=(insert(path, found.line, "@require_vision\n"),)
                if module.importing("require_vision")
                else (),
                level="suggestion",
            )


def _slow(path: str, facts: TestFacts, module: ModuleFacts) -> Iterator[Finding]:
    """Tests that download weights, and that every run of CI would download."""
    for test in facts.tests:
        marks = [mark.name for mark in (*test.marks, *facts.classes.get(test.owner, ()))]
        if not test.name.startswith("test_") or {"slow", "tooslow"} & set(marks):
            continue
        loads = [
            load
            for load in facts.loads
            if (load.owner, load.method) == (test.owner, test.name)
            and load.model.startswith("TF")
            and load.checkpoint
            and not load.checkpoint.startswith(_LOCAL)
            and "/" in load.checkpoint
            and not is_tiny(load.checkpoint)
        ]
        listed = _ARCHIVE.search(test.code) if ".from_pretrained(" in test.code else None
        if loads or listed:
            known = module.importing("slow") is not None
            what = loads[0].checkpoint if loads else f"the checkpoints of {listed[0] if listed else ''}"
            yield RULE.finding(
                path,
                test.line,
                f"{test.name} loads {what}, but is not decorated with @slow",
                "Add @slow above it: what downloads weights runs at night, not for every push.",
                symbol=f"{test.owner}.{test.name}",
                column=9,
                edits=(insert(path, test.line, "    @slow\n"),) if known else (),
                level="warning",
            )
    for test in facts.tests:
        # As upstream's check_repo.py: what makes several tests of one stands first.
        names = [mark.name for mark in test.marks]
        late = next((n for n, name in enumerate(names) if n and name in ("parameterized", "expand")), None)
        if late is not None:
            yield RULE.finding(
                path,
                test.marks[late].line,
                f"@parameterized of {test.name} has to be the first decorator",
                "Move it above the others; below them they would apply to none of the tests that it makes.",
                symbol=f"{test.owner}.{test.name}",
                level="warning",
            )


def _torch(path: str, facts: TestFacts) -> Iterator[Finding]:
    """PyTorch in tests that don't compare with it."""
    tests = {f"{test.owner}.{test.name}": test for test in facts.tests}

    def crosses(where: str) -> bool:
        owner, _, _ = where.partition(".")
        marks = {mark.name for mark in facts.classes.get(owner, ())}
        if where in tests:
            marks |= {mark.name for mark in tests[where].marks}
        both = {"require_tf", "require_torch"} <= marks
        return both or _CROSS in marks or any(word in where for word in _COMPARING)

    compares = any(crosses(where) for where in tests)
    used = [
        (name, where)
        for name, where in facts.torch
        if not crosses(where) and not (where == "" and compares) and not _helps(where, facts, crosses)
    ]
    tensors = [(name, where) for name, where in facts.tensors if not crosses(where)]
    for name, where in used[:1]:
        more = [Location(path, other.line) for other, _ in used[1:] if other.line != name.line]
        what = f"@{name.name}" if name.name.startswith("require") else name.name
        yield RULE.finding(
            path,
            name.line,
            f"{what} is left in the TensorFlow tests" + (f" ({where})" if where else ""),
            "Use TensorFlow or NumPy, and @require_tf; only tests with @is_pt_tf_cross_test may use PyTorch.",
            symbol=where,
            column=name.column,
            locations=list(dict.fromkeys(more)),
        )
    if tensors:
        edits: list[Edit] = [replace(path, n.line, n.column, "pt", "tf") for n, _ in tensors]
        places = [n.line for n, _ in tensors]
        yield RULE.finding(
            path,
            places[0],
            'return_tensors="pt" gives PyTorch tensors to the TensorFlow model',
            'Write return_tensors="tf".',
            symbol=tensors[0][1],
            column=tensors[0][0].column,
            edits=edits,
            locations=[Location(path, line) for line in places[1:]],
        )


def _helps(where: str, facts: TestFacts, crosses: object) -> bool:
    """Methods that are no tests (they may help a cross test)."""
    assert callable(crosses)
    method = where.partition(".")[2]
    return (
        bool(method)
        and not method.startswith("test_")
        and any(crosses(f"{t.owner}.{t.name}") for t in facts.tests)
    )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="test-decorators",
    level="error",
    summary="Tests are skipped where they can't run: @require_tf, @require_vision, @slow; and nothing of PyTorch is in them but in cross tests.",
    why=(
        "CI runs the TensorFlow tests in an environment without PyTorch and the PyTorch tests in one without TensorFlow. A test "
        "with the other's decorator is never run anywhere."
    ),
    how='@require_torch becomes @require_tf, return_tensors="pt" becomes "tf", torch tensors become tf.constant or NumPy arrays.',
    guide="Step 5: adapt the PyTorch tests.",
    source="review of several ports; upstream utils/check_repo.py",
    check=check,
    examples=(
        Example(
            title="torch in a test",
            path=_TEST,
            good="        output = model(tf.constant([[0, 31, 17, 5]]))[0]",
            bad="        output = model(torch.tensor([[0, 31, 17, 5]]))[0]",
            finds=("output = model(torch.tensor([[0, 31, 17, 5]]))[0]",),
        ),
        Example(
            title="The decorator of the PyTorch tests",
            path=_TEST,
            good="@require_tf\nclass TFLanternModelTest(",
            bad="@require_torch\nclass TFLanternModelTest(",
            finds=("@require_torch",),
        ),
        Example(
            title="The common tests of PyTorch",
            path=_TEST,
            good="from ...test_modeling_tf_common import TFModelTesterMixin, ids_tensor\n",
            bad="from ...test_modeling_common import TFModelTesterMixin, ids_tensor\n",
            finds=("from ...test_modeling_common import TFModelTesterMixin, ids_tensor",),
        ),
        Example(
            title="PyTorch tensors",
            path=_TEST,
            good="        output = model(tf.constant([[0, 31, 17, 5]]))[0]",
            bad='        output = model(**tokenizer("Light", return_tensors="pt"))[0]',
            edits_to='        output = model(**tokenizer("Light", return_tensors="tf"))[0]',
            finds=('output = model(**tokenizer("Light", return_tensors="pt"))[0]',),
        ),
        Example(
            title="Not skipped without TensorFlow",
            path=_TEST,
            good="@require_tf\nclass TFLanternModelTest(",
            bad="class TFLanternModelTest(",
            finds=("class TFLanternModelTest(TFModelTesterMixin, PipelineTesterMixin, unittest.TestCase):",),
            fixed=True,
        ),
        Example(
            title="Downloads weights on every run",
            path=_TEST,
            good="    @slow\n    def test_inference(self):",
            bad="    def test_inference(self):",
            finds=("def test_inference(self):",),
            fixed=True,
        ),
        Example(
            title="Downloads all checkpoints on every run",
            path=_TEST,
            good="    def test_config(self):\n",
            bad="    def test_checkpoints(self):\n"
            "        from transformers.models.lantern.modeling_tf_lantern import TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST\n\n"
            "        for name in TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST[:1]:\n"
            "            self.assertIsNotNone(TFLanternModel.from_pretrained(name))\n\n"
            "    def test_config(self):\n",
            edits_to="    @slow\n    def test_checkpoints(self):\n"
            "        from transformers.models.lantern.modeling_tf_lantern import TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST\n\n"
            "        for name in TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST[:1]:\n"
            "            self.assertIsNotNone(TFLanternModel.from_pretrained(name))\n\n"
            "    def test_config(self):\n",
            finds=("def test_checkpoints(self):",),
        ),
    ),
)

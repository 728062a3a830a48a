"""The port's test file."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._check_repo import listed
from checks.rules._tests import test_path
from checks.source.python import Class, ModuleFacts, module_facts, torch_expressions

_COMMON = "TFModelTesterMixin"


def check(port: Port) -> Iterator[Finding]:
    conventions = port.conventions
    if not conventions.tests:
        raise NotApplicable("the base has no TensorFlow tests of models")
    if not port.models:
        raise NotBegun("no public model class yet")
    modules = [module for module in port.modules if module.added] or list(port.modules)
    existing = [m for m in modules if port.head.blob_id(test_path(port, m)) is not None]
    if not existing:
        yield _absent(port, _main(modules, port))
        return
    package = f"{conventions.tests}/{port.model}/__init__.py"
    if not conventions.tests_side_by_side and port.head.blob_id(package) is None:
        yield RULE.finding(
            test_path(port, existing[0]),
            1,
            f"{package} is missing, so the tests are in no package",
            "Add it as an empty file.",
            absent=True,
        )
    for module in existing:
        yield from _content(port, module)


def _main(modules: list[Module], port: Port) -> Module:
    return next((module for module in modules if module.suffix == port.model), modules[0])


def _absent(port: Port, module: Module) -> Finding:
    place = test_path(port, module)
    name = place.rsplit("/", 1)[-1]
    elsewhere = [
        path
        for path, change in port.changed.items()
        if change.status != "removed" and path.rsplit("/", 1)[-1] == name
    ]
    if elsewhere:
        return RULE.finding(
            elsewhere[0],
            1,
            f"{name} lies in {elsewhere[0].rpartition('/')[0] or 'the root folder'}",
            f"Its place is beside the PyTorch test: git mv {elsewhere[0]} {place}",
        )
    twin = place.replace("test_modeling_tf_", "test_modeling_")
    return RULE.finding(
        place,
        1,
        f"{name} is missing",
        f"Write it beside {twin.rsplit('/', 1)[-1]}; the tests of a similar TensorFlow model are the best start.",
        absent=True,
    )


def _content(port: Port, module: Module) -> Iterator[Finding]:
    path = test_path(port, module)
    facts = port.facts(path, module_facts)
    assert facts is not None
    if facts.problem is not None:
        raise Undecidable(f"{path} cannot be parsed (line {facts.problem.line})")
    testers = [found for found in facts.classes.values() if _is_tester(found, facts)]
    if not testers:
        if _pytorch_has_common_tests(port, module) and not _is_excepted(port, path):
            line = next((c.line for c in facts.classes.values() if c.name.endswith("Test")), 1)
            yield RULE.finding(
                path,
                line,
                f"No test class has {_COMMON}, so none of the common tests runs",
                f"Derive the test class from {_COMMON} and unittest.TestCase.",
                absent=bool(port.facts(path, torch_expressions)) or not facts.classes,
            )
        return
    yield from _pipelines(port, module, path, testers, facts)
    for found in testers:
        if "all_model_classes" not in found.attributes and not _inherits(found, facts, testers):
            yield RULE.finding(
                path,
                found.line,
                f"{found.name} has no all_model_classes, so its common tests test nothing",
                "Set all_model_classes to the public classes, if is_tf_available().",
                symbol=found.name,
                column=found.column,
                absent=True,
            )


def _pipelines(
    port: Port, module: Module, path: str, testers: list[Class], facts: ModuleFacts
) -> Iterator[Finding]:
    """The tests of pipelines, where PyTorch's test file has them."""
    mixed = [found for found in testers if any(base.endswith("PipelineTesterMixin") for base in found.bases)]
    for found in mixed:
        if "pipeline_model_mapping" not in found.attributes:
            yield RULE.finding(
                path,
                found.line,
                f"{found.name} has PipelineTesterMixin, but no pipeline_model_mapping, so no pipeline is tested",
                "Take the mapping from the PyTorch test file, with TensorFlow classes, if is_tf_available().",
                symbol=found.name,
                column=found.column,
                absent=True,
                level="warning",
            )
    pytorch = port.text(path.replace("test_modeling_tf_", "test_modeling_"))
    if not mixed and "PipelineTesterMixin" in pytorch and module.added and module.suffix == port.model:
        yield RULE.finding(
            path,
            testers[0].line,
            f"{testers[0].name} has no PipelineTesterMixin, which the PyTorch tests have",
            "Add it, with a pipeline_model_mapping.",
            symbol=testers[0].name,
            column=testers[0].column,
            absent=True,
            level="warning",
        )


def _is_tester(found: Class, facts: ModuleFacts) -> bool:
    return any(
        base.split(".")[-1] in (_COMMON, "TFCoreModelTesterMixin") for base in found.bases
    ) or _inherits(found, facts, [c for c in facts.classes.values() if c is not found])


def _inherits(found: Class, facts: ModuleFacts, others: list[Class]) -> bool:
    """A class of the same file that has the common tests is a base."""
    known = {other.name for other in others if any(b.split(".")[-1] == _COMMON for b in other.bases)}
    return any(base in known for base in found.bases)


def _is_excepted(port: Port, path: str) -> bool:
    """Upstream's check_repo.py lists the file as one that has no common tests."""
    return path.removeprefix("tests/") in listed(port, "TEST_FILES_WITH_NO_COMMON_TESTS")


def _pytorch_has_common_tests(port: Port, module: Module) -> bool:
    """Composite models have no common tests in PyTorch either."""
    path = test_path(port, module).replace("test_modeling_tf_", "test_modeling_")
    facts = port.facts(path, module_facts)
    if facts is None:
        return False
    bases = (base.split(".")[-1] for found in facts.classes.values() for base in found.bases)
    return any(base == "ModelTesterMixin" for base in bases)


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="test-file",
    level="error",
    summary="The port has `tests/models/<model>/test_modeling_tf_<model>.py` with the common tests.",
    why="The common tests compare the port with PyTorch, save and load it, and compile it. Without the file nothing does.",
    how=(
        "Take the test file of a similar TensorFlow model; the test class derives from `TFModelTesterMixin` and names the "
        "public classes in `all_model_classes`."
    ),
    guide="Step 5: copy the PyTorch test file and make the TensorFlow replacements.",
    source="upstream utils/check_repo.py",
    check=check,
    examples=(
        Example(
            title="There is no test file",
            path=_TEST,
            good="",
            bad="",
            removed=True,
            finds=("",),
            finds_in=_TEST,
        ),
        Example(
            title="The test file lies in the folder of older versions",
            path=_TEST,
            good="",
            bad="",
            moved_to="tests/test_modeling_tf_lantern.py",
            finds=("# coding=utf-8",),
        ),
        Example(
            title="A pipeline mixin without mapping",
            path=_TEST,
            good="    pipeline_model_mapping = (\n",
            bad="    pipelines = (\n",
            finds=("class TFLanternModelTest(TFModelTesterMixin, PipelineTesterMixin, unittest.TestCase):",),
        ),
        Example(
            title="No common tests",
            path=_TEST,
            good="class TFLanternModelTest(TFModelTesterMixin, PipelineTesterMixin, unittest.TestCase):",
            bad="class TFLanternModelTest(PipelineTesterMixin, unittest.TestCase):",
            finds=("class TFLanternModelTest(PipelineTesterMixin, unittest.TestCase):",),
        ),
    ),
)

"""Checkpoints that the port and its tests name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from checks.conventions import read
from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._tests import test_paths
from checks.source.docstrings import doc_facts
from checks.source.tests import test_facts

_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
_LOADED = re.compile(r"from_pretrained\(\s*[\"']([^\"'\s]+)[\"']")
_TESTS = ("hf-internal-testing/", "huggingface/")


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    pytorch = pytorch_side(port)
    for path, names in named(port):
        personal: dict[int, str] = {}
        bare: dict[int, str] = {}
        for name, line in names:
            if not _ID.fullmatch(name) or name.startswith(_TESTS) or f'"{name}"' in pytorch:
                continue
            if "/" not in name:
                if full_name(name, pytorch):
                    bare.setdefault(line, name)
            elif f"{name.split('/')[0]}/" not in pytorch:
                personal.setdefault(line, name)
        if bare:
            first, *others = sorted(bare)
            yield RULE.finding(
                path,
                first,
                f"The checkpoint {bare[first]} stands without its organisation",
                f"Write {full_name(bare[first], pytorch)}, as the PyTorch side does.",
                symbol=bare[first],
                locations=[Location(path, line) for line in others],
            )
        if personal:
            first, *others = sorted(personal)
            shown = sorted(set(personal.values()))
            yield RULE.finding(
                path,
                first,
                f"The PyTorch side does not know {enumerate_names(shown)}: {verb(shown, 'a personal repository', 'personal repositories')}?",
                "Once the TensorFlow weights are in the official repository, use that one.",
                symbol=personal[first],
                locations=[Location(path, line) for line in others],
                level="suggestion",
            )


def full_name(name: str, pytorch: str) -> str:
    """The checkpoint with its organisation, as the PyTorch side has it; "" if it has none."""
    match = re.search(rf"[\"'`/]([\w-]+/{re.escape(name)})[\"'`]", pytorch) if f"/{name}" in pytorch else None
    return match[1] if match else ""


def pytorch_side(port: Port) -> str:
    """The PyTorch model, its configuration, tests and page, in one text."""
    paths = {module.pytorch_path for module in port.modules if module.pytorch_path}
    paths |= {p for p in port.base.list(port.folder) if p.endswith(".py") and "modeling_tf_" not in p}
    folder = port.conventions.tests
    if folder and not port.conventions.tests_side_by_side:
        paths |= {
            p for p in port.base.list(f"{folder}/{port.model}") if p.endswith(".py") and "_tf_" not in p
        }
    elif folder:
        paths |= {f"tests/test_modeling_{module.suffix}.py" for module in port.modules}
    docs, suffix = port.conventions.docs, port.conventions.docs_suffix
    paths |= {f"{docs}/{name}{suffix}" for name in (port.model, port.model.replace("_", "-"))}
    return "\n".join(read(port.base, path) for path in sorted(paths))


def named(port: Port) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Of each file of the port the checkpoints that it names, with their lines."""
    for module in port.modules:
        facts = doc_facts(port.text(module.path))
        names = [
            (v, line) for name, v, line in facts.literals if "CHECKPOINT" in name or "ARCHIVE_LIST" in name
        ]
        for text in facts.texts:
            names += [(m[1], number) for number, line in text.numbered for m in _LOADED.finditer(line)]
        for call in facts.calls:
            for decorator in call.decorators:
                value = decorator.keyword("checkpoint")
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    names.append((value.value, value.lineno))
        yield module.path, names
    for _, path in test_paths(port):
        yield (
            path,
            [(load.checkpoint, load.line) for load in test_facts(port.text(path)).loads if load.checkpoint],
        )


_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="checkpoints",
    level="warning",
    summary="Docstrings and tests name the official checkpoints, with their organisation.",
    why="A test that loads from somebody's own repository breaks when it is tidied up, and readers copy the name from the page.",
    how="Take the names from the PyTorch model and its tests. Until the TensorFlow weights are there, load with `from_pt=True`.",
    guide="Step 9: use the official TensorFlow weights in the tests.",
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="Somebody's own repository",
            path=_TEST,
            good='    def test_inference(self):\n        model = TFLanternModel.from_pretrained("lighthouse/lantern-base")',
            bad='    def test_inference(self):\n        model = TFLanternModel.from_pretrained("keeper/lantern-tf")',
            finds=('model = TFLanternModel.from_pretrained("keeper/lantern-tf")',),
        ),
    ),
)

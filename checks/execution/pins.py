"""What a tree of transformers wants installed, read from its `setup.py` as data. Nothing of it is ever executed.

`setup.py` has the list `_deps` ("numpy>=1.17"), lists of names in `extras[...]` and `install_requires`, and `python_requires`. Where
it can't be read, `src/transformers/dependency_versions_table.py`, the same table written out, has to do.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from checks.errors import UserError
from checks.snapshot import Snapshot

SETUP = "setup.py"
TABLE = "src/transformers/dependency_versions_table.py"

EXTRAS = ("testing", "sentencepiece", "vision", "torch", "tf-keras", "sklearn")
"""Of these extras, what can be had as a wheel is installed too."""

ALWAYS = (
    "filelock", "huggingface-hub", "numpy", "packaging", "pyyaml", "regex", "requests", "tokenizers", "tqdm",
)  # fmt: skip
"""`install_requires` of every 4.x; used where a tree's own can't be read."""

TENSORFLOW = ("tensorflow-cpu", "tensorflow")
"""The first that can be had."""

BESIDE_TENSORFLOW = ("keras", "tf-keras")
"""Pinned in some trees so that Keras 3 stays away; meant for every installation with TensorFlow."""

NOT_FOR_TESTS = frozenset({
    "black", "codecarbon", "cookiecutter", "evaluate", "hf-doc-builder", "isort", "nltk", "pytest-rich", "rouge-score", "ruff",
    "sacrebleu", "torchaudio", "torchvision",
})  # fmt: skip
"""Of the extra `testing`: what only documentation, style and the examples' tests use. (torchvision from PyPI brings CUDA.)"""


@dataclass(frozen=True, slots=True)
class Pins:
    """What to install. All entries are plain requirements ("numpy>=1.17"): a name, extras, versions.

    Attributes:
        table: requirement by canonical name, everything that the tree pins.
        required: without these nothing runs; TensorFlow is not among them, as it has several names.
        wanted: what else the tests use; what can't be had is left out.
        python: versions of Python that the tree accepts.
        refused: entries that are no plain requirement, as they stand there: URLs, paths, options. Never installed.
    """

    table: Mapping[str, str]
    required: tuple[str, ...]
    wanted: tuple[str, ...]
    python: SpecifierSet
    refused: tuple[str, ...] = ()

    @property
    def tensorflow(self) -> tuple[str, ...]:
        """TensorFlow's requirement, by preference."""
        return tuple(self.table.get(name, name) for name in TENSORFLOW if name in self.table) or TENSORFLOW

    @property
    def torch(self) -> str:
        return self.table.get("torch", "torch")


@dataclass(frozen=True, slots=True)
class Changed:
    """A pin that a pull request changes. Empty text: it is not there."""

    name: str
    base: str
    head: str

    def __str__(self) -> str:
        return f"{self.name}: {self.base or 'not pinned'} → {self.head or 'not pinned'}"


def read_pins(tree: Snapshot) -> Pins:
    """The pins of a tree.

    Raises:
        UserError: it has neither of the two files in a form that can be read.
    """
    setup = _parse(tree.read(SETUP))
    entries = _strings(_assigned(setup, "_deps"))
    if not entries:
        table = _assigned(_parse(tree.read(TABLE)), "deps")
        entries = _strings(table.values) if isinstance(table, ast.Dict) else []
    if not entries:
        raise UserError(
            f"no pins can be read from {SETUP}", hint="the list `_deps` has to hold plain texts, as upstream"
        )
    accepted, refused = _plain(entries)
    extras = _Extras(setup, accepted)
    required = extras.names(_assigned(setup, "install_requires")) or list(ALWAYS)
    required += [name for name in BESIDE_TENSORFLOW if name in accepted]
    required.append("pytest")
    wanted = [name for extra in EXTRAS for name in extras.of(extra)]
    wanted = [name for name in wanted if name not in NOT_FOR_TESTS and name not in (*TENSORFLOW, "torch")]
    return Pins(
        table=accepted,
        required=_requirements(required, accepted),
        wanted=_requirements([name for name in wanted if name not in required], accepted),
        python=_python(setup, entries),
        refused=tuple(refused),
    )


def changed(base: Pins, head: Pins) -> tuple[Changed, ...]:
    """What the head pins otherwise than the base. None of it is used before a maintainer approves."""
    names = sorted({*base.table, *head.table})
    pairs = [Changed(name, base.table.get(name, ""), head.table.get(name, "")) for name in names]
    changes = [pair for pair in pairs if pair.base != pair.head]
    changes += [Changed("python", str(base.python), str(head.python))] if base.python != head.python else []
    return (*changes, *(Changed("refused", "", entry) for entry in head.refused if entry not in base.refused))


def _plain(entries: list[str]) -> tuple[dict[str, str], list[str]]:
    accepted: dict[str, str] = {}
    refused: list[str] = []
    for entry in entries:
        try:
            requirement = Requirement(entry)
        except InvalidRequirement:
            refused.append(entry)
            continue
        if requirement.url is not None or "\n" in entry or "\r" in entry:
            refused.append(entry)
        elif requirement.name.lower() != "python":
            accepted.setdefault(canonicalize_name(requirement.name), str(requirement))
    return accepted, refused


def _requirements(names: list[str], table: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table.get(name, name) for name in names))


def _python(setup: ast.Module | None, entries: list[str]) -> SpecifierSet:
    """`python_requires`, else the entry "python>=3.8.0" of the pins."""
    texts = [
        entry[len("python") :]
        for entry in entries
        if entry.lower().startswith(("python>", "python=", "python~"))
    ]
    for node in ast.walk(setup) if setup is not None else ():
        if (
            isinstance(node, ast.keyword)
            and node.arg == "python_requires"
            and isinstance(node.value, ast.Constant)
        ):
            texts.insert(0, str(node.value.value))
    for text in texts:
        try:
            return SpecifierSet(text)
        except InvalidSpecifier:
            continue
    return SpecifierSet(">=3.8")


class _Extras:
    """`extras["x"] = deps_list("a", "b") + extras["y"] + ["c"]`, worked out without running it."""

    def __init__(self, setup: ast.Module | None, table: Mapping[str, str]) -> None:
        self._table = table
        self._values: dict[str, ast.expr] = {}
        for node in ast.walk(setup) if setup is not None else ():
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                target = node.targets[0]
                if (
                    isinstance(target.value, ast.Name)
                    and target.value.id == "extras"
                    and isinstance(target.slice, ast.Constant)
                ):
                    self._values[str(target.slice.value)] = node.value

    def of(self, extra: str) -> list[str]:
        """Canonical names; none if there is no such extra."""
        return self.names(self._values.get(extra), frozenset({extra}))

    def names(self, node: ast.expr | None, above: frozenset[str] = frozenset()) -> list[str]:
        return list(dict.fromkeys(name for name in self._names(node, above) if name in self._table))

    def _names(self, node: ast.expr | None, above: frozenset[str]) -> Iterator[str]:
        if isinstance(node, ast.BinOp):
            yield from self._names(node.left, above)
            yield from self._names(node.right, above)
        elif isinstance(node, ast.Call):  # deps_list("a", "b"), list(…)
            for argument in node.args:
                yield from self._names(argument, above)
        elif isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                yield from self._names(element, above)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                yield canonicalize_name(Requirement(node.value).name)
            except InvalidRequirement:
                return
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            key = str(node.slice.value)
            if isinstance(node.value, ast.Name) and node.value.id == "deps":
                yield canonicalize_name(key.partition("[")[0])
            elif key not in above:
                yield from self._names(self._values.get(key), above | {key})


def _parse(text: str | None) -> ast.Module | None:
    try:
        return ast.parse(text or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _assigned(module: ast.Module | None, name: str) -> ast.expr | None:
    """What the module's top level assigns to `name` first: later statements could only make it what it is not."""
    for node in module.body if module is not None else ():
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            return node.value
    return None


def _strings(node: ast.expr | list[ast.expr] | None) -> list[str]:
    elements = node if isinstance(node, list) else node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]

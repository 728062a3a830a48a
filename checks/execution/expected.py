"""Which tests a port's test file must bring forth: computed from the sources, never from what a run says.

The test file itself is the head's; mixins from elsewhere (`TFModelTesterMixin`) are read from the base tree, so that a pull request cannot
take tests away. Each is named as pytest names it: `tests/models/bert/test_modeling_tf_bert.py::TFBertModelTest::test_save_load`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from checks.conventions import read
from checks.errors import UserError
from checks.port import Module, Port
from checks.snapshot import Snapshot
from checks.source.python import Class, Method, ModuleFacts, module_facts


@dataclass(frozen=True, slots=True)
class Expected:
    """The tests of one file.

    Attributes:
        ids: exact names.
        families: beginnings of names of parametrised tests, each of which has to have at least one member.
        lines: line of each test's `def` in the test file, for those that stand there.
    """

    path: str
    ids: tuple[str, ...]
    families: tuple[str, ...] = ()
    lines: dict[str, int] = field(default_factory=dict[str, int])

    def knows(self, id: str) -> bool:
        """A test of this name was to be expected."""
        return id in self.ids or any(is_member(id, family) for family in self.families)


def is_member(id: str, family: str) -> bool:
    """`…::test_beams_1_greedy` and `…::test_beams[greedy]` are of the family `…::test_beams`."""
    return re.match(re.escape(family) + r"(\[|_\d)", id) is not None


def test_path(port: Port, module: Module) -> str:
    """Where the test file of a TensorFlow module lies by the base's conventions."""
    name = f"test_modeling_tf_{module.suffix}.py"
    folder = port.conventions.tests or "tests/models"
    return f"{folder}/{name}" if port.conventions.tests_side_by_side else f"{folder}/{port.model}/{name}"


def expected_tests(path: str, base: Snapshot, head: Snapshot) -> Expected:
    """The tests that pytest has to find in the head's file `path`.

    Raises:
        checks.errors.UserError: the file can't be parsed.
    """
    facts = module_facts(read(head, path))
    if facts.problem is not None:
        raise UserError(
            f"{path} cannot be parsed: {facts.problem.message} (line {facts.problem.line})",
            hint="python -m py_compile shows the place",
        )
    reader = _Reader(path, facts, base)
    ids: list[str] = []
    families: list[str] = []
    lines: dict[str, int] = {}
    for name, found in facts.classes.items():
        if not reader.is_collected(found):
            continue
        for method, where in reader.methods(found).items():
            if not method.startswith("test"):
                continue
            id = f"{path}::{name}::{method}"
            (families if _parametrised(where.method) else ids).append(id)
            if where.own:
                lines[id] = where.method.line
    for name, function in facts.functions.items():
        if name.startswith("test"):
            id = f"{path}::{name}"
            (families if _parametrised(function) else ids).append(id)
            lines[id] = function.line
    return Expected(path, tuple(ids), tuple(families), lines)


def matching(expected: Iterable[str], expression: str) -> list[str]:
    """Those that pytest's `-k EXPRESSION` would choose: words are parts of names, joined by `and`, `or`, `not` and parentheses.

    Raises:
        checks.errors.UserError: it is no such expression.
    """
    test = _Expression(expression)
    return [id for id in expected if test.holds(id)]


@dataclass(frozen=True, slots=True)
class _Where:
    method: Method
    own: bool


class _Reader:
    """Follows base classes through the test file (head) and the modules that it imports (base)."""

    def __init__(self, path: str, facts: ModuleFacts, base: Snapshot) -> None:
        self._base = base
        self._facts: dict[str, ModuleFacts] = {path: facts}
        self._path = path

    def is_collected(self, found: Class) -> bool:
        """pytest takes it for a class of tests."""
        return self._is_test_case(found, self._path, frozenset()) or (
            found.name.startswith("Test") and "__init__" not in found.methods
        )

    def methods(self, found: Class) -> dict[str, _Where]:
        """Methods by name, inherited ones included; `name = None` (or False) in a class takes one away."""
        return self._methods(found, self._path, frozenset())

    def _methods(self, found: Class, path: str, seen: frozenset[str]) -> dict[str, _Where]:
        methods: dict[str, _Where] = {}
        if found.name in seen:
            return methods
        for base in reversed(found.bases):
            resolved = self._resolve(base, path)
            if resolved is not None:
                methods.update(self._methods(resolved[0], resolved[1], seen | {found.name}))
        for name, (value, _) in found.attributes.items():
            if value in ("None", "False", "True"):
                methods.pop(name, None)
        own = path == self._path
        methods.update({name: _Where(method, own) for name, method in found.methods.items()})
        return methods

    def _is_test_case(self, found: Class, path: str, seen: frozenset[str]) -> bool:
        for base in found.bases:
            if base.split(".")[-1] in ("TestCase", "TestCasePlus", "IsolatedAsyncioTestCase"):
                return True
            resolved = self._resolve(base, path)
            if resolved is None or found.name in seen:
                continue
            if self._is_test_case(resolved[0], resolved[1], seen | {found.name}):
                return True
        return False

    def _resolve(self, name: str, path: str) -> tuple[Class, str] | None:
        facts = self._facts[path]
        if name in facts.classes:
            return facts.classes[name], path
        imported = facts.importing(name.split(".")[0])
        if imported is None:
            return None
        for candidate in _files(imported.module, path):
            if candidate not in self._facts:
                text = read(self._base, candidate)
                if not text:
                    continue
                self._facts[candidate] = module_facts(text)
            wanted = imported.name or name.split(".")[-1]
            if wanted in self._facts[candidate].classes:
                return self._facts[candidate].classes[wanted], candidate
        return None


def _files(module: str, path: str) -> Iterator[str]:
    """Files that `from module import …` may mean in the file `path`."""
    dots = len(module) - len(module.lstrip("."))
    rest = module.lstrip(".").replace(".", "/")
    if dots:
        folder = path.rsplit("/", dots)[0] if path.count("/") >= dots else ""
        stem = "/".join(filter(None, [folder, rest]))
    else:
        stem = f"src/{rest}" if rest.startswith("transformers") else rest
    yield f"{stem}.py"
    yield f"{stem}/__init__.py"


def _parametrised(method: Method) -> bool:
    return any(decorator.name.split(".")[-1] in ("expand", "parametrize") for decorator in method.decorators)


class _Expression:
    """pytest's `-k`."""

    _TOKEN = re.compile(r"\s*(?:([()])|([^\s()]+))")

    def __init__(self, text: str) -> None:
        self._tokens = [one or two for one, two in self._TOKEN.findall(text)]
        self._text = text
        self.holds("")  # to see that it is one

    def holds(self, id: str) -> bool:
        """The test is chosen."""
        self._names = re.split(r"::|/", id.lower())
        self._at = 0
        value = self._or()
        if self._at != len(self._tokens):
            raise self._wrong()
        return value

    def _or(self) -> bool:
        value = self._and()
        while self._peek() == "or":
            self._at += 1
            value = self._and() or value
        return value

    def _and(self) -> bool:
        value = self._not()
        while self._peek() == "and":
            self._at += 1
            value = self._not() and value
        return value

    def _not(self) -> bool:
        word = self._peek()
        if word in ("", ")", "and", "or"):
            raise self._wrong()
        self._at += 1
        if word == "not":
            return not self._not()
        if word == "(":
            value = self._or()
            if self._peek() != ")":
                raise self._wrong()
            self._at += 1
            return value
        return any(word.lower() in name for name in self._names)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _wrong(self) -> UserError:
        return UserError(
            f"{self._text!r} is no expression of names", hint="as for pytest: -k 'save_load and not keras'"
        )

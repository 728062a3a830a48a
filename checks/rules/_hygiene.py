"""Which lines the rules about tidiness look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from checks.changes import changed_lines
from checks.conventions import read
from checks.errors import NotBegun, Undecidable
from checks.port import Module, Port
from checks.rules._copies import files
from checks.source.prose import Line, prose
from checks.source.python import module_facts


@dataclass(frozen=True)
class File:
    """A file of the port: its text, the lines that the pull request adds or changes, and the module that it is (None for tests)."""

    path: str
    text: str
    touched: frozenset[int]
    module: Module | None

    @cached_property
    def lines(self) -> list[str]:
        """Of the text."""
        return self.text.split("\n")

    @cached_property
    def prose(self) -> list[Line]:
        """Its comments and long strings, as far as they are new."""
        return [line for line in prose(self.text) if line.line in self.touched]


def modules(port: Port) -> Iterator[File]:
    """The port's TensorFlow modules.

    Raises:
        checks.errors.NotBegun: there is nothing in them yet.
        checks.errors.Undecidable: one can't be read or parsed.
    """
    for module in port.broken:
        raise Undecidable(f"{module.path.rsplit('/', 1)[-1]} cannot be parsed")
    seen = False
    for module in port.modules:
        text = port.text(module.path)
        seen = seen or bool(text.strip())
        yield File(module.path, text, module.touched, module)
    if not seen:
        raise NotBegun("the file is empty")


def tests(port: Port) -> Iterator[File]:
    """The port's test files that the pull request touches, those that can be parsed."""
    for path in files(port):
        facts = port.known_facts(path, module_facts) if path.startswith("tests/") else None
        if facts is not None and facts.problem is None:
            yield File(path, port.text(path), changed_lines(port.base, port.head, path), None)


def pytorch_text(port: Port, module: Module) -> str:
    """Text of the PyTorch module that a module belongs to, "" if there is none."""
    if not module.pytorch_path:
        return ""
    return port.text(module.pytorch_path) or read(port.base, module.pytorch_path)


def pytorch_tests(port: Port) -> str:
    """Text of the tests of the PyTorch model, "" if there are none."""
    folder = port.conventions.tests
    paths = (
        [f"tests/test_modeling_{module.suffix}.py" for module in port.modules]
        if port.conventions.tests_side_by_side
        else [f"{folder}/{port.model}/test_modeling_{module.suffix}.py" for module in port.modules]
    )
    return "\n".join(port.text(path) or read(port.base, path) for path in paths if folder)

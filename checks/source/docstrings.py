"""The documentation inside a model's module: its strings with their owners, what they say of arguments, and how `call` gets it.

A documentation string is read as its source lines, so that every line number is that of the file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.source.python import Problem, dotted, parse, walk


@dataclass(frozen=True, slots=True)
class Argument:
    """An entry of an `Args:` section. `type` is what stands in the parentheses, "" where there are none; `line` counts from 1."""

    name: str
    type: str
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """A documentation string.

    Attributes:
        owner: "TFBertModel", "TFBertModel.call", the constant that holds it ("BERT_INPUTS_DOCSTRING"), "" of the module's own.
        lines: its source lines; the first is line `line` of the file.
    """

    owner: str
    line: int
    lines: tuple[str, ...]

    @property
    def numbered(self) -> Iterator[tuple[int, str]]:
        """Its lines with their numbers in the file."""
        return enumerate(self.lines, self.line)

    def arguments(self) -> tuple[Argument, ...]:
        """Entries of its `Args:` sections; of a text without one, those at its own indentation (as in docstrings of `call`)."""
        return _arguments(self)


@dataclass(frozen=True, slots=True)
class Decorator:
    """`@add_code_sample_docstrings(checkpoint=…)`: `arguments` are its keywords."""

    name: str
    node: ast.Call
    line: int

    def keyword(self, name: str) -> ast.expr | None:
        """Value of a keyword."""
        return next((k.value for k in self.node.keywords if k.arg == name), None)


@dataclass(frozen=True, slots=True)
class Call:
    """A `call` (of PyTorch: `forward`) of a class and how it is documented.

    Attributes:
        parameters: without `self`, `*args`, `**kwargs`.
        constants: names of the constants that `@add_start_docstrings_to_model_forward` puts before its docstring.
        own: its docstring, None without one.
        decorators: those about documentation, with arguments.
        returns: names of classes in its return annotation.
    """

    owner: str
    line: int
    parameters: tuple[str, ...]
    constants: tuple[str, ...]
    own: Text | None
    decorators: tuple[Decorator, ...]
    returns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocFacts:
    """All of a module's documentation. `literals`: other strings that the module assigns to names at its top level, with their line."""

    texts: tuple[Text, ...] = ()
    calls: tuple[Call, ...] = ()
    literals: tuple[tuple[str, str, int], ...] = ()

    def text(self, owner: str) -> Text | None:
        """The text of an owner."""
        return next((text for text in self.texts if text.owner == owner), None)


@lru_cache(maxsize=32)
def doc_facts(text: str) -> DocFacts:
    """Facts of a module's text; empty where it can't be parsed."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return DocFacts()
    lines = text.split("\n")
    texts: list[Text] = []
    calls: list[Call] = []
    literals: list[tuple[str, str, int]] = []
    module = _docstring(tree, "", lines)
    if module is not None:
        texts.append(module)
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            _read_class(node, lines, texts, calls)
        elif isinstance(node, ast.FunctionDef):
            own = _docstring(node, node.name, lines)
            texts += [own] if own else []
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                if name.endswith("DOCSTRING") or "\n" in value.value:
                    texts.append(_text(name, value, lines))
                else:
                    literals.append((name, value.value, value.lineno))
            elif isinstance(value, ast.List):
                found = (e for e in value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str))
                literals += [(name, str(e.value), e.lineno) for e in found]
    return DocFacts(tuple(texts), tuple(calls), tuple(literals))


def _read_class(node: ast.ClassDef, lines: list[str], texts: list[Text], calls: list[Call]) -> None:
    own = _docstring(node, node.name, lines)
    texts += [own] if own else []
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and dotted(decorator).endswith("add_start_docstrings"):
            strings = (a for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
            texts += [_text(node.name, string, lines) for string in strings]
    for part in node.body:
        if not isinstance(part, ast.FunctionDef):
            continue
        own = _docstring(part, f"{node.name}.{part.name}", lines)
        texts += [own] if own else []
        if part.name in ("call", "forward"):
            calls.append(_call(node, part, own))


def _call(owner: ast.ClassDef, node: ast.FunctionDef, own: Text | None) -> Call:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    decorators = [
        Decorator(dotted(d).split(".")[-1], d, d.lineno)
        for d in node.decorator_list
        if isinstance(d, ast.Call) and "docstrings" in dotted(d)
    ]
    constants = [
        name.id
        for d in decorators
        if d.name == "add_start_docstrings_to_model_forward"
        for argument in d.node.args
        for name in walk(argument)
        if isinstance(name, ast.Name) and name.id.isupper()
    ]
    annotation = list(walk(node.returns)) if node.returns else []
    returns = [n.id for n in annotation if isinstance(n, ast.Name)]
    returns += [
        n.value.strip().split(".")[-1]
        for n in annotation
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    return Call(
        owner.name,
        node.lineno,
        tuple(a.arg for a in arguments if a.arg != "self"),
        tuple(constants),
        own,
        tuple(decorators),
        tuple(returns),
    )


def _docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef, owner: str, lines: list[str]
) -> Text | None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return _text(owner, first.value, lines)
    return None


def _text(owner: str, node: ast.Constant, lines: list[str]) -> Text:
    end = node.end_lineno or node.lineno
    return Text(owner, node.lineno, tuple(lines[node.lineno - 1 : end]))


# Possessive throughout (`*+`): a line may be a million blanks.
_SECTION = re.compile(r"(\s*+)(Args|Arguments|Parameters|Params)\s*+:?\s*+$")
_OTHER = re.compile(r"\s*+(?:(Returns?|Examples?|Raises?|Yields?|Usage|Tips?|Note)\b[^(]*+$|(```|>>>))")
_ENTRY = re.compile(r"\s*+\*{0,2}+(\w++)\s*+(?:\((.*))?$")


def _entry(line: str) -> tuple[str, str] | None:
    """Name and type of `name (type):`, of which everything but the name may be missing; None of anything else."""
    match = _ENTRY.match(line.rstrip().removesuffix(":").rstrip())
    return (match[1], (match[2] or "").removesuffix(")")) if match else None


@lru_cache(maxsize=1024)
def _arguments(text: Text) -> tuple[Argument, ...]:
    found: list[Argument] = []
    section = -1 if not any(map(_SECTION.match, text.lines)) else None
    indent: int | None = None
    for number, line in text.numbered:
        if number == text.line and section == -1 and ('"""' in line or "'''" in line):
            continue
        if match := _SECTION.match(line):
            section, indent = len(match[1]), None
            continue
        if section is None or not line.strip():
            continue
        space = len(line) - len(line.lstrip())
        if space <= section or (_OTHER.match(line) and (indent is None or space <= indent)):
            section, indent = None, None
            continue
        if indent is None:
            indent = space
        entry = _entry(line)
        if space == indent and entry is not None and _is_entry(line, entry[0]):
            found.append(Argument(*entry, number))
    return tuple(found)


def _is_entry(line: str, name: str) -> bool:
    """`name (…):`, or `name:`; a sentence is none."""
    return "(" in line or (line.rstrip().endswith(":") and line.strip().rstrip(":") == name)

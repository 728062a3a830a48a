"""A Python module as facts: classes, methods, decorators, imports, with the place of everything. Source is parsed, never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text is no Python: where (from 1), and what the parser says."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name at a place. `column` counts characters, from 1."""

    name: str
    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class Import:
    """`from module import name as local`; `name` is "" for `import module`, "*" for a star. Relative modules keep their dots.

    Attributes:
        line, end_line: the whole statement.
    """

    local: str
    module: str
    name: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Method:
    """A function. `line` is the line of its `def`, `first_line` that of its first decorator."""

    name: str
    line: int
    column: int
    end_line: int
    first_line: int
    parameters: tuple[str, ...]
    decorators: tuple[Name, ...]

    def decorated(self, name: str) -> bool:
        """`@name`, `@module.name` or `@name(…)` stands above it."""
        return any(decorator.name.split(".")[-1] == name for decorator in self.decorators)


@dataclass(frozen=True, slots=True)
class Class:
    """A class of the module's top level. `line`, `column` are those of its name, `first_line` that of its first decorator.

    Attributes:
        bases: dotted, as written: "TFPreTrainedModel", "tf.keras.layers.Layer".
        attributes: names assigned in the class body -> the value if it is a literal or dotted name ("" if neither), and the line.
    """

    name: str
    line: int
    column: int
    end_line: int
    first_line: int
    bases: tuple[str, ...]
    decorators: tuple[Name, ...]
    methods: dict[str, Method]
    attributes: dict[str, tuple[str, int]]

    decorated = Method.decorated


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """A module. With a `problem` everything else is empty.

    Attributes:
        names: other names assigned at the top level -> their line.
        exported: the entries of `__all__`, None if it has none.
        exported_at: first and last line of that assignment.
        lines: number of lines of the text.
    """

    classes: dict[str, Class] = field(default_factory=dict[str, Class])
    functions: dict[str, Method] = field(default_factory=dict[str, Method])
    names: dict[str, int] = field(default_factory=dict[str, int])
    imports: tuple[Import, ...] = ()
    exported: tuple[Name, ...] | None = None
    exported_at: tuple[int, int] = (0, 0)
    lines: int = 0
    problem: Problem | None = None

    def importing(self, local: str) -> Import | None:
        """The import that binds `local`."""
        return next((found for found in self.imports if found.local == local), None)


TOO_DEEP = Problem(1, 1, "nested too deeply")

LONGEST = 2_000_000
"""Characters. A tree takes a hundred times the memory of its text."""


@lru_cache(maxsize=16)
def parse(text: str) -> ast.Module | Problem:
    """The syntax tree, or what is wrong with the text. Trees are shared: never change one."""
    if len(text) > LONGEST:
        return Problem(1, 1, "longer than 2 MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like: not ours to report
            return ast.parse(text)
    except SyntaxError as error:
        return Problem(max(error.lineno or 1, 1), max(error.offset or 1, 1), error.msg or "invalid syntax")
    except ValueError as error:  # lone surrogates and the like
        return Problem(1, 1, str(error))
    except (RecursionError, MemoryError):
        return TOO_DEEP


def module_facts(text: str) -> ModuleFacts:
    """Facts of a module's text."""
    tree = parse(text)
    lines = text.count("\n") + (not text.endswith("\n"))
    if isinstance(tree, Problem):
        return ModuleFacts(lines=lines, problem=tree)
    reader = _Reader(text)
    try:
        reader.read(tree.body)
    except RecursionError:
        return ModuleFacts(lines=lines, problem=TOO_DEEP)
    return ModuleFacts(
        reader.classes,
        reader.functions,
        reader.names,
        tuple(reader.imports),
        reader.exported,
        reader.exported_at,
        lines,
    )


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below one, and itself, as `ast.walk` gives them, but for the contexts (`ast.Load`): in half the time."""
    pending = [node]
    for current in pending:
        for name in current._fields:
            if name == "ctx":
                continue
            value: Any = getattr(current, name, None)
            if isinstance(value, list):
                pending += [item for item in cast("list[Any]", value) if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST):
                pending.append(value)
        yield current


def dotted(node: ast.AST) -> str:
    """`a.b.c` as text; of a call its function, of a subscript its value; "" for anything else."""
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Subscript):
        return dotted(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


def strings(node: ast.AST) -> tuple[Name, ...]:
    """The string literals in a list, tuple or set, or the one string; also of sums of such."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (Name(node.value, node.lineno, node.col_offset + 1),)
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return tuple(name for element in node.elts for name in strings(element))
    if isinstance(node, ast.BinOp):
        return strings(node.left) + strings(node.right)
    return ()


_TORCH = re.compile(r"\btorch\b|(?<![\w.])nn\b|\bdef forward\b")


def torch_expressions(text: str) -> tuple[int, ...]:
    """The line of each expression and statement of PyTorch: uses of `torch` and `nn`, their imports, methods `forward`.

    Comments and docstrings don't count. A text with a syntax error is searched by pattern.
    """
    if not _TORCH.search(text):
        return ()
    tree = parse(text)
    if isinstance(tree, Problem):
        return tuple(n for n, line in enumerate(text.split("\n"), 1) for _ in _TORCH.finditer(line))
    return tuple(sorted(_torch_lines(tree)))


def _torch_lines(tree: ast.AST) -> Iterator[int]:
    nodes = list(walk(tree))
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    # `from tensorflow import nn` is no PyTorch.
    foreign = {a.asname or a.name for node in imports if not _imports_torch(node) for a in node.names}
    names = {"torch", "nn"} - foreign
    for node in nodes:
        if isinstance(node, ast.Name):
            if node.id in names:
                yield node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            if _imports_torch(node):
                yield node.lineno
        elif isinstance(node, ast.FunctionDef) and node.name == "forward":
            yield node.lineno


def _imports_torch(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "torch" for alias in node.names)
    return not node.level and (node.module or "").split(".")[0] == "torch"


class _Reader:
    """Collects the facts of a module's statements, those under `if` and `try` included."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ascii = text.isascii()
        self._lines: list[str] | None = None
        self.classes: dict[str, Class] = {}
        self.functions: dict[str, Method] = {}
        self.names: dict[str, int] = {}
        self.imports: list[Import] = []
        self.exported: tuple[Name, ...] | None = None
        self.exported_at = (0, 0)

    def read(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                self.classes[node.name] = self._class(node)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions[node.name] = self._method(node)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self._import(node)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                self._assignment(node)
            elif isinstance(node, ast.If):
                self.read(node.body)
                self.read(node.orelse)
            elif isinstance(node, ast.Try):
                for part in (
                    node.body,
                    *(handler.body for handler in node.handlers),
                    node.orelse,
                    node.finalbody,
                ):
                    self.read(part)
            elif isinstance(node, ast.With):
                self.read(node.body)

    def _column(self, line: int, offset: int) -> int:
        """Characters, from 1, of an offset in bytes."""
        if self._ascii:
            return offset + 1
        if self._lines is None:
            self._lines = self._text.split("\n")
        source = self._lines[line - 1] if line <= len(self._lines) else ""
        return len(source.encode()[:offset].decode(errors="replace")) + 1

    def _name(self, node: ast.expr) -> Name:
        return Name(dotted(node), node.lineno, self._column(node.lineno, node.col_offset))

    def _class(self, node: ast.ClassDef) -> Class:
        methods: dict[str, Method] = {}
        attributes: dict[str, tuple[str, int]] = {}
        for part in node.body:
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                methods[part.name] = self._method(part)
            elif isinstance(part, (ast.Assign, ast.AnnAssign)):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        attributes[target.id] = (_value(part.value), part.lineno)
        return Class(
            node.name,
            node.lineno,
            self._column(node.lineno, node.col_offset) + len("class "),
            node.end_lineno or node.lineno,
            min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]),
            tuple(filter(None, map(dotted, node.bases))),
            tuple(map(self._decorator, node.decorator_list)),
            methods,
            attributes,
        )

    def _method(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Method:
        arguments = node.args
        keyword = len("async def " if isinstance(node, ast.AsyncFunctionDef) else "def ")
        return Method(
            node.name,
            node.lineno,
            self._column(node.lineno, node.col_offset) + keyword,
            node.end_lineno or node.lineno,
            min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]),
            tuple(
                argument.arg
                for argument in [
                    *arguments.posonlyargs,
                    *arguments.args,
                    *filter(None, [arguments.vararg]),
                    *arguments.kwonlyargs,
                    *filter(None, [arguments.kwarg]),
                ]
            ),
            tuple(map(self._decorator, node.decorator_list)),
        )

    def _decorator(self, node: ast.expr) -> Name:
        """As `_name`; of `unpack`, imported as `unpack_inputs as unpack`, the name that it has at home."""
        found = self._name(node)
        home = next((i.name for i in self.imports if i.local == found.name and i.name), "")
        return replace(found, name=home) if home else found

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        end = node.end_lineno or node.lineno
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = "." * node.level + (node.module or "")
                self.imports.append(Import(alias.asname or alias.name, module, alias.name, node.lineno, end))
            else:
                local = alias.asname or alias.name.split(".")[0]
                self.imports.append(Import(local, alias.name, "", node.lineno, end))

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if not isinstance(target, ast.Name):
                continue
            self.names.setdefault(target.id, node.lineno)
            if target.id == "__all__" and node.value is not None:
                self.exported = (self.exported or ()) + strings(node.value)
                self.exported_at = (self.exported_at[0] or node.lineno, node.end_lineno or node.lineno)


def _value(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return dotted(node) if node is not None else ""

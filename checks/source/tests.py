"""A test file as facts: its test methods, what they load, and what of PyTorch is in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.source.python import Name, Problem, dotted, parse, walk


@dataclass(frozen=True, slots=True)
class Mark:
    """A decorator. `name` is its last part ("slow", "skip"), `reasoned`: it has an argument that is not an empty string."""

    name: str
    line: int
    reasoned: bool


@dataclass(frozen=True, slots=True)
class Test:
    """A method of a class.

    Attributes:
        owner: the class.
        line, first_line, end_line: of its `def`, of its first decorator, its last.
        marks: its decorators, in their order.
        does: "nothing" (only `pass`, `return` or a docstring), "parent" (only calls the method of the same name of its base, as it is),
            else "something".
        code: its body without docstring, as normal text, to tell identical methods.
        loose: a number given as `tol=` or `atol=` to the method of the base, None if there is none.
    """

    owner: str
    name: str
    line: int
    first_line: int
    end_line: int
    marks: tuple[Mark, ...]
    does: str
    code: str
    loose: float | None

    def marked(self, name: str) -> bool:
        """It carries `@name`."""
        return any(mark.name == name for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Load:
    """`TFBertModel.from_pretrained("bert-base-uncased", from_pt=True)`.

    Attributes:
        model: "TFBertModel".
        checkpoint: the literal, also through a constant of the module; "" if it is computed.
        from_pt: place of the keyword, None without it.
        owner, method: where it stands; "" outside.
    """

    model: str
    checkpoint: str
    line: int
    end_line: int
    from_pt: Name | None
    owner: str
    method: str


@dataclass(frozen=True, slots=True)
class TestFacts:
    """Of a test file.

    Attributes:
        classes: name -> the marks of the class.
        listed: names in `all_model_classes`, of all classes.
        mapped: class -> names of tasks in its `pipeline_model_mapping`.
        assigned: class -> what its body assigns.
        torch: imports and uses of PyTorch, `require_torch` and the common tests of PyTorch models: place and enclosing `Class.method`
            ("" outside).
        tensors: `return_tensors="pt"`, likewise.
        names: every name that the code uses.
        doc: the module's docstring with its line.
        sizes: default sizes of model testers: (class, argument, number, line).
    """

    classes: dict[str, tuple[Mark, ...]]
    tests: tuple[Test, ...]
    loads: tuple[Load, ...]
    listed: frozenset[str]
    assigned: dict[str, frozenset[str]]
    torch: tuple[tuple[Name, str], ...]
    tensors: tuple[tuple[Name, str], ...]
    names: frozenset[str]
    doc: Name | None
    sizes: tuple[tuple[str, str, int, int], ...]


_EMPTY = TestFacts({}, (), (), frozenset(), {}, (), (), frozenset(), None, ())


@lru_cache(maxsize=32)
def test_facts(text: str) -> TestFacts:
    """Facts of a test file's text; empty where it can't be parsed."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return _EMPTY
    reader = _Reader(text)
    reader.read(tree)
    first = tree.body[0] if tree.body else None
    doc = None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        doc = Name(first.value.value, first.lineno)
    return TestFacts(
        reader.classes,
        tuple(reader.tests),
        tuple(reader.loads),
        frozenset(reader.listed),
        {name: frozenset(names) for name, names in reader.assigned.items()},
        tuple(reader.torch),
        tuple(reader.tensors),
        frozenset(reader.names),
        doc,
        tuple(reader.sizes),
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.classes: dict[str, tuple[Mark, ...]] = {}
        self.tests: list[Test] = []
        self.loads: list[Load] = []
        self.listed: set[str] = set()
        self.assigned: dict[str, set[str]] = {}
        self.torch: list[tuple[Name, str]] = []
        self.tensors: list[tuple[Name, str]] = []
        self.names: set[str] = set()
        self.sizes: list[tuple[str, str, int, int]] = []
        self.constants: dict[str, str] = {}

    def read(self, tree: ast.Module) -> None:
        for node in tree.body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                self.constants.update(
                    {t.id: node.value.value for t in node.targets if isinstance(t, ast.Name)}
                )
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                self._class(node)
            else:
                self._look(node, "", "")

    def _class(self, node: ast.ClassDef) -> None:
        self.classes[node.name] = _marks(node)
        for decorator in node.decorator_list:
            self._look(decorator, node.name, "")
        for part in node.body:
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                does, loose = _does(part)
                self.tests.append(
                    Test(
                        node.name,
                        part.name,
                        part.lineno,
                        min([part.lineno, *(d.lineno for d in part.decorator_list)]),
                        part.end_lineno or part.lineno,
                        _marks(part),
                        does,
                        self._code(part),
                        loose,
                    )
                )
                if part.name == "__init__" and node.name.endswith("Tester"):
                    self.sizes += [(node.name, *size) for size in _defaults(part)]
                self._look(part, node.name, part.name)
            else:
                if isinstance(part, (ast.Assign, ast.AnnAssign)):
                    targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                    names = {t.id for t in targets if isinstance(t, ast.Name)}
                    self.assigned.setdefault(node.name, set()).update(names)
                    if "all_model_classes" in names and part.value is not None:
                        self.listed |= {n.id for n in walk(part.value) if isinstance(n, ast.Name)}
                self._look(part, node.name, "")

    def _code(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        body = _body(node)
        lines = self.lines[body[0].lineno - 1 : node.end_lineno] if body else []
        return "\n".join(line.strip() for line in lines)

    def _look(self, top: ast.AST, owner: str, method: str) -> None:
        where = f"{owner}.{method}" if method else owner
        for node in walk(top):
            if isinstance(node, ast.Name):
                self.names.add(node.id)
                if node.id in ("torch", "require_torch", "require_torch_gpu"):
                    self.torch.append((Name(node.id, node.lineno, node.col_offset + 1), where))
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
                    if module.split(".")[-1] == "test_modeling_common":
                        self.torch.append(
                            (Name("test_modeling_common", node.lineno, node.col_offset + 1), where)
                        )
                        break
                    if module.split(".")[0] == "torch" or alias.name in (
                        "require_torch",
                        "require_torch_gpu",
                    ):
                        name = alias.name if alias.name.startswith("require") else "torch"
                        self.torch.append((Name(name, alias.lineno, alias.col_offset + 1), where))
            elif isinstance(node, ast.Call):
                self._call(node, owner, method)

    def _call(self, node: ast.Call, owner: str, method: str) -> None:
        for keyword in node.keywords:
            if (
                keyword.arg == "return_tensors"
                and isinstance(keyword.value, ast.Constant)
                and keyword.value.value == "pt"
            ):
                place = Name("pt", keyword.value.lineno, keyword.value.col_offset + 2)
                self.tensors.append((place, f"{owner}.{method}" if method else owner))
        if not (isinstance(node.func, ast.Attribute) and node.func.attr == "from_pretrained"):
            return
        given = next((k for k in node.keywords if k.arg == "from_pt"), None)
        from_pt = None
        if given is not None and not (isinstance(given.value, ast.Constant) and not given.value.value):
            from_pt = Name("from_pt", given.lineno, given.col_offset + 1)
        first = node.args[0] if node.args else None
        checkpoint = ""
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            checkpoint = first.value
        elif isinstance(first, ast.Name):
            checkpoint = self.constants.get(first.id, "")
        self.loads.append(
            Load(
                dotted(node.func.value),
                checkpoint,
                node.lineno,
                node.end_lineno or node.lineno,
                from_pt,
                owner,
                method,
            )
        )


def _marks(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for decorator in node.decorator_list:
        values = (
            [*decorator.args, *(k.value for k in decorator.keywords)]
            if isinstance(decorator, ast.Call)
            else []
        )
        said = [v for v in values if not (isinstance(v, ast.Constant) and not str(v.value).strip())]
        found.append(Mark(dotted(decorator).split(".")[-1], decorator.lineno, bool(said)))
    return tuple(found)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return node.body[1:] if documented else node.body


def _does(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, float | None]:
    body = _body(node)
    if all(isinstance(s, ast.Pass) or (isinstance(s, ast.Return) and s.value is None) for s in body):
        return "nothing", None
    if len(body) == 1 and isinstance(body[0], (ast.Expr, ast.Return)):
        call = body[0].value
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == node.name
        ) and dotted(call.func.value).split(".")[0] == "super":
            loose = [k.value for k in call.keywords if k.arg in ("tol", "atol", "rtol", "expected_max_diff")]
            numbers = [v.value for v in loose if isinstance(v, ast.Constant) and isinstance(v.value, float)]
            return "parent", max(numbers, default=None)
    return "something", None


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, int, int]]:
    arguments = [*node.args.posonlyargs, *node.args.args]
    for argument, default in zip(arguments[::-1], node.args.defaults[::-1], strict=False):
        if (
            isinstance(default, ast.Constant)
            and isinstance(default.value, int)
            and not isinstance(default.value, bool)
        ):
            yield argument.arg, default.value, default.lineno

"""From a layer to the source: the function and lines that a site means."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set, Tuple


@dataclass
class Function:
    """A function in a file of the port.

    Attributes:
        owner: the class whose method it is, or None; `module` holds its globals.
        node: its definition; lines of the node are lines of the file.
    """

    owner: Any
    name: str
    module: Any
    file: str
    lines: List[str]
    node: Any

    @property
    def symbol(self) -> str:
        """ "TFBertLayer.call" """
        return f"{self.owner.__name__}.{self.name}" if self.owner is not None else self.name


_PARSED: Dict[str, Tuple[List[str], Any]] = {}


def parsed(file: str) -> Tuple[List[str], Any]:
    """Lines and syntax tree of a file."""
    if file not in _PARSED:
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
        _PARSED[file] = (text.split("\n"), ast.parse(text))
    return _PARSED[file]


def method(cls: Any, name: str) -> Optional[Function]:
    """A method as the class or the nearest base that is not Keras' has it."""
    for base in cls.__mro__:
        if name not in vars(base):
            continue
        module = sys.modules.get(base.__module__)
        file = getattr(module, "__file__", None) or ""
        if "keras" in base.__module__ or base.__module__.startswith("tensorflow") or not os.path.exists(file):
            return None
        lines, tree = parsed(file)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name == base.__name__:
                for entry in node.body:
                    if isinstance(entry, ast.FunctionDef) and entry.name == name:
                        return Function(base, name, module, file, lines, entry)
        return None
    return None


def helpers(function: Function, cls: Any) -> List[Function]:
    """Methods of the same class and functions of the same module that a function calls."""
    found: List[Function] = []
    _, tree = parsed(function.file)
    own = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(function.node):
        if not isinstance(node, ast.Call):
            continue
        helper: Optional[Function] = None
        if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "self":
            name = node.func.attr
            if inspect.isfunction(inspect.getattr_static(cls, name, None)):
                helper = method(cls, name)
        elif isinstance(node.func, ast.Name) and node.func.id in own:
            helper = Function(
                None, node.func.id, function.module, function.file, function.lines, own[node.func.id]
            )
        if helper is not None and all(helper.node is not known.node for known in found):
            found.append(helper)
    return found


def assignment(cls: Any, attribute: str) -> Optional[Tuple[Function, Any]]:
    """The statement of `__init__` or `build` which sets `self.attribute`, and the function."""
    for base in cls.__mro__:
        for name in ("__init__", "build"):
            if name not in vars(base):
                continue
            function = method(base, name)
            if function is None:
                continue
            for node in ast.walk(function.node):
                targets = node.targets if isinstance(node, ast.Assign) else []
                if isinstance(node, ast.AnnAssign):
                    targets = [node.target]
                for target in targets:
                    if isinstance(target, ast.Attribute) and target.attr == attribute:
                        return function, node
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "append":
                    holder = getattr(node.func, "value", None)
                    if getattr(holder, "attr", "") == attribute:
                        return function, node
    return None


def owner_of(path: str, layers: Dict[str, Any]) -> Tuple[str, str]:
    """Path of the layer that holds a layer, and the attribute under which it does."""
    parts = path.split(".")
    for size in range(len(parts) - 1, -1, -1):
        above = ".".join(parts[:size])
        if above in layers:
            return above, parts[size]
    return "", parts[0]


def relative(file: str, root: str) -> str:
    """A file as the repository names it."""
    root = os.path.realpath(root) if root else ""
    file = os.path.realpath(file)
    if root and file.startswith(root + os.sep):
        return file[len(root) + 1 :]
    at = file.find("src/transformers/")
    return file[at:] if at >= 0 else file


def twin_source(cls: Any) -> str:
    """Source of the PyTorch class of the same name, read from the file next to it; "" where there is none."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
    twin = file.replace("modeling_tf_", "modeling_")
    if twin == file or not os.path.exists(twin):
        return ""
    lines, tree = parsed(twin)
    name = cls.__name__[2:].replace("MainLayer", "Model")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return "\n".join(lines[node.lineno - 1 : node.end_lineno])
    return ""


def flow(function: Function, line: int, argument: str = "") -> Set[int]:
    """Lines of the statements from which a call at `line`, or with 0 what the function returns, gets its values.

    Args:
        argument: name of the argument that matters; "" for all.
    """
    names: Set[str] = set()
    found: Set[int] = set()
    statements = [n for n in ast.walk(function.node) if isinstance(n, ast.stmt) and n is not function.node]
    for statement in statements:
        if (line and statement.lineno <= line <= (statement.end_lineno or 0)) or (
            not line and isinstance(statement, ast.Return)
        ):
            if hasattr(statement, "body"):
                continue
            given: List[Any] = [
                k.value
                for n in ast.walk(statement)
                if isinstance(n, ast.Call)
                for k in n.keywords
                if k.arg == argument
            ]
            for node in given or [statement]:
                names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                found |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for statement in sorted(statements, key=lambda n: -n.lineno):
        if isinstance(statement, ast.For) and not (line and statement.lineno > line):
            within = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
            if names & {n.id for n in within if isinstance(n.ctx, ast.Store)}:
                names |= {n.id for n in ast.walk(statement.iter) if isinstance(n, ast.Name)}
                found |= set(range(statement.lineno, statement.body[0].lineno))
        if (line and statement.lineno > line) or not isinstance(
            statement, (ast.Assign, ast.AugAssign, ast.AnnAssign)
        ):
            continue
        stored = {
            n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        if stored & names:
            names |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
            found |= set(range(statement.lineno, (statement.end_lineno or 0) + 1))
    return found

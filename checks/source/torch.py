"""PyTorch in a module that should be TensorFlow: every name, import, method and argument of it, with its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from checks.source.python import Problem, dotted, parse
from checks.source.walk import nodes

Kind = Literal["name", "import", "definition", "hook", "method", "argument", "no-tensorflow"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One expression of PyTorch.

    Attributes:
        kind: `name` (torch.cat, nn.Linear, F.relu), `import`, `definition` (def forward), `hook` (self.post_init()), `method`
            (x.view()), `argument` (dim=), `no-tensorflow` (tf.cat, which does not exist).
        name: what is left: "torch.cat", "view", "dim"; of an import the module.
        line, column: from 1.
        detail: of an argument the call, of an import the imported names.
    """

    kind: Kind
    name: str
    line: int
    column: int
    detail: str = ""


HOOKS = {
    "post_init": "nothing: TensorFlow models have no post_init()",
    "register_buffer": "self.add_weight(…, trainable=False, name=…) in build(), or a tf.constant that is not saved",
    "register_parameter": "self.add_weight(…, name=…) in build()",
    "_init_weights": "the initializers of the layers, or of add_weight()",
    "apply_chunking_to_forward": "a plain call: TensorFlow ports do not chunk",
}
"""What PyTorch modules call or define on `self`, and what takes its place."""


@lru_cache(maxsize=16)
def leftovers(
    text: str, methods: frozenset[str], arguments: frozenset[str], missing: frozenset[str]
) -> tuple[Leftover, ...]:
    """All PyTorch in a module's text, in the order of the lines; empty if it can't be parsed.

    Args:
        methods: of tensors.
        arguments: keywords, looked for on calls of `tf` and `keras` only.
        missing: `tf.X` that is none.
    """
    if not _probe(methods, arguments, missing).search(text):
        return ()
    tree = parse(text)
    if isinstance(tree, Problem):
        return ()
    return tuple(
        sorted(_walk(tree, methods, arguments, missing), key=lambda found: (found.line, found.column))
    )


@lru_cache(maxsize=4)
def _probe(methods: frozenset[str], arguments: frozenset[str], missing: frozenset[str]) -> re.Pattern[str]:
    """A first look by text, so that a clean module need not be walked through."""
    return re.compile(
        r"\btorch\b|(?<![\w.])nn\.|\bF\.|\bdef forward\b|"
        + "|".join(rf"\b{hook}\b" for hook in HOOKS)
        + rf"|(?<!tf)(?<!np)(?<!math)\.(?:{'|'.join(sorted(methods))})\(|\b(?:{'|'.join(sorted(arguments))})=|\btf\.(?:{'|'.join(sorted(missing))})\b"
        + r"|\bmodeling_(?:outputs|utils)\b|\bpytorch_utils\b|\.activations\b|\.modeling_(?!tf_|flax_)\w+ import\b"
    )


_FOREIGN = frozenset(
    {
        "tf",
        "np",
        "K",
        "keras",
        "math",
        "tnp",
        "os",
        "re",
        "logger",
        "torch",
        "nn",
        "F",
        "super",
        "warnings",
        "random",
    }
)
"""Roots of receivers whose methods are not those of a tensor."""

_PYTORCH_MODULES = re.compile(
    r"(?:\.+|transformers\.)(?:modeling_outputs|modeling_utils|pytorch_utils|activations|modeling_(?!tf_|outputs|utils)\w+)"
)


def _walk(
    tree: ast.Module, methods: frozenset[str], arguments: frozenset[str], missing: frozenset[str]
) -> Iterator[Leftover]:
    found = nodes(tree)
    names = _names(found)
    own = {node.name for node in found if isinstance(node, ast.FunctionDef)}
    inner: set[int] = set()
    for node in found:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from _import(node)
        elif isinstance(node, (ast.Attribute, ast.Name)):
            if id(node) in inner:
                continue
            name = (
                dotted(node)
                if isinstance(node, ast.Name) or isinstance(node.value, (ast.Attribute, ast.Name))
                else ""
            )
            root, _, rest = name.partition(".")
            if root in names:
                _mark(node, inner)
                yield Leftover(
                    "name", f"{names[root]}.{rest}" if rest else names[root], node.lineno, node.col_offset + 1
                )
            elif root == "tf" and rest.split(".")[0] in missing and _is_first(node, inner):
                yield Leftover("no-tensorflow", f"tf.{rest.split('.')[0]}", node.lineno, node.col_offset + 1)
        elif isinstance(node, ast.FunctionDef):
            if node.name in ("forward", "_init_weights"):
                yield Leftover("definition", node.name, node.lineno, node.col_offset + 1)
        elif isinstance(node, ast.Call):
            yield from _call(node, methods - own, arguments)


def _mark(node: ast.expr, seen: set[int]) -> None:
    """A chain of attributes is one expression."""
    while isinstance(node, ast.Attribute):
        node = node.value
        seen.add(id(node))


def _is_first(node: ast.expr, seen: set[int]) -> bool:
    _mark(node, seen)
    return True


def _names(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """Local name -> what it is in PyTorch. `nn` and `F` count also where their import is gone already."""
    bound: dict[str, str] = {}
    foreign: set[str] = set()
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                local = alias.asname or alias.name.split(".")[0]
                full = f"{module}.{alias.name}" if module else alias.name if alias.asname else local
                if full.split(".")[0] == "torch" and not getattr(node, "level", 0):
                    bound[local] = _short(full)
                else:
                    foreign.add(local)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            foreign.add(node.id)
    for name in ("torch", "nn", "F"):
        if name not in foreign:
            bound.setdefault(name, _short({"F": "torch.nn.functional", "nn": "torch.nn"}.get(name, name)))
    return bound


def _short(full: str) -> str:
    """As people write it: nn.functional.relu is F.relu, torch.nn.Linear nn.Linear."""
    return re.sub(r"^torch\.nn(?=\.|$)", "nn", full)


def _import(node: ast.Import | ast.ImportFrom) -> Iterator[Leftover]:
    names = ", ".join(alias.name for alias in node.names)
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] in ("torch", "torchvision"):
                yield Leftover("import", alias.name, node.lineno, node.col_offset + 1)
        return
    module = "." * node.level + (node.module or "")
    if (
        module.split(".")[0] in ("torch", "torchvision")
        or _PYTORCH_MODULES.fullmatch(module)
        or re.fullmatch(r"\.+(?:models\.)?\w+\.modeling_(?!tf_|flax_)\w+", module)
    ):
        yield Leftover("import", module, node.lineno, node.col_offset + 1, names)


def _call(node: ast.Call, methods: frozenset[str], arguments: frozenset[str]) -> Iterator[Leftover]:
    function = node.func
    name = dotted(function)
    if isinstance(function, ast.Attribute):
        end = getattr(function, "end_col_offset", None) or function.col_offset
        line = function.end_lineno or function.lineno
        column = end - len(function.attr) + 1
        if function.attr in HOOKS and name.startswith("self."):
            yield Leftover("hook", function.attr, line, column)
        elif function.attr in methods and _is_tensor(function.value):
            yield Leftover("method", function.attr, line, column)
    elif isinstance(function, ast.Name) and function.id in HOOKS:
        yield Leftover("hook", function.id, node.lineno, node.col_offset + 1)
    if name.startswith(("tf.", "keras.", "K.")):
        for keyword in node.keywords:
            if keyword.arg in arguments and (keyword.arg not in _OF_LAYERS or "layers." in name):
                yield Leftover("argument", keyword.arg, keyword.lineno, keyword.col_offset + 1, name)


_OF_LAYERS = frozenset({"bias", "stride", "dilation", "eps"})
"""Keywords that functions of TensorFlow have, too."""


def _is_tensor(receiver: ast.expr) -> bool:
    """A method's receiver may be a tensor: neither a module, nor an array, nor a literal, nor `self` itself."""
    node: ast.expr = receiver
    if isinstance(node, ast.Name) and node.id in ("self", "cls"):
        return False
    while True:
        if isinstance(node, ast.Attribute):
            if node.attr in ("numpy", "config"):
                return False
            node = node.value
        elif isinstance(node, ast.Call):
            # What tf.… returns is a tensor; what np.… returns is none.
            if dotted(node.func).startswith(("tf.", "self.")):
                return True
            node = node.func
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            break
    if isinstance(node, (ast.Constant, ast.JoinedStr, ast.List, ast.Dict, ast.Tuple)):
        return False
    return not (isinstance(node, ast.Name) and node.id in _FOREIGN)

"""Names that nothing defines."""

from __future__ import annotations

import ast
import builtins
import difflib
import symtable
from collections.abc import Iterator
from typing import cast

from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules, tests
from checks.source.keras_names import LAYERS
from checks.source.python import Problem, dotted, parse
from checks.source.walk import nodes

_KNOWN = frozenset(dir(builtins)) | {"__file__", "__name__", "__path__", "__class__", "__qualname__"}

_TORCH = frozenset({"torch", "nn", "F"})
"""What torch-leftovers speaks of."""


def check(port: Port) -> Iterator[Finding]:
    for file in (*modules(port), *tests(port)):
        tree = parse(file.text)
        if not isinstance(tree, Problem):
            yield from _layers(file, tree)
        missing = _undefined(file.text) if not isinstance(tree, Problem) else {}
        if isinstance(tree, Problem) or not missing:
            continue
        known = _TORCH | _renamed(port, file)
        used: dict[str, list[ast.Name]] = {}
        for node, scope in _names(tree):
            if node.id not in known and scope in missing.get(node.id, ()):
                used.setdefault(node.id, []).append(node)
        for name, places in used.items():
            places.sort(key=lambda node: (node.lineno, node.col_offset))
            lines = [node for node in places if node.lineno in file.touched] or places
            first = lines[0]
            owner = _owner(file, first.lineno)
            yield RULE.finding(
                file.path,
                first.lineno,
                f"Nothing defines {name}, so that this line raises a NameError",
                "Import it, take it as a parameter, or mend the spelling.",
                symbol=f"{owner}.{name}" if owner else name,
                column=first.col_offset + 1,
                locations=[Location(file.path, node.lineno) for node in lines[1:20]],
            )


def _layers(file: File, tree: ast.Module) -> Iterator[Finding]:
    """`keras.layers.Embeding`."""
    if "keras.layers." not in file.text:
        return
    for node in nodes(tree):
        if not isinstance(node, ast.Attribute) or node.attr in LAYERS or node.lineno not in file.touched:
            continue
        if dotted(node.value) in ("tf.keras.layers", "keras.layers"):
            near = difflib.get_close_matches(node.attr, LAYERS, n=1)
            owner = _owner(file, node.lineno)
            yield RULE.finding(
                file.path,
                node.lineno,
                f"Keras has no layer {node.attr}",
                f"Did you mean {near[0]}?"
                if near
                else "Write it as a layer of the port, or take another one.",
                symbol=f"{owner}.{node.attr}" if owner else node.attr,
                column=node.col_offset + 1,
            )


def _owner(file: File, line: int) -> str:
    classes = file.module.facts.classes.values() if file.module else ()
    return next((found.name for found in classes if found.line <= line <= found.end_line), "")


_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def _names(tree: ast.Module) -> Iterator[tuple[ast.Name, int]]:
    """The names that are read, with the line of the innermost function or comprehension around (0: the module or a class)."""
    unread = _annotations(tree)
    pending: list[tuple[ast.AST, int]] = [(tree, 0)]
    while pending:
        node, scope = pending.pop()
        if id(node) in unread:
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node, scope
        inner = node.lineno if isinstance(node, _SCOPES) else scope
        own = {id(child) for part in _OWN for child in _parts(getattr(node, part, None))}
        pending += [(child, inner if id(child) in own else scope) for child in ast.iter_child_nodes(node)]


_OWN = ("body", "elt", "key", "value", "generators")


def _parts(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _renamed(port: Port, file: File) -> frozenset[str]:
    """Names that classes should have, and have not: tf-prefix speaks of them."""
    classes = file.module.facts.classes.values() if file.module else ()
    return frozenset(name for found in classes if (name := port.intended_name(found)) != found.name)


def _annotations(tree: ast.Module) -> set[int]:
    """Nodes that nobody evaluates where annotations are texts."""
    found: set[int] = set()
    for node in nodes(tree):
        parts = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [
                *node.args.posonlyargs,
                *node.args.args,
                *node.args.kwonlyargs,
                node.args.vararg,
                node.args.kwarg,
            ]
            parts = [node.returns, *(a.annotation for a in arguments if a is not None)]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        found |= {id(inner) for part in parts if part is not None for inner in nodes(part)}
    return found


def _undefined(text: str) -> dict[str, frozenset[int]]:
    """Names that neither their scope, nor what is around it, nor the module, nor Python defines, with the lines of these scopes."""
    if "import *" in text:
        return {}
    try:
        module = symtable.symtable(text, "module", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    symbols = module.get_symbols()
    defined = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported() or s.is_namespace()}
    missing: dict[str, set[int]] = {}
    pending = [module]
    while pending:
        scope = pending.pop()
        pending += scope.get_children()
        line = scope.get_lineno() if scope.get_type() == "function" else 0
        for symbol in scope.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                defined.add(symbol.get_name())
            elif symbol.is_referenced() and symbol.is_global():
                missing.setdefault(symbol.get_name(), set()).add(line)
    return {name: frozenset(lines) for name, lines in missing.items() if name not in defined | _KNOWN}


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_TEST = "tests/models/lantern/test_modeling_tf_lantern.py"

RULE = Rule(
    slug="undefined-names",
    level="error",
    summary="Every name that the code uses is defined or imported.",
    why="Python finds out when the line runs, and a line that only some inputs reach may wait for a user to run it.",
    how="Import it, take it as a parameter, or mend the spelling.",
    source="ruff's F821, which upstream runs; no merged port has one",
    check=check,
    by_the_way=True,
    examples=(
        Example(
            title="Renamed in one place only",
            path=_TF,
            good="        return self.dropout(embeddings, training=training)",
            bad="        return self.dropout(embedding, training=training)",
            finds=("return self.dropout(embedding, training=training)",),
        ),
        Example(
            title="A layer that PyTorch does not have lost its prefix",
            path=_TF,
            good="class TFLanternEmbeddings(keras.layers.Layer):\n",
            bad="class LanternPrism(keras.layers.Layer):\n    def call(self, light):\n        return TFLanternPrism()(light)\n\n\n"
            "class TFLanternEmbeddings(keras.layers.Layer):\n",
            finds=("return TFLanternPrism()(light)",),
        ),
        Example(
            title="A layer that Keras does not have",
            path=_TF,
            good="        self.padding = keras.layers.ZeroPadding2D(padding=1)\n",
            bad="        self.padding = keras.layers.ZeroPad2D(padding=1)\n",
            finds=("self.padding = keras.layers.ZeroPad2D(padding=1)",),
        ),
        Example(
            title="A class that the tests do not import",
            path=_TEST,
            good="        result = TFLanternModel(config)(inputs)\n",
            bad="        result = TFLanternModule(config)(inputs)\n",
            finds=("result = TFLanternModule(config)(inputs)",),
        ),
    ),
)

"""What an argument amounts to: a number, a text, or something of the configuration. `config.hidden_size * 4` and `4 * embed_dim`, where
`embed_dim = config.hidden_size`, are the same value; nothing is run.

An expression is evaluated with a made-up number for each attribute of the configuration, so that values can be compared however they are
written. What depends on a parameter, a loop or a call is no value: then nothing can be said.
"""

from __future__ import annotations

import ast
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from checks.source.layers import ClassLayers
from checks.source.python import Problem, dotted, parse, walk

Plain = float | str | bool | None | tuple["Plain", ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression amounts to.

    Attributes:
        plain: the literal, or what came out with made-up numbers.
        attributes: of the configuration that it depends on; empty for a literal. An item of a list is "conv_kernel[0]", or
            "conv_kernel[]" where a loop counts.
        node: what the source writes; None of a framework's default.
        parameters: names that only the caller knows, or a loop; then only the text and these can be compared.
    """

    plain: Plain
    attributes: frozenset[str]
    node: ast.expr | None = None
    parameters: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """As the source writes it."""
        return ast.unparse(self.node) if self.node is not None else repr(self.plain)

    @property
    def is_literal(self) -> bool:
        """It depends on nothing."""
        return not self.attributes and not self.parameters

    @property
    def is_known(self) -> bool:
        """It depends on the configuration at most."""
        return not self.parameters

    @property
    def attribute(self) -> str:
        """The attribute of the configuration, if it is nothing else; else ""."""
        if len(self.attributes) == 1 and not self.parameters:
            (name,) = self.attributes
            return name if self.plain == _made_up(name) else ""
        return ""

    def equals(self, other: Value) -> bool:
        """Whatever the configuration says; also if both sources write the same, as what a name stands for may be arranged otherwise."""
        if _equal(self.plain, other.plain) or self.text == other.text:
            return True
        mine, theirs = ({name.partition("[")[0] for name in one.attributes} for one in (self, other))
        looped = any(name.endswith("[]") for name in self.attributes | other.attributes)
        return looped and mine == theirs


def literal(plain: Plain) -> Value:
    """The value of a literal, a framework's default for instance."""
    return Value(plain, frozenset())


def pure(plain: Plain) -> Plain:
    """A tuple or list of equal entries is that entry: `(3, 3)` is `3`."""
    if isinstance(plain, tuple) and plain and all(_equal(entry, plain[0]) for entry in plain):
        return plain[0]
    return plain


def _equal(one: Plain, other: Plain) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other


def _made_up(attribute: str) -> float:
    return 10_007.0 + zlib.crc32(attribute.encode()) % 1_000_003


class _NoValue(Exception):
    pass


@dataclass(frozen=True)
class Scope:
    """Where an expression stands: a method of a class. Names and attributes that are assigned once stand for what they are assigned.

    Attributes:
        synonyms: of the configuration: attribute -> what it really is (`attribute_map`).
    """

    names: Mapping[str, ast.expr]
    attributes: Mapping[str, ast.expr]
    synonyms: Mapping[str, str] = field(default_factory=dict[str, str])

    def value(self, node: ast.expr | None) -> Value | None:
        """What an expression amounts to; None if that depends on more than literals and the configuration."""
        if node is None:
            return None
        used: set[str] = set()
        try:
            plain = self._plain(node, used, 0)
        except (_NoValue, ArithmeticError, RecursionError):
            return None
        parameters = frozenset(name for name in used if name.startswith("@"))
        return Value(
            pure(plain),
            frozenset(used) - parameters,
            node,
            frozenset(name[1:] for name in parameters),
        )

    def _plain(self, node: ast.expr, used: set[str], depth: int) -> Plain:
        if depth > 20:
            raise _NoValue
        if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str, type(None))):
            return node.value
        if isinstance(node, (ast.Tuple, ast.List)):
            return tuple(self._plain(entry, used, depth + 1) for entry in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -_number(self._plain(node.operand, used, depth + 1))
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
            left = _number(self._plain(node.left, used, depth + 1))
            return _OPERATIONS[type(node.op)](left, _number(self._plain(node.right, used, depth + 1)))
        if (
            isinstance(node, ast.Call)
            and dotted(node.func) in ("int", "float", "round")
            and len(node.args) == 1
        ):
            return self._plain(node.args[0], used, depth + 1)
        if isinstance(node, ast.Name):
            if node.id in self.names:
                return self._plain(self.names[node.id], used, depth + 1)
            used.add(f"@{node.id}")
            return _made_up(f"@{node.id}")
        if isinstance(node, ast.Subscript):
            return self._item(node, used, depth)
        if isinstance(node, ast.IfExp) and _is_paired(ast.unparse(node.body), node):
            return self._plain(node.body, used, depth + 1)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, used, depth)
        raise _NoValue

    def _attribute(self, node: ast.Attribute, used: set[str], depth: int) -> Plain:
        if self._is_config(node.value, depth) and not _names_config(node.attr):
            name = self.synonyms.get(node.attr, node.attr)
            used.add(name)
            return _made_up(name)
        if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in self.attributes:
            return self._plain(self.attributes[node.attr], used, depth + 1)
        raise _NoValue

    def _item(self, node: ast.Subscript, used: set[str], depth: int) -> Plain:
        """`config.conv_kernel[i]`."""
        whole: set[str] = set()
        self._plain(node.value, whole, depth + 1)
        if len(whole) != 1 or any(name.startswith("@") for name in whole):
            raise _NoValue
        index = node.slice
        name = f"{whole.pop()}[{index.value if isinstance(index, ast.Constant) else ''}]"
        used.add(name)
        return _made_up(name)

    def _is_config(self, node: ast.expr, depth: int) -> bool:
        """`config`, `self.config`, `text_config`, `config.vision_config`."""
        if isinstance(node, ast.Name):
            return _names_config(node.id)
        return isinstance(node, ast.Attribute) and _names_config(node.attr) and depth < 20


def _names_config(name: str) -> bool:
    return name == "config" or name.endswith("_config")


def _number(plain: Plain) -> float:
    if isinstance(plain, (int, float)) and not isinstance(plain, bool):
        return plain
    raise _NoValue


def _power(left: float, right: float) -> float:
    if left <= 0 or abs(right) > 8 or abs(left) > 1e9:
        raise _NoValue
    return left**right


_OPERATIONS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    # Both divisions are the same here: whether numbers divide evenly is not our question.
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right if _small(left, right) else left / right,
    ast.Pow: _power,
}


def _small(left: float, right: float) -> bool:
    """Literals, not made-up numbers: `3 // 2` is 1."""
    return abs(left) < 10_000 and abs(right) < 10_000


def scope(found: ClassLayers, method: str, synonyms: Mapping[str, str] | None = None) -> Scope:
    """The scope of a method of a class."""
    names, attributes = _assigned(found.node, method)
    return Scope(names, attributes, synonyms or {})


@lru_cache(maxsize=512)
def _assigned(node: ast.ClassDef, method: str) -> tuple[dict[str, ast.expr], dict[str, ast.expr]]:
    names: dict[str, ast.expr] = {}
    attributes: dict[str, ast.expr] = {}
    for part in node.body:
        if not isinstance(part, ast.FunctionDef) or part.name not in ("__init__", method):
            continue
        seen: dict[str, list[ast.expr | None]] = {}
        for target, value in _assignments(part):
            seen.setdefault(target, []).append(value)
        parameters = {a.arg for a in (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs)}
        for target, values in seen.items():
            value = values[0]
            if len(values) != 1 or value is None:
                continue
            if target.startswith("self."):
                if part.name == "__init__":
                    attributes[target[5:]] = value
            elif part.name == method and target not in parameters:
                names[target] = value
    return names, attributes


def _assignments(method: ast.FunctionDef) -> Iterator[tuple[str, ast.expr | None]]:
    """What is assigned, as "x" or "self.x"; None for what is no single value (a loop, an addition, one of several)."""
    for node in walk(method):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, (ast.Tuple, ast.List)):
                    yield from _unpacked(target, node.value)
                elif not _is_paired(dotted(target), node.value):
                    yield dotted(target), node.value
        elif isinstance(node, ast.AnnAssign):
            yield dotted(node.target), node.value
        elif isinstance(node, (ast.AugAssign, ast.For, ast.comprehension)):
            target = node.target
            for entry in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                yield dotted(entry), None


def _unpacked(target: ast.Tuple | ast.List, value: ast.expr) -> Iterator[tuple[str, ast.expr | None]]:
    """`image_size, patch_size = config.image_size, config.patch_size`."""
    alike = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
    values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and alike else [None] * len(target.elts)
    for entry, part in zip(target.elts, values, strict=True):
        yield dotted(entry), part


def _is_paired(target: str, value: ast.expr) -> bool:
    """`size = size if isinstance(size, Iterable) else (size, size)`, which leaves the value what it is."""
    return (
        isinstance(value, ast.IfExp)
        and isinstance(value.test, ast.Call)
        and dotted(value.test.func) == "isinstance"
        and target == dotted(value.body)
        and ast.unparse(value.test.args[0]) == target
    )


def known_names(found: ClassLayers, method: str) -> frozenset[str]:
    """The names that a method of a class has: parameters, and what it assigns."""
    return _names(found.node, method)


@lru_cache(maxsize=512)
def _names(node: ast.ClassDef, method: str) -> frozenset[str]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == method:
            parameters = {a.arg for a in (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs)}
            return frozenset(
                parameters | {name for name, _ in _assignments(part) if "." not in name} - {"self"}
            )
    return frozenset()


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """The configuration classes of a module.

    Attributes:
        synonyms: attribute -> the attribute that it is another name of.
        defaults: attribute -> its literal defaults (one per class that has it).
    """

    synonyms: Mapping[str, str]
    defaults: Mapping[str, tuple[Plain, ...]]


@lru_cache(maxsize=64)
def config_facts(text: str) -> ConfigFacts:
    """What a module of configurations says; empty if it can't be parsed."""
    synonyms: dict[str, str] = {}
    defaults: dict[str, list[Plain]] = {}
    tree = parse(text)
    for node in () if isinstance(tree, Problem) else tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for part in node.body:
            if isinstance(part, ast.Assign) and dotted(part.targets[0]) == "attribute_map":
                if isinstance(part.value, ast.Dict):
                    for key, value in zip(part.value.keys, part.value.values, strict=True):
                        if isinstance(key, ast.Constant) and isinstance(value, ast.Constant):
                            synonyms[str(key.value)] = str(value.value)
            elif isinstance(part, ast.FunctionDef) and part.name == "__init__":
                _read_init(part, synonyms, defaults)
    return ConfigFacts(
        {k: synonyms.get(v, v) for k, v in synonyms.items() if k != v},
        {name: tuple(values) for name, values in defaults.items()},
    )


def _read_init(init: ast.FunctionDef, synonyms: dict[str, str], defaults: dict[str, list[Plain]]) -> None:
    arguments = init.args
    given: dict[str, ast.expr | None] = dict(
        zip([a.arg for a in arguments.args][::-1], arguments.defaults[::-1], strict=False)
    )
    given.update({a.arg: value for a, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)})
    nothing = Scope({}, {})
    first: dict[str, str] = {}
    for target, value in _assignments(init):
        if not target.startswith("self.") or not isinstance(value, ast.Name) or value.id not in given:
            continue
        name = target[5:]
        if value.id in first and first[value.id] != name:
            synonyms.setdefault(name, first[value.id])
        first.setdefault(value.id, name)
        found = nothing.value(given[value.id])
        if found is not None:
            defaults.setdefault(name, []).append(found.plain)

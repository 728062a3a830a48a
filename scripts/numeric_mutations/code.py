"""A module's syntax tree with offsets into its text: where an expression stands, what encloses it, and how to change it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Change:
    """Characters `start` to `end` of a text become `text`."""

    start: int
    end: int
    text: str


def changed(text: str, changes: Sequence[Change]) -> str:
    """The text with the changes, which do not overlap. Lines keep their numbers: what is shorter by lines is filled up.

    Raises:
        ValueError: changes overlap, or one brings lines of its own.
    """
    last = len(text)
    for change in sorted(changes, key=lambda c: c.start, reverse=True):
        if change.end > last or change.start > change.end:
            raise ValueError("changes overlap")
        lost = text.count("\n", change.start, change.end) - change.text.count("\n")
        if lost < 0:
            raise ValueError("a change adds lines")
        text = text[: change.start] + change.text + "\n" * lost + text[change.end :]
        last = change.start
    return text


class Code:
    """A module.

    Args:
        path: in its tree.
        text: its source.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.tree = ast.parse(text)
        self.parents: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in self.text.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        return starts

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """First and last offset of a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        content = self.text[start : self._starts[line] if line < len(self._starts) else None]
        return start + len(content.encode()[:column].decode())

    def source(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The node's text."""
        start, end = self.span(node)
        return self.text[start:end]

    def replace(self, node: ast.expr | ast.stmt | ast.keyword, new: str) -> Change:
        """The node with another text."""
        return Change(*self.span(node), new)

    def without(self, call: ast.Call, argument: ast.keyword | ast.expr) -> Change:
        """The call without one of its arguments, comma included."""
        start, end = self.span(argument)
        rest = self.text[end : self.span(call)[1]]
        comma = len(rest) - len(rest.lstrip())
        if rest.lstrip().startswith(","):
            after = rest[comma + 1 :]
            return Change(start, end + comma + 1 + len(after) - len(after.lstrip(" ")), "")
        before = self.text[:start].rstrip()
        return Change(len(before) - before.endswith(","), end, "")

    # -- where a node stands -------------------------------------------------------------------------------------------

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def owner(self, node: ast.AST) -> str:
        """The class that encloses it, "" if none does."""
        return next((one.name for one in self.above(node) if isinstance(one, ast.ClassDef)), "")

    def method(self, node: ast.AST) -> str:
        """The outermost function within the class (or the module)."""
        found = [one.name for one in self.above(node) if isinstance(one, ast.FunctionDef)]
        return found[-1] if found else ""

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement of which the node is a part."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def lines(self, node: ast.AST) -> tuple[int, int]:
        """First and last line of the node's statement (of a compound one: of its head)."""
        found = self.statement(node)
        body = getattr(found, "body", None)
        end = body[0].lineno - 1 if isinstance(body, list) and body else found.end_lineno
        return found.lineno, max(found.lineno, end or found.lineno)

    # -- what there is -------------------------------------------------------------------------------------------------

    @cached_property
    def layers(self) -> list[ast.ClassDef]:
        """Classes that have a `call`."""
        return [
            n
            for n in self.tree.body
            if isinstance(n, ast.ClassDef)
            and any(isinstance(m, ast.FunctionDef) and m.name == "call" for m in n.body)
        ]

    def within(self, kind: type[ast.AST], *, forward: bool) -> Iterator[ast.AST]:
        """Nodes of a kind in the layers' `__init__` and `build`, or (`forward`) in everything else that `call` may reach."""
        for owner in self.layers:
            for method in owner.body:
                if not isinstance(method, ast.FunctionDef) or method.name in _ASIDE:
                    continue
                if forward != (method.name in ("__init__", "build")):
                    yield from (n for n in ast.walk(method) if isinstance(n, kind))

    def calls(self, *, forward: bool) -> Iterator[tuple[ast.Call, str]]:
        """Calls with the dotted name of what is called."""
        for node in self.within(ast.Call, forward=forward):
            assert isinstance(node, ast.Call)
            yield node, dotted(node.func)


_ASIDE = frozenset(
    {
        "get_config",
        "from_config",
        "get_bias",
        "set_bias",
        "serving",
        "serving_output",
        "dummy_inputs",
        "input_signature",
        "hf_compute_loss",
        "compute_loss",
        "prune_heads",
        "prepare_inputs_for_generation",
        "resize_token_embeddings",
        "from_pretrained",
        "_reorder_cache",
        "get_output_embeddings",
        "set_output_embeddings",
        "get_input_embeddings",
        "set_input_embeddings",
        "train_step",
        "generate",
        "tf_to_pt_weight_rename",
    }
)
"""Methods that no forward pass runs."""


def dotted(node: ast.AST) -> str:
    """`tf.keras.layers.Dense` of such an expression, "" of any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        rest = dotted(node.value)
        return f"{rest}.{node.attr}" if rest else ""
    return ""


def keyword(call: ast.Call, *names: str) -> ast.keyword | None:
    """The call's argument of one of these names."""
    return next((k for k in call.keywords if k.arg in names), None)


def argument(call: ast.Call, *names: str) -> ast.expr | None:
    """The value of a named argument, else the first positional one."""
    found = keyword(call, *names)
    return found.value if found is not None else call.args[0] if call.args else None


def layer(call_name: str) -> str:
    """`Dense` of `tf.keras.layers.Dense`, "" of what is no layer of Keras."""
    parts = call_name.split(".")
    return parts[-1] if "layers" in parts[:-1] else ""


def number(node: ast.AST | None) -> float | None:
    """The value of a literal number, with its sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, (int, float))
        and not isinstance(node.value, bool)
    ):
        return node.value
    return None

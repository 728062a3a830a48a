"""Shapes of weights, written in two frameworks."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from checks.source.python import dotted, walk


@dataclass(frozen=True, slots=True)
class Difference:
    """PyTorch's shape as written, and whether it is surely another one."""

    torch: str
    sure: bool


_MAKERS = re.compile(r"torch\.(zeros|ones|empty|randn|rand|full|Tensor|FloatTensor)")


def differs(parameter: ast.Call, shape: ast.expr | None) -> Difference | None:
    """How the shape of an `nn.Parameter(…)` differs from that of an `add_weight`; None if not, or if nobody can tell.

    Loading reshapes where only the number of dimensions or ones differ (`apply_transpose`), so those are no difference.
    """
    torch, ours = _torch_shape(parameter), _dimensions(shape)
    if torch is None or ours is None:
        return None
    left, right = [list(filter(_is_size, dims)) for dims in (torch, ours)]
    shown = f"({', '.join(map(ast.unparse, torch))}{',' if len(torch) == 1 else ''})"
    texts = [_plain(node) for node in left], [_plain(node) for node in right]
    if texts[0] == texts[1]:
        return None
    if len(left) != len(right):
        # (2, …) for (1, …), and the rest is the same.
        unequal = [pair for pair in zip(torch, ours, strict=False) if _plain(pair[0]) != _plain(pair[1])]
        numbers = all(isinstance(node, ast.Constant) for pair in unequal for node in pair)
        return Difference(shown, True) if len(torch) == len(ours) and numbers else None
    if sorted(texts[0]) == sorted(texts[1]) and len(left) > 1:
        return Difference(shown, True)  # transposed
    answers = [_same(*pair) for pair in zip(left, right, strict=True)]
    if any(answer is False for answer in answers):
        return Difference(shown, all(isinstance(n, ast.Constant) for n in (*left, *right)))
    return None


def _torch_shape(parameter: ast.Call) -> list[ast.expr] | None:
    calls = [
        node
        for argument in parameter.args
        for node in walk(argument)
        if isinstance(node, ast.Call) and _MAKERS.fullmatch(dotted(node.func))
    ]
    if len(calls) != 1:
        return None
    call = calls[0]
    size = next((k.value for k in call.keywords if k.arg == "size"), None)
    if dotted(call.func).endswith("full") and call.args:
        return _dimensions(call.args[0])
    if size is None and len(call.args) == 1:
        return _dimensions(call.args[0]) or [call.args[0]]
    return _dimensions(size) if size is not None else (call.args or None)


def _dimensions(node: ast.expr | None) -> list[ast.expr] | None:
    if isinstance(node, (ast.Tuple, ast.List)):
        return None if any(isinstance(part, ast.Starred) for part in node.elts) else node.elts
    return None


def _is_size(node: ast.expr) -> bool:
    return not (isinstance(node, ast.Constant) and node.value == 1)


def _plain(node: ast.expr) -> str:
    """Without `self.`, `config.` and `int(…)`, which differ between the frameworks for no reason."""
    text = re.sub(r"\b(self|config|cfg)\.", "", ast.unparse(node))
    text = re.sub(r"\bint\((.*)\)$", r"\1", text)
    return text.replace(" ", "")


def _same(torch: ast.expr, ours: ast.expr) -> bool | None:
    """None if nobody can tell: other names may mean the same."""
    left, right = _plain(torch), _plain(ours)
    if left == right:
        return True
    if isinstance(torch, ast.Constant) and isinstance(ours, ast.Constant):
        return False
    names = [sorted(re.findall(r"[A-Za-z_]\w*", text)) for text in (left, right)]
    return False if names[0] == names[1] and names[0] and _arithmetic(left) != _arithmetic(right) else None


def _arithmetic(text: str) -> str:
    return re.sub(r"[A-Za-z_]\w*", "n", text)

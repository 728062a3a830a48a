"""Defects in `call`: what is computed from what, and in which order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from scripts.numeric_mutations.code import Code, argument, keyword, number
from scripts.numeric_mutations.defect import Defect, Planter, defect_at

_FLOWS = re.compile(
    r"residual|shortcut|input_tensor|input_states|hidden_state|layer_input|attn|attention_output|embed|queries|keys|pos|identity|features"
)
_COUNTS = re.compile(r"(len|length|size|shape|num|index|past|count|width|height|step)\w*$|\.shape|\bbatch")


def residual(code: Code) -> Iterator[Defect]:
    """Sums of two tensors without one of them."""
    for node in code.within(ast.BinOp, forward=True):
        assert isinstance(node, ast.BinOp)
        if not isinstance(node.op, ast.Add) or not code.method(node).startswith("call"):
            continue
        left, right = code.source(node.left), code.source(node.right)
        if not (_is_tensor(node.left, left) and _is_tensor(node.right, right)):
            continue
        keep = left if _is_call(node.left) or "residual" in right or "input" in right else right
        lost = right if keep == left else left
        yield defect_at(
            code, node, "residual", ("residual", "sum"), f"without + {lost[:40]}", code.replace(node, keep)
        )


def _is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)


def _is_tensor(node: ast.expr, text: str) -> bool:
    if isinstance(node, ast.Call):
        return text.startswith("self.") and _FLOWS.search(text) is not None
    if not isinstance(node, ast.Name):
        return False
    return _FLOWS.search(text) is not None and _COUNTS.search(text) is None and not text.startswith("all_")


def skipped(code: Code) -> Iterator[Defect]:
    """A norm or activation that is not called, and one that is called on nothing else's behalf."""
    for node in code.within(ast.Assign, forward=True):
        assert isinstance(node, ast.Assign)
        call = node.value
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name = code.source(call.func)
        given = argument(call, "inputs", "hidden_states", "input")
        if not name.startswith("self.") or given is None or len(call.args) + len(call.keywords) > 2:
            continue
        if re.search(r"norm", name, re.IGNORECASE):
            yield defect_at(
                code,
                node,
                "skipped-norm",
                ("skipped", "norm"),
                f"{name} is not called",
                code.replace(call, code.source(given)),
            )
        elif re.search(r"act(_fn|ivation(_fn)?)?$|activation", name):
            yield defect_at(
                code,
                node,
                "skipped-activation",
                ("activation", "skipped"),
                f"{name} is not called",
                code.replace(call, code.source(given)),
            )


def swapped_projections(code: Code) -> Iterator[Defect]:
    """Query and key change places in a class."""
    for pair in (("query", "key"), ("q_proj", "k_proj"), ("q", "k"), ("key", "value"), ("k_proj", "v_proj")):
        by_owner: dict[str, list[ast.Attribute]] = {}
        for call, name in code.calls(forward=True):
            if name in (f"self.{pair[0]}", f"self.{pair[1]}"):
                assert isinstance(call.func, ast.Attribute)
                by_owner.setdefault(code.owner(call), []).append(call.func)
        for found in by_owner.values():
            if {node.attr for node in found} != set(pair):
                continue
            changes = tuple(
                code.replace(node, f"self.{pair[1] if node.attr == pair[0] else pair[0]}") for node in found
            )
            lines = [code.lines(node) for node in found]
            yield Defect(
                "swapped",
                ("swapped",),
                f"{pair[0]} and {pair[1]} swapped",
                code.path,
                changes,
                (min(line[0] for line in lines), max(line[1] for line in lines)),
                code.owner(found[0]),
                code.method(found[0]),
            )


def swapped_norms(code: Code) -> Iterator[Defect]:
    """Two norms of one class change places: their weights have the same shapes."""
    for owner in code.layers:
        found: dict[str, list[ast.Attribute]] = {}
        for node in ast.walk(owner):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and re.search(r"^self\.\w*norm\w*$", code.source(node.func), re.IGNORECASE)
                and code.method(node) not in ("__init__", "build")
            ):
                found.setdefault(node.func.attr, []).append(node.func)
        names = sorted(found)
        if len(names) != 2 or any(len(found[name]) != 1 for name in names):
            continue
        one, other = found[names[0]][0], found[names[1]][0]
        lines = sorted((code.lines(one), code.lines(other)))
        yield Defect(
            "swapped-norms",
            ("swapped",),
            f"{names[0]} and {names[1]} swapped",
            code.path,
            (code.replace(one, f"self.{names[1]}"), code.replace(other, f"self.{names[0]}")),
            (lines[0][0], lines[1][1]),
            owner.name,
            code.method(one),
        )


def scale(code: Code) -> Iterator[Defect]:
    """Scores that are not scaled."""
    for node in code.within(ast.BinOp, forward=True):
        assert isinstance(node, ast.BinOp)
        right = code.source(node.right)
        if isinstance(node.op, (ast.Mult, ast.Div)) and re.fullmatch(
            r"self\.\w*(scale|scaling|norm_factor|embed_scale)|scale|dk|tf\.math\.sqrt\(dk\)|logit_scale",
            right,
        ):
            yield defect_at(
                code,
                node,
                "scale",
                ("scale",),
                f"without {right}",
                code.replace(node, code.source(node.left)),
            )
    for call, name in code.calls(forward=True):
        if name in ("tf.divide", "tf.math.divide", "tf.multiply") and len(call.args) == 2:
            right = code.source(call.args[1])
            if re.search(r"dk|scale|sqrt", right):
                yield defect_at(
                    code,
                    call,
                    "scale",
                    ("scale",),
                    f"without {right}",
                    code.replace(call, code.source(call.args[0])),
                )


def mask(code: Code) -> Iterator[Defect]:
    """A mask that is not added, or is the other way round."""
    for call, name in code.calls(forward=True):
        if name == "tf.add" and len(call.args) == 2 and "mask" in code.source(call.args[1]):
            yield defect_at(
                code,
                call,
                "mask",
                ("mask", "residual", "sum"),
                "mask not added",
                code.replace(call, code.source(call.args[0])),
            )
        if name == "tf.subtract" and len(call.args) == 2 and "mask" in code.source(call.args[1]):
            yield defect_at(
                code,
                call,
                "mask-sign",
                ("mask",),
                "mask not inverted",
                code.replace(call, code.source(call.args[1])),
            )
    for node in code.within(ast.BinOp, forward=True):
        assert isinstance(node, ast.BinOp)
        left, right = code.source(node.left), code.source(node.right)
        if (
            isinstance(node.op, ast.Sub)
            and number(node.left) == 1
            and "mask" in right
            and "mask" in code.source(code.statement(node))
        ):
            yield defect_at(
                code, node, "mask-sign", ("mask",), "mask not inverted", code.replace(node, right)
            )
        if (
            isinstance(node.op, ast.Add)
            and re.search(r"mask\b", right)
            and re.search(r"attn|scores|logits|attention", left)
            and "tf.concat" not in code.source(node)
        ):
            yield defect_at(
                code, node, "mask", ("mask", "residual", "sum"), "mask not added", code.replace(node, left)
            )


def dropout(code: Code) -> Iterator[Defect]:
    """The flag of a dropout: on, off."""
    for call, name in code.calls(forward=True):
        flag = keyword(call, "training")
        if flag is None or not re.search(r"drop", name) or code.source(flag.value) != "training":
            continue
        yield defect_at(code, call, "dropout-on", ("dropout",), "always on", code.replace(flag.value, "True"))
        yield defect_at(
            code,
            call,
            "dropout-off",
            ("dropout",),
            "never on",
            code.replace(flag.value, "False"),
            shown="training",
        )


def norm_flag(code: Code) -> Iterator[Defect]:
    """Batch norms that are told that they never train."""
    norms = {
        (code.owner(node), code.source(node.targets[0]))
        for node in code.within(ast.Assign, forward=False)
        if isinstance(node, ast.Assign) and "BatchNormalization(" in code.source(node.value)
    }
    for call, name in code.calls(forward=True):
        flag = keyword(call, "training")
        if flag is not None and (code.owner(call), name) in norms and code.source(flag.value) == "training":
            yield defect_at(
                code,
                call,
                "norm-off",
                ("training",),
                "never trains",
                code.replace(flag.value, "False"),
                shown="training",
            )


def position(code: Code) -> Iterator[Defect]:
    """Positions that begin one later."""
    for call, name in code.calls(forward=True):
        if name != "tf.range" or code.method(call) not in ("call", "create_position_ids_from_inputs_embeds"):
            continue
        text = code.source(code.statement(call))
        if "position" not in text and "pos" not in text:
            continue
        start, limit = keyword(call, "start"), keyword(call, "limit")
        if start is not None and limit is not None:
            yield defect_at(
                code,
                call,
                "position",
                ("position", "index", "offset"),
                "positions begin one later",
                code.replace(start.value, f"{code.source(start.value)} + 1"),
                code.replace(limit.value, f"{code.source(limit.value)} + 1"),
            )
        elif len(call.args) == 2:
            yield defect_at(
                code,
                call,
                "position",
                ("position", "index", "offset"),
                "positions begin one later",
                code.replace(call.args[0], f"{code.source(call.args[0])} + 1"),
                code.replace(call.args[1], f"{code.source(call.args[1])} + 1"),
            )
    for node in code.within(ast.BinOp, forward=True):
        assert isinstance(node, ast.BinOp)
        if isinstance(node.op, ast.Add) and code.source(node.right) in (
            "self.offset",
            "self.padding_idx",
            "padding_idx",
        ):
            right = code.source(node.right)
            yield defect_at(
                code,
                node,
                "position",
                ("position", "index", "offset"),
                f"without {right}",
                code.replace(node, code.source(node.left)),
            )


def token(code: Code) -> Iterator[Defect]:
    """Another token is taken for the whole."""
    for node in code.within(ast.Subscript, forward=True):
        assert isinstance(node, ast.Subscript)
        index = node.slice
        if (
            not isinstance(index, ast.Tuple)
            or len(index.elts) < 2
            or not isinstance(index.elts[0], ast.Slice)
        ):
            continue
        if index.elts[0].lower is not None or index.elts[0].upper is not None:
            continue
        taken = index.elts[1]
        value = number(taken)
        whole = code.source(node.value)
        if value in (0, -1) and re.search(r"hidden|sequence|output|state", whole):
            new = "1" if value == 0 else "0"
            yield defect_at(
                code, node, "token", ("token", "index"), f"{whole}[:, {new}]", code.replace(taken, new)
            )


def skipped_layer(code: Code) -> Iterator[Defect]:
    """The last layer of a stack is left out."""
    for node in code.within(ast.For, forward=True):
        assert isinstance(node, ast.For)
        text = code.source(node.iter)
        match = re.fullmatch(r"enumerate\((self\.\w+)\)|(self\.(?:layers?|blocks?|h|block))", text)
        if match is None or not code.method(node).startswith("call"):
            continue
        stack = match[1] or match[2]
        new = text.replace(stack, f"{stack}[:-1]")
        yield defect_at(
            code,
            node,
            "skipped-layer",
            ("skipped", "missing-call"),
            f"without the last of {stack}",
            code.replace(node.iter, new),
        )


PLANTERS: tuple[Planter, ...] = (
    residual,
    skipped,
    swapped_projections,
    swapped_norms,
    scale,
    mask,
    dropout,
    norm_flag,
    position,
    token,
    skipped_layer,
)

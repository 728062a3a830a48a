"""What rules about the arguments of layers share: how PyTorch's value is told, and the edit that writes it."""

from __future__ import annotations

import ast
from functools import lru_cache

from checks.layer_pairs import LayerPair, Side
from checks.port import Port
from checks.report import Edit
from checks.source.layers import ClassLayers, argument
from checks.source.python import walk
from checks.source.values import Value, known_names


def differs(mine: Value | None, theirs: list[Value | None]) -> bool:
    """Both sides are known, and no branch of PyTorch's has this value."""
    if mine is None or not mine.is_known or not theirs:
        return False
    return all(v is not None and v.is_known and not mine.equals(v) for v in theirs)


def skips_parameter(found: LayerPair, mine: Value | None, theirs: list[Value | None]) -> bool:
    """PyTorch hands on what its class was given; TensorFlow's class has that too, but says something else."""
    if mine is None or len(theirs) != 1 or theirs[0] is None or theirs[0].is_known:
        return False
    here = known_names(found.pair.tensorflow, found.layer.method)
    given = theirs[0].parameters
    return given <= here and not given & mine.parameters and not mine.equals(theirs[0])


def rescales(found: LayerPair, side: Side, mine: Value | None, theirs: Value | None) -> bool:
    """As `reckons_otherwise`, of an argument of a layer."""
    if side.layer.method != "__init__" or mine is None or theirs is None:
        return False
    return reckons_otherwise(found.pair.tensorflow, mine, side.owner, theirs)


def reckons_otherwise(tensorflow: ClassLayers, mine: Value, pytorch: ClassLayers, theirs: Value) -> bool:
    """Both start from the same parameters of their constructors, but come to something else: `2 * dim` and `4 * dim`."""
    if not mine.parameters or mine.equals(theirs):
        return False
    same = mine.parameters == theirs.parameters and mine.attributes == theirs.attributes
    return same and mine.parameters <= _given(tensorflow) & _given(pytorch)


def _given(found: ClassLayers) -> frozenset[str]:
    """Parameters of the constructor that it does not assign anew."""
    init = found.method("__init__")
    if init is None:
        return frozenset()
    arguments = frozenset(a.arg for a in (*init.args.args, *init.args.kwonlyargs))
    return arguments - {n.id for n in walk(init) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def told(side: Side) -> str:
    """ " (src/…/modeling_bert.py:31)", "" where the line is not known."""
    return f" ({side.place})" if side.place else ""


def usable(value: Value | None, expression: ast.expr | None, found: LayerPair) -> str:
    """PyTorch's expression as the TensorFlow class can write it; "" if it can't: it names what only PyTorch's class has."""
    if expression is None or value is None:
        return ""
    init = found.pair.tensorflow.method(found.layer.method)
    known = {a.arg for a in (*init.args.args, *init.args.kwonlyargs)} if init else set[str]()
    names = {node.id for node in walk(expression) if isinstance(node, ast.Name)}
    if names - known or "self" in names:
        return ""
    return _number(expression)


def _number(expression: ast.expr) -> str:
    """As people write it: `1e-5`, not `1e-05`."""
    text = ast.unparse(expression)
    if isinstance(expression, ast.Constant) and isinstance(expression.value, float):
        return spelled(expression.value)
    return text


def spelled(number: float) -> str:
    """ "1e-5" of 1e-05."""
    text = repr(number)
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def set_arguments(port: Port, path: str, call: ast.Call, wanted: dict[str, str]) -> tuple[Edit, ...]:
    """The edits that give a call these keyword arguments, in place of others of the same name or before `name=`; none where the call is
    not plain enough."""
    lines = source_lines(port, path)
    edits: list[Edit] = []
    new: list[str] = []
    for name, text in wanted.items():
        old = argument(call, name)
        if old is None:
            new.append(f"{name}={text}")
            continue
        start = place(lines, old.lineno, old.col_offset)
        end = place(lines, old.end_lineno or old.lineno, old.end_col_offset or old.col_offset)
        edits.append(Edit(path, start, end, text))
    if new:
        inserted = _inserted(path, lines, call, new)
        if inserted is None:
            return ()
        edits.append(inserted)
    return tuple(edits)


def _inserted(path: str, lines: list[str], call: ast.Call, new: list[str]) -> Edit | None:
    """New arguments in front of `name=…`, else behind the last one."""
    name = next((k for k in call.keywords if k.arg == "name"), None)
    many = call.end_lineno != call.lineno
    if name is not None:
        start = place(lines, name.lineno, name.col_offset)
        own_line = not lines[name.lineno - 1][: start[1] - 1].strip()
        gap = ",\n" + " " * (start[1] - 1) if many and own_line else ", "
        return Edit(path, start, start, gap.join(new) + gap)
    last = [*call.args, *(k.value for k in call.keywords)]
    if any(k.arg is None for k in call.keywords):  # **kwargs has to stay last
        return None
    if not last:
        end = place(lines, call.end_lineno or call.lineno, (call.end_col_offset or 1) - 1)
        return Edit(path, end, end, ", ".join(new))
    at = max(((n.end_lineno or n.lineno), (n.end_col_offset or 0)) for n in last)
    end = place(lines, *at)
    gap = ", "
    if many and call.keywords:
        keyword = max(call.keywords, key=lambda k: (k.lineno, k.col_offset))
        before = lines[keyword.lineno - 1][: place(lines, keyword.lineno, keyword.col_offset)[1] - 1]
        if not before.strip():  # each argument has a line of its own
            gap = f",\n{before}"
    return Edit(path, end, end, gap + gap.join(new))


@lru_cache(maxsize=16)
def source_lines(port: Port, path: str) -> list[str]:
    """The lines of a file of the head; shared, never change them."""
    return port.text(path).split("\n")


def place(lines: list[str], line: int, offset: int) -> tuple[int, int]:
    """Line and column (characters, from 1) of a node's offset (bytes)."""
    source = lines[line - 1] if line <= len(lines) else ""
    return line, len(source.encode()[:offset].decode(errors="replace")) + 1

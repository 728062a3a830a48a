"""Activation functions, however either framework writes them, by one name: `nn.GELU()`, `ACT2FN["gelu"]`, `tf.nn.gelu`, `activation="gelu"`.

A name is that of the tables `ACT2FN` ("gelu", "silu"); "config.hidden_act" where the configuration decides.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from checks.source.calls import calls
from checks.source.layers import ClassLayers, argument
from checks.source.python import dotted, walk
from checks.source.values import Scope, Value, scope

_SAME = {
    "swish": "silu",
    "gelu_python": "gelu",
    "gelu_fast": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_accurate": "gelu_new",
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "logsigmoid": "log_sigmoid",
}
"""Other names of the same function (to 1e-6)."""

_FUNCTIONS = frozenset(
    [
        "relu",
        "relu6",
        "gelu",
        "gelu_new",
        "gelu_fast",
        "gelu_python",
        "gelu_pytorch_tanh",
        "quick_gelu",
        "tanh",
        "sigmoid",
        "silu",
        "swish",
        "leaky_relu",
        "elu",
        "selu",
        "mish",
        "hardswish",
        "hard_swish",
        "hardsigmoid",
        "hard_sigmoid",
        "softplus",
        "softsign",
        "log_sigmoid",
        "logsigmoid",
        "linear_act",
    ]
)
_CLASSES = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "GELU": "gelu",
    "GeLU": "gelu",
    "GELUActivation": "gelu",
    "NewGELUActivation": "gelu_new",
    "PytorchGELUTanh": "gelu_new",
    "FastGELUActivation": "gelu_new",
    "QuickGELUActivation": "quick_gelu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
    "SiLUActivation": "silu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "Mish": "mish",
    "Hardswish": "hard_swish",
    "Hardsigmoid": "hard_sigmoid",
    "Softplus": "softplus",
}
_MODULES = re.compile(
    r"(tf\.nn|tf\.math|tf|(tf\.)?keras\.activations|activations|torch|nn\.functional|torch\.nn\.functional|F)\.|self\.(?!\w)|(?!.*\.)"
)
_TABLES = ("ACT2FN", "ACT2CLS", "TF_ACT2FN")
_GETTERS = ("get_tf_activation", "get_activation")


@dataclass(frozen=True, slots=True)
class Activation:
    """A use of an activation function.

    Attributes:
        name: of the function; "" if it can't be told.
        node: what names it.
        attribute: of `self` that holds it (or the layer that has it as an argument); "" of a call in `call` or `forward`.
        layer: of the argument `activation=` of a layer.
        method: where it stands.
    """

    name: str
    node: ast.expr
    attribute: str = ""
    layer: bool = False
    method: str = "__init__"

    @property
    def from_config(self) -> bool:
        """The configuration decides."""
        return self.name.startswith("config.")


def same(name: str) -> str:
    """The one name of a function."""
    return _SAME.get(name, name)


@lru_cache(maxsize=1024)
def activations(found: ClassLayers) -> tuple[Activation, ...]:
    """The activation functions of a class of either framework, in the order of the text."""
    made = [*_held(found), *_arguments(found), *_called(found)]
    return tuple(sorted(made, key=lambda one: (one.node.lineno, one.node.col_offset)))


def _held(found: ClassLayers) -> Iterator[Activation]:
    """`self.act = …`, and layers that are one."""
    init = found.method("__init__")
    if init is not None:
        here = scope(found, "__init__")
        for node in walk(init):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = dotted(node.targets[0])
                if target.startswith("self.") and target.count(".") == 1:
                    for value in _sides(node.value):
                        name = function_name(value, here)
                        if name is not None:
                            yield Activation(name, value, target[5:])
    for layer in found.layers:
        if (layer.held != "attribute" or layer.method != "__init__") and layer.short in (
            *_CLASSES,
            "Activation",
        ):
            name = function_name(layer.call, scope(found, layer.method))
            if name is not None:
                yield Activation(name, layer.call, layer.attribute, method=layer.method)


def _sides(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _sides(node.body)
        yield from _sides(node.orelse)
    else:
        yield node


def _arguments(found: ClassLayers) -> Iterator[Activation]:
    for layer in found.layers:
        node = layer.argument("activation")
        if node is None or layer.short not in _WITH_ACTIVATION or _is_none(node):
            continue
        here = scope(found, layer.method)
        name = _keyed(here.value(node)) if not isinstance(node, ast.Call) else None
        yield Activation(name or function_name(node, here) or "", node, layer.attribute, True, layer.method)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


_WITH_ACTIVATION = frozenset(
    ["Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D", "Conv2DTranspose", "EinsumDense"]
)


def _called(found: ClassLayers) -> Iterator[Activation]:
    for call in calls(found.node):
        if isinstance(call.node.func, (ast.Call, ast.Subscript)):
            if call.short not in (*_TABLES, *_GETTERS, *_CLASSES):
                continue
            name = function_name(call.node.func, scope(found, call.method))
        elif call.name.startswith("self."):
            continue
        else:
            name = _function(call.node.func, call.node)
            if name is None and isinstance(call.node.func, ast.Attribute) and not call.node.args:
                bare = call.node.func.attr  # hidden_states.tanh()
                name = same(bare) if bare in ("tanh", "sigmoid", "relu") else None
        if name:
            yield Activation(name, call.node.func, method=call.method)


def function_name(node: ast.expr, here: Scope) -> str | None:
    """The name of the function that an expression is; "" if it is one but can't be told which; None if it is none."""
    if isinstance(node, ast.Subscript) and dotted(node.value) in _TABLES:
        return _keyed(here.value(node.slice)) or ""
    if isinstance(node, ast.Call):
        last = dotted(node.func).rsplit(".", 1)[-1]
        if isinstance(node.func, (ast.Subscript, ast.Call)):
            # ACT2FN[…](x) is a result; ACT2FN[…]() is meant to be the function
            return None if node.args or node.keywords else function_name(node.func, here)
        if last in _GETTERS and node.args:
            return _keyed(here.value(node.args[0])) or ""
        if last == "Activation":
            kind = argument(node, "activation", 0)
            name = _keyed(here.value(kind)) if kind is not None else None
            return name or (_function(kind, None) if kind is not None else None) or ""
        if last == "GELU" and isinstance(how := argument(node, "approximate", 0), ast.Constant):
            return "gelu_new" if how.value in ("tanh", True) else "gelu"
        return _CLASSES.get(last)
    if isinstance(node, (ast.Attribute, ast.Name)):
        return _function(node, None)
    return None


def _keyed(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value.plain, str) and value.is_literal:
        return same(value.plain)
    return f"config.{value.attribute}" if value.attribute else ""


def _function(node: ast.expr, call: ast.Call | None) -> str | None:
    name = dotted(node)
    last = name.rsplit(".", 1)[-1]
    if last not in _FUNCTIONS or not _MODULES.match(name):
        return None
    if last == "gelu" and call is not None:
        how = argument(call, "approximate")
        if isinstance(how, ast.Constant) and how.value in (True, "tanh"):
            return "gelu_new"
    return same(last)


@lru_cache(maxsize=16)
def table_keys(text: str) -> frozenset[str]:
    """The keys of `ACT2FN` in `activations.py` or `activations_tf.py`."""
    match = re.search(r"^(?:ACT2FN|ACT2CLS) = \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
    return frozenset(re.findall(r'^\s+"(\w+)":', match[1], re.MULTILINE)) if match else frozenset()

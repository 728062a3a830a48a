"""Defects in `__init__`: what layers are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from scripts.numeric_mutations.code import Change, Code, dotted, keyword, layer, number
from scripts.numeric_mutations.defect import Defect, Planter, defect_at


def _layers(code: Code, *kinds: str) -> Iterator[ast.Call]:
    for call, name in code.calls(forward=False):
        if layer(name) in kinds:
            yield call


NORMS = ("LayerNormalization", "BatchNormalization")


def epsilon_left_out(code: Code) -> Iterator[Defect]:
    """Keras' 1e-3 counts."""
    for call in _layers(code, *NORMS):
        found = keyword(call, "epsilon")
        if found is not None:
            yield defect_at(
                code, call, "epsilon", ("epsilon",), "epsilon left to Keras (1e-3)", code.without(call, found)
            )


def other_epsilon(code: Code) -> Iterator[Defect]:
    """A near value, as copied from another model."""
    for call in _layers(code, *NORMS):
        found = keyword(call, "epsilon")
        if found is not None:
            value = "1e-6" if number(found.value) != 1e-6 else "1e-5"
            value = "1e-5" if "config" in code.source(found) else value
            yield defect_at(
                code,
                call,
                "small-epsilon",
                ("epsilon",),
                f"epsilon is {value}",
                code.replace(found.value, value),
            )


def momentum(code: Code) -> Iterator[Defect]:
    """PyTorch's, which is one minus Keras'."""
    for call in _layers(code, "BatchNormalization"):
        found = keyword(call, "momentum")
        if found is not None and number(found.value) == 0.9:
            yield defect_at(
                code,
                call,
                "momentum",
                ("momentum",),
                "momentum is PyTorch's 0.1",
                code.replace(found.value, "0.1"),
                shown="training",
            )
            yield defect_at(
                code,
                call,
                "momentum",
                ("momentum",),
                "momentum left to Keras (0.99)",
                code.without(call, found),
                shown="training",
            )


def activation(code: Code) -> Iterator[Defect]:
    """Another function than the configuration's, or than PyTorch's."""
    for call, name in code.calls(forward=False):
        if name.split(".")[-1] == "get_tf_activation" and call.args:
            text = code.source(call.args[0])
            new = '"tanh"' if text == '"relu"' else '"relu"'
            yield defect_at(
                code,
                call,
                "activation",
                ("activation",),
                f"the activation is {new}",
                code.replace(call.args[0], new),
            )
            if "act" in text:
                yield defect_at(
                    code,
                    call,
                    "gelu-variant",
                    ("activation",),
                    "the activation is gelu_new",
                    code.replace(call.args[0], '"gelu_new"'),
                )
    for call in _layers(code, "Dense", "Conv2D", "Conv1D"):
        found = keyword(call, "activation")
        if found is None:
            continue
        if isinstance(found.value, ast.Constant) and isinstance(found.value.value, str):
            new = '"sigmoid"' if found.value.value != "sigmoid" else '"tanh"'
            yield defect_at(
                code,
                call,
                "activation",
                ("activation",),
                f"the activation is {new}",
                code.replace(found.value, new),
            )
        yield defect_at(code, call, "activation", ("activation",), "no activation", code.without(call, found))


def dropout_rate(code: Code) -> Iterator[Defect]:
    """A rate of its own, or another one of the configuration."""
    for call in _layers(code, "Dropout"):
        found = keyword(call, "rate") or (call.args[0] if call.args else None)
        if found is None:
            continue
        value = found.value if isinstance(found, ast.keyword) else found
        if "config" in code.source(value) or "drop" in code.source(value):
            yield defect_at(
                code,
                call,
                "dropout-rate",
                ("dropout-rate", "dropout"),
                "a fixed rate",
                code.replace(value, "0.37"),
                shown="training",
            )


def stride(code: Code) -> Iterator[Defect]:
    """Keras' stride of 1, or a wrong one."""
    for call in _layers(code, "Conv2D", "Conv1D", "DepthwiseConv2D"):
        found = keyword(call, "strides", "stride")
        if found is not None and number(found.value) != 1:
            yield defect_at(
                code,
                call,
                "stride",
                ("stride", "shape"),
                "stride left to Keras (1)",
                code.without(call, found),
            )


def padding(code: Code) -> Iterator[Defect]:
    """`same` pads on the other side than PyTorch where there is a stride."""
    for call in _layers(code, "Conv2D", "Conv1D", "MaxPool2D", "AveragePooling2D"):
        found = keyword(call, "padding")
        if found is None or not isinstance(found.value, ast.Constant):
            continue
        new = '"same"' if str(found.value.value).lower() == "valid" else '"valid"'
        yield defect_at(
            code, call, "padding", ("padding", "shape"), f"padding is {new}", code.replace(found.value, new)
        )
    for call in _layers(code, "ZeroPadding2D"):
        value = keyword(call, "padding")
        node = value.value if value is not None else call.args[0] if call.args else None
        if node is not None and number(node) is None:
            text = code.source(node)
            yield defect_at(
                code,
                call,
                "padding",
                ("padding", "shape"),
                "twice the padding on one side",
                code.replace(node, f"((2 * ({text}), 0), (2 * ({text}), 0))"),
            )


def groups(code: Code) -> Iterator[Defect]:
    """No groups: kernels of another shape."""
    for call in _layers(code, "Conv2D", "Conv1D"):
        found = keyword(call, "groups")
        if found is not None:
            yield defect_at(
                code,
                call,
                "groups",
                ("groups", "shape", "weights"),
                "no groups",
                code.without(call, found),
                shown="weights",
            )


def bias(code: Code) -> Iterator[Defect]:
    """A bias that PyTorch has not, or the other way round."""
    for call in _layers(code, "Dense", "Conv2D"):
        name = keyword(call, "name")
        if name is None or keyword(call, "use_bias") is not None:
            continue
        start, _ = code.span(name)
        yield defect_at(
            code,
            call,
            "bias",
            ("bias", "weights"),
            "no bias",
            Change(start, start, "use_bias=False, "),
        )


def weight_name(code: Code) -> Iterator[Defect]:
    """The layer's name has a letter too many: its weights stay as they were made."""
    for call in _layers(code, "Dense", "Conv2D", "LayerNormalization", "BatchNormalization"):
        name = keyword(call, "name")
        if name is not None and isinstance(name.value, ast.Constant) and name.value.value:
            yield defect_at(
                code,
                call,
                "weight-name",
                ("weights", "name"),
                "a letter too many in the name",
                code.replace(name.value, f'"{name.value.value}s"'),
                shown="weights",
            )


def pooling(code: Code) -> Iterator[Defect]:
    """The largest instead of the mean, and the other way round."""
    swaps = {
        "GlobalAveragePooling2D": "GlobalMaxPooling2D",
        "GlobalAveragePooling1D": "GlobalMaxPooling1D",
        "MaxPool2D": "AveragePooling2D",
        "AveragePooling2D": "MaxPool2D",
    }
    for call in _layers(code, *swaps):
        old = dotted(call.func)
        new = old.rpartition(".")[0] + "." + swaps[old.rpartition(".")[2]]
        yield defect_at(
            code,
            call,
            "pooling",
            ("pooling", "reduction"),
            f"{new.rpartition('.')[2]}",
            code.replace(call.func, new),
        )


def constants(code: Code) -> Iterator[Defect]:
    """A number that `__init__` keeps for `call`: the square root of the head's size, an offset of positions."""
    for node in code.within(ast.Assign, forward=False):
        assert isinstance(node, ast.Assign)
        target, text = code.source(node.targets[0]), code.source(node.value)
        if not target.startswith("self."):
            continue
        if target.endswith(("sqrt_att_head_size", "scale", "scaling", "norm_factor", "embed_scale")):
            new = _scaled(text)
            if new:
                yield defect_at(
                    code, node, "scale", ("scale",), f"{target} = {new}", code.replace(node.value, new)
                )
        if target.endswith("offset") and number(node.value) is not None:
            yield defect_at(
                code,
                node,
                "position",
                ("position", "index"),
                "another offset",
                code.replace(node.value, str(int(number(node.value) or 0) - 1)),
            )
        if target.endswith("padding_idx"):
            yield defect_at(
                code,
                node,
                "position",
                ("position", "index"),
                "positions begin one later",
                code.replace(node.value, f"{text} + 1"),
            )


def _scaled(text: str) -> str:
    if "**-0.5" in text.replace(" ", ""):
        return text.replace("**-0.5", "**-1.0").replace("** -0.5", "** -1.0")
    if "sqrt(" in text:
        return f"2.0 * ({text})" if " if " in text else text.replace("math.sqrt(", "float(", 1)
    return ""


PLANTERS: tuple[Planter, ...] = (
    epsilon_left_out,
    other_epsilon,
    momentum,
    activation,
    dropout_rate,
    stride,
    padding,
    groups,
    bias,
    weight_name,
    pooling,
    constants,
)

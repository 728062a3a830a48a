"""Names that count layers of which some may not be made."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._namings import namings
from checks.source.python import walk


def check(port: Port) -> Iterator[Finding]:
    for naming in namings(port):
        if not any(
            name.layer is not None and name.layer.looped and _is_computed(name.node) for name in naming.names
        ):
            continue
        init = naming.pair.tensorflow.method("__init__")
        loops = [node for node in walk(init) if isinstance(node, ast.For)] if init is not None else []
        for loop in loops:
            index = loop.target.id if isinstance(loop.target, ast.Name) else ""
            if (
                isinstance(loop.target, ast.Tuple)
                and loop.target.elts
                and isinstance(loop.target.elts[0], ast.Name)
            ):
                index = loop.target.elts[0].id
            computed = [name for name in _names(loop) if index and _calculates(name, index)]
            if computed and _skips(loop):
                yield RULE.finding(
                    naming.pair.path,
                    computed[0].lineno,
                    f'{ast.unparse(computed[0])} assumes that every round makes all layers, but one is made only under an "if"',
                    "Count what is made: a counter that goes up with each layer gives the index that PyTorch's list has.",
                    symbol=f"{naming.pair.name}.__init__",
                    locations=[Location(naming.pair.path, name.lineno) for name in computed[1:]],
                )


def _is_computed(node: ast.expr | None) -> bool:
    """An f-string with a calculation in it."""
    return isinstance(node, ast.JoinedStr) and any(
        isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.BinOp) for part in node.values
    )


def _names(loop: ast.For) -> Iterator[ast.JoinedStr]:
    for node in walk(loop):
        if isinstance(node, ast.keyword) and node.arg == "name" and isinstance(node.value, ast.JoinedStr):
            yield node.value


def _calculates(name: ast.JoinedStr, index: str) -> bool:
    """`{2 * i}`, `{i + 1}`."""
    return any(
        isinstance(part, ast.FormattedValue)
        and isinstance(part.value, ast.BinOp)
        and isinstance(part.value.op, (ast.Add, ast.Mult))
        and any(isinstance(node, ast.Name) and node.id == index for node in walk(part.value))
        for part in name.values
    )


def _skips(loop: ast.For) -> bool:
    """An `if` of the loop appends, and its other side (if it has one) does not."""
    for node in walk(loop):
        if isinstance(node, ast.If) and _appends(node.body) != _appends(node.orelse):
            return True
    return False


def _appends(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("append", "extend")
        for part in body
        for node in walk(part)
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_EVERY = """        self.layer = [TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers)]
"""

RULE = Rule(
    slug="conditional-counter",
    level="warning",
    summary="Names with an index count the layers that are really made.",
    why="`layer.{2 * i}` is right as long as every round makes two layers. With a configuration that leaves one out all later indices are wrong.",
    how="Count in a variable of its own, which goes up whenever a layer is appended.",
    source="asked for in review, #22620",
    check=check,
    examples=(
        Example(
            title="Each round is taken to make two layers",
            path=_TF,
            good=_EVERY,
            bad="""        self.layer = []
        for i in range(config.num_hidden_layers):
            self.layer.append(TFLanternLayer(config, name=f"layer_._{2 * i}"))
            if i < config.num_hidden_layers - 1:
                self.layer.append(TFLanternLayer(config, name=f"layer_._{2 * i + 1}"))
""",
            finds=('self.layer.append(TFLanternLayer(config, name=f"layer_._{2 * i}"))',),
        ),
        Example(
            title="Every round makes one",
            path=_TF,
            good=_EVERY,
            bad="""        self.layer = []
        for i in range(config.num_hidden_layers):
            self.layer.append(TFLanternLayer(config, name=f"layer_._{i}"))
""",
            silent=True,
        ),
    ),
)

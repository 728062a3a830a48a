"""`training` as a parameter of `call`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._arguments import place
from checks.rules._common import enumerate_names
from checks.source.python import walk
from checks.source.training import flagged_layers, parameters


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    found, classes = paired.pairs, paired.classes
    without: dict[str, list[tuple[Pair, ast.FunctionDef, tuple[str, ...]]]] = {}
    for pair in found:
        for method in pair.tensorflow.node.body:
            if isinstance(method, ast.FunctionDef) and "training" in parameters(method):
                yield from _default(port, pair, method)
        call = pair.tensorflow.method("call")
        if call is None or "training" in parameters(call):
            continue
        layers = flagged_layers(pair.tensorflow, classes)
        used = tuple(name for name in layers if _mentions(call, name))
        if _reads_flag(call):
            yield RULE.finding(
                pair.path,
                call.lineno,
                f"{pair.name}.call hands on training, but does not take it",
                _ADVICE,
                symbol=f"{pair.name}.call",
                column=pair.facts.methods["call"].column,
                level="error",
            )
        elif used and call.args.kwarg is None:
            without.setdefault(pair.path, []).append((pair, call, used))
    for of_module in without.values():
        yield _without(of_module)


_ADVICE = "Take training: bool = False as its last parameter, and pass it on."


def _without(found: list[tuple[Pair, ast.FunctionDef, tuple[str, ...]]]) -> Finding:
    """All classes of a module at once: it is for the reader, as Keras mostly hands the flag on by itself."""
    pair, call, used = found[0]
    names = enumerate_names(pair.name for pair, _, _ in found)
    uses = (
        f", but uses {enumerate_names(f'self.{name}' for name in used)}"
        if len(found) == 1
        else ", but use layers that do"
    )
    return RULE.finding(
        pair.path,
        call.lineno,
        f"call() of {names} {'takes' if len(found) == 1 else 'take'} no training{uses}",
        _ADVICE,
        symbol=f"{pair.name}.call",
        column=pair.facts.methods["call"].column,
        locations=[Location(pair.path, other.lineno) for _, other, _ in found[1:]],
        level="suggestion",
    )


def _reads_flag(call: ast.FunctionDef) -> bool:
    names = [node for node in walk(call) if isinstance(node, ast.Name) and node.id == "training"]
    return bool(names) and all(isinstance(node.ctx, ast.Load) for node in names)


def _mentions(call: ast.FunctionDef, attribute: str) -> bool:
    return any(isinstance(node, ast.Attribute) and node.attr == attribute for node in walk(call))


def _default(port: Port, pair: Pair, call: ast.FunctionDef) -> Iterator[Finding]:
    names = [a.arg for a in call.args.args]
    defaults = dict(zip(names[::-1], call.args.defaults[::-1], strict=False))
    defaults.update(
        {a.arg: d for a, d in zip(call.args.kwonlyargs, call.args.kw_defaults, strict=True) if d is not None}
    )
    value = defaults.get("training")
    if isinstance(value, ast.Constant) and value.value is True:
        lines = port.text(pair.path).split("\n")
        start = place(lines, value.lineno, value.col_offset)
        end = place(lines, value.end_lineno or value.lineno, value.end_col_offset or 0)
        yield RULE.finding(
            pair.path,
            value.lineno,
            f"{pair.name}.{call.name} trains unless it is told not to",
            "The default of training is False.",
            symbol=f"{pair.name}.{call.name}",
            level="error",
            edits=(Edit(pair.path, start, end, "False"),),
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="training-parameter",
    level="error",
    summary="`call` of a class with such layers takes `training`, which is False by default.",
    why="Without the parameter the flag ends there. With another default a plain call of the model gives random outputs.",
    how="Take `training: bool = False` as the last parameter of `call`, and pass it on.",
    guide="Step 4, checklist: layers that act differently in training get the training argument, all the way from the top classes.",
    source='asked for in review, #18555; "set training default to False", #22620',
    check=check,
    examples=(
        Example(
            title="The default is True",
            path=_TF,
            good="    def call(self, pixel_values: tf.Tensor, training: bool = False) -> tf.Tensor:",
            bad="    def call(self, pixel_values: tf.Tensor, training: bool = True) -> tf.Tensor:",
            finds=("def call(self, pixel_values: tf.Tensor, training: bool = True) -> tf.Tensor:",),
            fixed=True,
        ),
        Example(
            title="The flag is handed on, but not taken",
            path=_TF,
            good="    def call(self, pixel_values: tf.Tensor, training: bool = False) -> tf.Tensor:",
            bad="    def call(self, pixel_values: tf.Tensor) -> tf.Tensor:",
            finds=("def call(self, pixel_values: tf.Tensor) -> tf.Tensor:",),
        ),
    ),
)

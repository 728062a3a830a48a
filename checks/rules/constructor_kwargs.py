"""`**kwargs` reach Keras."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._structure import is_model, pairs_of
from checks.source.walk import Function, calls, is_super_init


def check(port: Port) -> Iterator[Finding]:
    inits = [
        (pair, init)
        for pair in pairs_of(port)
        if (init := pair.tensorflow.method("__init__")) is not None and port.is_keras(pair.facts)
    ]
    if not inits:
        raise NotBegun("no constructor yet")
    nameless: list[tuple[Pair, Function]] = []
    for pair, init in inits:
        given = _given(init)
        names = {a.arg for a in [*init.args.args, *init.args.kwonlyargs]}
        if is_model(pair):
            if init.args.kwarg is None:
                nameless.append((pair, init))
        elif init.args.kwarg is None and "name" not in names:
            yield RULE.finding(
                pair.path,
                init.lineno,
                f"{pair.name}.__init__ takes neither **kwargs nor name, so that the layer can't have the name that PyTorch's weights "
                "are found by",
                _ADVICE,
                symbol=f"{pair.name}.__init__",
                edits=(*_take(port, pair, init), *_pass_on(port, pair, given)),
            )
        elif init.args.kwarg is not None and given is not None and not _passes(given):
            yield RULE.finding(
                pair.path,
                given.lineno,
                f"{pair.name}.__init__ takes **kwargs but does not pass them to super().__init__: the layer loses its name",
                _ADVICE,
                symbol=f"{pair.name}.__init__",
                edits=_pass_on(port, pair, given),
            )
    if nameless:
        first, init = nameless[0]
        yield RULE.finding(
            first.path,
            init.lineno,
            f"{first.name}.__init__ takes no **kwargs, so that the model can't be given a name",
            "Take config, *inputs, **kwargs and pass them on: super().__init__(config, *inputs, **kwargs).",
            symbol=f"{first.name}.__init__",
            locations=[Location(pair.path, init.lineno) for pair, init in nameless[1:]],
            edits=[
                edit
                for pair, init in nameless
                for edit in (
                    *_take(port, pair, init, _MODELS),
                    *_pass_on(port, pair, _given(init), _MODELS),
                )
            ],
            level="suggestion",
        )


_MODELS = "*inputs, **kwargs"


def _given(init: Function) -> ast.Call | None:
    """`super().__init__(…)`."""
    return next((call for call in calls(init) if is_super_init(call)), None)


_ADVICE = "Take **kwargs and pass them on: super().__init__(**kwargs)."


def _passes(call: ast.Call) -> bool:
    """`**kwargs` or a name."""
    return any(keyword.arg in (None, "name") for keyword in call.keywords)


def _take(port: Port, pair: Pair, init: Function, more: str = "**kwargs") -> tuple[Edit, ...]:
    """`**kwargs` as the last parameter."""
    arguments = [*init.args.args, *init.args.kwonlyargs]
    if init.args.kwonlyargs or init.args.vararg:
        return ()
    ends = [*arguments, *init.args.defaults, *(a.annotation for a in arguments if a.annotation)]
    line, column = max((node.end_lineno or 0, node.end_col_offset or 0) for node in ends)
    text = port.text(pair.path).split("\n")[line - 1]
    if not text.isascii() or not text[column:].startswith(")"):
        return ()
    return (Edit(pair.path, (line, column + 1), (line, column + 1), f", {more}"),)


def _pass_on(port: Port, pair: Pair, call: ast.Call | None, more: str = "**kwargs") -> tuple[Edit, ...]:
    if call is None or call.end_lineno != call.lineno or call.end_col_offset is None:
        return ()
    if not port.text(pair.path).split("\n")[call.lineno - 1].isascii():
        return ()
    some = ", " if call.args or call.keywords else ""
    place = (call.lineno, call.end_col_offset)
    return (Edit(pair.path, place, place, f"{some}{more}"),)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_INIT = """\
class TFLanternEncoder(keras.layers.Layer):
    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
"""

RULE = Rule(
    slug="constructor-kwargs",
    level="error",
    summary="Every constructor takes `**kwargs` and passes them to `super().__init__`.",
    why=(
        "The name of a layer comes by them. Without it Keras numbers the layers (`tf_lantern_encoder_1`), and the weights of a checkpoint "
        "are not found."
    ),
    how="`def __init__(self, config: LanternConfig, **kwargs):` and `super().__init__(**kwargs)`.",
    guide="Step 4: classes take config and **kwargs.",
    check=check,
    examples=(
        Example(
            title="Taken, but not passed on",
            path=_TF,
            good=_INIT,
            bad=_INIT.replace("__init__(**kwargs)", "__init__()"),
            finds=("super().__init__()",),
            fixed=True,
        ),
        Example(
            title="A constructor without them",
            path=_TF,
            good=_INIT,
            bad=_INIT.replace(", **kwargs", "").replace("(**kwargs)", "()"),
            finds=("def __init__(self, config: LanternConfig):",),
            fixed=True,
        ),
    ),
)

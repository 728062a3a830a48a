"""A sub-layer is built in the scope of its own name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._build import Built, built, demand_builds
from checks.rules._structure import is_weighted, pairs_of
from checks.source.layers import pattern


def check(port: Port) -> Iterator[Finding]:
    demand_builds(port)
    seen = False
    for pair in pairs_of(port):
        build = pair.tensorflow.method("build")
        if build is None or not port.is_keras(pair.facts):
            continue
        seen = True
        for call in built(build):
            if not call.attribute or call.attribute not in pair.tensorflow.attributes:
                continue
            layers = pair.tensorflow.of(call.attribute)
            wanted = f"{call.receiver}.name"
            if call.scope is None:
                if layers and all(is_weighted(port, layer) for layer in layers):
                    yield RULE.finding(
                        pair.path,
                        call.call.lineno,
                        f"{pair.name}.build builds {call.receiver} outside of any name scope",
                        f"Put it below with tf.name_scope({wanted}):, or its weights lack a level of their names.",
                        symbol=f"{pair.name}.build",
                    )
                continue
            written = ast.unparse(call.scope)
            if written == wanted or _is_its_name(call, pair):
                continue
            yield RULE.finding(
                pair.path,
                call.scope.lineno,
                f"{pair.name}.build builds {call.receiver} in the scope of {written}",
                f"Write with tf.name_scope({wanted}):, or its weights get the other layer's names.",
                symbol=f"{pair.name}.build",
                column=call.scope.col_offset + 1,
                edits=_edits(port, pair, call.scope, wanted),
            )
    if not seen:
        raise NotBegun("no build() yet")


def _is_its_name(call: Built, pair: Pair) -> bool:
    """The scope is no other layer's name: a text that is the layer's own, or something that nobody can tell."""
    if call.scope is None:
        return False
    text = pattern(call.scope)
    if text is None or text == "" or "{" in text:
        # self.other.name of a layer that the class has is wrong, everything else is unknown.
        written = ast.unparse(call.scope)
        other = written.removeprefix("self.").removesuffix(".name")
        return not (
            written.startswith("self.") and written.endswith(".name") and other in pair.tensorflow.attributes
        )
    names = {layer.name for layer in pair.tensorflow.of(call.attribute)}
    return text in names or not names or "" in names or None in names


def _edits(port: Port, pair: Pair, scope: ast.expr, wanted: str) -> tuple[Edit, ...]:
    source = port.text(pair.path).split("\n")[scope.lineno - 1]
    if scope.end_lineno != scope.lineno or not source.isascii() or scope.end_col_offset is None:
        return ()
    old = source[scope.col_offset : scope.end_col_offset]
    return (replace(pair.path, scope.lineno, scope.col_offset + 1, old, wanted),)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_KEY = """\
            with tf.name_scope(self.key.name):
                self.key.build([None, None, self.config.hidden_size])
"""

RULE = Rule(
    slug="build-scopes",
    level="error",
    summary="In `build`, each sub-layer is built within `tf.name_scope` of its own name.",
    why="The scope becomes part of the weights' names. In another layer's scope the weights are loaded from the other layer, or not at all.",
    how="`with tf.name_scope(self.key.name): self.key.build(…)`.",
    since="4.37 (050e0b44f)",
    check=check,
    examples=(
        Example(
            title="Copied, and half changed",
            path=_TF,
            good=_KEY,
            bad=_KEY.replace("self.key.name", "self.query.name"),
            finds=("with tf.name_scope(self.query.name):#2",),
            fixed=True,
        ),
        Example(
            title="No scope",
            path=_TF,
            good=_KEY,
            bad="            self.key.build([None, None, self.config.hidden_size])\n",
            finds=("self.key.build([None, None, self.config.hidden_size])",),
        ),
    ),
)

"""Every layer builds its sub-layers."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from checks.edits import insert
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._build import block, build_of, built, children, demand_builds, mentioned
from checks.rules._common import as_in, enumerate_names, verb
from checks.rules._structure import bases, pairs_of
from checks.source.layers import Layer
from checks.source.python import walk
from checks.source.walk import Function, on_self


def check(port: Port) -> Iterator[Finding]:
    demand_builds(port)
    seen = False
    for pair in pairs_of(port):
        if not port.is_keras(pair.facts):
            continue
        made = children(pair)
        own = pair.tensorflow.method("build")
        if own is not None:
            seen = True
            yield from _flag(pair, own)
        if not made:
            continue
        seen = True
        found = build_of(pair)
        if found is None:
            if not _inherits(pair):
                yield _without(port, pair, made)
            continue
        owner, build = found
        builds = _builds(owner, build)
        missing = {name: of for name, of in made.items() if not builds(name)}
        if missing:
            names = [f"self.{name}" for name in missing]
            yield RULE.finding(
                pair.path,
                build.lineno if owner is pair else pair.facts.line,
                f"{pair.name}.build does not build {enumerate_names(names)}",
                f"Build {verb(names, 'it', 'them')} within tf.name_scope(self.{next(iter(missing))}.name): a layer that is not built "
                "has no weights when a checkpoint is loaded.",
                symbol=f"{pair.name}.build",
                column=build.col_offset + len("def ") + 1 if owner is pair else pair.facts.column,
                locations=[Location(pair.path, of[0].line) for of in missing.values()],
                edits=_edits(pair, build, made, missing) if owner is pair else (),
                level="warning" if _all_conditional(missing) else None,
            )
    if not seen:
        raise NotBegun("no layer with weights yet")


def _inherits(pair: Pair) -> bool:
    """A base comes from another model's module and may have the method."""
    known = {owner.name for owner in bases(pair)}
    return any(
        base not in known
        and base.startswith("TF")
        and not base.endswith(("TFPreTrainedModel", "Loss", "Mixin"))
        for owner in bases(pair)
        for base in owner.tensorflow.bases
    )


def _builds(owner: Pair, build: Function) -> Callable[[str], bool]:
    """Tells of an attribute whether `build` builds the layer that it holds; in doubt it does."""
    calls = list(built(build))
    called = {on_self(node.func) for node in ast.walk(build) if isinstance(node, ast.Call)}
    # self._build_all()
    helpers = [owner.tensorflow.method(name) for name in sorted(called - {"", "build", "add_weight"})]
    if None in helpers or any(call.receiver == "super()" for call in calls):
        return lambda attribute: True
    # Built in a way that is not seen: by another loop, by a call of the layer, by a helper.
    found = {call.attribute for call in calls} | called
    if any(not call.attribute for call in calls):
        found |= mentioned(build)
    for helper in helpers:
        if helper is not None:
            found |= mentioned(helper)
    return found.__contains__


def _flag(pair: Pair, build: Function) -> Iterator[Finding]:
    """`if self.built: return` and `self.built = True`, in whatever order with the rest."""
    sets = any(
        isinstance(node, ast.Assign) and any(on_self(target) == "built" for target in node.targets)
        for node in walk(build)
    )
    guards = any(
        isinstance(node, ast.If) and any(on_self(part) == "built" for part in walk(node.test))
        for node in walk(build)
    )
    if (sets and guards) or any(call.receiver == "super()" for call in built(build)):
        return
    missing = " and ".join(
        text
        for text, there in (("`if self.built: return`", guards), ("`self.built = True`", sets))
        if not there
    )
    yield RULE.finding(
        pair.path,
        build.lineno,
        f"{pair.name}.build has no {missing}",
        "Begin with both, or the layer is built a second time when it is called, and its weights are made anew.",
        symbol=f"{pair.name}.build",
        column=build.col_offset + len("def ") + 1,
        edits=_flag_edits(pair, build) if not sets and guards else (),
        # Without both, a layer of nothing but layers is built once more without harm.
        level="error" if guards else "warning" if sets or pair.tensorflow.weights else "suggestion",
    )


def _flag_edits(pair: Pair, build: Function) -> tuple[Edit, ...]:
    guard = next(
        n for n in walk(build) if isinstance(n, ast.If) and any(on_self(p) == "built" for p in walk(n.test))
    )
    return (insert(pair.path, (guard.end_lineno or guard.lineno) + 1, "        self.built = True\n"),)


_MOST_BLOCKS = 60
"""Layers of a class whose `build` we write."""


def _without(port: Port, pair: Pair, made: dict[str, list[Layer]]) -> Finding:
    blocks = [block(pair, name, of) for name, of in made.items()] if len(made) <= _MOST_BLOCKS else [""]
    edits: tuple[Edit, ...] = ()
    if all(blocks):
        text = "".join(
            [
                "\n    def build(self, input_shape=None):\n        if self.built:\n            return\n        self.built = True\n",
                *blocks,
            ]
        )
        edits = (insert(pair.path, pair.facts.end_line + 1, text),)
    names = [f"self.{name}" for name in made]
    return RULE.finding(
        pair.path,
        pair.facts.line,
        f"{pair.name} has no build(), so that {enumerate_names(names)} {verb(names, 'has', 'have')} no weights when a checkpoint is loaded",
        f"Add a build() that builds each of them in its name scope{as_in(port, pair.module, pair.facts, lambda c: 'build' in c.methods)}.",
        symbol=pair.name,
        column=pair.facts.column,
        edits=edits,
        level="warning" if _all_conditional(made) else None,
    )


def _all_conditional(made: dict[str, list[Layer]]) -> bool:
    """For some configurations only, perhaps for none that has a checkpoint."""
    return all(layer.conditional for of in made.values() for layer in of)


def _edits(
    pair: Pair, build: Function, made: dict[str, list[Layer]], missing: dict[str, list[Layer]]
) -> tuple[Edit, ...]:
    """A block per missing layer, after that of the layer before it."""
    edits: list[Edit] = []
    if len(made) > _MOST_BLOCKS:
        return ()
    order = list(made)
    for name, of in missing.items():
        text = block(pair, name, of)
        if not text:
            continue
        before = [n for n in order[: order.index(name)] if n not in missing]
        at = _end_of(build, before[-1]) if before else _end_of_flag(build)
        if at:
            edits.append(insert(pair.path, at + 1, text))
    return tuple(edits)


def _end_of(build: Function, attribute: str) -> int:
    """Last line of the statement that builds an attribute."""
    ends = [
        part.end_lineno or 0
        for part in build.body
        if any(
            on_self(n) == attribute or (isinstance(n, ast.Constant) and n.value == attribute)
            for n in walk(part)
        )
    ]
    return ends[-1] if ends else 0


def _end_of_flag(build: Function) -> int:
    """Last line of `self.built = True`."""
    ends = [
        part.end_lineno or 0
        for part in build.body
        if isinstance(part, ast.Assign) and any(on_self(target) == "built" for target in part.targets)
    ]
    return (
        ends[0] if (ends and build.body[-1].end_lineno != ends[0]) or (ends and len(build.body) == 2) else 0
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_POOLER = """\
        return self.dense(hidden_states[:, 0])

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "dense", None) is not None:
            with tf.name_scope(self.dense.name):
                self.dense.build([None, None, self.config.hidden_size])
"""
_KEY = """\
        if getattr(self, "key", None) is not None:
            with tf.name_scope(self.key.name):
                self.key.build([None, None, self.config.hidden_size])
"""

RULE = Rule(
    slug="build-methods",
    level="error",
    summary="Every class whose constructor makes layers with weights has a `build` that builds each of them.",
    why=(
        "Models are built by their `build` methods before a checkpoint is loaded. A layer that nobody builds has no weights then, so those of "
        "the checkpoint are dropped without an error and random ones are used."
    ),
    how=(
        "`build` begins with `if self.built: return` and `self.built = True`, then for each layer "
        "`with tf.name_scope(self.dense.name): self.dense.build([None, None, self.config.hidden_size])`."
    ),
    since="4.37 (050e0b44f)",
    source="asked for in review, #23342",
    check=check,
    examples=(
        Example(
            title="No build",
            path=_TF,
            good=_POOLER,
            bad="        return self.dense(hidden_states[:, 0])\n",
            finds=("class TFLanternPooler(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="One layer was forgotten",
            path=_TF,
            good=_KEY,
            bad="",
            finds=("def build(self, input_shape=None):#4",),
            fixed=True,
        ),
        Example(
            title="The flag is never set",
            path=_TF,
            good=_POOLER,
            bad=_POOLER.replace("        self.built = True\n", ""),
            finds=("def build(self, input_shape=None):#6",),
            fixed=True,
        ),
    ),
)

"""Keywords of PyTorch on calls of TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import replace
from checks.port import Module, Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._torch import grouped, symbol
from checks.rules._torch_counterparts import ARGUMENTS
from checks.source.torch import Leftover

_STILL_TAKEN = {
    ("tf.math.l2_normalize", "dim"),
    ("tf.nn.l2_normalize", "dim"),
    ("tf.linalg.l2_normalize", "dim"),
}
"""Calls of TensorFlow 2.15 that still take the old keyword."""


def check(port: Port) -> Iterator[Finding]:
    for module, group in grouped(port, "argument"):
        for call in dict.fromkeys(found.detail for found in group):
            yield _finding(module, [found for found in group if found.detail == call])


def _finding(module: Module, group: list[Leftover]) -> Finding:
    found, instead = group[0], ARGUMENTS[group[0].name]
    taken = (found.detail, found.name) in _STILL_TAKEN
    return RULE.finding(
        module.path,
        found.line,
        f"{found.detail} takes {found.name} only as an old name"
        if taken
        else f"{found.detail} has no argument {found.name}",
        f"It is called {instead} there." if instead else "Leave it out: TensorFlow has nothing of the kind.",
        symbol=symbol(module, found.line),
        column=found.column,
        edits=[edit for one in group for edit in _edit(module.path, one)],
        locations=[Location(module.path, one.line) for one in group[1:]],
        level="warning" if taken else None,
    )


def _edit(path: str, found: Leftover) -> tuple[Edit, ...]:
    instead = ARGUMENTS[found.name]
    if not instead or instead == "perm":
        return ()
    return (replace(path, found.line, found.column, found.name, instead),)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="torch-arguments",
    level="error",
    summary="Calls of `tf` and `keras` take their own keywords: `axis`, not `dim`; `keepdims`, not `keepdim`; no `device`, no `inplace`.",
    why="The call fails as soon as it runs, or quietly does something else.",
    how="`dim` is `axis`, `keepdim` is `keepdims`, `stride` is `strides`, `eps` is `epsilon`, `bias` is `use_bias`.",
    guide="Step 4: rewrite the code in TensorFlow.",
    source="signatures of TensorFlow 2.15; two tf.range(device=…) are in a merged port, both fail",
    check=check,
    examples=(
        Example(
            title="dim",
            path=_TF,
            good="            light = tf.reduce_mean(self.lens(pixel_values, training=training), axis=(1, 2))\n",
            bad="            light = tf.reduce_mean(self.lens(pixel_values, training=training), dim=(1, 2))\n",
            finds=("light = tf.reduce_mean(self.lens(pixel_values, training=training), dim=(1, 2))",),
            fixed=True,
        ),
    ),
)

"""A TensorFlow file outside its model's folder."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule


def check(port: Port) -> Iterator[Finding]:
    for module in port.modules:
        place = f"{port.folder}/modeling_tf_{module.suffix}.py"
        if module.added and module.path != place:
            yield RULE.finding(
                module.path,
                1,
                f"modeling_tf_{module.suffix}.py lies in {module.path.rpartition('/')[0] or 'the root folder'}",
                f"It belongs to its PyTorch model: git mv {module.path} {place}",
            )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="wrong-folder",
    level="error",
    summary="The TensorFlow file lies beside its PyTorch file: `src/transformers/models/<model>/modeling_tf_<model>.py`.",
    why="The model's `__init__.py` imports it from there; anywhere else nobody can use it.",
    how="Move it. The guide's own text names `transformers/src/models/…`, which does not exist.",
    guide="Step 2 names the new file (in a folder that does not exist; step 4 has the right one).",
    check=check,
    examples=(
        Example(
            title="The folder that the guide's text names",
            path=_TF,
            good="",
            bad="",
            moved_to="transformers/src/models/lantern/modeling_tf_lantern.py",
            finds=("# coding=utf-8",),
        ),
        Example(
            title="A folder of its own, misspelt",
            path=_TF,
            good="",
            bad="",
            moved_to="src/transformers/models/lanterns/modeling_tf_lantern.py",
            finds=("# coding=utf-8",),
        ),
    ),
    early=True,
)

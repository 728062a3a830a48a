"""Keras and the library itself, imported otherwise than the base does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import import_name, replace
from checks.port import Module, Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules

_IMPORT = re.compile(
    r"^[ \t]*(?P<plain>import (?:tf_)?keras\b.*|from (?:tf_)?keras\b.*|from \.{3,}src\b.*)$"
    r"|^[ \t]*(?P<inner>(?:from|import) tensorflow\.(?:python\.)?keras\b.*|from tensorflow import (?:.*\b)?keras\b.*)$",
    re.MULTILINE,
)
_DOTTED = re.compile(r"(?<![\w.`\[/])tf\.keras(?=\.)")


def check(port: Port) -> Iterator[Finding]:
    for file in modules(port):
        assert file.module is not None
        yield from _absolute(file, file.module)
        if "keras" not in file.text:
            continue
        yield from _imports(port, file)
        if port.conventions.keras_import:
            yield from _dotted(port, file, file.module)
        elif (own := _own(file)) is not None:
            yield own


def _imports(port: Port, file: File) -> Iterator[Finding]:
    modern = port.conventions.keras_import
    wanted = "from ...modeling_tf_utils import keras" if modern else "tf.keras"
    for match in _IMPORT.finditer(file.text):
        line = file.text.count("\n", 0, match.start()) + 1
        if line not in file.touched:
            continue
        plain = match["plain"]
        yield RULE.finding(
            file.path,
            line,
            f"Keras is imported by {match[0].strip()}",
            f"Use {wanted}, as the other ports do"
            + (": which Keras is installed is for the library to find out." if plain else "."),
            level=None if plain else "warning",
        )


def _absolute(file: File, module: Module) -> Iterator[Finding]:
    """The library's own modules by their full name."""
    for found in module.facts.imports:
        if found.module.split(".")[0] == "transformers" and found.line in file.touched:
            yield RULE.finding(
                file.path,
                found.line,
                f"{found.module} is imported by its full name",
                f"Import it from ...{found.module.removeprefix('transformers').removeprefix('.')}, as the other modules of the library do.",
                level="warning",
            )


def _dotted(port: Port, file: File, module: Module) -> Iterator[Finding]:
    """`tf.keras.` in the code: where Keras 3 is installed, that is another Keras than the library's."""
    places: list[tuple[int, int]] = []
    strings = {line.line for line in file.prose}
    for number, source in enumerate(file.lines, 1):
        if "tf.keras" in source and number in file.touched and number not in strings:
            places += [(number, match.start() + 1) for match in _DOTTED.finditer(source)]
    if not places:
        return
    edits: list[Edit] = [replace(file.path, line, column, "tf.keras", "keras") for line, column in places]
    edits += import_name(file.path, file.text, module.facts, "...modeling_tf_utils", "keras")
    lines = list(dict.fromkeys(line for line, _ in places))
    yield RULE.finding(
        file.path,
        lines[0],
        "Keras is had by tf.keras" + (f" on {len(lines)} lines" if lines[1:] else ""),
        "Write keras, from ...modeling_tf_utils: with Keras 3 installed, tf.keras is another Keras than the library's.",
        column=places[0][1],
        edits=edits,
        locations=[Location(file.path, line) for line in lines[1:]],
        level="warning",
    )


def _own(file: File) -> Finding | None:
    """`from ...modeling_tf_utils import keras`, where the library does not have it yet."""
    assert file.module is not None
    for found in file.module.facts.imports:
        if found.name == "keras" and found.module.endswith("modeling_tf_utils"):
            return RULE.finding(
                file.path,
                found.line,
                "modeling_tf_utils of the base has no keras",
                "Write tf.keras, as the other ports do.",
            )
    return None


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="foreign-imports",
    level="error",
    summary="Keras comes from where the base's ports have it: `from ...modeling_tf_utils import keras`, before that `tf.keras`; the library's own modules by relative imports.",
    why="Keras 3 is another library under the same name; the library decides in one place which one is used.",
    how="Import `keras` from `...modeling_tf_utils` and write `keras.layers.Dense`.",
    since="modeling_tf_utils.keras since 4.38 (415e9a098, #28588)",
    source="review and commits of #23342, #20317",
    check=check,
    examples=(
        Example(
            title="Keras is imported by itself",
            path=_TF,
            good="import tensorflow as tf\n",
            bad="import keras.backend as K\nimport tensorflow as tf\n",
            finds=("import keras.backend as K",),
        ),
        Example(
            title="The library by its full name",
            path=_TF,
            good="from ...activations_tf import get_tf_activation\n",
            bad="from transformers.activations_tf import get_tf_activation\n",
            finds=("from transformers.activations_tf import get_tf_activation",),
        ),
        Example(
            title="tf.keras",
            path=_TF,
            good="        self.activation = keras.layers.ReLU()\n",
            bad="        self.activation = tf.keras.layers.ReLU()\n",
            finds=("self.activation = tf.keras.layers.ReLU()",),
            fixed=True,
        ),
    ),
)

"""Names of PyTorch in the TensorFlow file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checks.edits import replace_lines
from checks.port import Module, Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._torch import counterpart, finding, grouped
from checks.source.torch import Leftover


def check(port: Port) -> Iterator[Finding]:
    for module, group in grouped(port, "name", "definition", "hook", "no-tensorflow"):
        message, advice = _said(port, group[0])
        edits = _without(port, module, group) if group[0].kind == "hook" else ()
        yield replace(finding(port, RULE, module, group, message, advice), edits=edits)


def _without(port: Port, module: Module, group: list[Leftover]) -> tuple[Edit, ...]:
    """Lines that only call `self.post_init()` go, with the comment above that announces it."""
    lines = port.text(module.path).split("\n")
    edits: list[Edit] = []
    for found in group:
        if lines[found.line - 1].strip() != "self.post_init()":
            return ()
        first = found.line
        while first > 1 and lines[first - 2].strip().startswith("# Initialize weights"):
            first -= 1
        edits.append(replace_lines(module.path, first, found.line, ""))
    return tuple(edits)


def _said(port: Port, found: Leftover) -> tuple[str, str]:
    if found.kind == "definition":
        if found.name == "forward":
            return "forward() is PyTorch's", "Keras layers have call(self, …, training=False)."
        return (
            "_init_weights() is PyTorch's",
            "Give the initializers to the layers (kernel_initializer=get_initializer(…)).",
        )
    instead = counterpart(port, found.name, found.kind)
    if found.kind == "no-tensorflow":
        return f"TensorFlow has no {found.name}", f"Use {instead}."
    if found.kind == "hook":
        return f"{found.name}() is PyTorch's", f"Its counterpart: {instead}."
    return (
        f"{found.name} is PyTorch's",
        f"Its counterpart: {instead}." if instead else "Write it with tf or keras.",
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="torch-leftovers",
    level="error",
    summary="No name of PyTorch is left: no `torch.…`, `nn.…`, `forward()`, `post_init()`, `register_buffer()`.",
    why="TensorFlow users mostly have no PyTorch; and where both are installed, the two kinds of tensors do not mix.",
    how="Each has its counterpart in TensorFlow or Keras, and most ports use it already: the finding names a line that does.",
    guide="Step 4: rewrite the code in TensorFlow; look for patterns in the code base for what has no direct counterpart.",
    source="catalogue of tf.Tensor and Keras 2.15; asked for in review (#23342)",
    check=check,
    examples=(
        Example(
            title="A layer is still PyTorch's",
            path=_TF,
            good="        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n\n    def call(self, input_ids",
            bad="        self.dropout = nn.Dropout(config.hidden_dropout_prob)\n\n    def call(self, input_ids",
            finds=("self.dropout = nn.Dropout(config.hidden_dropout_prob)",),
        ),
        Example(
            title="post_init() was kept",
            path=_TF,
            good='        self.lantern = TFLanternMainLayer(config, name="lantern")\n\n    @unpack_inputs',
            bad='        self.lantern = TFLanternMainLayer(config, name="lantern")\n        self.post_init()\n\n    @unpack_inputs',
            finds=("self.post_init()",),
            fixed=True,
        ),
        Example(
            title="A function under PyTorch's name",
            path=_TF,
            good="        size = tf.shape(pixel_values)[1:3] * 2\n",
            bad="        size = tf.max(tf.shape(pixel_values)[1:3]) * tf.constant([2, 2])\n",
            finds=("size = tf.max(tf.shape(pixel_values)[1:3]) * tf.constant([2, 2])",),
        ),
        Example(
            title="nn of TensorFlow",
            path=_TF,
            good="        pixel_values = self.projection(pixel_values)\n",
            bad="        pixel_values = tf.nn.relu(self.projection(pixel_values))\n",
            silent=True,
        ),
    ),
)

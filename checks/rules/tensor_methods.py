"""Methods that only PyTorch's tensors have."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._torch import counterpart, finding, grouped


def check(port: Port) -> Iterator[Finding]:
    for module, group in grouped(port, "method"):
        name = group[0].name
        yield finding(
            port,
            RULE,
            module,
            group,
            f"TensorFlow's tensors have no .{name}()",
            f"Its counterpart: {counterpart(port, name, 'method')}.",
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="tensor-methods",
    level="error",
    summary="Tensors are not asked for methods that only PyTorch's have: `view`, `permute`, `size`, `unsqueeze`, `masked_fill`.",
    why="Such a line fails as soon as it runs; and often it runs in one of several branches only, which no test takes.",
    how="TensorFlow has functions for it: `tf.reshape(x, shape)`, `tf.transpose(x, perm)`, `shape_list(x)`, `tf.expand_dims(x, axis)`.",
    guide="Step 4: rewrite the code in TensorFlow.",
    source="attributes of tf.Tensor in TensorFlow 2.15; six such calls are in merged ports, all of them errors",
    check=check,
    examples=(
        Example(
            title="unsqueeze",
            path=_TF,
            good="            hidden_states = hidden_states + light[:, None]\n",
            bad="            hidden_states = hidden_states + light.unsqueeze(1)\n",
            finds=("hidden_states = hidden_states + light.unsqueeze(1)",),
        ),
        Example(
            title="A method of a numpy array",
            path=_TF,
            good="            hidden_states = hidden_states + light[:, None]\n",
            bad="            hidden_states = hidden_states + light[:, None] * np.ones(1).squeeze()\n",
            silent=True,
        ),
    ),
)

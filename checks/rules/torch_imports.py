"""Imports of PyTorch, and of modules of the library that import it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from checks.conventions import MODELS
from checks.edits import unimport
from checks.port import Module, Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._torch import finding, grouped
from checks.source.python import Problem, parse
from checks.source.torch import Leftover

_INSTEAD = {
    "modeling_outputs": "the outputs of modeling_tf_outputs (TFBaseModelOutput and so on)",
    "modeling_utils": "TFPreTrainedModel and the rest of modeling_tf_utils",
    "activations": "get_tf_activation of activations_tf",
    "pytorch_utils": "tf_utils",
}


def check(port: Port) -> Iterator[Finding]:
    for module, group in grouped(port, "import"):
        found = group[0]
        told = finding(port, RULE, module, group, _message(found), _advice(port, found))
        yield replace(told, edits=_edits(port, module, group))


def _edits(port: Port, module: Module, group: list[Leftover]) -> tuple[Edit, ...]:
    """Takes `import torch` out, where nothing needs it."""
    text = port.text(module.path)
    tree = parse(text)
    if len(group) > 1 or isinstance(tree, Problem):
        return ()
    for node in tree.body:
        if (
            isinstance(node, (ast.Import, ast.ImportFrom))
            and node.lineno == group[0].line
            and len(node.names) == 1
        ):
            bound = node.names[0].asname or node.names[0].name
            if len(re.findall(rf"\b{re.escape(bound)}\b", text)) == 1:
                return unimport(module.path, text.split("\n"), node, node.names[0])
    return ()


def _message(found: Leftover) -> str:
    if found.name.startswith("."):
        return f"{found.name} is a module of PyTorch's side"
    return f"{found.name.split('.')[0]} is imported"


def _advice(port: Port, found: Leftover) -> str:
    last = found.name.rsplit(".", 1)[-1]
    if last in _INSTEAD:
        return f"Import {_INSTEAD[last]} instead."
    if last.startswith("modeling_"):
        ours = last.replace("modeling_", "modeling_tf_", 1)
        folder = port.model if found.name.count(".") == 1 else found.name.strip(".").split(".")[-2]
        if port.base.blob_id(f"{MODELS}/{folder}/{ours}.py") is not None:
            return f"Import it from {found.name.replace('modeling_', 'modeling_tf_')}."
        return f"Define {found.detail or 'it'} here: importing {last} needs torch."
    return "Take the import out, with everything that needs it."


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_IMPORT = "from ...activations_tf import get_tf_activation\n"

RULE = Rule(
    slug="torch-imports",
    level="error",
    summary="The TensorFlow module imports neither torch nor anything that imports it (`modeling_outputs`, `activations`, `modeling_<model>`).",
    why="Who has TensorFlow only cannot import the model at all.",
    how="Everything has its TensorFlow module: `modeling_tf_outputs`, `activations_tf`, `tf_utils`, `modeling_tf_utils`; what is only in `modeling_<model>.py` is defined anew.",
    guide="Step 4: rewrite the code in TensorFlow.",
    source="commits of TF BLIP (archive list and outputs imported from the torch file); review of #18020",
    check=check,
    examples=(
        Example(
            title="torch is imported",
            path=_TF,
            good="import tensorflow as tf\n",
            bad="import tensorflow as tf\nimport torch\n",
            finds=("import torch",),
            fixed=True,
        ),
        Example(
            title="Something is taken from the PyTorch module",
            path=_TF,
            good="from .configuration_lantern import LanternConfig\n",
            bad="from .configuration_lantern import LanternConfig\nfrom .modeling_lantern import LANTERN_START\n",
            finds=("from .modeling_lantern import LANTERN_START",),
            fixed=True,
        ),
        Example(
            title="Tools of PyTorch",
            path=_TF,
            good=_IMPORT,
            bad=f"{_IMPORT}from ...pytorch_utils import find_pruneable_heads_and_indices\n",
            finds=("from ...pytorch_utils import find_pruneable_heads_and_indices",),
            fixed=True,
        ),
        Example(
            title="The activations of PyTorch",
            path=_TF,
            good=_IMPORT,
            bad=f"from ...activations import ACT2FN\n{_IMPORT}",
            finds=("from ...activations import ACT2FN",),
            fixed=True,
        ),
    ),
)

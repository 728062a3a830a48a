"""Layers of the PyTorch class that nothing in the TensorFlow class is named after."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._misnamed import misnamed, prefixes
from checks.rules._naming import Naming
from checks.rules._namings import namings
from checks.rules._places import Module, Parameter, Place
from checks.source.calls import calls

_TIED = frozenset(
    {"embed_tokens", "lm_head", "decoder", "shared", "proj_out", "embed_out", "wte", "output_embeddings"}
)
"""What may share its weights with another layer, so that TensorFlow has it once."""

_UNUSED = frozenset({"distance_embedding", "crossattention"})
"""What most ports leave out: relative positions, and decoders' layers of encoders."""


def check(port: Port) -> Iterator[Finding]:
    wrong = {found.naming.pair.name for found in misnamed(port)}
    skipped = prefixes(port) | _TIED | _UNUSED
    made = {naming.pair.name: naming.roots for naming in namings(port)}
    for naming in namings(port):
        pair = naming.pair
        if (
            not naming.paired
            or naming.elsewhere
            or naming.foreign
            or not naming.complete
            or pair.name.endswith("PreTrainedModel")
        ):
            continue
        # What has a wrong name has its finding already.
        if (
            pair.name in wrong
            or any(not naming.leads(name) for name in naming.names)
            or (not naming.names and not pair.tensorflow.method("__init__"))
        ):
            continue
        # TFFunnelBaseModel holds a layer that holds what FunnelBaseModel does.
        held = (
            [n.layer.kind for n in naming.names if n.layer is not None] if port.is_model(pair.facts) else []
        )
        inner = frozenset(name for kind in held for name in made.get(kind, ()))
        absent = [
            name
            for name in naming.free
            if name
            and name not in skipped | inner
            and name not in pair.tensorflow.attributes
            and not naming.mentions(name)
            and _demanded(naming, name, naming.torch_weighted[name])
        ]
        if absent:
            yield _finding(naming, absent)


def _demanded(naming: Naming, name: str, places: tuple[Place, ...]) -> bool:
    """It is there in every configuration, and no parameter (of which parameters-in-build tells)."""
    if any(isinstance(place, Parameter) for place in places):
        return False
    # Sinusoidal positions are computed, whatever keeps them.
    if any(isinstance(place, Module) and "Sinusoidal" in place.layers.name for place in places):
        return False
    for place in naming.places:
        if isinstance(place, Module):
            for _, layers in place.chain:
                made = layers.of(name)
                if made:
                    return not any(layer.conditional for layer in made)
    return True


def _finding(naming: Naming, absent: list[str]) -> Finding:
    pair = naming.pair
    called = _called(pair, absent)
    if called is not None:
        name = called.func.attr if isinstance(called.func, ast.Attribute) else absent[0]
        place = naming.attribute_line(name)
        return RULE.finding(
            pair.path,
            called.lineno,
            f"{pair.name} calls self.{name}, but no layer of that name is made (PyTorch makes it{f': {place}' if place else ''})",
            f'Make it in __init__, with name="{name}".',
            symbol=pair.name,
            level="error",
        )
    init = pair.tensorflow.method("__init__")
    where = ", ".join(filter(None, map(naming.attribute_line, absent[:3])))
    return RULE.finding(
        pair.path,
        init.lineno if init is not None else pair.facts.line,
        f"{pair.name} has nothing named {enumerate_names(absent)}, {verb(absent, 'a layer', 'layers')} with weights of {naming.torch} ({where})",
        f'Make {verb(absent, "it", "them")} with name="{absent[0]}", or say in a comment why TensorFlow does without.',
        symbol=pair.name,
        absent=True,
    )


def _called(pair: Pair, absent: list[str]) -> ast.Call | None:
    """The first call of one of the attributes, which cannot succeed."""
    for call in calls(pair.tensorflow.node):
        attribute = call.name.removeprefix("self.")
        if (
            call.name == f"self.{attribute}"
            and attribute in absent
            and attribute not in pair.tensorflow.attributes
        ):
            return call.node
    return None


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_PYTORCH = "src/transformers/models/lantern/modeling_lantern.py"

RULE = Rule(
    slug="missing-weights",
    level="warning",
    summary="Every layer of the PyTorch class that has weights has its layer in TensorFlow.",
    why="What is not there can't load its weights. The model runs, and its results differ.",
    how="Make the layer, named as PyTorch calls it. What PyTorch makes only under a condition, and what shares its weights, is not asked for.",
    guide="Step 4: every layer of PyTorch has its counterpart.",
    source="the list of weights that from_pt=True does not find; asked for in review",
    check=check,
    examples=(
        Example(
            title="PyTorch has one more layer",
            path=_PYTORCH,
            good="        self.activation = nn.Tanh()\n",
            bad="        self.gate = nn.Linear(config.hidden_size, config.hidden_size)\n        self.activation = nn.Tanh()\n",
            finds=("def __init__(self, config: LanternConfig, **kwargs):#6",),
            finds_in=_TF,
        ),
        Example(
            title="One that only some configurations have",
            path=_PYTORCH,
            good="        self.activation = nn.Tanh()\n",
            bad="        if config.hidden_size > 32:\n            self.gate = nn.Linear(config.hidden_size, config.hidden_size)\n        self.activation = nn.Tanh()\n",
            silent=True,
        ),
    ),
)

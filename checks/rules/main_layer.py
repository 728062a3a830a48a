"""The base model's logic lives in the main layer."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import is_main_layer, is_weighted, models, pairs_of


def check(port: Port) -> Iterator[Finding]:
    if not port.models:
        raise NotBegun("no public model yet")
    for pair in models(port):
        if is_main_layer(pair):
            yield RULE.finding(
                pair.path,
                pair.facts.line,
                f"{pair.name} is a {pair.facts.bases[0]}, but a main layer is an ordinary layer that models hold",
                f"Derive it from {_layer_base(port)} and let the models hold it.",
                symbol=pair.name,
                column=pair.facts.column,
            )
    if any(is_main_layer(pair) for pair in pairs_of(port)):
        return
    for pair in models(port):
        for layer in pair.tensorflow.layers:
            inner = next((other for other in models(port) if other.name == layer.short), None)
            if inner is not None and _is_base(port, inner) and not _is_wrapper(port, inner):
                yield RULE.finding(
                    pair.path,
                    inner.facts.line,
                    f"{inner.name} holds the base model's layers itself, and {pair.name} a {inner.name}: there is no TF…MainLayer",
                    f"Move its layers and call into a {inner.name.removesuffix('Model')}MainLayer(keras.layers.Layer) that "
                    "both hold: a model inside a model adds a level to the names of the weights.",
                    symbol=inner.name,
                    column=inner.facts.column,
                    level="warning",
                )
                return


def _is_base(port: Port, pair: Pair) -> bool:
    """The bare model, with weighted layers of its own."""
    return pair.name.endswith("Model") and any(is_weighted(port, layer) for layer in pair.tensorflow.layers)


def _is_wrapper(port: Port, pair: Pair) -> bool:
    """It only wraps one layer, as a main layer of another name."""
    made = [layer for layer in pair.tensorflow.layers if is_weighted(port, layer)]
    return len(made) == 1


def _layer_base(port: Port) -> str:
    return "keras.layers.Layer" if port.conventions.keras_import else "tf.keras.layers.Layer"


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="main-layer",
    level="error",
    summary="The base model is a `TF…MainLayer`, a Keras layer that `TF…Model` and the heads hold.",
    why=(
        "The heads hold the main layer as PyTorch's heads hold the base model. A model inside a model would add a level to the names "
        "of its weights, so that they are not found, and would be built and saved twice."
    ),
    how="`class TFLanternMainLayer(keras.layers.Layer)` holds embeddings, encoder and pooler; models hold the main layer.",
    guide="Step 4: a TFBrandNewBertMainLayer holds the logic, the models wrap it.",
    check=check,
    examples=(
        Example(
            title="The main layer is a model",
            path=_TF,
            good="class TFLanternMainLayer(keras.layers.Layer):",
            bad="class TFLanternMainLayer(TFPreTrainedModel):",
            finds=("class TFLanternMainLayer(TFPreTrainedModel):",),
        ),
    ),
)

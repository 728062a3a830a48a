"""`TFXModel` holds the main layer and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import is_weighted, models, pairs_of


def check(port: Port) -> Iterator[Finding]:
    mains = {pair.name for pair in pairs_of(port) if pair.name.endswith("MainLayer")}
    if not mains:
        raise NotBegun("there is no TF…MainLayer")
    for pair in models(port):
        main = f"{pair.name.removesuffix('Model')}MainLayer"
        if main not in mains or not pair.name.endswith("Model"):
            continue
        made = [layer for layer in pair.tensorflow.layers if is_weighted(port, layer)]
        # With two main layers, an encoder and a decoder, the model joins them itself.
        if [layer.short for layer in made if layer.short in mains] != [main]:
            continue
        own = [layer for layer in made if layer.short not in mains]
        if own:
            names = [f"self.{layer.attribute}" for layer in own]
            yield RULE.finding(
                pair.path,
                own[0].line,
                f"{pair.name} makes {enumerate_names(names)} besides the main layer",
                f"Move {verb(names, 'it', 'them')} into {main}: the heads use the main layer only, and the weights' names "
                f"would lack a level.",
                symbol=pair.name,
                locations=[Location(pair.path, layer.line) for layer in own[1:]],
            )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="thin-models",
    level="warning",
    summary="`TF…Model` holds the main layer and nothing else that has weights.",
    why=(
        "In PyTorch the base model's layers lie directly below the base model's prefix; so they do in TensorFlow only if the main "
        "layer makes them. What `TF…Model` makes besides is missing in every head."
    ),
    how="Create the layers in the main layer.",
    guide="Step 4: the models are wrappers around the main layer.",
    check=check,
    examples=(
        Example(
            title="The model has a pooler of its own",
            path=_TF,
            good="""\
        self.lantern = TFLanternMainLayer(config, name="lantern")

    @unpack_inputs
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFBaseModelOutputWithPooling | tuple[tf.Tensor]:
        return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
""",
            bad="""\
        self.lantern = TFLanternMainLayer(config, name="lantern")
        self.pooler = TFLanternPooler(config, name="pooler")

    @unpack_inputs
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFBaseModelOutputWithPooling | tuple[tf.Tensor]:
        return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "pooler", None) is not None:
            with tf.name_scope(self.pooler.name):
                self.pooler.build(None)
""",
            finds=('self.pooler = TFLanternPooler(config, name="pooler")#2',),
        ),
    ),
)

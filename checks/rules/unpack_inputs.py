"""`@unpack_inputs` on `call`."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import import_name
from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding, Level
from checks.rules import Example, Rule
from checks.rules._common import as_in, decorate
from checks.source.python import Class

_INPUTS = frozenset({"return_dict", "input_ids", "pixel_values", "input_values", "input_features"})
"""Parameters that tell a model's `call` from that of a sub-module which is a `TFPreTrainedModel` only by its bases
(TFSegformerDecodeHead takes nothing but `encoder_hidden_states`)."""


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.unpack_inputs:
        raise NotApplicable("the base does not know @unpack_inputs yet")
    seen = False
    for module, found in port.classes.values():
        call = found.methods.get("call")
        level = _demanded(port, found)
        if call is None or level is None:
            continue
        seen = True
        if call.decorated("unpack_inputs"):
            continue
        text = port.text(module.path)
        yield RULE.finding(
            module.path,
            call.line,
            f"{found.name}.call is not decorated with @unpack_inputs",
            f"Add @unpack_inputs above{as_in(port, module, found, _is_decorated)}.",
            symbol=f"{found.name}.call",
            column=call.column,
            edits=(
                decorate(port, module, call, "@unpack_inputs"),
                *import_name(module.path, text, module.facts, "...modeling_tf_utils", "unpack_inputs"),
            ),
            level=level,
        )
    if not seen:
        raise NotBegun("no main layer or model has a call() yet")


def _demanded(port: Port, found: Class) -> Level | None:
    """How much it matters that the class's `call` is decorated; None if not at all."""
    call = found.methods.get("call")
    if call is None or not port.is_keras(found):
        return None
    if port.is_model(found):
        if not _INPUTS & set(call.parameters):
            return None
        return "error" if port.intended_name(found) in port.public else "warning"
    if found.name.endswith("MainLayer"):
        return "error"
    # A serializable encoder or decoder gets the user's inputs only within its model.
    return "warning" if found.decorated("keras_serializable") else None


def _is_decorated(found: Class) -> bool:
    return "call" in found.methods and found.methods["call"].decorated("unpack_inputs")


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="unpack-inputs",
    level="error",
    summary="`call` of the main layer and of every model carries `@unpack_inputs`.",
    why=(
        "Keras lets people pass a dict, a tuple or keywords. The decorator sorts them to the right arguments and fills in "
        "`output_attentions`, `output_hidden_states` and `return_dict` from the configuration; without it a dict "
        "arrives as the first argument."
    ),
    how=(
        "Put `@unpack_inputs` directly above `call`, above the docstring decorators. Sub-layers that only other layers "
        "call do not need it."
    ),
    since="4.18 (b7018abf3)",
    guide="Step 4, checklist: the main layer and all classes that use it have call decorated with @unpack_inputs.",
    source="asked for in review, #16491",
    check=check,
    examples=(
        Example(
            title="The model forgot it",
            path=_TF,
            good="    @unpack_inputs\n    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)\n    def call(\n        self,\n        input_ids: TFModelInputType | None = None,\n        flicker",
            bad="    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)\n    def call(\n        self,\n        input_ids: TFModelInputType | None = None,\n        flicker",
            finds=("def call(#4",),
            fixed=True,
        ),
        Example(
            title="The main layer forgot it",
            path=_TF,
            good="    @unpack_inputs\n    def call(\n        self,\n        input_ids",
            bad="    def call(\n        self,\n        input_ids",
            finds=("def call(#1",),
            fixed=True,
        ),
        Example(
            title="A sub-module that is a model only by its bases",
            path=_TF,
            good="class TFLanternPooler(keras.layers.Layer):",
            bad="class TFLanternPooler(TFLanternPreTrainedModel):",
            silent=True,
        ),
    ),
)

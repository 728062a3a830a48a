"""`@keras_serializable` on the main layer."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import import_name, insert
from checks.errors import NotBegun
from checks.port import Module, Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._common import as_in, decorate
from checks.source.python import Class


def check(port: Port) -> Iterator[Finding]:
    layers = [(m, c) for m, c in port.classes.values() if port.is_keras(c) and not port.is_model(c)]
    for module, found in layers:
        main = found.name.endswith("MainLayer")
        if _inherits(module, found):
            continue
        if not found.decorated("keras_serializable"):
            # Only the decorator reads `config_class` of a layer, so whoever sets it wants the decorator.
            if main or "config_class" in found.attributes:
                yield RULE.finding(
                    module.path,
                    found.line,
                    f"{found.name} is not decorated with @keras_serializable",
                    f"Add @keras_serializable above the class{as_in(port, module, found, _is_decorated)}.",
                    symbol=found.name,
                    column=found.column,
                    edits=_edits(port, module, found),
                    level="error" if main else "warning",
                )
        elif "config_class" not in found.attributes and not any(
            base.startswith("TF") for base in found.bases
        ):
            configuration = port.configuration or "the model's configuration class"
            edits = ()
            if port.configuration:
                edits = (insert(module.path, found.line + 1, f"    config_class = {configuration}\n\n"),)
            yield RULE.finding(
                module.path,
                found.line,
                f"{found.name} has no config_class, without which @keras_serializable fails at import",
                f"Add config_class = {configuration} as the first line of the class.",
                symbol=found.name,
                column=found.column,
                edits=edits,
            )
        elif "__init__" in found.methods and "config" not in found.methods["__init__"].parameters:
            init = found.methods["__init__"]
            yield RULE.finding(
                module.path,
                init.line,
                f"{found.name}.__init__ has no argument config, from which @keras_serializable restores the layer",
                "Take config as the first argument.",
                symbol=f"{found.name}.__init__",
                column=init.column,
                level="warning",
            )
    if not any(found.name.endswith("MainLayer") for _, found in layers):
        raise NotBegun("there is no TF…MainLayer")


def _inherits(module: Module, found: Class) -> bool:
    """A base class in the same module is decorated, so it is."""
    bases = (module.facts.classes.get(base) for base in found.bases)
    return any(base is not None and base.decorated("keras_serializable") for base in bases)


def _is_decorated(found: Class) -> bool:
    return found.decorated("keras_serializable")


def _edits(port: Port, module: Module, found: Class) -> tuple[Edit, ...]:
    text = port.text(module.path)
    return (
        decorate(port, module, found, "@keras_serializable"),
        *import_name(module.path, text, module.facts, "...modeling_tf_utils", "keras_serializable"),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="keras-serializable",
    level="error",
    summary="`TF…MainLayer` carries `@keras_serializable`, has a `config_class` and takes `config`.",
    why=(
        "People put the main layer into Keras models of their own. Without the decorator such a model can be saved but "
        "not loaded, and upstream's `test_keras_save_load` skips undecorated layers, so no test notices."
    ),
    how="Put `@keras_serializable` above `class TF…MainLayer` and `config_class = …Config` into it.",
    guide="Step 4, checklist: the main layer is decorated with @keras_serializable.",
    check=check,
    examples=(
        Example(
            title="The main layer forgot it",
            path=_TF,
            good="@keras_serializable\nclass TFLanternMainLayer(keras.layers.Layer):",
            bad="class TFLanternMainLayer(keras.layers.Layer):",
            finds=("class TFLanternMainLayer(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="The decorator goes above a comment",
            path=_TF,
            good="@keras_serializable\nclass TFLanternMainLayer(keras.layers.Layer):",
            bad="# Adapted from transformers.models.bert.modeling_tf_bert.TFBertMainLayer\nclass TFLanternMainLayer(keras.layers.Layer):",
            finds=("class TFLanternMainLayer(keras.layers.Layer):",),
            edits_to="@keras_serializable\n# Adapted from transformers.models.bert.modeling_tf_bert.TFBertMainLayer\nclass TFLanternMainLayer(keras.layers.Layer):",
        ),
        Example(
            title="Decorated, but without config_class",
            path=_TF,
            good="class TFLanternMainLayer(keras.layers.Layer):\n    config_class = LanternConfig\n\n",
            bad="class TFLanternMainLayer(keras.layers.Layer):\n",
            finds=("class TFLanternMainLayer(keras.layers.Layer):",),
            fixed=True,
        ),
        Example(
            title="A constructor without config",
            path=_TF,
            good="    def __init__(self, config: LanternConfig, **kwargs):  # main layer",
            bad='    def __init__(self, **kwargs):  # main layer\n        config = kwargs.pop("config")',
            finds=("def __init__(self, **kwargs):  # main layer",),
        ),
    ),
)

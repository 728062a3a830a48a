"""`input_signature`, where the library can't guess it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import (
    bases,
    configuration_attributes,
    configuration_text,
    method,
    models,
    signature_keys,
)
from checks.source.walk import parameters


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.input_signature:
        raise NotApplicable("in the base, models bring their own dummy_inputs and serving")
    found = [pair for pair in models(port) if pair.tensorflow.method("call") and pair.name in port.models]
    if not found:
        raise NotBegun("no public model has a call() yet")
    yield from _missing(port, found)
    yield from _unknown_keys(found)


def _overrides(pair: Pair) -> bool:
    known = {owner.name for owner in bases(pair)} | {"TFPreTrainedModel"}
    foreign = [base for owner in bases(pair) for base in owner.tensorflow.bases if base not in known]
    return (
        method(pair, "input_signature") is not None
        or method(pair, "dummy_inputs") is not None
        or any(base.startswith("TF") and not base.endswith("Loss") for base in foreign)
    )


def _missing(port: Port, found: list[Pair]) -> Iterator[Finding]:
    needs: dict[str, list[Pair]] = {}
    for pair in found:
        reason = _reason(port, pair)
        if reason and not _overrides(pair):
            needs.setdefault(reason, []).append(pair)
    for reason, of in needs.items():
        owner = next((base for base in bases(of[0]) if base.name.endswith("PreTrainedModel")), of[0])
        yield RULE.finding(
            owner.path,
            owner.facts.line,
            f"{owner.name} has no input_signature, although {reason}",
            _ADVICE.get(
                reason,
                "Define the property input_signature, or the model can't be built before its weights are loaded.",
            ),
            symbol=owner.name,
            column=owner.facts.column,
            locations=[Location(pair.path, pair.facts.line) for pair in of if pair is not owner],
        )


_IMAGES = "the configuration has no"
_ADVICE = {
    f"{_IMAGES} image_size, from which the library makes one for pixel_values": (
        "Give the configuration an image_size, or define input_signature as TFRegNetPreTrainedModel does: "
        '{"pixel_values": tf.TensorSpec(shape=(None, self.config.num_channels, 224, 224), dtype=tf.float32)}.'
    )
}


def _reason(port: Port, pair: Pair) -> str:
    """Why the library's own signature does not do; "" if it does."""
    call = pair.tensorflow.method("call")
    ours = parameters(call) if call else {}
    for name in ("input_features", "input_values"):
        if name in ours:
            return f"its models take {name}, which the library knows no shape of"
    if "bbox" in ours and "input_ids" in ours:
        return "its models take bbox, which the library leaves out"
    if "pixel_values" in ours and configuration_text(port):
        known = configuration_attributes(port) | set(re.findall(r'"(\w+)":', configuration_text(port)))
        if "vision_config" in known or "encoder" in known:
            return ""
        if "num_channels" not in known:
            return f"{_IMAGES} num_channels, from which the library makes one for pixel_values"
        if not {"image_size", "input_size"} & known:
            return f"{_IMAGES} image_size, from which the library makes one for pixel_values"
    return ""


def _unknown_keys(found: list[Pair]) -> Iterator[Finding]:
    """Upstream's test_valid_input_signature_and_dummies: every key is a parameter of every model's call."""
    seen: set[tuple[str, str]] = set()
    for pair in found:
        owner = next((base for base in bases(pair) if base.tensorflow.method("input_signature")), None)
        call = pair.tensorflow.method("call")
        # A head that takes hidden states is a model by its bases only, and never built alone.
        if owner is None or call is None or "return_dict" not in parameters(call):
            continue
        signature = owner.tensorflow.method("input_signature")
        assert signature is not None
        for key in signature_keys(signature):
            if key.value in parameters(call) or (owner.name, str(key.value)) in seen:
                continue
            seen.add((owner.name, str(key.value)))
            without = [p.name for p in found if owner in bases(p) and not _takes(p, str(key.value))]
            yield RULE.finding(
                owner.path,
                key.lineno,
                f"input_signature of {owner.name} has {key.value}, which {enumerate_names(without)} {verb(without, 'does', 'do')} not take",
                "Remove it or spell it as call does; models with other inputs need an input_signature of their own.",
                symbol=f"{owner.name}.input_signature",
                column=key.col_offset + 1,
            )


def _takes(pair: Pair, name: str) -> bool:
    call = pair.tensorflow.method("call")
    return call is not None and name in parameters(call)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_ATTRIBUTES = '    config_class = LanternConfig\n    base_model_prefix = "lantern"\n'

RULE = Rule(
    slug="input-signature",
    level="error",
    summary="Models whose inputs the library can't guess have an `input_signature`, with keys that `call` takes.",
    why=(
        "Before weights are loaded, the model is built with inputs made from its signature. The library makes one for `input_ids`, and for "
        "`pixel_values` if the configuration has `num_channels` and `image_size`."
    ),
    how="`input_signature` is a property of `TF…PreTrainedModel` that returns a dict of `tf.TensorSpec`; or give the configuration `image_size`.",
    since="4.30 (814de8fac)",
    source="modeling_tf_utils.py; upstream's test_valid_input_signature_and_dummies",
    check=check,
    examples=(
        Example(
            title="The configuration has no image_size",
            path="src/transformers/models/lantern/configuration_lantern.py",
            good="        num_channels=3,\n        image_size=64,\n        pad_token_id=0,\n        **kwargs,\n    ):\n        super().__init__(pad_token_id=pad_token_id, **kwargs)\n        self.vocab_size = vocab_size\n        self.hidden_size = hidden_size\n        self.num_hidden_layers = num_hidden_layers\n        self.hidden_act = hidden_act\n        self.hidden_dropout_prob = hidden_dropout_prob\n        self.layer_norm_eps = layer_norm_eps\n        self.initializer_range = initializer_range\n        self.num_channels = num_channels\n        self.image_size = image_size\n",
            bad="        num_channels=3,\n        pad_token_id=0,\n        **kwargs,\n    ):\n        super().__init__(pad_token_id=pad_token_id, **kwargs)\n        self.vocab_size = vocab_size\n        self.hidden_size = hidden_size\n        self.num_hidden_layers = num_hidden_layers\n        self.hidden_act = hidden_act\n        self.hidden_dropout_prob = hidden_dropout_prob\n        self.layer_norm_eps = layer_norm_eps\n        self.initializer_range = initializer_range\n        self.num_channels = num_channels\n",
            finds=("class TFLanternPreTrainedModel(TFPreTrainedModel):",),
            finds_in=_TF,
        ),
        Example(
            title="A key that no model takes",
            path=_TF,
            good=_ATTRIBUTES,
            bad=_ATTRIBUTES
            + """
    @property
    def input_signature(self):
        return {
            "input_ids": tf.TensorSpec((None, None), tf.int32, name="input_ids"),
            "bbox": tf.TensorSpec((None, None, 4), tf.int32, name="bbox"),
        }
""",
            finds=('"bbox": tf.TensorSpec((None, None, 4), tf.int32, name="bbox"),',),
        ),
    ),
)

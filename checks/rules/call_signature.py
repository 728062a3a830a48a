"""`call` takes what PyTorch's `forward` takes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Level, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import forward, is_main_layer, is_model, pairs_of, pytorch_place
from checks.source.walk import Function, Parameter, parameters

_PYTORCH_ONLY = frozenset(
    {
        "attention_similarity",
        "bool_masked_pos",
        "cache_position",
        "cross_attn_head_mask",
        "encoder_attention_mask",
        "encoder_hidden_states",
        "interpolate_pos_encoding",
        "is_decoder",
        "logits_to_keep",
        "mask_time_indices",
        "num_logits_to_keep",
        "output_router_logits",
        "past_key_value",
        "past_key_values",
        "reduction",
        "target_embedding",
        "use_cache",
    }
)
"""What merged ports leave out: decoding in models that are used as encoders, pretraining, and what came to PyTorch later."""

_TENSORFLOW_ONLY = frozenset(
    {
        "decoder_position_ids",
        "head_mask",
        "inputs_embeds",
        "labels",
        "past_key_values",
        "position_ids",
        "return_dict",
        "token_type_ids",
    }
)
"""What merged ports take besides, so that they look like the others."""

_LABELS = ("label", "labels", "start_positions", "end_positions")


_OPTIONS = frozenset({"use_cache", "output_attentions", "output_hidden_states", "return_dict", "training"})
"""Passed by keyword by everybody, so that their order does not matter."""


@dataclass(frozen=True, slots=True)
class _Defect:
    """The same defect in another class is the same mistake, made once and copied."""

    key: tuple[str, ...]
    pair: Pair
    line: int
    column: int
    message: str
    advice: str
    level: Level | None = None


def check(port: Port) -> Iterator[Finding]:
    found: dict[tuple[str, ...], list[_Defect]] = {}
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or not (is_model(pair) or (is_main_layer(pair) and port.is_keras(pair.facts))):
            continue
        seen = True
        ours = parameters(call)
        if _is_part(ours):
            continue
        for defect in _defects(pair, call, ours):
            found.setdefault(defect.key, []).append(defect)
    for defects in found.values():
        first = defects[0]
        yield RULE.finding(
            first.pair.path,
            first.line,
            first.message,
            first.advice,
            symbol=f"{first.pair.name}.call",
            column=first.column,
            locations=[Location(defect.pair.path, defect.line) for defect in defects[1:]],
            level=first.level,
        )
    if not seen:
        raise NotBegun("no main layer or model has a call() yet")


def _is_part(ours: dict[str, Parameter]) -> bool:
    """A model only by its bases, that other models call: a head that takes nothing but hidden states."""
    inputs = {"input_ids", "pixel_values", "input_values", "input_features", "return_dict"}
    return not inputs & ours.keys()


def _defects(pair: Pair, call: Function, ours: dict[str, Parameter]) -> Iterator[_Defect]:
    head = (call.lineno, call.col_offset + len("def ") + 1)
    if is_model(pair) and "return_dict" not in ours:
        yield _Defect(
            ("return_dict",),
            pair,
            *head,
            f"{pair.name}.call does not take return_dict",
            "Take return_dict and return a ModelOutput, or a tuple if it is False.",
        )
    function = forward(pair)
    if function is None:
        return
    theirs = parameters(function)
    place = pytorch_place(pair, function.lineno)
    missing = [name for name in theirs if name not in ours and not (name == "return_dict" and is_model(pair))]
    if "labels" in missing and any(map(_is_label, ours)):
        missing.remove("labels")  # under another name, as next_sentence_label
    known = theirs.keys() | _TENSORFLOW_ONLY | {"training"}
    extra = [name for name in ours if name not in known and not _is_label(name)]
    meant = difflib.get_close_matches(extra[0], missing, n=1, cutoff=0.8) if extra else []
    wanted = [name for name in missing if name not in _PYTORCH_ONLY and name not in meant]
    if wanted and call.args.kwarg is None:
        them = verb(wanted, "it", "them")
        yield _Defect(
            ("missing", *wanted),
            pair,
            *head,
            f"{pair.name}.call does not take {enumerate_names(wanted)}, which PyTorch's forward takes ({place})",
            f"Add {them} in PyTorch's order, or say in the pull request why TensorFlow can't have {them}.",
        )
    if extra and function.args.kwarg is None:
        found = ours[extra[0]]
        if meant:
            advice = f"Is {meant[0]} meant?"
        else:
            advice = f"Is {verb(extra, 'it', 'one of them')} left from another model? Models of both frameworks take the same inputs."
        yield _Defect(
            ("extra", *extra),
            pair,
            found.line,
            found.column,
            f"{pair.name}.call takes {enumerate_names(extra)}, which PyTorch's forward does not take ({place})",
            advice,
            "warning" if meant else "suggestion",
        )
    # TensorFlow's models take their labels last, PyTorch's before the options.
    common = [name for name in ours if name in theirs and not _is_label(name)]
    inputs = [name for name in common if name not in _OPTIONS]
    order = [name for name in theirs if name in inputs]
    if inputs != order:
        first, other = next((a, b) for a, b in zip(inputs, order, strict=True) if a != b)
        yield _Defect(
            ("order", first, other),
            pair,
            ours[first].line,
            ours[first].column,
            f"{pair.name}.call takes {first} where PyTorch's forward takes {other} ({place})",
            f"Take them in PyTorch's order ({', '.join(order)}), or positional inputs reach the wrong argument.",
        )
    for name in common:
        mine, default = ours[name], theirs[name].default
        if mine.default != default and default is not None:
            said = f"has the default {mine.default}" if mine.default is not None else "has no default"
            yield _Defect(
                ("default", name, default),
                pair,
                mine.line,
                mine.column,
                f"{name} of {pair.name}.call {said}, in PyTorch it is {default} ({place})",
                f"Give it the default {default}.",
            )


def _is_label(name: str) -> bool:
    return name.endswith(_LABELS)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_INPUTS = """\
        flicker: np.ndarray | tf.Tensor | None = None,
        labels: np.ndarray | tf.Tensor | None = None,
        return_dict: bool | None = None,
"""

RULE = Rule(
    slug="call-signature",
    level="warning",
    summary="`call` of the main layer and the models takes the arguments of PyTorch's `forward`, in its order and with its defaults.",
    why=(
        "People and pipelines call both frameworks alike. An argument that is missing raises an error in their code, one in another place "
        "is silently taken for another."
    ),
    how=(
        "Copy the arguments from `forward`. Labels may stand last, `training` is the last of all. What TensorFlow can't support is left out "
        "and named in the pull request."
    ),
    guide="Step 4: call takes the same arguments as forward.",
    source="reviews of merged ports; rates on all merged ports",
    check=check,
    examples=(
        Example(
            title="An input is missing",
            path=_TF,
            good=_INPUTS + "        training: bool = False,\n    ) -> TFTokenClassifierOutput",
            bad=_INPUTS.replace("        flicker: np.ndarray | tf.Tensor | None = None,\n", "")
            + "        training: bool = False,\n    ) -> TFTokenClassifierOutput",
            finds=("def call(#4",),
        ),
        Example(
            title="Another order",
            path=_TF,
            good="""\
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        labels:""",
            bad="""\
        pixel_values: TFModelInputType | None = None,
        input_ids: TFModelInputType | None = None,
        labels:""",
            finds=("pixel_values: TFModelInputType | None = None,#3",),
        ),
        Example(
            title="Another default",
            path=_TF,
            good="""\
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFSequenceClassifierOutput""",
            bad="""\
        return_dict: bool = True,
        training: bool = False,
    ) -> TFSequenceClassifierOutput""",
            finds=("return_dict: bool = True,",),
        ),
    ),
)

"""`self.config` where `@unpack_inputs` reads it."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import insert
from checks.errors import NotApplicable
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import bases, layers
from checks.source.walk import calls, is_super_init


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.unpack_inputs:
        raise NotApplicable("the base does not know @unpack_inputs yet")
    for pair in layers(port):
        call = pair.facts.methods.get("call")
        if call is None or not call.decorated("unpack_inputs") or "EncoderDecoder" in pair.name:
            continue
        if any("config" in owner.tensorflow.attributes for owner in bases(pair)) or _inherits(pair):
            continue
        init = pair.facts.methods.get("__init__")
        yield RULE.finding(
            pair.path,
            init.line if init else pair.facts.line,
            f"{pair.name} does not keep self.config, which @unpack_inputs reads",
            "Add self.config = config to __init__.",
            symbol=f"{pair.name}.__init__",
            column=init.column if init else pair.facts.column,
            edits=_edits(pair),
        )


def _inherits(pair: Pair) -> bool:
    """A base comes from another module, which may do it."""
    known = {owner.name for owner in bases(pair)}
    return any(base not in known and not base.endswith(".Layer") for base in pair.tensorflow.bases)


def _edits(pair: Pair) -> tuple[Edit, ...]:
    init = pair.tensorflow.method("__init__")
    if init is None or "config" not in {argument.arg for argument in init.args.args}:
        return ()
    start = next((call.end_lineno for call in calls(init) if is_super_init(call)), None)
    return (insert(pair.path, start + 1, "        self.config = config\n"),) if start else ()


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="stored-config",
    level="error",
    summary="A layer whose `call` has `@unpack_inputs` keeps `self.config`.",
    why="The decorator fills `output_attentions`, `output_hidden_states` and `return_dict` from `self.config`: without it every call fails.",
    how="`self.config = config` in `__init__`. Models get it from `TFPreTrainedModel`.",
    since="4.18 (b7018abf3)",
    source="modeling_tf_utils.py, unpack_inputs",
    check=check,
    examples=(
        Example(
            title="The main layer does not keep it",
            path=_TF,
            good="  # main layer\n        super().__init__(**kwargs)\n        self.config = config\n",
            bad="  # main layer\n        super().__init__(**kwargs)\n",
            finds=("def __init__(self, config: LanternConfig, **kwargs):  # main layer",),
            fixed=True,
        ),
    ),
)

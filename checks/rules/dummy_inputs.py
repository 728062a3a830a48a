"""`dummy_inputs` and `serving`, as the base wants them."""

from __future__ import annotations

from collections.abc import Iterator

from checks.conventions import TF_UTILS, read
from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Level, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._structure import bases, method, models, signature_keys
from checks.source.walk import parameters


def check(port: Port) -> Iterator[Finding]:
    found = [pair for pair in models(port) if pair.tensorflow.method("call") and pair.name in port.models]
    if not found:
        raise NotBegun("no public model has a call() yet")
    yield from _stale(port) if port.conventions.input_signature else _missing(port, found)
    yield from _unknown_keys(found)


def _unknown_keys(found: list[Pair]) -> Iterator[Finding]:
    """Every key is a parameter of each model that is built with it."""
    seen: set[tuple[str, str]] = set()
    for pair in found:
        owner = next((base for base in bases(pair) if base.tensorflow.method("dummy_inputs")), None)
        call = pair.tensorflow.method("call")
        # A head that takes hidden states is a model by its bases only, and never built alone.
        if owner is None or call is None or "return_dict" not in parameters(call):
            continue
        dummy = owner.tensorflow.method("dummy_inputs")
        for key in signature_keys(dummy) if dummy else ():
            name = str(key.value)
            # A key that some models take is there for them (cross attention), under a condition.
            if (owner.name, name) in seen or any(
                _takes(other, name) for other in found if owner in bases(other)
            ):
                continue
            seen.add((owner.name, name))
            yield RULE.finding(
                owner.path,
                key.lineno,
                f"dummy_inputs of {owner.name} has {name}, which no call takes",
                "Spell it as call does, or the model can't be built.",
                symbol=f"{owner.name}.dummy_inputs",
                column=key.col_offset + 1,
            )


def _takes(pair: Pair, name: str) -> bool:
    call = pair.tensorflow.method("call")
    return call is not None and name in parameters(call)


def _stale(port: Port) -> Iterator[Finding]:
    for name in ("dummy_inputs", "serving"):
        defined = [pair for pair in models(port) if pair.tensorflow.method(name)]
        if defined:
            first = defined[0].tensorflow.method(name)
            assert first is not None
            yield RULE.finding(
                defined[0].path,
                first.lineno,
                f"{defined[0].name} defines {name}, which the library makes from input_signature by itself",
                f"Remove {name}; if the library can't guess the inputs, define input_signature. (Older guides still ask for it.)",
                symbol=f"{defined[0].name}.{name}",
                column=first.col_offset + len("def ") + 1,
                locations=[
                    Location(pair.path, other.lineno)
                    for pair in defined[1:]
                    if (other := pair.tensorflow.method(name)) is not None
                ],
                level="warning",
            )


_Demand = tuple[str, list[Pair], Level, str]
"""What is missing, in which classes, how much that matters, and the advice."""


def _missing(port: Port, found: list[Pair]) -> Iterator[Finding]:
    special = [pair for pair in found if _main_input(pair) != "input_ids"]
    demands: list[_Demand] = [
        (
            "dummy_inputs",
            special,
            "error",
            "Define the property dummy_inputs: with the library's token ids the model can't be built.",
        ),
        (
            "serving",
            special,
            "suggestion",
            "Define serving with the signature of its inputs, so that it can be saved as a SavedModel.",
        ),
    ]
    if "def serving_output" in read(port.base, TF_UTILS):
        advice = "Define serving_output, which makes tensors of the outputs; the library's own raises NotImplementedError."
        text = [pair for pair in found if pair not in special]
        of_output: list[_Demand] = [
            ("serving_output", text, "error", advice),
            ("serving_output", special, "suggestion", advice),
        ]
        demands += of_output
    for name, pairs, level, advice in demands:
        without = [pair for pair in pairs if method(pair, name) is None and not _inherits(pair)]
        if without:
            names = [pair.name for pair in without]
            owner = next(
                (base for base in bases(without[0]) if base.name.lower().endswith("pretrainedmodel")),
                without[0],
            )
            at = owner if name == "dummy_inputs" else without[0]
            yield RULE.finding(
                at.path,
                at.facts.line,
                f"{enumerate_names(names)} {verb(names, 'has', 'have')} no {name}",
                advice,
                symbol=at.name,
                column=at.facts.column,
                locations=[Location(pair.path, pair.facts.line) for pair in without if pair is not at],
                level=level,
                absent=True,
            )


def _main_input(pair: Pair) -> str:
    call = pair.tensorflow.method("call")
    return next(iter(parameters(call)), "") if call else ""


def _inherits(pair: Pair) -> bool:
    known = {owner.name for owner in bases(pair)} | {"TFPreTrainedModel"}
    foreign = [base for owner in bases(pair) for base in owner.tensorflow.bases if base not in known]
    return any(base.startswith("TF") and not base.endswith("Loss") for base in foreign)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_ATTRIBUTES = '    config_class = LanternConfig\n    base_model_prefix = "lantern"\n'

RULE = Rule(
    slug="dummy-inputs",
    level="error",
    summary="The model can be built and saved: by `dummy_inputs` and `serving` where the base wants them, without where it does not.",
    why=(
        "Weights exist only after the model was built with some input. Since 4.30 the library makes it from `input_signature`, before that each "
        "model had to bring `dummy_inputs`, `serving` and `serving_output`."
    ),
    how="Look at the nearest model of the base tree: if it has none of them, your model needs none.",
    guide="Step 4: dummy_inputs and serving.",
    since="4.30 (814de8fac): not needed any more",
    check=check,
    examples=(
        Example(
            title="As an older guide has it",
            path=_TF,
            good=_ATTRIBUTES,
            bad=_ATTRIBUTES
            + """
    @property
    def dummy_inputs(self):
        return {"input_ids": tf.constant([[1, 2, 3]])}
""",
            finds=("def dummy_inputs(self):",),
        ),
    ),
)

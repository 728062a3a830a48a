"""A tiny model and its inputs, as plain data that both sides get; and the ways in which it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from checks.comparison.raised import error_text
from checks.comparison.wire import Array
from checks.execution import untrusted

STRATEGIES = ("tf-tester", "pytorch-tester", "cross-test", "configuration", "checkpoint")

_RATE = re.compile(r"(^|_)(dropout|drop_rate|drop_prob|pdrop|dropout_(prob|rate|p)|drop_path_rate|droprate)$")
RAISED = 0.1
"""Rate of dropouts that a configuration leaves at zero: one that is left on in evaluation shows then."""


@dataclass(frozen=True, slots=True)
class Case:
    """One class with a configuration and inputs.

    Attributes:
        inputs, labels: arrays and plain values by argument.
        takes: arguments of the TensorFlow class's `call`.
    """

    name: str
    strategy: str
    config: Mapping[str, Any]
    inputs: Mapping[str, Any]
    labels: Mapping[str, Any] = field(default_factory=dict[str, Any])
    takes: tuple[str, ...] = ()

    def request(self) -> dict[str, Any]:
        """The fields of a request about it."""
        return {"class": self.name, "config": self.config, "inputs": self.inputs, "labels": self.labels}

    def taking(self, names: tuple[str, ...]) -> Case:
        """With only the inputs that `names` (of the other side's arguments) has too."""
        if not names:
            return self
        return replace(
            self,
            inputs={key: value for key, value in self.inputs.items() if key in names},
            labels={key: value for key, value in self.labels.items() if key in names},
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to call a model.

    Attributes:
        id: "plain", "labels", "no-mask", "tuple", "left-padding".
        text: for people, after "outputs differ ": "without masks".
        set: arguments that are given other values.
        config: values of the configuration that are changed.
        unsupported: the port lacks weights that PyTorch has then, or raises: it does not offer this option.
        padded: the mask whose padding stands on the left, where there is such. What a model computes at padded positions means nothing.
    """

    id: str
    text: str = ""
    labels: bool = False
    tuple: bool = False
    drop: tuple[str, ...] = ()
    set: Mapping[str, Any] = field(default_factory=dict[str, Any])
    padded: Array | None = None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    unsupported: bool = False

    @property
    def advisory(self) -> bool:
        """What differs is told, and decides nothing: merged ports return tuples in another order (caches of encoder-decoder models), and
        leave out rare options of a configuration together with their weights."""
        return self.tuple or self.unsupported

    def request(self) -> dict[str, Any]:
        """As a request has it."""
        return {
            "id": self.id,
            "labels": self.labels,
            "tuple": self.tuple,
            "drop": list(self.drop),
            "set": dict(self.set),
        }


PLAIN = Variant("plain")


def case_of(name: str, answer: Mapping[str, Any]) -> Case | str:
    """The case that a side offers, or why it has none. What is malformed is none."""
    if "config" not in answer:
        if "error" in answer:
            return error_text(answer["error"])
        reasons = untrusted.mapping(answer.get("unmade"))
        return "; ".join(
            f"{untrusted.text(key, 40)}: {untrusted.text(str(value), 300)}" for key, value in reasons.items()
        )[:600]
    strategy = untrusted.text(answer.get("strategy"), 40)
    config = untrusted.mapping(answer["config"])
    if strategy not in STRATEGIES or not config:
        return "the harness's answer is malformed"
    return Case(
        name,
        strategy,
        raised(config),
        dict(untrusted.mapping(answer.get("inputs"))),
        dict(untrusted.mapping(answer.get("labels"))),
        untrusted.texts(answer.get("takes"), 200, 100),
    )


def raised(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with every dropout rate above zero, those of its parts too."""
    new: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            new[key] = raised(cast("Mapping[str, Any]", value))
        elif _RATE.search(key) and type(value) in (int, float) and value == 0:
            new[key] = RAISED
        else:
            new[key] = value
    return new


def variants(case: Case) -> Iterator[Variant]:
    """The ways in which every class is called, the plain one first."""
    yield PLAIN
    if case.labels:
        yield Variant("labels", "with labels", labels=True)
    masks = tuple(key for key in case.inputs if key.endswith("attention_mask"))
    if masks:
        yield Variant("no-mask", "without masks", drop=masks)
        mask = _mask(case.inputs.get("attention_mask"))
        if mask is not None and "decoder_input_ids" not in case.inputs:
            padded = left(mask)
            set_ = {"attention_mask": padded}
            yield Variant("left-padding", "with padding on the left", set=set_, padded=padded)
    yield Variant("tuple", "with return_dict=False", tuple=True)


def redrawn(case: Case, way: Variant) -> Variant:
    """The same call with other numbers of the same kind: floats drawn anew, ids one place further. Masks and labels stay."""
    numbers = np.random.RandomState(11)
    given = {**case.inputs, **way.set}
    new: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(value, np.ndarray) or name in way.drop or "mask" in name:
            continue
        array = cast("Array", value)
        if array.dtype.kind == "f" and array.size:
            new[name] = numbers.standard_normal(array.shape) * (array.std() or 1.0) + array.mean()
        elif name.endswith("input_ids") and array.ndim:
            new[name] = np.roll(array, 1, -1)
    return replace(way, id="again", set={**way.set, **new})


def _mask(value: object) -> Array | None:
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] > 1 and value.dtype.kind in "iuf":
        return cast("Array", value)
    return None


def left(mask: Array) -> Array:
    """A mask of the same shape whose first row is padded on the left by a third."""
    new = np.ones_like(mask)
    new[0, : max(1, mask.shape[1] // 3)] = 0
    return new

"""Item `training-behaviour`: decides from what the two sides saw (`checks.harness.training`) whether the port trains as PyTorch does.

`error` only where it is proven that something acts that must not, or does not act though it was told to: a dropout in evaluation, a dropout that
is there and stays off, statistics that stand still or move at another rate, a loss that is no number, a weight that PyTorch trains and no gradient
reaches. That one side has a dropout and the other none is a `warning`: merged ports differ there (ALBERT, SAM).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from checks.comparison.case import Case
from checks.comparison.raised import error_text
from checks.execution import untrusted
from checks.report import Finding, Level

ITEM = "training-behaviour"

FROZEN = 0.02
"""A running mean that moves by less than this part of PyTorch's does not move."""
SAME_RATE = 0.05
"""Two rates that differ by less, relatively, are the same."""
STRAIGHT = 0.02
"""A momentum is named where all entries of a mean moved by the same factor, up to this part."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one dropout from one place.

    Attributes:
        owners: classes of the layers around it, outermost first.
        path, line: of the calling statement in the head's file; "" and 0 in PyTorch.
        acted: how many of the calls changed what they were given.
    """

    owners: tuple[str, ...]
    kind: str
    path: str
    line: int
    calls: int
    acted: int


@dataclass(frozen=True, slots=True)
class Mean:
    """A running mean before and after one training run. `momentum`: PyTorch's, the weight of the new value."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    momentum: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one side saw. `trained`: the weights that a gradient reaches, each with all its names (tied ones have several)."""

    evaluation: tuple[Calls, ...] = ()
    training: tuple[Calls, ...] = ()
    deterministic: bool = True
    defaults_to_training: bool = False
    classes: frozenset[str] = frozenset()
    norms: Mapping[str, Mean] = field(default_factory=dict[str, Mean])
    loss: float | None = None
    trained: tuple[tuple[str, ...], ...] = ()
    untrained: tuple[str, ...] = ()
    problem: str = ""


def seen(said: object) -> Seen:
    """A side's words; what is malformed is left out."""
    told = untrusted.mapping(said)
    norms = untrusted.mapping(told.get("norms"))
    return Seen(
        tuple(_calls(untrusted.sequence(told.get("evaluation")))),
        tuple(_calls(untrusted.sequence(told.get("training")))),
        told.get("deterministic") is not False,
        told.get("defaults_to_training") is True,
        frozenset(untrusted.texts(told.get("classes"), 1_000, 200)),
        {
            untrusted.text(name, 300): mean
            for name, value in norms.items()
            if (mean := _mean(value)) is not None
        },
        _real(told.get("loss")),
        tuple(_names(entry) for entry in untrusted.sequence(told.get("trained"), 5_000)),
        untrusted.texts(told.get("untrained"), 1_000, 300),
        untrusted.text(told.get("problem"), 1_000),
    )


def _calls(entries: Sequence[Any]) -> Iterator[Calls]:
    for entry in entries:
        told = untrusted.mapping(entry)
        place = untrusted.sequence(told.get("place"), 2)
        path, line = place if len(place) == 2 else ("", 0)
        yield Calls(
            untrusted.texts(told.get("owners"), 100, 200),
            untrusted.text(told.get("kind"), 200),
            untrusted.text(path, 300),
            int(untrusted.number(line)),
            int(untrusted.number(told.get("calls"))),
            int(untrusted.number(told.get("acted"))),
        )


def _names(value: object) -> tuple[str, ...]:
    one = untrusted.text(value, 300)
    return (one,) if one else untrusted.texts(value, 20, 300)


def _mean(value: object) -> Mean | None:
    told = untrusted.mapping(value)
    before, after = (_reals(told.get(key)) for key in ("before", "after"))
    return Mean(before, after, _real(told.get("momentum"))) if before and len(before) == len(after) else None


def _reals(value: object) -> tuple[float, ...]:
    numbers = [_real(entry) for entry in untrusted.sequence(value, 20_000)]
    return tuple(n for n in numbers if n is not None) if None not in numbers else ()


def _real(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class Spot:
    """Where findings about a class point if nothing narrower is known. `paths`: files that the pull request changes."""

    name: str
    path: str
    line: int
    paths: frozenset[str]


class Side(Protocol):
    """One of the two, as `checks.comparison.peer.Peer` is."""

    def ask(self, do: str, **fields: Any) -> Mapping[str, Any]:
        """The answer to a question."""
        ...


def findings(spot: Spot, pytorch: Seen, tensorflow: Seen) -> list[Finding]:
    """What differs in training between the two sides of one class."""
    ran = tensorflow.training or not tensorflow.problem
    return [
        *_evaluation(spot, pytorch, tensorflow),
        *(_dropouts(spot, pytorch, tensorflow) if ran else ()),
        *_norms(spot, pytorch, tensorflow),
        *_step(spot, pytorch, tensorflow),
    ]


def ask_both(reference: Side, candidate: Side, case: Case) -> tuple[Seen, Seen, list[Any]]:
    """What both sides saw of a class, and the entries of the audit.

    Raises:
        ValueError: a side raised; the text says what.
        checks.comparison.peer.Gone: a side ended.
    """
    theirs = reference.ask("training", **case.request(), seed=0)
    if "error" in theirs:
        raise ValueError(f"PyTorch: {error_text(theirs['error'])}")
    keep = {key: theirs.get(key) for key in ("config", "weights", "modules")}
    ours = candidate.ask("training", **{**case.request(), **keep})
    if "error" in ours:
        raise ValueError(error_text(ours["error"]))
    return seen(theirs.get("said")), seen(ours.get("said")), untrusted.sequence(ours.get("audit"))


# -- dropouts ----------------------------------------------------------------------------------------------------------


def _evaluation(spot: Spot, pytorch: Seen, tensorflow: Seen) -> Iterator[Finding]:
    always = [c for c in tensorflow.evaluation if c.acted]
    if not any(c.acted for c in pytorch.evaluation):
        for calls in always:
            yield _at(
                spot,
                calls,
                "error",
                f"{_owner(calls)} drops values with training=False",
                "Hand on the training flag that call() gets, instead of a constant.",
            )
    if not always and not tensorflow.deterministic and pytorch.deterministic:
        yield _finding(
            spot,
            "error",
            f"two equal calls of {spot.name} with training=False give different outputs",
            "Something random runs outside of training; PyTorch's two runs are equal.",
        )
    if tensorflow.defaults_to_training and not always:
        yield _finding(
            spot,
            "error",
            f"{spot.name} trains when it is called without the flag",
            "Give call() the default training=False.",
        )


def _dropouts(spot: Spot, pytorch: Seen, tensorflow: Seen) -> Iterator[Finding]:
    """Compared by the innermost enclosing class that both sides have."""
    theirs: dict[str, int] = {}
    for calls in pytorch.training:
        group = _group(calls.owners, pytorch, tensorflow)
        theirs[group] = theirs.get(group, 0) + calls.acted
    ours: dict[str, list[Calls]] = {}
    for calls in tensorflow.training:
        ours.setdefault(_group(calls.owners, tensorflow, pytorch), []).append(calls)
    for group, entries in ours.items():
        acted, expected = sum(c.acted for c in entries), theirs.pop(group, 0)
        idle = [c for c in entries if not c.acted]
        if acted < expected and idle:
            for calls in idle:
                yield _at(
                    spot,
                    calls,
                    "error",
                    f"the {calls.kind} of {_owner(calls)} stays off with training=True",
                    f"Hand on the training flag; PyTorch drops {_times(expected)} in {group or 'the model'}, this {_times(acted)}.",
                )
        elif acted != expected:
            yield _at(
                spot,
                entries[0],
                "warning",
                f"in training {_owner(entries[0])} drops {_times(acted)}, PyTorch's {group or 'model'} {_times(expected)}",
                "Drop where PyTorch does.",
            )
    for group, expected in theirs.items():
        if expected:
            yield _finding(
                spot,
                "warning",
                f"PyTorch's {group or spot.name[2:]} drops {_times(expected)} in training, TF{group} never",
                "Add the dropout (functional ones count, too).",
            )


def _group(owners: Sequence[str], side: Seen, other: Seen) -> str:
    """PyTorch's name of the innermost class that the other side has, too; "" for the model as a whole."""
    for owner in reversed(owners):
        plain = _plain(owner)
        if plain in {_plain(name) for name in other.classes}:
            return plain
    return ""


def _plain(name: str) -> str:
    """Both sides' name of a class: the main layer stands for the base model."""
    plain = name[2:] if name.startswith("TF") else name
    return f"{plain[:-9]}Model" if plain.endswith("MainLayer") else plain


def _owner(calls: Calls) -> str:
    return calls.owners[-1] if calls.owners else "the model"


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number} times")


# -- batch norms -------------------------------------------------------------------------------------------------------


def _norms(spot: Spot, pytorch: Seen, tensorflow: Seen) -> Iterator[Finding]:
    frozen: list[str] = []
    others: dict[tuple[float, float], list[str]] = {}
    for name, theirs in pytorch.norms.items():
        ours = tensorflow.norms.get(name)
        if ours is None or len(ours.before) != len(theirs.before):
            continue
        if _stands_still(theirs, ours):
            frozen.append(name)
            continue
        ratio, straight = _rate(theirs, ours)
        if ratio is not None and abs(ratio - 1) > SAME_RATE and straight and theirs.momentum:
            others.setdefault((theirs.momentum, _round(1 - ratio * theirs.momentum)), []).append(name)
    if frozen:
        yield _finding(
            spot,
            "error",
            f"the running statistics of {_some(frozen)} stand still with training=True",
            "Hand on the training flag to the batch norm; PyTorch's move.",
        )
    for (momentum, mine), names in others.items():
        yield _finding(
            spot,
            "warning",
            f"the running statistics of {_some(names)} move as with momentum {mine:g}",
            f"PyTorch's momentum of {momentum:g} is {1 - momentum:g} in Keras.",
        )


def _moved(mean: Mean) -> list[float]:
    return [new - old for old, new in zip(mean.before, mean.after, strict=True)]


def _stands_still(theirs: Mean, ours: Mean) -> bool:
    return math.hypot(*_moved(ours)) < FROZEN * math.hypot(*_moved(theirs))


def _rate(theirs: Mean, ours: Mean) -> tuple[float | None, bool]:
    """By which factor our mean moved of what theirs did, and whether all entries moved by it."""
    expected, moved = _moved(theirs), _moved(ours)
    size = sum(e * e for e in expected)
    if not math.isfinite(size) or size < 1e-12 or not all(map(math.isfinite, moved)):
        return None, False
    ratio = sum(m * e for m, e in zip(moved, expected, strict=True)) / size
    rest = math.hypot(*(m - ratio * e for m, e in zip(moved, expected, strict=True)))
    return ratio, rest <= STRAIGHT * math.hypot(*moved)


def _round(value: float) -> float:
    return float(f"{value:.2g}")


# -- a step ------------------------------------------------------------------------------------------------------------


def _step(spot: Spot, pytorch: Seen, tensorflow: Seen) -> Iterator[Finding]:
    if tensorflow.problem:
        yield _finding(
            spot,
            "warning",  # it may be a package that the environment lacks
            f"{spot.name} raises in training: {' '.join(tensorflow.problem.split())[:300]}",
            "The same inputs and labels train the PyTorch model.",
        )
        return
    if pytorch.loss is None or not math.isfinite(pytorch.loss):
        return
    if tensorflow.loss is None:
        return
    if not math.isfinite(tensorflow.loss):
        yield _finding(
            spot,
            "error",
            f"the loss of {spot.name} is {tensorflow.loss} after one step of fit",
            f"PyTorch's is {pytorch.loss:.4g} for the same inputs and labels.",
        )
    reached = {name for names in tensorflow.trained for name in names}
    stuck = [
        name
        for names in pytorch.trained
        if not reached & set(names)  # a tied weight may be two variables here, of which one is enough
        for name in names
        if name in tensorflow.untrained
    ]
    if stuck:
        yield _finding(
            spot,
            "error",
            f"no gradient reaches {_some(stuck)} of {spot.name}",
            "PyTorch trains it: the way from there to the loss is cut (a cast to integers, numpy, tf.stop_gradient, a layer that is not called).",
        )


# -- findings ----------------------------------------------------------------------------------------------------------


def _at(spot: Spot, calls: Calls, level: Level, message: str, advice: str) -> Finding:
    if calls.path in spot.paths and calls.line > 0:
        return Finding(ITEM, ITEM, level, calls.path, calls.line, message, advice, _owner(calls))
    return _finding(spot, level, message, advice)


def _finding(spot: Spot, level: Level, message: str, advice: str) -> Finding:
    return Finding(ITEM, ITEM, level, spot.path, spot.line, message, advice, spot.name)


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

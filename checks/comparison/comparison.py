"""What came of comparing one class: pure data, the verdict that follows from it, and its entry in the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from checks.comparison.case import Case, Variant
from checks.comparison.outputs import depth, worst
from checks.comparison.policy import Gap, Precision, blocks, differs
from checks.comparison.raised import Raised

State = Literal["equal", "different", "unverified", "error"]

Lines = dict[str, set[int]]
"""Lines that ran, by path."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call on both sides.

    Attributes:
        gaps: of every output that both have.
        lacks, adds: names of outputs that only PyTorch, only TensorFlow has.
    """

    variant: Variant
    gaps: tuple[Gap, ...] = ()
    raised: Raised | None = None
    lacks: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    precision: Precision = "float64"

    @property
    def worst(self) -> Gap:
        """The output that differs most."""
        return worst(self.gaps)

    @property
    def differs(self) -> bool:
        """The call does not give what PyTorch gives."""
        return self.raised is not None or differs(self.worst, self.precision)


@dataclass(frozen=True)
class Comparison:
    """One class. At most one of `trouble`, `unmade`, `broken` is filled.

    Attributes:
        trouble: why nothing could be found out, for a reason of ours.
        unmade: why no case could be made.
        broken: the exception with which the TensorFlow model could not be made.
        missing: PyTorch names of TensorFlow weights that nothing fills, each with the nearest unused one.
        guide: the call that gives the guide's figure: float32, default initialisation.
        sites: where it begins, as entries of the report.
        profile: difference at each layer in the order of execution.
    """

    name: str
    strategy: str = ""
    precision: Precision = "float64"
    outcomes: tuple[Outcome, ...] = ()
    guide: Outcome | None = None
    trouble: str = ""
    unmade: str = ""
    broken: Raised | None = None
    missing: tuple[tuple[str, str], ...] = ()
    mismatched: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lines: Lines = field(default_factory=dict[str, set[int]])
    case: Case | None = None
    sites: tuple[Mapping[str, Any], ...] = ()
    profile: tuple[tuple[str, float], ...] = ()

    @cached_property
    def first(self) -> Outcome | None:
        """The first call that differs, None if none does."""
        return next((one for one in self._decisive if one.differs), None)

    @property
    def _decisive(self) -> list[Outcome]:
        return [one for one in self.outcomes if not one.variant.advisory]

    @property
    def state(self) -> State:
        """The verdict."""
        if self.trouble:
            return "error"
        if self.unmade:
            return "unverified"
        return "different" if self.broken or self.first is not None else "equal"

    @property
    def blocks(self) -> bool:
        """What differs is more than the guide allows, with the configuration of the tests.

        Merged ports depart from PyTorch where a configuration that nobody uses leads elsewhere (ResNet pads with zeros, which shows
        with `hidden_act="gelu"`): that is told, and blocks nothing.
        """
        return self.broken is not None or any(
            one.raised is not None or blocks(one.worst)
            for one in self._decisive
            if one.differs and not one.variant.config
        )

    @property
    def largest(self) -> Gap:
        """The output that differs most of all."""
        return worst([one.worst for one in self._decisive])

    @property
    def reason(self) -> str:
        """The verdict in words: what differs first, or why there is none. Empty where all is equal."""
        if self.trouble or self.unmade:
            return self.trouble or f"no tiny model could be made ({self.unmade})"
        if self.broken is not None:
            return f"it cannot be made: {self.broken.text}"
        if self.first is None:
            return ""
        way = f" {self.first.variant.text}" if self.first.variant.text else ""
        if self.first.raised is not None:
            return f"the call{way} raises {self.first.raised.text}"
        return f"{self.first.worst.text()}{way}"

    def entry(self) -> dict[str, Any]:
        """The class in the report's `comparison`."""
        gaps = [gap for one in self._decisive for gap in one.gaps]
        difference = {self.precision: _number(worst(gaps).relative)} if gaps else {}
        if self.guide is not None:
            difference["float32"] = _number(max((gap.absolute for gap in self.guide.gaps), default=0.0))
        return {
            "class": self.name,
            "state": self.state,
            "reason": self.reason,
            "strategy": self.strategy,
            "precision": self.precision,
            "difference": difference,
            "outputs": self._outputs(),
            "missing": [{"name": name, "nearest": nearest} for name, nearest in self.missing],
            "mismatched": list(self.mismatched),
            "unexpected": list(self.unexpected),
            "variants": [
                {
                    "id": one.variant.id,
                    "difference": _number(one.worst.relative),
                    "output": one.worst.path,
                    **({"raised": one.raised.text} if one.raised else {}),
                }
                for one in self.outcomes
            ],
            "sites": [dict(site) for site in self.sites],
            "profile": [[path, _number(value)] for path, value in self._depth()],
            "notes": [*self.notes, *self._absent()],
        }

    def _outputs(self) -> dict[str, float | None]:
        """The largest difference of each output over all calls that name it."""
        found: dict[str, float] = {}
        for one in self.outcomes:
            for gap in () if one.variant.tuple else one.gaps:
                name = gap.path.split("[", 1)[0]
                found[name] = max(found.get(name, 0.0), gap.relative)
        return {name: _number(value) for name, value in found.items()}

    def _depth(self) -> tuple[tuple[str, float], ...]:
        """The difference along the depth: of layers where they were recorded, else of hidden states."""
        if self.profile or not self.outcomes:
            return self.profile
        plain = (self.first or self.outcomes[0]).gaps
        wanted = set(depth({gap.path: gap for gap in plain}))
        return tuple((gap.path, gap.relative) for gap in plain if gap.path in wanted)

    def _absent(self) -> list[str]:
        plain = next((one for one in self.outcomes if one.variant.id == "plain"), None)
        if plain is None:
            return []
        return [
            f"{side} returns {', '.join(names)} and the other side does not"
            for side, names in (("PyTorch", plain.lacks), ("TensorFlow", plain.adds))
            if names
        ]


def _number(value: float) -> float | None:
    """JSON has no infinity: what can't be compared has no figure."""
    return None if value != value or value == float("inf") else float(f"{value:.3g}")

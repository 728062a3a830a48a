"""The tolerances, and what follows from a difference. Nothing else in tfport decides what is equal.

A difference is the largest absolute one of an output, divided by the output's own largest value where that is above 1.

* **float64, weights in which nothing hides (`EXACT`).** The verdict. Measured on the 261 classes of a tree: correct classes stay below 3e-12,
  defects that any input shows begin at 1e-8. So there is nothing to tune, and an epsilon or the wrong GELU shows.
* **float32, default initialisation (`GUIDE`).** The guide's own figure, 1e-5 absolute. It is reported, and a difference that is smaller
  than it everywhere is a warning: the port does what the guide demands, and the line is worth a look. It decides alone only where
  float64 cannot run.
* **float32, the same weights as in float64 (`ROUNDING`).** Only where float64 cannot run: honest rounding reaches 1e-4 of the scale with them.

Values below -1000 on both sides stand for "masked" and are equal, whatever filler each side has. Two NaN are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ITEM = "matches-pytorch"
"""The item that the tolerances decide."""

EXACT = 1e-9
"""float64, randomised weights, of the output's scale."""
GUIDE = 1e-5
"""float32, default initialisation, absolute: the guide's."""
ROUNDING = 1e-4
"""float32, randomised weights, of the output's scale; only where float64 cannot run."""
MASKED = -1e3
"""Values below it stand for "masked"."""

Precision = Literal["float64", "float32"]


@dataclass(frozen=True, slots=True)
class Gap:
    """How far two outputs are apart.

    Attributes:
        path: of the output: `hidden_states[2]`; "" for none.
        relative: largest difference, of the output's scale (at least 1); infinite where they can't be compared.
        absolute: the same, as it is.
        why: why they can't be compared, "" where they can.
    """

    path: str = ""
    relative: float = 0.0
    absolute: float = 0.0
    why: str = ""

    def text(self) -> str:
        """`logits differ by 3e-4`."""
        return f"{self.path}: {self.why}" if self.why else f"{self.path} differs by {figure(self.absolute)}"


def differs(gap: Gap, precision: Precision) -> bool:
    """The two are not equal, as far as this precision can tell."""
    return gap.relative > (EXACT if precision == "float64" else ROUNDING)


def blocks(gap: Gap) -> bool:
    """The difference is one that the guide does not allow. Below it a difference is told, and blocks nothing."""
    return gap.relative > GUIDE


def figure(value: float) -> str:
    """A difference for people: `3e-4`, `0`, `1.7`."""
    if value == 0:
        return "0"
    if value != value or value == float("inf"):
        return "infinity"
    if 0.1 <= value < 1000:
        return f"{value:.2g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"

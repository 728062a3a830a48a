"""Small breakages of good ports, one module per group of rules; `scripts.sweep --mutate` makes them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """A breakage: the text of one file without something, and the finding that this has to bring.

    Attributes:
        what: for people.
        line: of the finding, in the new text.
        also: other lines that are as good, where the port follows no order.
    """

    what: str
    path: str
    text: str
    rule: str
    line: int
    also: frozenset[int] = frozenset()

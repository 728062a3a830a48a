"""What the comparison made of planted defects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.numeric_mutations.defect import Defect

SAME: Mapping[str, frozenset[str]] = {
    "epsilon": frozenset({"epsilon"}),
    "small-epsilon": frozenset({"epsilon"}),
    "activation": frozenset({"activation"}),
    "gelu-variant": frozenset({"activation"}),
    "skipped-activation": frozenset({"skipped-operation", "activation", "missing-call"}),
    "skipped-norm": frozenset({"skipped-operation", "missing-call"}),
    "skipped-layer": frozenset({"skipped-operation", "missing-call", "index", "slice", "constant"}),
    "residual": frozenset({"missing-term", "residual"}),
    "mask": frozenset({"missing-term", "mask", "mask-value"}),
    "mask-sign": frozenset({"mask", "mask-sign", "mask-value", "sign", "missing-term"}),
    "scale": frozenset({"scale", "missing-term", "operator", "constant"}),
    "swapped": frozenset({"swapped-projections", "wrong-variable"}),
    "swapped-norms": frozenset({"swapped-projections", "wrong-variable", "swapped"}),
    "dropout-on": frozenset({"dropout", "training", "extra-operation", "training-flag"}),
    "softmax-axis": frozenset({"axis"}),
    "transpose": frozenset({"transpose", "perm", "axis", "skipped-operation", "layout"}),
    "transposed-scores": frozenset(
        {"transpose", "order", "swapped-arguments", "wrong-variable", "argument-order", "swapped"}
    ),
    "position": frozenset({"offset", "position", "constant", "missing-term", "index"}),
    "token": frozenset({"token", "index", "constant"}),
    "reduction": frozenset({"reduction", "function", "pooling"}),
    "square": frozenset({"reduction", "function", "operator", "constant"}),
    "pooling": frozenset({"pooling", "reduction"}),
    "resize": frozenset({"resize", "method"}),
    "order": frozenset({"order", "concat", "argument-order", "wrong-variable", "swapped"}),
    "roll": frozenset({"sign", "operator", "roll", "shift"}),
    "padding": frozenset({"padding", "shape"}),
    "stride": frozenset({"stride", "strides", "shape"}),
    "bias": frozenset({"bias", "use_bias", "weight-name", "missing-term"}),
    "groups": frozenset({"groups"}),
    "weight-name": frozenset({"weight-name"}),
}
"""Kinds of causes that tell a planted kind rightly."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one defect.

    Attributes:
        group: number of the request.
        ran: its line (or the `call` of its class) ran in a comparison.
        detected: the class is told as different, or a weight without partner is.
        line, layer: a site lies on the changed lines, or in the changed class.
        cause: `confirmed`, `likely` (the right kind), `wrong` (a confirmed one of another kind), `unsure` (an unconfirmed one), "" (none).
        others: sites that lie on no planted defect.
    """

    group: int
    defect: Defect
    ran: bool
    detected: bool
    line: bool
    layer: bool
    cause: str
    said: str
    others: int
    reason: str

    def text(self) -> str:
        """One line for people."""
        verdict = "detected" if self.detected else "missed" if self.ran else "never ran"
        where = "line" if self.line else "layer" if self.layer else "elsewhere" if self.others else "nowhere"
        return f"{verdict:9} {where:9} {self.cause or '-':9} {self.defect.name}: {self.defect.what} | {self.said or self.reason}"[
            :300
        ]


def judge(some: Sequence[Defect], said: Mapping[str, Any]) -> Iterator[Outcome]:
    """An outcome for each of the defects of a request."""
    entries = said.get("classes", [])
    differing = [
        e for e in entries if e["state"] == "different" or e["missing"] or e["mismatched"] or e["unexpected"]
    ]
    sites = [site for entry in differing for site in entry["sites"]]
    hit = {id(site) for site in sites for defect in some if _on(site, defect) or _in(site, defect)}
    for defect in some:
        mine = [s for s in sites if _on(s, defect)] or [s for s in sites if _in(s, defect)]
        cause = next((s["cause"] for s in mine if s["cause"]), None)
        yield Outcome(
            said["id"],
            defect,
            any(entry["ran"] for entry in entries),
            bool(differing),
            any(_on(s, defect) for s in sites),
            bool(mine),
            _verdict(defect, cause),
            f"{cause['kind']}: {cause['text']}" if cause else "",
            sum(id(site) not in hit for site in sites),
            str(said.get("error", "") or "; ".join(entry["reason"] for entry in entries))[-200:].replace(
                "\n", " "
            ),
        )


def _on(site: Mapping[str, Any], defect: Defect) -> bool:
    return site["path"] == defect.path and defect.lines[0] <= site["line"] <= defect.lines[1]


def _in(site: Mapping[str, Any], defect: Defect) -> bool:
    return site["path"] == defect.path and site["symbol"].split(".")[0] == defect.owner


def _verdict(defect: Defect, cause: Mapping[str, Any] | None) -> str:
    if cause is None:
        return ""
    right = cause["kind"] in SAME.get(defect.kind, frozenset()) | set(defect.causes)
    if right:
        return "confirmed" if cause["confirmed"] else "likely"
    return "wrong" if cause["confirmed"] else "unsure"


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines: per kind the counts; a sum."""
    heads = ("planted", "ran", "detected", "layer", "line", "confirmed", "likely", "wrong", "others")
    yield f"{'kind':20}" + "".join(f"{head:>10}" for head in heads)
    for kind in [*sorted({o.defect.kind for o in outcomes}), ""]:
        of_kind = [o for o in outcomes if not kind or o.defect.kind == kind]
        counts = (
            len(of_kind),
            sum(o.ran or o.detected for o in of_kind),
            sum(o.detected for o in of_kind),
            sum(o.layer for o in of_kind),
            sum(o.line for o in of_kind),
            *(sum(o.cause == cause for o in of_kind) for cause in ("confirmed", "likely", "wrong")),
            sum(o.others for o in of_kind),
        )
        yield f"{kind or 'all':20}" + "".join(f"{count:10}" for count in counts)

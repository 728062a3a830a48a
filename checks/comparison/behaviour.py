"""Training behaviour of a port's classes, and the hyper-parameters of their layers: asks both sides of a comparison, and decides the item
`training-behaviour`. What it says of `framework-defaults` are findings in addition to those of the static rules.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from checks.comparison import audit
from checks.comparison.compare import SIDE_BY_SIDE, Pair
from checks.comparison.comparison import Comparison
from checks.comparison.findings import is_part
from checks.comparison.peer import Gone
from checks.comparison.training import ITEM, Spot, ask_both, findings
from checks.port import Port
from checks.report import Finding, ItemResult, Location


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What came of one class. At most one of the texts is filled.

    Attributes:
        findings: of training, about this class alone.
        audited: what `checks.harness.audit` said.
        skipped: why it was not looked at; "" where it was.
        trouble: the same, for a reason of ours.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    audited: tuple[Any, ...] = ()
    skipped: str = ""
    trouble: str = ""


def trained(pair: Pair, port: Port, compared: Sequence[Comparison]) -> list[Behaviour]:
    """How each class acts in training. Asked after the verdicts; never raises for what a side does."""

    def work(one: Comparison) -> Behaviour:
        return _trained(pair, port, one)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(work, compared))


def _trained(pair: Pair, port: Port, one: Comparison) -> Behaviour:
    if one.case is None or one.broken is not None:
        return Behaviour(one.name, skipped=one.reason or "no tiny model could be made")
    candidate = pair.with_torch() if one.strategy == "cross-test" else pair.candidate
    try:
        pytorch, tensorflow, audited = ask_both(pair.reference, candidate, one.case)
    except ValueError as error:
        return Behaviour(one.name, skipped=str(error))
    except Gone as gone:
        return Behaviour(one.name, trouble=str(gone))
    module, cls = port.of(one.name)
    method = cls.methods.get("call")
    spot = Spot(
        one.name,
        module.path,
        method.line if method is not None else cls.line,
        frozenset(module.path for module in port.modules),
    )
    return Behaviour(one.name, tuple(findings(spot, pytorch, tensorflow)), tuple(audited))


def item(port: Port, found: Sequence[Behaviour], compared: Sequence[Comparison]) -> ItemResult:
    """State of `training-behaviour`."""

    def decided(state: Any, reason: str = "") -> ItemResult:
        return ItemResult(ITEM, "execution", port.model, state, reason[:500])

    errors = [f for one in found for f in one.findings if f.level == "error"]
    if errors:
        count = len(merged(errors))
        return decided("failed", errors[0].message + (f" (and {count - 1} more)" if count > 1 else ""))
    if not found:
        return decided("waiting", "no public class yet")
    for one in found:
        if one.trouble:
            return decided("error", f"{one.name}: {one.trouble}")
    by_name = {one.name: one for one in compared}
    for one in found:
        if one.skipped and not is_part(port, by_name[one.name], compared):
            return decided("unverified", f"{one.name}: {one.skipped}")
    return decided("passed")


def merged(found: Sequence[Finding]) -> list[Finding]:
    """One for each defect: what several classes show of a layer, or each of itself, is told once, with the other places."""
    known: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        # A finding about a class as a whole stands at its `call`, and has its name in the text.
        whole = one.symbol in one.message and one.message.endswith(f" of {one.symbol}")
        text = re.sub(r"\bTF\w+\b", "TF", one.message) if one.symbol in one.message else one.message
        place = () if whole or text != one.message else (one.path, str(one.line))
        known.setdefault((one.level, text, *place), []).append(one)
    return [_together(ones) for ones in known.values()]


def _together(ones: Sequence[Finding]) -> Finding:
    first = ones[0]
    places = {(one.path, one.line) for one in ones} - {(first.path, first.line)}
    return replace(first, locations=tuple(Location(path, line) for path, line in sorted(places)))


def audited(port: Port, found: Sequence[Behaviour], others: Sequence[Finding]) -> list[Finding]:
    """Findings of `framework-defaults` that nobody else has made.

    Args:
        others: of static rules and of the comparison: one at the same statement is about the same defect.
    """
    entries = [entry for one in found for entry in one.audited]
    return [one for one in audit.findings(port, entries) if not told(port, one, others)]


def told(port: Port, finding: Finding, others: Sequence[Finding]) -> bool:
    """Another finding stands in the statement that this one is about."""
    first, last = statement(port.text(finding.path), finding.line)
    places = (
        place
        for other in others
        if other.item in ("framework-defaults", "matches-pytorch")
        for place in (Location(other.path, other.line), *other.locations)
    )
    return any(place.path == finding.path and first <= place.line <= last for place in places)


def without_rates(found: Sequence[Finding], of_audit: Sequence[Finding]) -> list[Finding]:
    """Findings of training but for the speed of running statistics where the audit names the momentum itself, with its line."""
    named = any("momentum" in finding.message for finding in of_audit)
    return [one for one in found if not (named and "move as with momentum" in one.message)]


def statement(text: str, line: int) -> tuple[int, int]:
    """First and last line of the innermost simple statement around a line; the line itself where there is none."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return line, line
    return next(_spans(tree, line), (line, line))


def _spans(tree: ast.AST, line: int) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            last = node.end_lineno or node.lineno
            if node.lineno <= line <= last:
                yield node.lineno, last

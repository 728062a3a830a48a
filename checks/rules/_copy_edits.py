"""Edits within marked copies: an original decides what stands in its copies, whatever another rule would write there."""

from __future__ import annotations

from dataclasses import replace

from checks.errors import Undecidable
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules._copies import copies, restored

_SHORT = 12
"""Lines that one edit puts back. What differs in more was changed on purpose."""


def as_originals_have_it(port: Port, findings: list[Finding]) -> list[Finding]:
    """The findings; those about lines of a copy with other edits.

    In a copy that agrees with its original an edit would only make it disagree: the finding stays, without the edit. Where the defect is
    what the copy has changed, the edit brings the original back.
    """
    if not findings or port.broken:
        return findings
    intact: set[tuple[str, int]] = set()
    changed: dict[tuple[str, int], Edit] = {}
    try:
        for copy in copies(port):
            if copy.block is None:
                continue
            if not copy.changes:
                intact |= {(copy.path, line) for line in range(copy.block.first, copy.block.last + 1)}
                continue
            for change in copy.changes:
                # Line for line: what the port has added or left out was meant.
                if len(change.lines) == change.last - change.first + 1 <= _SHORT:
                    for line in range(change.first, change.last + 1):
                        changed[copy.path, line] = restored(copy.path, change)
    except Undecidable:
        return findings
    return [_of(finding, intact, changed) for finding in findings]


def _of(finding: Finding, intact: set[tuple[str, int]], changed: dict[tuple[str, int], Edit]) -> Finding:
    if finding.edits and any((edit.path, edit.start[0]) in intact for edit in finding.edits):
        advice = f"{finding.advice} (A copy: its original has it, too.)".strip()
        return replace(finding, edits=(), advice=advice)
    places = [(finding.path, finding.line), *((place.path, place.line) for place in finding.locations)]
    edited = [(edit.path, edit.start[0]) for edit in finding.edits]
    if all(place in changed for place in (*places, *edited)):
        return replace(finding, edits=tuple(dict.fromkeys(changed[place] for place in places)))
    return finding

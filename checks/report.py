"""What a run of the checks says: findings, the state of each item of the checklist, and what follows from them.

Everything here is plain data. `Report.to_json()` is the one document that the command line, the bot and the pages share; its
schema is `checks/report.schema.json` (generated, see `checks.schema`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

SCHEMA_VERSION = 1

Level = Literal["error", "warning", "suggestion"]
"""How much a finding weighs. Only `error` blocks."""

State = Literal["passed", "failed", "waiting", "not-applicable", "needs-human", "unverified", "error"]
"""State of an item: `waiting` is not begun or not finished, `unverified` could not be decided here, `error` is our fault."""

Stage = Literal["empty", "copied", "in-progress", "complete"]
"""How far a port is: no class yet, still PyTorch code, under way, or at least one public model class without torch."""

Conclusion = Literal["success", "failure", "neutral", "cancelled"]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replaces the text from `start` to `end` (line, column; both from 1, end exclusive) of the head's file `path`.

    `start == end` inserts; a path that does not exist in the head is a new file.
    """

    path: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Location:
    """One more place of the same defect; the line counts from 1 in the head's file."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect and what to do about it.

    Rules make findings through `checks.rules.Rule.finding`, which fills in rule, item and level; `id` comes from `identify`.

    Attributes:
        path, line, column, end_line: where, in the head's file, from 1. Of something that is absent: where it belongs.
        symbol: class or `Class.method` that the finding is about; part of its identity.
        message: one sentence, what is wrong there.
        advice: one sentence, what to do, with the class to copy from if there is one.
        absent: the thing is not there yet. Before a port is complete that is `waiting`, not `failed`.
        ignored: the reason given by `# tfport: ignore[rule] reason` on the line, or None. Ignored findings decide nothing.
    """

    rule: str
    item: str
    level: Level
    path: str
    line: int
    message: str
    advice: str = ""
    symbol: str = ""
    column: int = 1
    end_line: int = 0
    edits: tuple[Edit, ...] = ()
    locations: tuple[Location, ...] = ()
    absent: bool = False
    ignored: str | None = None
    model: str = ""
    id: str = ""

    def identify(self, code: str, occurrence: int = 0) -> Finding:
        """The same finding with its identity: rule, symbol and normalised code, so that it survives rebases and moved lines.

        Args:
            code: the source line at `line`.
            occurrence: counts findings whose rule, symbol and code agree, from 0.
        """
        normal = re.sub(r"\s+", " ", code).strip()
        key = "\0".join(
            [self.rule, self.model, self.symbol, self.path, normal, self.message if self.absent else ""]
        )
        digest = hashlib.sha256(f"{key}\0{occurrence}".encode()).hexdigest()[:16]
        return replace(self, id=digest, end_line=self.end_line or self.line)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """State of one item of the checklist for one model. `reason` is there whenever the state is not `passed`."""

    id: str
    section: str
    model: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PortSummary:
    """What is being ported.

    Attributes:
        progress: (torch expressions left, torch expressions at the start) while the stage is `copied`, else None.
    """

    model: str
    stage: Stage
    classes: tuple[str, ...]
    path: str
    progress: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result for one base and head. `head` is None for a working tree."""

    tool_version: str
    base: str
    head: str | None
    ports: tuple[PortSummary, ...]
    items: tuple[ItemResult, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    tests: tuple[Mapping[str, Any], ...] = ()
    comparison: tuple[Mapping[str, Any], ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timings: Mapping[str, float] = field(default_factory=dict[str, float])
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain lists, dicts, strings and numbers, as `report.schema.json` describes."""
        return _plain(asdict(self))

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> Report:
        """The report that `to_json` wrote.

        Raises:
            ValueError: of another schema version.
        """
        if document.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(
                f"report of schema version {document.get('schema_version')!r}, expected {SCHEMA_VERSION}"
            )
        fields: dict[str, Any] = dict(document)
        fields["ports"] = tuple(
            PortSummary(
                port["model"],
                port["stage"],
                tuple(port["classes"]),
                port["path"],
                _pair(port.get("progress")),
            )
            for port in document["ports"]
        )
        fields["items"] = tuple(ItemResult(**item) for item in document["items"])
        fields["findings"] = tuple(_finding_from_json(finding) for finding in document["findings"])
        for name in ("notes", "tests", "comparison"):
            fields[name] = tuple(document.get(name, ()))
        return Report(**fields)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that hold the port up: level `error`, not ignored."""
        return tuple(f for f in self.findings if f.level == "error" and f.ignored is None)


def conclude(states: Iterable[State]) -> Conclusion:
    """Conclusion of a check run over items in these states (DESIGN, the table of section 5)."""
    seen = set(states)
    if "failed" in seen:
        return "failure"
    if "error" in seen:
        return "cancelled"
    if "waiting" in seen:
        return "neutral"
    return "success"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _pair(value: Sequence[int] | None) -> tuple[int, int] | None:
    return None if value is None else (value[0], value[1])


def _finding_from_json(document: Mapping[str, Any]) -> Finding:
    fields: dict[str, Any] = dict(document)
    fields["edits"] = tuple(
        Edit(e["path"], (e["start"][0], e["start"][1]), (e["end"][0], e["end"][1]), e["text"])
        for e in document["edits"]
    )
    fields["locations"] = tuple(Location(**location) for location in document["locations"])
    return Finding(**fields)

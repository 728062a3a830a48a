"""What stands about the execution of a port: whether it runs, waits, or is over, and what that makes of the report. Pure.

An execution is named by its `Order`: the same ground (see `checks.execution.ground`) is executed once, and a result of it is used wherever
the ground is the same, until somebody asks for another run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal, TypedDict

from bot.approval import Approval, needed, policy
from bot.commands import COMMANDS, PREFIX, Invocation, digest, lines
from bot.decisions import Standing
from bot.situation import Situation
from bot.state import CheckRun, Comment
from checks.checklist import items
from checks.execution.run import ITEMS
from checks.report import ItemResult, Report, State, finding_from_json

SECTION = "execution"
FIRST = "0"
"""Attempt of whatever nobody asked for especially."""

Kind = Literal["off", "no-sandbox", "waits", "cancelled", "due", "over", "failed"]


class Ground(TypedDict):
    """What the trees say: see `checks.execution.ground`."""

    fingerprint: str
    sensitive: list[str]


class Result(TypedDict):
    """What an execution adds to a report, as JSON. `narrowed`: not all tests were run."""

    narrowed: bool
    items: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    tests: list[dict[str, Any]]
    comparison: list[dict[str, Any]]
    environment: dict[str, Any]
    notes: list[str]
    seconds: float


class Errand(TypedDict):
    """Work for the sandbox that somebody asked for: what names it, and who has to answer for it."""

    installation: int
    repository: int
    full_name: str
    number: int
    author: int
    head: str
    fingerprint: str
    attempt: str


class Order(Errand):
    """One execution. `expression` and `failed` are those of `/tfport test`."""

    base: str
    ready: bool
    expression: str
    failed: bool


@dataclass(frozen=True, slots=True)
class House:
    """What the operator says. `no_sandbox`: why nothing can be shut in, "" if it can."""

    allowed: bool = False
    no_sandbox: str = ""
    approval: Approval = "newcomers"


@dataclass(frozen=True, slots=True)
class Record:
    """An execution that ended: with a result, or why there is none (an error of ours)."""

    result: Result | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """All that is known of the execution of one head.

    Attributes:
        records: of this ground, by attempt.
    """

    ground: Ground
    house: House
    records: Mapping[str, Record]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where it stands. `reason` is for people, `command` what somebody has to say so that it goes on."""

    kind: Kind
    reason: str = ""


def attempt_of(situation: Situation) -> str:
    """Attempt of the newest check run of the execution at the head."""
    runs = [run for run in situation.check_runs if run.head_sha == situation.pull.head_sha and is_ours(run)]
    return runs[-1].external_id.rpartition(":")[2] if runs else FIRST


def is_ours(run: CheckRun) -> bool:
    """Whether it is the check run of the execution."""
    parts = run.external_id.split(":")
    return len(parts) == 5 and parts[2] == SECTION


def asked(situation: Situation, attempt: str) -> tuple[str, str, bool]:
    """The attempt by which its result is found, the expression and `--failed`: what a `/tfport test` or a re-run asked for.

    Other attempts (a `check`, a waiver) only look at the result that is there.
    """
    if re.fullmatch(r"r[0-9a-f]{16}", attempt):
        return attempt, "", False
    for comment in situation.comments:
        if attempt.startswith(f"{comment.kind}{comment.id}."):
            for invocation in _of(comment, attempt.rpartition(".")[2]):
                if invocation.command is COMMANDS["test"]:
                    words = list(invocation.arguments)
                    expression = words[words.index("-k") + 1] if "-k" in words else ""
                    rest = [w for i, w in enumerate(words) if not (i and words[i - 1] == "-k")]
                    return attempt, expression, "--failed" in rest
    return FIRST, "", False


def _of(comment: Comment, wanted: str) -> list[Invocation]:
    """The commands of the lines that an attempt names: all of a comment's, or those that an edit added."""
    every = lines(comment.body)
    for count in range(len(every), 0, -1):
        for chosen in combinations(every, count):
            if digest(chosen) == wanted:
                return [line.said for line in chosen if isinstance(line.said, Invocation)]
    return []


def turn(situation: Situation, report: Report, execution: Execution, now: Standing, attempt: str) -> Turn:
    """Where the execution of the head stands."""
    house, ground, head = execution.house, execution.ground, situation.pull.head_sha
    if not house.allowed:
        return Turn(
            "off", "no code of pull requests is executed here; on your machine: `tfport check --execute`"
        )
    if house.no_sandbox:
        return Turn("no-sandbox", f"no sandbox ({house.no_sandbox})")
    if not any(port.stage not in ("empty", "copied") for port in report.ports):
        return Turn("off", "")
    key, _, _ = asked(situation, attempt)
    record = execution.records.get(key) or (execution.records.get(FIRST) if key == FIRST else None)
    if (called_off := now.cancelled.get((head, attempt))) and record is None:
        return Turn("cancelled", f"cancelled by {called_off.by}; `{PREFIX} test` starts it again")
    if record is not None:
        return Turn("failed", record.error) if record.result is None else Turn("over")
    config = situation.config.execution_approval
    why = needed(situation.pull.association, ground["sensitive"], policy(house.approval, config))
    if why and head not in now.approved:
        return Turn("waits", f"{why}: a maintainer has to allow it with `{PREFIX} approve {head}`")
    return Turn("due", "queued")


def order(situation: Situation, execution: Execution, attempt: str, base: str, installation: int) -> Order:
    """What has to be executed."""
    key, expression, failed = asked(situation, attempt)
    pull, repository = situation.pull, situation.repository
    return Order(
        installation=installation,
        repository=repository.id,
        full_name=repository.full_name,
        number=pull.number,
        author=pull.author.id,
        base=base,
        head=pull.head_sha,
        ready=not pull.draft,
        fingerprint=execution.ground["fingerprint"],
        attempt=key,
        expression=expression,
        failed=failed,
    )


def name(of: Order) -> str:
    """Names an execution, for the engine."""
    return f"{of['repository']}:{of['number']}:{of['head'][:12]}:{of['fingerprint']}:{of['attempt']}"


def overlaid(
    situation: Situation, report: Report, execution: Execution, now: Standing, attempt: str
) -> tuple[Report, Turn]:
    """The report with what the execution says, or with why it says nothing yet."""
    stands = turn(situation, report, execution, now, attempt)
    match stands.kind:
        case "over":
            key, _, _ = asked(situation, attempt)
            record, full = execution.records[key], execution.records.get(FIRST)
            assert record.result is not None
            return _with(report, record.result, full.result if full else None), stands
        case "off" if not stands.reason:
            return report, stands  # nothing to execute yet: the report says so
        case "off" | "no-sandbox":
            return _all(report, "unverified", stands.reason), stands
        case "failed":
            return _all(report, "error", stands.reason), stands
        case _:
            return _all(report, "waiting", stands.reason), stands


def _all(report: Report, state: State, reason: str) -> Report:
    early = {port.model for port in report.ports if port.stage in ("empty", "copied")}
    return replace(
        report,
        items=tuple(
            replace(item, state=state, reason=reason)
            if item.id in ITEMS and item.model not in early
            else item
            for item in report.items
        ),
    )


def _with(report: Report, result: Result, full: Result | None) -> Report:
    """The report with a result. One of chosen tests adds what fails to the full result; that they pass says nothing of the others."""
    if result["narrowed"] and full is not None and full is not result:
        bad = [item for item in result["items"] if item["state"] in ("failed", "error")]
        known = {(item["id"], item["model"]) for item in bad}
        merged = [item for item in full["items"] if (item["id"], item["model"]) not in known] + bad
        old = [f for f in full["findings"] if (f["item"], f["model"]) not in known]
        fresh = {test["id"] for test in result["tests"]}
        tests = [test for test in full["tests"] if test["id"] not in fresh] + result["tests"]
        result = {**full, "items": merged, "findings": old + result["findings"], "tests": tests}
    decided = {(item["id"], item["model"]): ItemResult(**item) for item in result["items"]}
    return replace(
        report,
        items=tuple(decided.get((item.id, item.model), item) for item in report.items),
        findings=(*report.findings, *map(finding_from_json, result["findings"])),
        tests=tuple(result["tests"]),
        comparison=tuple(result["comparison"]),
        environment=result["environment"],
        notes=(*report.notes, *result["notes"]),
        timings={**report.timings, "execution": result["seconds"]},
    )


def quota_used(seconds: float) -> str:
    """What is said to who has to wait for tomorrow's executions."""
    hours = f"{seconds / 3600:.1f} hours" if seconds > 3600 else f"{max(1, round(seconds / 60))} minutes"
    return f"The executions of today are used up; this one begins in about {hours}"


def last_failed(results: Sequence[Result]) -> list[str]:
    """Tests that did not pass the last time, of the newest result that has them first."""
    outcomes: dict[str, str] = {}
    for result in results:
        for test in result["tests"]:
            outcomes.setdefault(test["id"], test["outcome"])
    return [id for id, outcome in outcomes.items() if outcome in ("failed", "error", "flaky")]


assert set(ITEMS) <= set(items())

"""Executes the ports between base and head and adds what it finds to a report."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from checks import checklist
from checks.comparison.policy import ITEM as COMPARED
from checks.discover import find_ports
from checks.errors import UserError
from checks.execution import cross_tests, examine, verdict
from checks.execution.checkpoints import Checkpoints, reads_cache
from checks.execution.expected import Expected, expected_tests, matching, test_path
from checks.execution.job import NoSandbox, SandboxError
from checks.execution.needs import Need, needs
from checks.execution.workplace import Workplace
from checks.port import Port
from checks.report import Finding, ItemResult, Report, State
from checks.run import finish
from checks.snapshot import Snapshot

logger = logging.getLogger(__name__)

EXAMINED = (examine.LOADS, examine.FORMATS)
TRAINED = "training-behaviour"
AUDITED = "framework-defaults"
"""Decided by static rules; execution adds what only live layers show."""
ITEMS = (*EXAMINED, COMPARED, TRAINED, verdict.ITEM)
"""The items that are decided here."""


class Unready(Exception):
    """No place to execute could be made: an error of ours, in the words of whoever failed. Never a failed check."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is executed.

    Attributes:
        items: of ITEMS.
        expression: as pytest's `-k`; "" for all tests.
        classes: test classes; none for all.
        tests: ids; None for all.
        compared: classes that are compared; none for all.
        seconds: wall clock for the tests of one file.
    """

    items: tuple[str, ...] = ITEMS
    expression: str = ""
    classes: tuple[str, ...] = ()
    tests: frozenset[str] | None = None
    compared: tuple[str, ...] = ()
    seconds: float = 3_600.0

    @property
    def narrowed(self) -> bool:
        """Not all tests are run."""
        return bool(self.expression or self.classes or self.tests is not None)


@dataclass(slots=True)
class Progress:
    """Who hears what is going on. `step` gets sentences; `over` the name of a test or class, how many are over, and of how many."""

    step: Callable[[str], None] = lambda _: None
    over: Callable[[str, int, int], None] = lambda _name, _done, _total: None


@dataclass(slots=True)
class _Added:
    items: list[ItemResult] = field(default_factory=list[ItemResult])
    findings: list[Finding] = field(default_factory=list[Finding])
    tests: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    comparison: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    notes: list[str] = field(default_factory=list[str])


def execute(
    report: Report,
    base: Snapshot,
    head: Snapshot,
    place: Callable[[], AbstractContextManager[Workplace]],
    *,
    choice: Choice | None = None,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> Report:
    """The report with the items that execution decides.

    Args:
        report: of the static checks of the same base and head.
        place: makes the workplace, and takes it away at the end. May raise `NoSandbox` or `Unready`.
        checkpoints: None: nothing is fetched, and what tests need of the Hub is not available.

    Raises:
        checks.errors.UserError: `choice` is wrong.
    """
    began = time.perf_counter()
    choice, progress = choice or Choice(), progress or Progress()
    ports = find_ports(base, head)
    added = _Added()
    ready = [port for port in ports if not _unfinished(port)]
    for port in ports:
        if early := _unfinished(port):
            added.items += [_item(port, id, "waiting", early) for id in choice.items]
    environment: Mapping[str, Any] = {}
    if choice.compared and not any(name in choice.compared for port in ready for name in port.models):
        raise UserError(
            f"no public class is called {choice.compared[0]}",
            hint="without a name all are compared",
        )
    if ready:
        try:
            with place() as workplace:
                environment = workplace.environment or {}
                for port in ready:
                    known = [finding for finding in report.findings if finding.model == port.model]
                    _execute(port, workplace, choice, checkpoints, progress, added, known)
        except NoSandbox as error:
            added.items += _all(ready, choice, "unverified", f"no sandbox ({error.message})")
        except (Unready, SandboxError) as error:
            logger.warning("execution failed: %s", error)
            added.items += _all(ready, choice, "error", str(error)[:1_000])
    return _merged(report, added, environment, time.perf_counter() - began)


def _execute(
    port: Port,
    workplace: Workplace,
    choice: Choice,
    checkpoints: Checkpoints | None,
    progress: Progress,
    added: _Added,
    known: Sequence[Finding],
) -> None:
    if set(EXAMINED) & set(choice.items):
        progress.step(f"loading PyTorch's weights into {len(port.models)} classes of {port.model}")
        found = examine.examine(workplace, port, on_class=progress.over)
        added.items += [item for item in found.items if item.id in choice.items]
        added.findings += _finished(port, [f for f in found.findings if f.item in choice.items])
        added.comparison += found.entries
    compared = {COMPARED, TRAINED} & set(choice.items)
    if compared:
        try:
            _compare(port, workplace, choice, progress, added, known)
        except SandboxError as error:  # the tests can be run all the same
            logger.warning("comparing failed: %s", error)
            added.items += [
                _item(port, id, "error", str(error)[:1_000]) for id in choice.items if id in compared
            ]
    if verdict.ITEM in choice.items:
        _test(port, workplace, choice, checkpoints, progress, added)


def _compare(
    port: Port,
    workplace: Workplace,
    choice: Choice,
    progress: Progress,
    added: _Added,
    static: Sequence[Finding],
) -> None:
    from checks.comparison.port import compare_port  # numpy is imported only where arrays are compared

    names = [name for name in port.models if not choice.compared or name in choice.compared]
    if not names:
        return
    progress.step(f"comparing {len(names)} classes of {port.model} with PyTorch")
    found = compare_port(
        workplace,
        port,
        classes=choice.compared,
        trains=TRAINED in choice.items,
        known=static,
        on_class=progress.over,
    )
    findings = _finished(port, [f for f in found.everything if f.item in (*choice.items, AUDITED)])
    added.items += [_heeded(item, findings) for item in found.items if item.id in choice.items]
    added.findings += findings
    # What was said of a class when it was loaded and called stays, where the comparison says nothing of it.
    known = {entry["class"]: entry for entry in added.comparison}
    for entry in found.entries:
        before = known.get(entry["class"], {})
        known[entry["class"]] = {**entry, **{k: v for k, v in before.items() if k in KEPT or k not in entry}}
    added.comparison = list(known.values())


KEPT = ("missing", "mismatched", "unexpected")
"""Of what loading said of a class: it knows PyTorch's parameters and their nearest names better."""


def _test(
    port: Port,
    workplace: Workplace,
    choice: Choice,
    checkpoints: Checkpoints | None,
    progress: Progress,
    added: _Added,
) -> None:
    results: list[cross_tests.TestResult] = []
    problems: list[str] = []
    uncollected: list[str] = []
    seconds = 0.0
    existing = [m for m in port.modules if port.head.blob_id(test_path(port, m)) is not None]
    if not existing:
        added.items.append(
            _item(port, verdict.ITEM, "waiting", f"there is no {test_path(port, port.modules[0])} yet")
        )
        return
    for module in existing:
        path = test_path(port, module)
        try:
            expected = expected_tests(path, port.base, port.head)
        except UserError as error:
            added.items.append(_item(port, verdict.ITEM, "failed", error.message))
            return
        only = chosen(expected, choice)
        if only is not None and not only:
            continue
        missing = _unavailable(port, expected, only, checkpoints, progress)
        progress.step(f"running {path}")
        run = cross_tests.run_tests(
            workplace,
            expected,
            changed=port.changed,
            unavailable=missing,
            only=only,
            seconds=choice.seconds,
            on_result=progress.over,
        )
        results += run.results
        seconds += run.seconds
        problems += [run.problem] if run.problem else []
        uncollected += [run.uncollected] if run.uncollected else []
    if not results and choice.narrowed:
        raise UserError("no test matches", hint="without -k, --class and --failed all tests are run")
    whole = cross_tests.TestRun(tuple(results), "; ".join(problems), "\n".join(uncollected), seconds)
    item, findings = verdict.conclude(port, whole)
    if choice.narrowed and item.state == "passed":
        item = replace(
            item, state="unverified", reason=f"only {len(results)} tests were run, and they passed"
        )
    added.items.append(item)
    added.findings += _finished(port, findings)
    added.tests += [{**result.to_json(), "model": port.model} for result in results]


def chosen(expected: Expected, choice: Choice) -> list[str] | None:
    """The tests that are to be run, None for all.

    Raises:
        checks.errors.UserError: the expression is none.
    """
    if not choice.narrowed:
        return None
    ids = [
        *expected.ids,
        *(id for id in choice.tests or () if id.startswith(f"{expected.path}::") and expected.knows(id)),
    ]
    ids = list(dict.fromkeys(ids))
    if choice.expression:
        ids = matching(ids, choice.expression)
    if choice.classes:
        ids = [id for id in ids if id.split("::")[1] in choice.classes]
    if choice.tests is not None:
        ids = [id for id in ids if id in choice.tests]
    return ids


def _unavailable(
    port: Port,
    expected: Expected,
    only: Sequence[str] | None,
    checkpoints: Checkpoints | None,
    progress: Progress,
) -> dict[str, tuple[Need, ...]]:
    modeling = [path for module in port.modules for path in (module.path, module.pytorch_path) if path]
    ids = expected.ids if only is None else only
    needed = needs(expected.path, ids, port.base, port.head, modeling=modeling)
    if checkpoints is None or not reads_cache(port.base):
        return {test: tuple(sorted(wanted)) for test, wanted in needed.items()}
    return checkpoints.unavailable(needed, progress=progress.step)


def _unfinished(port: Port) -> str:
    """Why there is nothing to execute yet, "" if there is something."""
    if port.broken:
        return f"{port.broken[0].path.rsplit('/', 1)[-1]} cannot be parsed"
    if port.stage in ("empty", "copied"):
        return "no class yet" if port.stage == "empty" else "still PyTorch code"
    return "" if port.models else "no public model class yet"


def _item(port: Port, id: str, state: State, reason: str) -> ItemResult:
    return ItemResult(id, "execution", port.model, state, reason)


def _all(ports: Iterable[Port], choice: Choice, state: State, reason: str) -> list[ItemResult]:
    return [_item(port, id, state, reason) for port in ports for id in choice.items]


def _finished(port: Port, findings: Sequence[Finding]) -> list[Finding]:
    """Findings with the port's name, their identity, and what comments in the source say of them."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return [finding for found in finish(port, by_rule).values() for finding in found]


def _merged(report: Report, added: _Added, environment: Mapping[str, Any], seconds: float) -> Report:
    # Of two results of one item the first one counts: an exception may have come after it.
    decided = {(item.id, item.model): item for item in reversed(added.items)}
    known = {(item.id, item.model) for item in report.items}
    items = [decided.get((item.id, item.model), item) for item in report.items]
    items += [item for key, item in decided.items() if key not in known]
    order = {id: number for number, id in enumerate(checklist.items())}
    models = {port.model: number for number, port in enumerate(report.ports)}
    items.sort(key=lambda item: (models.get(item.model, 0), order.get(item.id, 0)))
    there = {(item.id, item.model) for item in items}
    findings = [f for f in added.findings if f.item != AUDITED or (f.item, f.model) in there]
    return replace(
        report,
        items=tuple(items),
        findings=(*report.findings, *findings),
        notes=(*report.notes, *added.notes),
        tests=(*report.tests, *added.tests),
        comparison=(*report.comparison, *added.comparison),
        environment={**report.environment, **environment},
        timings={**report.timings, "execution": round(seconds, 3)},
    )


def _heeded(item: ItemResult, findings: Sequence[Finding]) -> ItemResult:
    """The item, which passes if all that it fails for is ignored by comments in the source."""
    errors = [f for f in findings if f.item == item.id and f.level == "error"]
    if item.state == "failed" and errors and all(f.ignored is not None for f in errors):
        return replace(item, state="passed", reason=f"{len(errors)} ignored: {errors[0].ignored}"[:500])
    return item

"""From a base and a head to a report. Rules are isolated from each other, and a port from other ports."""

from __future__ import annotations

import difflib
import gc
import logging
import re
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice

import checks
from checks import checklist, rules
from checks.changes import changed_lines
from checks.discover import at_base, find_ports
from checks.errors import Later, NotApplicable, NotBegun, Undecidable, UserError
from checks.ignores import IGNORE, Comments, Ignore, of_changes
from checks.port import Port
from checks.progress import summarize
from checks.report import Finding, ItemResult, Level, Location, PortSummary, Report, State, encodable
from checks.rules._copy_edits import as_originals_have_it
from checks.rules.ignore_comments import nothing_to_ignore
from checks.snapshot import Snapshot
from checks.source import clock
from checks.style import Formatters
from checks.unconverted import begun

logger = logging.getLogger(__name__)

LONGEST = 20.0
"""Seconds of processor time for all rules of one port. The largest real one takes one."""
TOO_LONG = "this port takes too long to check"
MOST_FINDINGS = 300
"""Of one rule on one port. Nobody reads more, and somebody may try to make us write millions."""


def check(
    base: Snapshot,
    head: Snapshot,
    *,
    only: Iterable[str] = (),
    ready: bool = False,
    formatters: Formatters | None = None,
) -> Report:
    """Runs the static rules over every port between base and head.

    Args:
        base: the merge base.
        head: what is checked.
        only: rules, items or sections to run; none means all.
        ready: the pull request is no draft any more, so that what is absent has failed, however far the port is.
        formatters: runs the base's formatters over the files that the port touches (`checks.style`); None if nobody wants that.

    Raises:
        checks.errors.UserError: nothing to check, an unknown name in `only`, an unreadable repository.
    """
    with _without_collector():
        return _check(base, head, select(only), ready, formatters)


@contextmanager
def _without_collector() -> Generator[None]:
    """A syntax tree is millions of small objects without cycles: collecting garbage among them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _check(
    base: Snapshot, head: Snapshot, chosen: Selection, ready: bool, formatters: Formatters | None
) -> Report:
    start, facts_before = time.perf_counter(), clock.seconds
    ports = find_ports(base, head)
    if formatters is not None and "style-format" in chosen.rules:
        ports = _formatted(ports, formatters)
    found_at, facts_found = time.perf_counter(), clock.seconds
    items: list[ItemResult] = []
    findings: list[Finding] = []
    summaries: list[PortSummary] = []
    for port in ports:
        of_port = _survive(replace(port, ready=ready), chosen, ready)
        items += of_port[0]
        findings += of_port[1]
        summaries.append(of_port[2])
    end = time.perf_counter()
    facts = clock.seconds - facts_before
    timings = {
        "snapshot": found_at - start - (facts_found - facts_before),
        "facts": facts,
        "rules": end - found_at - (clock.seconds - facts_found),
        "total": end - start,
    }
    return Report(
        tool_version=checks.__version__,
        base=base.sha or "",
        head=head.sha,
        ports=tuple(summaries),
        items=tuple(items),
        findings=tuple(findings),
        timings={name: round(seconds, 4) for name, seconds in timings.items()},
    )


def _formatted(ports: list[Port], formatters: Formatters) -> list[Port]:
    """The ports with what the formatters make of their files; what several ports share is the first one's."""
    changed = ports[0].changed
    done = formatters(
        {p: ports[0].text(p) for p, c in changed.items() if c.status != "removed" and c.kind == "file"}
    )
    owners = {path: next((p for p in ports if f"/{p.model}/" in path), ports[0]) for path in done.files}
    return [
        replace(
            port,
            formatted=replace(done, files={p: text for p, text in done.files.items() if owners[p] is port}),
        )
        for port in ports
    ]


@dataclass(frozen=True, slots=True)
class Selection:
    """What is run: items in the guide's order, each with its chosen rules."""

    rules_of: dict[str, tuple[str, ...]]

    @property
    def rules(self) -> list[str]:
        """All chosen rules, in the order of their items."""
        return [slug for slugs in self.rules_of.values() for slug in slugs]


def select(only: Iterable[str]) -> Selection:
    """The items and rules that `only` names, or the items of a section; a name that is both is the item. Nothing named means everything.

    Raises:
        checks.errors.UserError: a name is unknown; the nearest match is told.
    """
    items = checklist.items()
    wanted: dict[str, set[str]] = {}
    for name in only:
        if name in _sections():
            for item in _sections()[name].items:
                wanted.setdefault(item.id, set()).update(item.rules)
        elif name in items:
            wanted.setdefault(name, set()).update(items[name].rules)
        elif name in rules.all_rules():
            wanted.setdefault(checklist.item_of_rule(name), set()).add(name)
        else:
            raise unknown(name)
    if not wanted:
        built = rules.all_rules()
        return Selection({i.id: tuple(slug for slug in i.rules if slug in built) for i in items.values()})
    return Selection(
        {id: tuple(s for s in items[id].rules if s in wanted[id]) for id in items if id in wanted}
    )


def _sections() -> dict[str, checklist.Section]:
    return {section.id: section for section in checklist.sections()}


def unknown(name: str) -> UserError:
    """The error for a name that is neither rule, item nor section, with the nearest match."""
    names = sorted({*checklist.items(), *rules.all_rules(), *_sections()})
    near = difflib.get_close_matches(name.lower().replace("_", "-"), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "tfport explain lists all of them"
    return UserError(f"there is no rule or item {name!r}", hint=hint)


@dataclass(slots=True)
class _Outcome:
    """What one rule said of one port. At most one of the texts is filled."""

    findings: list[Finding]
    not_applicable: str = ""
    not_begun: str = ""
    later: str = ""
    undecidable: str = ""
    error: str = ""


def _survive(
    port: Port, chosen: Selection, ready: bool
) -> tuple[list[ItemResult], list[Finding], PortSummary]:
    """What the rules say of a port. If something outside of them fails on it, its items are in error, and the other ports get theirs."""
    try:
        return *_check_port(port, chosen, ready), summarize(port)
    except UserError:
        raise
    except Exception as error:
        logger.exception("checking %s failed, head %s", port.model, port.head.sha)
        reason = f"tfport itself failed on this port ({type(error).__name__})"
        items = [
            ItemResult(id, checklist.items()[id].section, port.model, "error", reason)
            for id in chosen.rules_of
        ]
        return items, [], PortSummary(port.model, "in-progress", (), port.modules[0].path)


def _check_port(port: Port, chosen: Selection, ready: bool) -> tuple[list[ItemResult], list[Finding]]:
    started = time.thread_time()
    early = not port.broken and port.stage in ("empty", "copied")
    ran: dict[str, _Outcome] = {}
    for slug in chosen.rules:
        if not early or rules.all_rules()[slug].early:
            ran[slug] = (
                _run(slug, port)
                if time.thread_time() - started < LONGEST
                else _Outcome([], undecidable=TOO_LONG)
            )
    for slug, outcome in ran.items():
        if rules.all_rules()[slug].by_the_way:
            outcome.findings = _not_known_better(
                outcome.findings, [f for s, o in ran.items() if s != slug for f in o.findings]
            )
    if "ignore-comments" in ran:
        ran["ignore-comments"].findings += _unused(port, ran)
    for slug, outcome in ran.items():
        if slug not in _OF_COPIES:
            outcome.findings = as_originals_have_it(port, outcome.findings)
    for slug, findings in finish(port, {s: o.findings for s, o in ran.items()}).items():
        ran[slug].findings = findings
    before = at_base(port)
    if before is not None and any(outcome.findings for outcome in ran.values()):
        slugs = [slug for slug, outcome in ran.items() if outcome.findings]
        old = finish(before, {slug: _run(slug, before).findings for slug in slugs})
        known = {finding.id for findings in old.values() for finding in findings}
        for outcome in ran.values():
            outcome.findings = [f for f in outcome.findings if f.id not in known or _is_touched(port, f)]
    results = [
        _item_result(item, {slug: ran[slug] for slug in slugs if slug in ran}, port, ready)
        for item, slugs in chosen.rules_of.items()
    ]
    return results, [finding for outcome in ran.values() for finding in outcome.findings]


_OF_COPIES = frozenset(
    {"style-format", "copied-from-content", "copied-from-place", "copied-from-syntax", "stale-copies"}
)


_NEAR = 10
"""Lines. Two rules about one statement may point at different lines of it."""


def _not_known_better(findings: list[Finding], others: list[Finding]) -> list[Finding]:
    """The findings but for those that have another rule's at each of their places: its defect is the reason. It weighs more, or as much
    and is about the same thing."""
    weights: dict[Level, int] = {"error": 0, "warning": 1, "suggestion": 2}
    known: dict[str, list[tuple[int, int, str]]] = {}
    for other in others:
        for place in (Location(other.path, other.line), *other.locations):
            known.setdefault(place.path, []).append((place.line, weights[other.level], _owner(other)))

    def explained(place: Location, weight: int, owner: str) -> bool:
        return any(
            its <= weight
            and abs(place.line - line) <= _NEAR
            and (its < weight or abs(place.line - line) <= 1 or (its == weight < 2 and owner == its_owner))
            for line, its, its_owner in known.get(place.path, ())
        )

    return [
        finding
        for finding in findings
        if not (finding.rule == "unused-names" and _is_spoken_of(finding, others))
        and not all(
            explained(place, weights[finding.level], _owner(finding))
            for place in (Location(finding.path, finding.line), *finding.locations)
        )
    ]


def _is_spoken_of(finding: Finding, others: list[Finding]) -> bool:
    """Another finding asks for what is unused: a decorator that was forgotten is imported for nothing until it is there."""
    word = re.compile(rf"(?<![\w.]){re.escape(finding.symbol.rsplit('.', 1)[-1])}\b")
    texts = (t for o in others for t in (o.message, o.advice, *(edit.text for edit in o.edits)))
    return any(map(word.search, texts))


def _owner(finding: Finding) -> str:
    return finding.symbol.split(".")[0]


def _run(slug: str, port: Port) -> _Outcome:
    outcome = _Outcome([])
    rule = rules.all_rules()[slug]
    try:
        for count, found in enumerate(islice(rule.check(port), MOST_FINDINGS + 1)):
            if count == MOST_FINDINGS:
                outcome.undecidable = f"more than {MOST_FINDINGS} findings of {slug}: these first"
            elif (finding := found if rule.early else begun(port, found)) is not None:
                outcome.findings.append(finding)
    except NotApplicable as reason:
        outcome.not_applicable = str(reason)
    except NotBegun as reason:
        outcome.not_begun = str(reason)
    except Later as reason:
        outcome.later = str(reason)
    except Undecidable as reason:
        outcome.undecidable = str(reason)
    except RecursionError:
        # Classes within classes, expressions within expressions: no hand writes a thousand.
        outcome.undecidable = "this port is nested too deeply to check"
    except Exception as error:
        logger.exception("rule %s failed on %s, head %s", slug, port.model, port.head.sha)
        outcome.error = f"tfport's own rule {slug} failed ({type(error).__name__})"
    return outcome


def finish(port: Port, by_rule: dict[str, list[Finding]]) -> dict[str, list[Finding]]:
    """Findings in the order of the text, with model, ignore comments and identities."""
    comments = Comments(port.head)
    seen: Counter[str] = Counter()
    finished: dict[str, list[Finding]] = {}
    for slug, findings in by_rule.items():
        for finding in sorted(findings, key=lambda f: (f.path, f.line, f.column, f.symbol)):
            full = replace(finding.encodable(), model=port.model)
            meant = [c for c in comments.about(full.path, full.line) if _names(c, full)]
            if reason := next((comment.reason for comment in meant if comment.reason), ""):
                full = replace(full, ignored=reason)
            elif meant:
                full = replace(
                    full, advice=f"{full.advice} (To ignore it, give a reason after the ].)".strip()
                )
            # The comment is no part of what the finding is about.
            source = IGNORE.sub("", comments.line(full.path, full.line)).rstrip().removesuffix("#")
            first = full.identify(source)
            finished.setdefault(slug, []).append(full.identify(source, seen[first.id]))
            seen[first.id] += 1
    return finished


def _names(comment: Ignore, finding: Finding) -> bool:
    return any(name in (finding.rule, finding.item) for name, _ in comment.names)


def _unused(port: Port, ran: dict[str, _Outcome]) -> Iterator[Finding]:
    """Suggestions about comments of the pull request that silence nothing, though all that they name was run."""
    whole = {
        slug
        for slug, outcome in ran.items()
        if not (outcome.undecidable or outcome.error or outcome.later or outcome.not_begun)
    }
    items, comments, used = checklist.items(), Comments(port.head), set[tuple[str, int, str]]()
    written = [c for c in of_changes(port) if c.line in changed_lines(port.base, port.head, c.path)]
    for finding in [f for outcome in ran.values() for f in outcome.findings] if written else ():
        for place in (finding, *finding.locations):
            for comment in comments.about(place.path, place.line):
                used |= {(comment.path, comment.line, name) for name in (finding.rule, finding.item)}
    for comment in written:
        for name, column in comment.names:
            rules_of = {name} if name in rules.all_rules() else set[str]()
            rules_of |= set(items[name].rules) if name in items else set()
            if rules_of and rules_of <= whole and (comment.path, comment.line, name) not in used:
                yield nothing_to_ignore(comment.path, comment.line, column, name)


def _is_touched(port: Port, finding: Finding) -> bool:
    """The pull request changes the finding's line, or the class that it is about."""
    if finding.line in changed_lines(port.base, port.head, finding.path):
        return True
    name = finding.symbol.split(".")[0]
    for module in port.modules:
        found = module.facts.classes.get(name)
        if found is not None and module.path == finding.path:
            return any(found.first_line <= line <= found.end_line for line in module.touched)
    return False


def _item_result(id: str, ran: dict[str, _Outcome], port: Port, ready: bool) -> ItemResult:
    item = checklist.items()[id]
    state, reason = _state(item, ran, port, ready)
    return ItemResult(id, item.section, port.model, state, encodable(reason))


def _state(item: checklist.Item, ran: dict[str, _Outcome], port: Port, ready: bool) -> tuple[State, str]:
    complete = ready or (not port.broken and port.stage == "complete")
    if set(item.rules) & rules.all_rules().keys():
        findings = [
            f
            for outcome in ran.values()
            for f in outcome.findings
            if f.level == "error" and f.ignored is None
        ]
        wrong = [finding for finding in findings if complete or not finding.absent]
        if wrong:
            return "failed", _count(wrong)
        if not port.broken and port.stage in ("empty", "copied"):
            begun = "no class yet" if port.stage == "empty" else "still PyTorch code"
            return "failed" if ready else "waiting", begun
        if findings:
            return "waiting", _count(findings)
        if errors := [outcome.error for outcome in ran.values() if outcome.error]:
            return "error", errors[0]
        if undecidable := [outcome.undecidable for outcome in ran.values() if outcome.undecidable]:
            return "unverified", undecidable[0]
        if later := [outcome.later for outcome in ran.values() if outcome.later]:
            return "waiting", later[0]
        if not_begun := [outcome.not_begun for outcome in ran.values() if outcome.not_begun]:
            return "not-applicable" if complete else "waiting", not_begun[0]
        reasons = [outcome.not_applicable for outcome in ran.values()]
        if reasons and all(reasons):
            return "not-applicable", reasons[0]
        return ("unverified", item.pending) if item.pending else ("passed", _ignored(ran.values()))
    if item.decided == "human":
        return "needs-human", "only people can tell"
    return "unverified", _ELSEWHERE[item.decided]


def _ignored(ran: Iterable[_Outcome]) -> str:
    """ "1 ignored: the shape is checked elsewhere", of findings that would have failed the item."""
    reasons = [f.ignored for o in ran for f in o.findings if f.level == "error" and f.ignored is not None]
    return f"{len(reasons)} ignored: {'; '.join(dict.fromkeys(reasons))}" if reasons else ""


_ELSEWHERE: dict[checklist.Decided, str] = {
    "static": "not built yet",
    "execution": "not run here: tfport check --execute",
    "github": "only on GitHub",
    "human": "only people can tell",
}


def _count(findings: Sequence[Finding]) -> str:
    return findings[0].message if len(findings) == 1 else f"{len(findings)} findings"

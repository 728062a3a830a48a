"""Compares classes: asks both sides, and decides by their arrays. `compare_classes` is the way in.

For the verdict the candidate gets configuration, weights and inputs, never what the reference returned: the verdicts of all classes stand
before it hears any of that to find the place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from checks.comparison.case import PLAIN, Case, Variant, case_of, redrawn, variants
from checks.comparison.comparison import Comparison, Lines, Outcome
from checks.comparison.coverage import missed
from checks.comparison.outputs import absent, gaps, outputs
from checks.comparison.peer import Gone, Peer
from checks.comparison.policy import EXACT, ROUNDING, Precision
from checks.comparison.raised import Raised, error_text, raised_of
from checks.comparison.sites import profile_of, sites_of
from checks.comparison.switches import switches
from checks.execution import untrusted
from checks.execution.workplace import Workplace

SIDE_BY_SIDE = 3
"""Classes that are under way at the same time, so that neither side waits for the other."""


@dataclass(frozen=True, slots=True)
class Names:
    """Where a model's classes and tests are: dotted names of modules, "" where there is none.

    Attributes:
        files: paths of the TensorFlow modules whose lines are watched.
        sources: their texts, from which follows what to vary; without them nothing is varied.
    """

    module: str
    pytorch_module: str
    tests: str = ""
    pytorch_tests: str = ""
    files: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict[str, str])

    def opening(self) -> dict[str, Any]:
        """As a request has it."""
        return {
            "module": self.module,
            "pytorch_module": self.pytorch_module,
            "tests": self.tests,
            "pytorch_tests": self.pytorch_tests,
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared.

    Attributes:
        seed: of the weights.
        guide: measure the guide's figure too (float32, default initialisation).
        branches: seconds in which configurations are varied; 0: they are not.
        localise: seconds in which the places are looked for, of all classes together; 0: they are not.
        checkpoint: folder, inside, of a real checkpoint; "" for tiny models.
        strategy: only this way to make a case.
    """

    seed: int = 0
    guide: bool = True
    branches: float = 30.0
    localise: float = 60.0
    checkpoint: str = ""
    strategy: str = ""


class Pair:
    """Both sides. A context: the processes end with it. They start, and warm up, when it is made.

    Args:
        reference, candidate: workplaces with the base's and the head's tree.
        seconds: for one answer.
    """

    def __init__(self, reference: Workplace, candidate: Workplace, *, seconds: float = 120.0) -> None:
        threads = max(1, candidate.cores // 2)
        self._candidate_place = candidate
        self.reference = Peer(reference, "reference", seconds=seconds, threads=threads).start()
        self.candidate = Peer(candidate, "candidate", seconds=seconds, threads=threads).start()
        self._full: Peer | None = None
        self._names: Names | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        for peer in (self.reference, self.candidate, self._full):
            if peer is not None:
                peer.close()

    @property
    def peak_memory(self) -> int:
        """Bytes of the larger side; known once both are closed."""
        return max(self.reference.peak_memory, self.candidate.peak_memory)

    def open(self, names: Names) -> None:
        """Says to both sides, at the same time, which model it is about.

        Raises:
            Gone: one side can't import it.
        """
        self._names = names
        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(peer.open, names.opening()) for peer in (self.reference, self.candidate)
            ]:
                done.result()

    def with_torch(self) -> Peer:
        """A candidate that has torch too: the tests of composites make their models from PyTorch's."""
        with self._lock:
            if self._full is None:
                self._full = Peer(self._candidate_place, "candidate", torch=True)
                if self._names is not None:
                    self._full.open(self._names.opening())
            return self._full


def compare_classes(
    pair: Pair,
    names: Names,
    classes: Sequence[str],
    options: Options | None = None,
    *,
    on_class: Callable[[Comparison], object] | None = None,
) -> list[Comparison]:
    """The verdict on each class, in their order. Never raises for what a side does: such a class is `error`."""
    options = options or Options()
    try:
        pair.open(names)
    except Gone as gone:
        return [Comparison(name, trouble=str(gone)) for name in classes]

    def work(name: str) -> Comparison:
        try:
            found = _Class(pair, name, options).compare()
        except Gone as gone:
            found = Comparison(name, trouble=str(gone))
        if on_class is not None:
            on_class(found)
        return found

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = list(pool.map(work, classes))
    if names.sources and options.branches and not options.checkpoint:
        found = varied(pair, found, names, options)
    # Only now, as whoever knows the reference's values can return them.
    until = time.monotonic() + options.localise
    return [located(pair, one, options, until) if one.state == "different" else one for one in found]


def varied(pair: Pair, found: Sequence[Comparison], names: Names, options: Options) -> list[Comparison]:
    """With the outcomes of varied configurations, each run with the first class that can be: what is in a layer is in all heads."""
    until = time.monotonic() + options.branches
    results = list(found)
    tried: set[str] = set()
    ran = {path: set[int]() for path in names.sources}
    for one in found:
        for path, lines in one.lines.items():
            ran.setdefault(path, set()).update(lines)
    wanted = [gap.test for path, text in names.sources.items() for gap in missed(text, ran[path])]
    for number, one in enumerate(results):
        if one.case is None or not one.outcomes or one.precision != "float64" or one.state != "equal":
            continue
        asked = _Class(pair, one.name, options)
        for way in switches(one.case, list(names.sources.values()), wanted):
            if way.id in tried or time.monotonic() > until:
                continue
            try:
                outcome = asked.varied(one, way)
            except Gone:
                outcome = None
            if outcome is not None:
                tried.add(way.id)
                one = replace(one, outcomes=(*one.outcomes, outcome))
        for path, lines in asked.lines.items():
            one.lines.setdefault(path, set()).update(lines)
        results[number] = one
    return results


def located(pair: Pair, one: Comparison, options: Options, until: float) -> Comparison:
    """With the places where it begins, as the candidate's process names them: they explain, and decide nothing."""
    case, first = one.case, one.first
    left = until - time.monotonic()
    if case is None or (first is None and one.broken is None) or left <= 1:
        return one
    # A model that cannot be made is called plainly: shapes tell how far it gets.
    way, precision = (first.variant, first.precision) if first is not None else (PLAIN, one.precision)
    candidate = pair.with_torch() if case.strategy == "cross-test" else pair.candidate
    request = {
        **replace(case, config={**case.config, **way.config}).request(),
        "double": precision == "float64",
        "variant": way.request(),
        "random": True,
        "seed": options.seed,
        "checkpoint": options.checkpoint,
    }
    try:
        recorded = pair.reference.ask("record", **request, takes=list(case.takes))
        if "error" in recorded:
            return replace(one, notes=(*one.notes, f"not localised: {error_text(recorded['error'])}"))
        keep = {key: recorded.get(key) for key in ("events", "modules", "given", "weights")}
        also = [
            {"given": more.get("given"), "events": more.get("events")}
            for other in _others(one, way, case)
            if "error"
            not in (
                more := pair.reference.ask(
                    "record", **{**request, "variant": other.request()}, takes=list(case.takes)
                )
            )
        ]
        limit = EXACT if precision == "float64" else ROUNDING
        answer = candidate.ask(
            "localise", **request, **keep, also=also, limit=limit, seconds=min(30.0, left / 2)
        )
    except Gone as gone:
        return replace(one, notes=(*one.notes, f"not localised: {gone}"))
    if "error" in answer:
        if one.broken is not None:  # its constructor raises, and the reason says that
            return one
        return replace(one, notes=(*one.notes, f"not localised: {error_text(answer['error'])}"))
    return replace(one, sites=tuple(sites_of(answer.get("sites"))), profile=profile_of(answer.get("profile")))


def _others(one: Comparison, way: Variant, case: Case) -> Iterable[Variant]:
    """More calls that a cause has to mend: the same with other numbers, and another one that differs with the same configuration."""
    if one.first is None:
        return
    if way.padded is None:
        yield redrawn(case, way)
    for outcome in one.outcomes:
        other = outcome.variant
        alike = other.config == way.config and other.id != way.id and not other.advisory
        if other.padded is not None:  # what stands at padded positions means nothing
            continue
        if alike and outcome.differs and outcome.raised is None:
            yield other
            return


class _Class:
    """The comparison of one class."""

    def __init__(self, pair: Pair, name: str, options: Options) -> None:
        self.pair, self.name, self.options = pair, name, options
        self.candidate = pair.candidate
        self.notes: list[str] = []
        self.lines: Lines = {}

    def compare(self) -> Comparison:
        reasons: list[str] = []
        for case in self._cases(reasons):
            found = self._compared(case, reasons)
            if found is not None:
                return found
        return Comparison(self.name, unmade="; ".join(filter(None, reasons)) or "no strategy knows the class")

    def _cases(self, reasons: list[str]) -> Iterable[Case]:
        """Cases in order of trust; the next one is only asked for where the one before does not run in PyTorch."""
        only = self.options.strategy
        asked = {"class": self.name, "checkpoint": self.options.checkpoint}
        if only:
            asked["strategy"] = only
        answer = self.candidate.ask("case", **asked)
        takes = untrusted.texts(answer.get("takes"), 200, 100)
        case = case_of(self.name, answer)
        if isinstance(case, Case):
            yield case
        else:
            reasons.append(case)
        for strategy in ("pytorch-tester", "configuration", "checkpoint"):
            if strategy == "checkpoint" and only != strategy:
                continue
            if only in ("", strategy):
                case = case_of(self.name, self.pair.reference.ask("case", **{**asked, "strategy": strategy}))
                if isinstance(case, Case):
                    yield replace(case, takes=takes)
                else:
                    reasons.append(case)
        if only in ("", "cross-test"):
            self.candidate = self.pair.with_torch()
            case = case_of(self.name, self.candidate.ask("case", **{**asked, "strategy": "cross-test"}))
            if isinstance(case, Case):
                yield case
            else:
                reasons.append(case)

    def _compared(self, case: Case, reasons: list[str]) -> Comparison | None:
        """None where PyTorch does not run the case."""
        case = case.taking(case.takes)
        # A real checkpoint takes seconds for each call; a tiny model has shown the other ways.
        ways = [PLAIN] if self.options.checkpoint else list(variants(case))
        precision: Precision = "float64"
        reference = self._reference(case, ways, wide=True)
        if isinstance(reference, str):
            precision = "float32"
            told, reference = reference, self._reference(case, ways, wide=False)
            if isinstance(reference, str):
                reasons.append(f"{case.strategy}: PyTorch: {reference}")
                return None
            self.notes.append(f"compared in float32, as PyTorch does not run in float64: {told}")
        case = _completed(case, reference)
        candidate: Mapping[str, Any] = self._candidate(case, reference, ways, wide=precision == "float64")
        narrow: dict[str, Outcome] = {}
        if precision == "float64" and (trouble := _raises(candidate)):
            # Only what fails in float32 too is the port's fault.
            again = self._reference(case, ways, wide=False)
            if not isinstance(again, str):
                other = self._candidate(case, again, ways, wide=False)
                if not _raises(other):
                    self.notes.append(
                        f"in part compared in float32, as it does not run in float64: {trouble}"[:400]
                    )
                    narrow = {one.variant.id: one for one in self._outcomes(ways, again, other, "float32")}
                    if not untrusted.mapping(candidate.get("outputs")):
                        candidate = {**other, "outputs": {}}
        broken = raised_of(candidate.get("unbuilt") or candidate.get("error"))
        if broken is not None and _lacks_library(broken):
            reasons.append(broken.text)
            return Comparison(self.name, strategy=case.strategy, unmade=broken.text)
        outcomes = [] if broken else self._outcomes(ways, reference, candidate, precision)
        outcomes = [narrow.get(one.variant.id, one) if one.raised else one for one in outcomes]
        guide = self._guide(case, ways) if self.options.guide and not broken else None
        loaded = untrusted.mapping(candidate.get("load"))
        return Comparison(
            self.name,
            strategy=case.strategy,
            precision=precision,
            outcomes=tuple(outcomes),
            guide=guide,
            broken=broken,
            missing=tuple(
                (
                    untrusted.text(untrusted.mapping(entry).get("name"), 300),
                    untrusted.text(untrusted.mapping(entry).get("nearest"), 300),
                )
                for entry in untrusted.sequence(loaded.get("missing"))
            ),
            mismatched=untrusted.texts(loaded.get("mismatched"), 1_000),
            unexpected=_unexpected(loaded, reference),
            notes=tuple(self.notes),
            lines=self.lines,
            case=case,
        )

    def varied(self, one: Comparison, way: Variant) -> Outcome | None:
        """The outcome of one varied configuration; None where PyTorch refuses it."""
        assert one.case is not None
        case = replace(one.case, config={**one.case.config, **way.config})
        if one.case.strategy == "cross-test":
            self.candidate = self.pair.with_torch()
        way = replace(way, labels=bool(case.labels))
        reference = self._reference(case, [way], wide=True)
        if isinstance(reference, str):
            return None
        candidate = self._candidate(case, reference, [way], wide=True)
        loaded = untrusted.mapping(candidate.get("load"))
        missing = untrusted.sequence(loaded.get("missing"))
        lacks = len(missing) > len(one.missing) or len(_unexpected(loaded, reference)) > len(one.unexpected)
        way = replace(way, unsupported=lacks or bool(_raises(candidate)))
        broken = raised_of(candidate.get("unbuilt") or candidate.get("error"))
        if broken is not None:
            return Outcome(way, raised=broken)
        return self._outcomes([way], reference, candidate, "float64")[0]

    def _reference(
        self, case: Case, ways: Sequence[Variant], *, wide: bool, random: bool = True
    ) -> Mapping[str, Any] | str:
        """The reference's answer, or why it has none for the plain call."""
        answer = self.pair.reference.ask(
            "run",
            **case.request(),
            random=random,
            double=wide,
            seed=self.options.seed,
            variants=[way.request() for way in ways],
            checkpoint=self.options.checkpoint,
        )
        if "error" in answer:
            return error_text(answer["error"])
        plain = untrusted.mapping(untrusted.mapping(answer.get("outputs")).get(ways[0].id))
        return error_text(plain["error"]) if "error" in plain else answer

    def _candidate(
        self, case: Case, reference: Mapping[str, Any], ways: Sequence[Variant], *, wide: bool
    ) -> Mapping[str, Any]:
        answer = self.candidate.ask(
            "run",
            **case.request(),
            double=wide,
            weights=reference.get("weights"),
            variants=[way.request() for way in ways if _ran(reference, way)],
            lines=wide,
        )
        for path, numbers in untrusted.mapping(answer.get("lines")).items():
            known = self.lines.setdefault(untrusted.text(path, 300), set())
            known.update(number for number in untrusted.sequence(numbers, 100_000) if type(number) is int)
        return answer

    def _outcomes(
        self,
        ways: Sequence[Variant],
        reference: Mapping[str, Any],
        candidate: Mapping[str, Any],
        precision: Precision,
    ) -> list[Outcome]:
        found: list[Outcome] = []
        for way in ways:
            if not _ran(reference, way):
                continue
            one = outputs(_told(reference, way).get("named"))
            told = _told(candidate, way)
            raised = raised_of(told.get("error"))
            other = outputs(told.get("named"))
            if raised is None and not other:
                raised = Raised("it returned nothing that could be read")
            lacks, adds = absent(one, other) if raised is None and not way.tuple else ((), ())
            found.append(Outcome(way, tuple(gaps(one, other, way.padded)), raised, lacks, adds, precision))
        return found

    def _guide(self, case: Case, ways: Sequence[Variant]) -> Outcome | None:
        """The guide's figure: float32, default initialisation."""
        way = next((way for way in ways if way.labels), PLAIN)
        reference = self._reference(case, [way], wide=False, random=False)
        if isinstance(reference, str):
            return None
        candidate = self._candidate(case, reference, [way], wide=False)
        found = self._outcomes([way], reference, candidate, "float32")
        return found[0] if found and found[0].raised is None else None


def _told(answer: Mapping[str, Any], way: Variant) -> Mapping[str, Any]:
    return untrusted.mapping(untrusted.mapping(answer.get("outputs")).get(way.id))


def _ran(reference: Mapping[str, Any], way: Variant) -> bool:
    """PyTorch runs this variant: one that it refuses says nothing about the port."""
    return "named" in _told(reference, way)


def _lacks_library(raised: Raised) -> bool:
    """The environment has not what the model needs: that says nothing about the port."""
    return raised.text.startswith(("ImportError:", "ModuleNotFoundError:"))


def _raises(candidate: Mapping[str, Any]) -> str:
    """The first exception of a candidate's answer, "" for none."""
    for key in ("error", "unbuilt"):
        if key in candidate:
            return error_text(candidate[key])
    for told in untrusted.mapping(candidate.get("outputs")).values():
        if "error" in untrusted.mapping(told):
            return error_text(untrusted.mapping(told)["error"])
    return ""


def _completed(case: Case, reference: Mapping[str, Any]) -> Case:
    """With what the reference added, and without what PyTorch does not take."""
    added = dict(untrusted.mapping(reference.get("added")))
    takes = untrusted.texts(reference.get("takes"), 200, 100)
    return replace(case, inputs={**case.inputs, **added}).taking(takes)


def _unexpected(loaded: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[str, ...]:
    """Parameters of PyTorch that nothing took; buffers and tied ones need no place."""
    buffers = set(untrusted.texts(reference.get("buffers"), 100_000))
    return tuple(name for name in untrusted.texts(loaded.get("unexpected"), 10_000) if name not in buffers)

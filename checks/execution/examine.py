"""`loads-from-pytorch` and `call-formats`: what the harness says of each public class, as item results and findings.

The classes are those that the sources offer; one that the harness does not report on is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from checks.execution import untrusted
from checks.execution.class_results import FORMAT_TEXTS, ClassResult, Format, Loading, Weight, class_result
from checks.execution.expected import test_path
from checks.execution.job import Result
from checks.execution.layer_names import Place, locate
from checks.execution.workplace import Workplace
from checks.port import Module, Port
from checks.report import Finding, ItemResult, State

LOADS, FORMATS = "loads-from-pytorch", "call-formats"

BLOCKING = frozenset(FORMAT_TEXTS) - {"tuple-output"}
"""Merged ports return tuples that are not their dict's values (encoder-decoder caches), so that one only warns."""


@dataclass(frozen=True, slots=True)
class Examined:
    """Results of a port: states of the two items, findings, and an entry of the report's `comparison` for each class."""

    items: tuple[ItemResult, ...]
    findings: tuple[Finding, ...]
    entries: tuple[Mapping[str, Any], ...]
    seconds: float = 0.0


def examine(
    workplace: Workplace,
    port: Port,
    *,
    seconds: float = 900.0,
    on_class: Callable[[str, int, int], None] | None = None,
    run: Callable[..., Result] | None = None,
) -> Examined:
    """Makes, loads and calls every public class of the port.

    Raises:
        checks.execution.job.SandboxError: the sandbox itself failed.
    """
    by_module: dict[str, tuple[Module, list[str]]] = {}
    for name in port.models:
        module = port.of(name)[0]
        by_module.setdefault(module.path, (module, []))[1].append(port.intended[name])
    total = sum(len(names) for _, names in by_module.values())
    parts = [
        (module, part)
        for module, names in by_module.values()
        for part in split(names, workplace.workers // len(by_module))
    ]
    heard = [
        _Heard(names, lambda name: on_class and on_class(name, _over(heard), total)) for _, names in parts
    ]

    def work(number: int) -> Result:
        module, names = parts[number]
        job = workplace.job(request(port, module, names), seconds=seconds)
        return (run or workplace.sandbox.run)(job, on_record=heard[number].take)

    # bwrap dies with the thread that started it: the threads of this pool live as long as their runs.
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        done = list(pool.map(work, range(len(parts))))
    results = [found for one, result in zip(heard, done, strict=True) for found in one.conclude(result)]
    order = [port.intended[name] for name in port.models]
    results.sort(key=lambda found: order.index(found.name))
    took = max((result.seconds for result in done), default=0.0)
    items, findings = conclude(port, results)
    return Examined(items, findings, tuple(entry(found) for found in results), took)


def _over(heard: Sequence[_Heard]) -> int:
    return sum(len(one.results) for one in heard)


def split(names: Sequence[str], parts: int) -> list[list[str]]:
    """The names dealt out to at most `parts` processes; each has to start TensorFlow, so one gets two names at least."""
    parts = max(1, min(parts, len(names) // 2))
    return [list(names[number::parts]) for number in range(parts)]


class _Heard:
    """What has been heard of the classes of one process."""

    def __init__(self, names: Sequence[str], over: Callable[[str], object]) -> None:
        self._names, self._over = names, over
        self.results: dict[str, ClassResult] = {}

    def take(self, content: bytes) -> None:
        """Takes a record. Of two about one class the first counts: it came before more of the code under test had run."""
        found = class_result(content, self._names)
        if found is not None and found.name not in self.results:
            self.results[found.name] = found
            self._over(found.name)

    def conclude(self, result: Result) -> list[ClassResult]:
        """One result for each class."""
        last = untrusted.text(result.output[-2_000:].decode("utf-8", "replace")).strip().rsplit("\n", 1)[-1]
        silent = f"the harness {result.reason or 'ended without a word'}"
        silent += f": {last[:300]}" if last and not self.results else ""
        return [self.results.get(name) or ClassResult(name, silent=silent) for name in self._names]


def request(port: Port, module: Module, names: Sequence[str]) -> dict[str, Any]:
    """What the harness is asked."""
    tests = test_path(port, module)
    twin = tests.replace("test_modeling_tf_", "test_modeling_")
    return {
        "task": "examine",
        "classes": list(names),
        "module": _dotted(module.path),
        "pytorch_module": _dotted(module.pytorch_path),
        "tests": _dotted(tests) if port.head.blob_id(tests) is not None else "",
        "pytorch_tests": _dotted(twin) if port.head.blob_id(twin) is not None else "",
        "checks": ["load", "formats"],
    }


def _dotted(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


# -- what follows -----------------------------------------------------------------------------------------------------


def conclude(
    port: Port, results: Sequence[ClassResult]
) -> tuple[tuple[ItemResult, ...], tuple[Finding, ...]]:
    """States of the two items, and findings."""
    findings = [*_loading_findings(port, results), *_format_findings(port, results)]
    items = tuple(
        ItemResult(
            item,
            "execution",
            port.model,
            *_state(port, item, results, [f for f in findings if f.item == item]),
        )
        for item in (LOADS, FORMATS)
    )
    return items, tuple(findings)


def _state(
    port: Port, item: str, results: Sequence[ClassResult], findings: Sequence[Finding]
) -> tuple[State, str]:
    blocking = [finding for finding in findings if finding.level == "error"]
    if blocking:
        return "failed", blocking[0].message if len(blocking) == 1 else f"{len(blocking)} findings"
    if not results:
        return "waiting", "no public class yet"
    for found in results:
        if found.silent:
            return "error", f"{found.name}: {found.silent}"
    for found in results:
        if found.unmade and not _is_part(port, found, results):
            return "unverified", f"no tiny model of {found.name} could be made ({found.unmade})"[:500]
        if found.broken:
            return "unverified", f"{found.name} cannot be made"
        if found.unmade:
            continue
        if item == LOADS and found.loading is None:
            return "unverified", f"{found.name} has no PyTorch twin to load from"
        if item == FORMATS and set(found.formats) != set(FORMAT_TEXTS):
            return "error", f"{found.name}: the harness did not report on every format"
    return "passed", ""


def _is_part(port: Port, found: ClassResult, results: Sequence[ClassResult]) -> bool:
    """A class without a case that an examined class holds as a layer (`TFSegformerDecodeHead`): it was examined as that."""
    if all(one.unmade for one in results):
        return False
    text = port.text(port.classes[found.name][0].path)
    return re.search(rf"^\s+self\.\w+ = {found.name}\(", text, re.MULTILINE) is not None


def _loading_findings(port: Port, results: Sequence[ClassResult]) -> Iterator[Finding]:
    texts = {module.path: port.text(module.path) for module in port.modules}
    grouped: dict[tuple[Any, ...], tuple[Place, list[tuple[str, Weight]]]] = {}
    for found in results:
        if found.broken:
            path, line = _innermost(port, found.frames, found.name)
            yield _finding(
                LOADS,
                path,
                line,
                found.name,
                f"{found.name} cannot be made: {_line(found.broken)}",
                "Make it with a tiny configuration, as its test does.",
            )
        if found.loading is None:
            continue
        for kind in ("missing", "mismatched"):
            for weight in getattr(found.loading, kind):
                nearest = weight.nearest if kind == "missing" else weight.name
                place = locate(texts, weight.name, nearest, weight.way) or _class_place(port, found.name)
                key = (kind, place.path, place.line, place.wrong, place.right)
                grouped.setdefault(key, (place, []))[1].append((found.name, weight))
    for (kind, *_), (place, weights) in grouped.items():
        yield _missing(place, weights) if kind == "missing" else _mismatched(place, weights)
    yield from _unexpected(port, results)


def _missing(place: Place, weights: list[tuple[str, Weight]]) -> Finding:
    classes = list(dict.fromkeys(name for name, _ in weights))
    names = list(dict.fromkeys(weight.name for _, weight in weights))
    first = weights[0][1]
    message = f"{_count(len(names), 'weight')} of {_some(classes)} {_has(len(names))} no counterpart in PyTorch: {_patterns(names)}"
    if place.right:
        advice = f'Name the layer as PyTorch does: name="{place.right}" instead of "{place.wrong}" ({first.nearest}).'
    elif first.nearest:
        advice = f"The nearest unused PyTorch weight is {first.nearest}; the names of the layers have to lead there."
    else:
        advice = (
            "PyTorch has no unused weight of this shape: is the layer needed, and under the same condition?"
        )
    return _finding(
        LOADS, place.path, place.line, place.symbol, message, advice, column=place.column, edits=place.edits
    )


def _mismatched(place: Place, weights: list[tuple[str, Weight]]) -> Finding:
    first = weights[0][1]
    names = list(dict.fromkeys(weight.name for _, weight in weights))
    message = (
        f"{_count(len(names), 'weight')} {_has(len(names))} another shape than in PyTorch: {_patterns(names)}"
        f" is {list(first.shape)} here and {list(first.pytorch_shape)} there"
    )
    advice = "Give the layer the same sizes as in PyTorch (kernels are stored in another order, which is accounted for)."
    return _finding(LOADS, place.path, place.line, place.symbol, message, advice, column=place.column)


def _unexpected(port: Port, results: Sequence[ClassResult]) -> Iterator[Finding]:
    """PyTorch's parameters that nothing takes, unless they are the other half of a wrong name."""
    for found in results:
        if found.loading is None or not found.loading.unexpected:
            continue
        claimed = {weight.nearest for weight in found.loading.missing}
        names = [name for name in found.loading.unexpected if name not in claimed]
        if not names:
            continue
        place = _class_place(port, found.name)
        message = f"{found.name} has no place for {_count(len(names), 'weight')} of PyTorch's {found.name[2:]}: {_patterns(names)}"
        advice = "Add the layer, or name it as PyTorch does. (A layer that dummy_inputs does not reach has no weights either.)"
        # Keras makes a layer's weights when it is first called, so merged ports lack what only some inputs reach (BLIP's text decoder).
        yield _warning(_finding(LOADS, place.path, place.line, found.name, message, advice))


def _format_findings(port: Port, results: Sequence[ClassResult]) -> Iterator[Finding]:
    grouped: dict[tuple[str, int, str], list[tuple[str, str, Format]]] = {}
    for found in results:
        for name, told in found.formats.items():
            if told.state == "failed":
                path, line = _innermost(port, told.frames, found.name)
                grouped.setdefault((path, line, _line(told.reason)), []).append((found.name, name, told))
    for (path, line, reason), cases in grouped.items():
        names = list(dict.fromkeys(name for name, _, _ in cases))
        ways = list(dict.fromkeys(FORMAT_TEXTS[format] for _, format, _ in cases))
        verb = "raises" if cases[0][2].frames or ": " in reason else "gives another result"
        finding = _finding(
            FORMATS,
            path,
            line,
            names[0],
            f"{_some(names)} {verb} when {_some(ways)}: {reason}",
            "All formats have to give what keyword arguments give; @unpack_inputs on call() sorts the inputs.",
        )
        yield finding if any(format in BLOCKING for _, format, _ in cases) else _warning(finding)


def _warning(finding: Finding) -> Finding:
    return replace(finding, level="warning")


def _finding(
    item: str,
    path: str,
    line: int,
    symbol: str,
    message: str,
    advice: str,
    *,
    column: int = 1,
    edits: tuple[Any, ...] = (),
) -> Finding:
    return Finding(item, item, "error", path, line, message, advice, symbol, column=column, edits=edits)


def _innermost(port: Port, frames: Sequence[tuple[str, int, str]], name: str) -> tuple[str, int]:
    """The deepest place in files of the pull request, else the class."""
    ours = [frame for frame in frames if frame[0] in port.changed]
    if ours:
        return ours[-1][0], ours[-1][1]
    place = _class_place(port, name)
    return place.path, place.line


def _class_place(port: Port, name: str) -> Place:
    module, found = port.classes[name]
    return Place(module.path, found.line, found.column, name)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _patterns(names: Sequence[str]) -> str:
    """Names with their numbers as stars, each once: `encoder.layer.*.dense.weight`."""
    return _some(list(dict.fromkeys(re.sub(r"(?<=\.)\d+(?=\.)", "*", name) for name in names)))


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def entry(found: ClassResult) -> dict[str, Any]:
    """The class in the report's `comparison`: what was loaded and called; its outputs are compared elsewhere."""
    loading = found.loading or Loading()
    reason = found.silent or found.unmade or found.broken or "its outputs were not compared"
    return {
        "class": found.name,
        "state": "error" if found.silent else "unverified",
        "reason": reason,
        "strategy": found.strategy,
        "missing": [{"name": weight.name, "nearest": weight.nearest} for weight in loading.missing],
        "mismatched": [weight.name for weight in loading.mismatched],
        "unexpected": list(loading.unexpected),
        "only_tensorflow": list(loading.only_tensorflow),
        "only_pytorch": list(loading.only_pytorch),
        "formats": {name: told.state for name, told in found.formats.items()},
    }

"""The comparison of a port: all its classes, the lines that never ran, how they train; the items `matches-pytorch` and `training-behaviour`,
and findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from checks.comparison import behaviour
from checks.comparison.compare import Names, Options, Pair, compare_classes
from checks.comparison.comparison import Comparison
from checks.comparison.coverage import missed
from checks.comparison.findings import ITEM, findings, state
from checks.comparison.script import Reproduction, reproduce
from checks.comparison.sites import within
from checks.execution.expected import test_path
from checks.execution.job import Bind, SandboxError
from checks.execution.workplace import Workplace
from checks.port import Module, Port
from checks.report import Finding, ItemResult

CHECKPOINT = "/checkpoint"
PATIENCE = 900.0
"""Seconds for one answer about a real checkpoint."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Results of a port: the item `matches-pytorch`, its findings, and an entry of the report's `comparison` for each class.

    Attributes:
        training: the item `training-behaviour`; None where nobody asked.
        trained: its findings.
        reproduction: of the layer that was asked for, or why there is none.
        audited: findings of `framework-defaults`, from hyper-parameters that differ.
    """

    item: ItemResult
    findings: tuple[Finding, ...]
    entries: tuple[Mapping[str, Any], ...]
    comparisons: tuple[Comparison, ...] = ()
    training: ItemResult | None = None
    trained: tuple[Finding, ...] = ()
    reproduction: Reproduction | str = ""
    audited: tuple[Finding, ...] = ()

    @property
    def items(self) -> tuple[ItemResult, ...]:
        """The items that were decided."""
        return (self.item,) if self.training is None else (self.item, self.training)

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All findings."""
        return (*self.findings, *self.trained, *self.audited)


def compare_port(
    workplace: Workplace,
    port: Port,
    *,
    classes: Sequence[str] = (),
    checkpoint: Path | None = None,
    trains: bool = True,
    known: Sequence[Finding] = (),
    layer: str = "",
    on_class: Callable[[str, int, int], None] | None = None,
) -> Compared:
    """Compares every public class of the port (or `classes` of them).

    Args:
        workplace: with `base`, the tree of the reference.
        checkpoint: folder of a real one, whose configuration and weights are taken instead of tiny ones; it is not trained.
        trains: compare training, too.
        known: findings of the static rules, which are not told again.
        layer: path of one on either side, of which a reproduction is wanted: in the first class that differs there, else the first one.

    Raises:
        checks.execution.job.SandboxError: the sandbox itself failed.
    """
    if workplace.base is None:
        raise SandboxError("the base's tree was not written")
    wanted = [name for name in port.models if not classes or name in classes]
    found: list[Comparison] = []

    def over(one: Comparison) -> None:
        found.append(one)
        if on_class is not None:
            on_class(one.name, len(found), len(wanted))

    options = Options()
    if checkpoint is not None:
        workplace = replace(workplace, binds=(*workplace.binds, Bind(checkpoint, CHECKPOINT)))
        options = Options(checkpoint=CHECKPOINT, strategy="checkpoint")
    results: list[Comparison] = []
    seen: list[behaviour.Behaviour] = []
    reproduction: Reproduction | str = ""
    reference = replace(workplace, tree=workplace.base)
    for module in port.modules:
        names = [port.intended[name] for name in wanted if port.of(name)[0] is module]
        if names:
            with Pair(reference, workplace, seconds=120.0 if checkpoint is None else PATIENCE) as pair:
                compared = compare_classes(pair, names_of(port, module), names, options, on_class=over)
                results += compared
                if layer and not isinstance(reproduction, Reproduction):
                    reproduction = reproduce(
                        pair, names_of(port, module), _shows(compared, layer), layer, options
                    )
                if trains and checkpoint is None:
                    seen += behaviour.trained(pair, port, compared)
    order = [port.intended[name] for name in wanted]
    texts = {module.path: port.text(module.path) for module in port.modules}
    results = [replace(one, sites=tuple(within(one.sites, texts))) for one in results]
    results.sort(key=lambda one: order.index(one.name))
    item = ItemResult(ITEM, "execution", port.model, *state(port, results))
    entries = tuple(
        {**one.entry(), "not_run": lines} for one, lines in _not_run(port, results, whole=not classes)
    )
    differences = tuple(findings(port, results))
    done = Compared(item, differences, entries, tuple(results), reproduction=reproduction)
    if not trains or checkpoint is not None:
        return done
    audited = behaviour.audited(port, seen, [*known, *differences])
    of_training = behaviour.without_rates([finding for one in seen for finding in one.findings], audited)
    return replace(
        done,
        training=behaviour.item(port, seen, results),
        trained=tuple(behaviour.merged(of_training)),
        audited=tuple(audited),
    )


def _shows(compared: Sequence[Comparison], layer: str) -> Comparison:
    """The class in which a layer differs; else the first one that does; else the first."""
    here = [one for one in compared if any(layer in (s["tf_path"], s["pytorch_path"]) for s in one.sites)]
    return next(iter(here or [one for one in compared if one.state == "different"] or compared))


def names_of(port: Port, module: Module) -> Names:
    """Where the two sides find the module's classes and tests. The PyTorch side is the base's, so are its tests."""
    tests = test_path(port, module)
    twin = tests.replace("test_modeling_tf_", "test_modeling_")
    return Names(
        _dotted(module.path),
        _dotted(module.pytorch_path),
        _dotted(tests) if port.head.blob_id(tests) is not None else "",
        _dotted(twin) if port.base.blob_id(twin) is not None else "",
        tuple(one.path for one in port.modules),
        {one.path: port.text(one.path) for one in port.modules},
    )


def _dotted(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


def _not_run(
    port: Port, results: Sequence[Comparison], *, whole: bool
) -> list[tuple[Comparison, list[Mapping[str, Any]]]]:
    """For each class, statements of the methods that it reached which no class has run; the first one has those of methods that none
    reached, too, if the `whole` port was compared."""
    texts = {module.path: port.text(module.path) for module in port.modules}
    ran = {path: set[int]() for path in texts}
    for one in results:
        for path, lines in one.lines.items():
            if path in ran:
                ran[path].update(lines)
    compared = [one for one in results if one.outcomes]
    gaps = [(path, gap) for path, text in texts.items() for gap in missed(text, ran[path])]
    found: list[tuple[Comparison, list[Mapping[str, Any]]]] = []
    reached_by = {
        id(one): {symbol for path in texts for symbol in _reached(port, path, one.lines.get(path, set()))}
        for one in compared
    }
    everybody = set[str]().union(*reached_by.values()) if reached_by else set[str]()
    for one in results:
        mine = reached_by.get(id(one), set[str]())
        nowhere: list[Mapping[str, Any]] = [
            {"path": path, "start": gap.start, "end": gap.end, "symbol": gap.symbol, "test": gap.test}
            for path, gap in gaps
            if gap.symbol in mine
            or (whole and compared and one is compared[0] and gap.symbol not in everybody)
        ]
        found.append((one, nowhere))
    return found


def _reached(port: Port, path: str, lines: set[int]) -> set[str]:
    """Symbols of the `call` methods of which a line ran."""
    module = next(module for module in port.modules if module.path == path)
    found: set[str] = set()
    for name, cls in module.facts.classes.items():
        method = cls.methods.get("call")
        if method is not None and any(method.line <= line <= method.end_line for line in lines):
            found.add(f"{name}.call")
    return found

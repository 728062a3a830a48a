"""`_import_structure` of an init in upstream's order: constants, classes, functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from checks.changes import changed_lines
from checks.conventions import MAIN_INIT
from checks.edits import replace_lines
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._order import misplaced, move_lines
from checks.source.inits import Entry, InitFacts, Region, init_facts
from checks.source.python import Name


def check(port: Port) -> Iterator[Finding]:
    paths = [path for path in (MAIN_INIT, port.init_path) if path in port.changed]
    inits = [(path, port.known_facts(path, init_facts)) for path in paths]
    readable = [
        (path, init) for path, init in inits if init is not None and init.problem is None and not init.lazy
    ]
    if not readable:
        raise NotApplicable("no init with an import structure is touched")
    for path, init in readable:
        touched = changed_lines(port.base, port.head, path)
        lines = port.text(path).split("\n")
        for entry in init.entries:
            if entry.half == "structure" and not touched.isdisjoint(name.line for name in entry.names):
                guarded = [region for region in init.regions if region.line <= entry.line <= region.end_line]
                if all(_is_sorted(lines, region) for region in guarded[:1]):
                    yield from _names(path, lines, entry, touched)
        for region in init.regions:
            is_touched = not touched.isdisjoint(range(region.line, region.end_line + 1))
            if region.half == "structure" and is_touched and _is_sorted(lines, region):
                yield from _modules(path, lines, init, region, touched)


def _is_sorted(lines: Sequence[str], region: Region) -> bool:
    """Upstream's script sorts a region only if its first statement fits on a line: it takes the second line's indent for that of all
    statements."""
    second = "".join(lines[region.line : region.line + 1])
    return len(second) - len(second.lstrip()) < region.column


def order(name: str) -> tuple[int, str]:
    """Key of upstream's order: constants, then classes, then functions, each without regard to case and underscores."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return (kind, name.lower().replace("_", ""))


def _names(path: str, lines: Sequence[str], entry: Entry, touched: frozenset[int]) -> Iterator[Finding]:
    """A list of names that is out of order by a name that the port adds."""
    names = entry.names
    wanted = sorted(names, key=lambda name: order(name.name))
    if len(names) < 2 or list(names) == wanted:
        return
    kept = [name for name in names if name.line not in touched]
    if len(kept) == len(names) or kept != sorted(kept, key=lambda name: order(name.name)):
        return
    first = next(b for a, b in pairwise(names) if order(b.name) < order(a.name))
    about = first if first.line in touched else next(name for name in names if name.line in touched)
    after = next((a.name for a, b in pairwise(wanted) if b.name == about.name), "")
    yield RULE.finding(
        path,
        about.line,
        f"{about.name} is out of order in {entry.module}",
        f"It belongs {f'behind {after}' if after else 'at the beginning'}: constants come first, then classes, then functions, each by the alphabet.",
        symbol=f"{entry.module}.{about.name}",
        column=about.column,
        edits=_sorted(path, lines, names, wanted),
    )


def _sorted(
    path: str, lines: Sequence[str], names: Sequence[Name], wanted: Sequence[Name]
) -> tuple[Edit, ...]:
    """The names in their order: as lines, or between the commas of one line."""
    numbers = [name.line for name in names]
    if len(set(numbers)) == len(numbers) and numbers == list(range(numbers[0], numbers[-1] + 1)):
        if any(lines[n.line - 1].strip() != f'"{n.name}",' for n in names):
            return ()
        text = "".join(f"{lines[name.line - 1]}\n" for name in wanted)
        return (replace_lines(path, numbers[0], numbers[-1], text),)
    if len(set(numbers)) == 1 and lines[numbers[0] - 1].isascii():
        start, end = names[0].column, names[-1].column + len(names[-1].name) + 2
        text = ", ".join(f'"{name.name}"' for name in wanted)
        if lines[numbers[0] - 1][start - 1 : end - 1] == ", ".join(f'"{name.name}"' for name in names):
            return (Edit(path, (numbers[0], start), (numbers[0], end), text),)
    return ()


def _modules(
    path: str, lines: Sequence[str], init: InitFacts, region: Region, touched: frozenset[int]
) -> Iterator[Finding]:
    """A statement that the port adds among those of the same backend."""
    entries = [
        e
        for e in init.of("structure", region.backend)
        if region.line <= e.line <= region.end_line and not e.module.startswith("utils.dummy_")
    ]
    end = max((e.end_line for e in entries), default=0) + 1
    for entry, following in misplaced(entries, lambda entry: entry.module, touched):
        at = following.line if following is not None else end
        yield RULE.finding(
            path,
            entry.line,
            f"{entry.module} is out of the alphabetical order of _import_structure",
            f"It belongs before {following.module} (line {at})."
            if following is not None
            else "It belongs at the end.",
            symbol=entry.module,
            column=entry.column,
            edits=move_lines(path, entry.line, entry.end_line, lines[entry.line - 1 : entry.end_line], at),
        )


RULE = Rule(
    slug="style-init-order",
    level="error",
    summary="Names that the port adds to `_import_structure` stand in order: constants, classes, functions, each by the alphabet; and modules by the alphabet.",
    why="CI runs `utils/custom_init_isort.py --check_only` and is red otherwise.",
    how="Run `make style`, which sorts them. The half under `TYPE_CHECKING` is sorted by the formatter.",
    guide="Step 6: run make fixup before the pull request is opened.",
    source="upstream utils/custom_init_isort.py",
    check=check,
    examples=(
        Example(
            title="A class was put at the end",
            path=MAIN_INIT,
            good="""\
            "TFLanternForTokenClassificationWithFlicker",
            "TFLanternModel",
            "TFLanternPreTrainedModel",
        ]
    )
""",
            bad="""\
            "TFLanternModel",
            "TFLanternPreTrainedModel",
            "TFLanternForTokenClassificationWithFlicker",
        ]
    )
""",
            finds=('"TFLanternForTokenClassificationWithFlicker",',),
            fixed=True,
        ),
        Example(
            title="The model was put behind a later one",
            path=MAIN_INIT,
            good="""\
    _import_structure["models.lantern"].extend(
        [
            "TFLanternForSequenceClassification",
            "TFLanternForTokenClassificationWithFlicker",
            "TFLanternModel",
            "TFLanternPreTrainedModel",
        ]
    )
    _import_structure["models.xlm"].extend(["TFXLMModel", "TFXLMPreTrainedModel"])
""",
            bad="""\
    _import_structure["models.xlm"].extend(["TFXLMModel", "TFXLMPreTrainedModel"])
    _import_structure["models.lantern"].extend(
        [
            "TFLanternForSequenceClassification",
            "TFLanternForTokenClassificationWithFlicker",
            "TFLanternModel",
            "TFLanternPreTrainedModel",
        ]
    )
""",
            finds=('_import_structure["models.lantern"].extend(#2',),
            fixed=True,
        ),
        Example(
            title="Upstream's script does not sort a region whose first statement is a list over several lines",
            path="src/transformers/models/lantern/__init__.py",
            good='        "TFLanternForTokenClassificationWithFlicker",\n        "TFLanternModel",\n        "TFLanternPreTrainedModel",\n    ]\n',
            bad='        "TFLanternModel",\n        "TFLanternForTokenClassificationWithFlicker",\n        "TFLanternPreTrainedModel",\n    ]\n',
            silent=True,
        ),
    ),
)

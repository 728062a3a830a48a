"""The rules. One file each, named as the rule: `unpack-inputs` is `unpack_inputs.py` and holds `RULE = Rule(...)`.

A rule carries its text, its examples and a pure function. The examples are its tests and its documentation: every example is
one small change to a good port (`checks.rules.sample`), and the findings of *all* rules on it have to be exactly the expected ones.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from checks.checklist import item_of_rule
from checks.report import Edit, Finding, Level, Location

if TYPE_CHECKING:
    from checks.port import Port


@dataclass(frozen=True, slots=True)
class Example:
    """A change to the good port that breaks the rule, and what has to be found.

    Attributes:
        title: what went wrong, in a few words.
        path: the changed file of the good port.
        good: text that occurs in it exactly once.
        bad: what stands there instead.
        finds: for each expected finding the text of the line (of the bad file, or of `finds_in`) that it points at,
            stripped; "text#2" is the second of equal lines, "#2" the second empty one, "" the first line of a file that has none.
        finds_in: the file that the findings point at; "" for `path`.
        fixed: the rule has an edit for it, and the edit restores the good text.
        edits_to: what the edits make of `bad`, if not `good`.
        silent: an exception: nothing is to be found although it looks like a defect.
        ready: the pull request is no draft any more.
        moved_to, removed, link: instead of a change of text: the file lies elsewhere, is missing, is a symbolic link.
    """

    title: str
    path: str
    good: str
    bad: str
    finds: tuple[str, ...] = ()
    finds_in: str = ""
    fixed: bool = False
    edits_to: str = ""
    silent: bool = False
    ready: bool = False
    moved_to: str = ""
    removed: bool = False
    link: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a maintainer would ask for.

    Attributes:
        slug: its name; the file's name with dashes.
        level: `error` blocks the item, `warning` and `suggestion` do not.
        summary: what it checks, one sentence.
        why: what happens to users of the model if it is not so.
        how: how to fix it.
        guide: the guide's step, in our words; "" where the guide is silent.
        since: since when upstream wants it (release or commit), "" for always.
        source: where the rule comes from (upstream script, review).
        early: it also runs while a port is empty or still PyTorch code.
        by_the_way: what it finds is a symptom: it says nothing about a place where another rule has found the defect itself.
        check: pure; sees one port, yields findings. No network, no clock, no mutation. It may raise (what it yielded before
            counts) `NotApplicable`, `NotBegun`, `Later` or `Undecidable` of `checks.errors`, each with the reason.
        examples: at least one that finds something.
    """

    slug: str
    level: Level
    summary: str
    why: str
    how: str
    check: Callable[[Port], Iterable[Finding]]
    examples: Sequence[Example]
    guide: str = ""
    since: str = ""
    source: str = ""
    early: bool = False
    by_the_way: bool = False

    @property
    def item(self) -> str:
        """The item of the checklist that it serves."""
        return item_of_rule(self.slug)

    def finding(
        self,
        path: str,
        line: int,
        message: str,
        advice: str = "",
        *,
        symbol: str = "",
        column: int = 1,
        end_line: int = 0,
        edits: Iterable[Edit] = (),
        locations: Iterable[Location] = (),
        absent: bool = False,
        level: Level | None = None,
    ) -> Finding:
        """A finding of this rule; `level` only to say less than the rule's own."""
        return Finding(
            rule=self.slug,
            item=self.item,
            level=level or self.level,
            path=path,
            line=line,
            message=message,
            advice=advice,
            symbol=symbol,
            column=column,
            end_line=end_line or line,
            edits=tuple(edits),
            locations=tuple(locations),
            absent=absent,
        )


NOT_RULES = frozenset({"sample"})


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by slug: each module of this package, but those with a leading underscore and `NOT_RULES`."""
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("_") or module.name in NOT_RULES:
            continue
        rule: Any = importlib.import_module(f"{__name__}.{module.name}").RULE
        assert isinstance(rule, Rule)
        assert rule.slug == module.name.replace("_", "-"), f"{module.name}.py holds the rule {rule.slug}"
        found[rule.slug] = rule
    return found

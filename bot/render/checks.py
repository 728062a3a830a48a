"""Check runs: titles, tables and annotations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.render.environment import render
from bot.render.text import fit, plain
from bot.render.view import Counts, ReportView
from bot.state import Annotation, Pull, Repository
from checks.checklist import items
from checks.report import Conclusion, Finding, Level, Report, conclude

MAX_ANNOTATIONS = 200
"""More than anybody reads; the rest is counted in the summary."""

LEVELS: dict[Level, str] = {"error": "failure", "warning": "warning", "suggestion": "notice"}

IN_TESTS = frozenset({"style"})
"""Items of other sections that the check run of the tests shows."""


@dataclass(frozen=True)
class Page:
    """What a check run is rendered from."""

    repository: Repository
    pull: Pull
    report: Report
    config_error: str = ""
    asked_by: str = ""
    """Login of who asked that it is judged again."""

    @property
    def view(self) -> ReportView:
        return ReportView(self.repository, self.pull, self.report)


def section(page: Page, name: str) -> tuple[str, str, Conclusion]:
    """Title, summary and conclusion of the check run of one section."""
    view = page.view
    results = view.items_of(name) + (
        [r for r in page.report.items if r.id in IN_TESTS] if name == "tests" else []
    )
    findings = [f for f in page.report.findings if _shown_in(f, name)]
    summary = render(
        "check/section.md.j2",
        view=view,
        results=results,
        findings=findings,
        more=max(0, len(findings) - MAX_ANNOTATIONS),
        asked_by=page.asked_by,
    )
    return title(Counts.of(results)), fit(summary), conclude(result.state for result in results)


def gate(page: Page) -> tuple[str, str, str, Conclusion]:
    """Title, summary, text and conclusion of the check run `tfport`."""
    view = page.view
    summary = render(
        "check/gate_summary.md.j2", view=view, config_error=page.config_error, asked_by=page.asked_by
    )
    text = render("check/gate_text.md.j2", view=view, shown=["start", "submit", "share"])
    return (
        title(view.all_counts),
        fit(summary),
        fit(text),
        conclude(result.state for result in page.report.items),
    )


def title(counts: Counts) -> str:
    """One line that says how far it is."""
    if counts.failed:
        said = f"{counts.failed} of {counts.decidable} to fix"
    elif counts.error:
        said = "tfport could not finish"
    elif counts.waiting:
        said = f"{counts.done} of {counts.decidable} done"
    elif counts.decidable:
        said = "It holds" if counts.decidable == 1 else f"All {counts.decidable} hold"
    else:
        said = "Nothing decided here yet"
    open_ends = [f"{counts.unverified} not verified"] if counts.unverified else []
    open_ends += [f"{counts.needs_human} for people"] if counts.needs_human else []
    return " · ".join([said, *open_ends])


def section_annotations(
    report: Report, name: str, *, without: frozenset[str] = frozenset()
) -> Iterator[Annotation]:
    """Findings of one section as annotations, at most `MAX_ANNOTATIONS`, errors first.

    Args:
        without: identities of those that stand at their lines already.
    """
    order: list[Level] = ["error", "warning", "suggestion"]
    shown = [f for f in report.findings if _shown_in(f, name) and f.id not in without]
    for finding in sorted(shown, key=lambda f: order.index(f.level))[:MAX_ANNOTATIONS]:
        yield Annotation(
            path=finding.path,
            start_line=finding.line,
            end_line=max(finding.end_line, finding.line),
            level=LEVELS[finding.level],  # pyright: ignore[reportArgumentType]
            title=plain(f"{finding.rule}: {finding.symbol or finding.path}", 200),
            message=_message(finding),
        )


def _message(finding: Finding) -> str:
    places = "".join(f"\nAlso {place.path}:{place.line}" for place in finding.locations[:20])
    advice = f"\n→ {finding.advice}" if finding.advice else ""
    return plain(f"{finding.message}{advice}{places}", 4000)


def _shown_in(finding: Finding, name: str) -> bool:
    item = items()[finding.item]
    here = "tests" if item.id in IN_TESTS else item.section
    return here == name and finding.ignored is None

"""A report as Markdown: what the bot's summary says, without a pull request around it."""

from __future__ import annotations

from bot.render.environment import render
from bot.render.outcome import outcome, progress, size, welcome
from bot.render.text import fit
from bot.render.view import ICONS, Counts
from checks.checklist import GUIDE, items, sections
from checks.report import ItemResult, Report


def summary(report: Report) -> str:
    """The report for a comment or a page: what to fix, what is suggested, the checklist. Fits into a comment on GitHub."""

    def of_section(section: str) -> list[ItemResult]:
        return [result for result in report.items if result.section == section]

    failed = {(item.model, item.id) for item in report.items if item.state == "failed"}
    blocking = list(report.blocking)
    return fit(
        render(
            "comment/report.md.j2",
            report=report,
            outcome=outcome(report),
            welcome=welcome,
            progress=progress,
            size=size,
            guide=GUIDE,
            counts=Counts.of(list(report.items)),
            wrong=[finding for finding in blocking if (finding.model, finding.item) in failed],
            absent=[finding for finding in blocking if (finding.model, finding.item) not in failed],
            advisory=[f for f in report.findings if f.level != "error" and f.ignored is None],
            ignored=[f for f in report.findings if f.ignored is not None],
            sections=[(section, of_section(section.id)) for section in sections()],
            icons=ICONS,
            texts={name: item.text for name, item in items().items()},
        )
    )

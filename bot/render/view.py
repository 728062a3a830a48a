"""A report as templates want to see it: links, counts, items by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from bot.decisions import Decision, Standing, covers
from bot.render.text import inert
from bot.state import Pull, Repository
from bot.submission import judged
from checks.checklist import GUIDE, Section, items, sections
from checks.report import Finding, ItemResult, Report, State

ICONS: dict[State, str] = {
    "passed": "✅",
    "failed": "❌",
    "waiting": "⏳",
    "not-applicable": "➖",
    "needs-human": "👀",
    "unverified": "❔",
    "error": "⚠️",
}
"""GitHub's own emoji; every one is explained where it is shown."""

DECIDABLE: frozenset[State] = frozenset({"passed", "failed", "waiting", "error"})


def quoted(text: str) -> str:
    """What somebody wrote, as a quotation that does nothing; "" for nothing."""
    return f"> {inert(text, 1000)}" if text.strip() else ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Items by what can be said of them. `done` of `decidable` hold; the rest could not be decided by a machine, yet or ever."""

    done: int
    failed: int
    waiting: int
    error: int
    unverified: int
    needs_human: int

    @property
    def decidable(self) -> int:
        return self.done + self.failed + self.waiting + self.error

    @staticmethod
    def of(results: list[ItemResult]) -> Counts:
        def count(state: State) -> int:
            return sum(result.state == state for result in results)

        return Counts(
            count("passed"),
            count("failed"),
            count("waiting"),
            count("error"),
            count("unverified"),
            count("needs-human"),
        )


@dataclass(frozen=True)
class ReportView:
    """Report and pull request, for templates."""

    repository: Repository
    pull: Pull
    report: Report
    now: Standing = field(default_factory=Standing)

    def disputed(self, finding: Finding) -> str:
        """Who disputes a finding, "" if nobody does."""
        found = [d for d in self.now.disputes.values() if finding.id in d.findings]
        return found[-1].by if found else ""

    @property
    def waived(self) -> list[Decision]:
        """Waivers that cover something of this report."""
        ids = {finding.id for finding in self.report.findings}
        return [
            waiver
            for waiver in self.now.waivers.values()
            if ids & covers(waiver, self.report) or (not waiver.findings and waiver.head == self.report.head)
        ]

    @property
    def models(self) -> list[str]:
        return [port.model for port in self.report.ports]

    @property
    def counts(self) -> Counts:
        """Of what the port itself has to pass."""
        return Counts.of(judged(self.report))

    @property
    def all_counts(self) -> Counts:
        """Of the whole checklist."""
        return Counts.of(list(self.report.items))

    @property
    def blocking(self) -> list[Finding]:
        return list(self.report.blocking)

    @property
    def advisory(self) -> list[Finding]:
        """Warnings and suggestions."""
        return [f for f in self.report.findings if f.level != "error" and f.ignored is None]

    @property
    def ignored(self) -> list[Finding]:
        return [f for f in self.report.findings if f.ignored is not None]

    @property
    def absent(self) -> list[Finding]:
        """What waits to be written."""
        return [f for f in self.blocking if f.absent]

    @property
    def wrong(self) -> list[Finding]:
        """Findings of items that failed."""
        failed = {(item.model, item.id) for item in self.report.items if item.state == "failed"}
        return [f for f in self.blocking if (f.model, f.item) in failed]

    @property
    def sections(self) -> list[tuple[Section, list[ItemResult]]]:
        return [(section, self.items_of(section.id)) for section in sections()]

    def items_of(self, section: str) -> list[ItemResult]:
        return [result for result in self.report.items if result.section == section]

    def text_of(self, item: str) -> str:
        """The item's line of the checklist."""
        return items()[item].text

    def icon(self, state: State) -> str:
        return ICONS[state]

    def link(self, path: str, line: int) -> str:
        """A link to a line at the head; the fork's page, as the base repository does not show commits of deleted forks."""
        home = (self.pull.head_repo or self.repository).html_url
        return f"{home}/blob/{self.pull.head_sha}/{quote(path)}#L{line}"

    def base_link(self, path: str) -> str:
        """A link to a file of the merge base."""
        return f"{self.repository.html_url}/blob/{self.report.base}/{quote(path)}"

    @property
    def checks_link(self) -> str:
        return f"{self.pull.html_url}/checks"

    @property
    def guide(self) -> str:
        return GUIDE

"""The guide's steps around the code, decided from what GitHub says now: duplicates, branch, draft, review, approvals, CI. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from bot.state import Permission, Pull
from bot.weights import Weights, decide
from checks.checklist import items
from checks.report import ItemResult, Report, State

if TYPE_CHECKING:
    from bot.policy import RepositoryConfig

JUDGED = frozenset({"architecture", "registration", "docs", "tests", "execution"})
"""Sections that have to be done before the maintainers are asked for review; the style counts too."""

FAR_BEHIND = 100
"""Commits; from here on a rebase is recommended, as the files that every port touches have likely changed."""


CheckState = Literal["success", "pending", "failure"]


@dataclass(frozen=True, slots=True)
class Review:
    """The newest verdict of one reviewer, with the commit that it was given on and what the reviewer may do here."""

    login: str
    user_id: int
    state: Literal["approved", "changes-requested"]
    commit: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class OtherCheck:
    """A commit status or a check run of somebody else's at the head."""

    name: str
    state: CheckState


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around the code of a pull request.

    Attributes:
        behind_by: commits of the base branch that the head lacks.
        conflicts: GitHub cannot merge it; None while GitHub does not know.
        requested: logins whose review is asked for.
        reviewers: of those who may be asked here: login of each configured maintainer who has rights in the repository.
        others: other open pull requests.
    """

    behind_by: int = 0
    conflicts: bool | None = None
    requested: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    reviews: tuple[Review, ...] = ()
    checks: tuple[OtherCheck, ...] = ()
    others: tuple[Pull, ...] = ()

    def digest(self, pull: Pull, models: Iterable[str]) -> str:
        """Names what of it the items depend on."""
        others = [other.number for other in duplicates(models, pull, self.others)]
        ground = (self.behind_by >= FAR_BEHIND, self.conflicts, pull.draft, sorted(self.requested), others)
        return sha256(repr((*ground, self.reviews, self.checks)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Said:
    state: State
    reason: str = ""


def judged(report: Report) -> list[ItemResult]:
    """The items that a port has to pass before people are asked to look at it."""
    return [item for item in report.items if item.section in JUDGED or item.id == "style"]


def ready(report: Report) -> bool:
    """Nothing that a machine can decide is failed, waiting or undecided by our own fault."""
    return not any(item.state in ("failed", "waiting", "error") for item in judged(report))


def with_submission(
    report: Report,
    pull: Pull,
    config: RepositoryConfig,
    around: Surroundings,
    *,
    asked: bool,
    weights: Weights | None = None,
) -> Report:
    """The report with the items that GitHub and the Hub decide.

    Args:
        asked: the maintainers were asked for review (they may have answered since).
        weights: what the Hub says of the port's checkpoints, None if nobody asked it.
    """
    approvals = _approvals(pull, config, around.reviews)
    complete = any(port.stage == "complete" for port in report.ports)
    known = {
        "no-duplicate-effort": _duplicates(report, pull, around),
        "branch-name": _branch(pull),
        "draft-pr": _Said("passed") if pull.draft else _Said("not-applicable", "it has left the draft"),
        "up-to-date": _up_to_date(pull, around),
        "ready-for-review": _Said("waiting", "still a draft") if pull.draft else _Said("passed"),
        "maintainers-tagged": _tagged(report, pull, config, asked=asked),
        "approvals": approvals,
        "ci-green": _ci(around.checks),
        "tf-weights": _Said(*decide(weights, complete=complete)),
    }
    approved = approvals.state in ("passed", "not-applicable")
    filled = replace(report, items=tuple(_filled(item, known) for item in report.items))
    return replace(
        filled,
        items=tuple(_at_the_end(filled, item, approved=approved, weights=weights) for item in filled.items),
    )


def _at_the_end(report: Report, item: ItemResult, *, approved: bool, weights: Weights | None) -> ItemResult:
    """The last items of the guide follow the approval."""
    if item.state in ("error", "not-applicable"):
        return item
    if item.id == "final-cross-tests":
        said = _final(report, item.model, approved=approved)
    elif item.id == "from-pt-removed":
        said = _from_pt(report, item, approved=approved, weights=weights)
    else:
        return item
    return item if said is None else replace(item, state=said.state, reason=said.reason)


def _final(report: Report, model: str, *, approved: bool) -> _Said:
    """As the report's own cross tests went, which were run on this head."""
    if not approved:
        return _Said("waiting", "once this commit is approved")
    tests = next((i for i in report.items if (i.id, i.model) == ("cross-tests", model)), None)
    if tests is None or tests.state == "unverified":
        return _Said("unverified", tests.reason if tests else "the tests were not run")
    if tests.state == "passed":
        return _Said("passed", tests.reason)
    return _Said(tests.state, tests.reason or "see cross-tests")


def _from_pt(report: Report, item: ItemResult, *, approved: bool, weights: Weights | None) -> _Said | None:
    """The flag has to go once the port is approved and has its weights. Tests of tiny checkpoints may keep it: the rule leaves them out."""
    if not any(f.item == item.id and f.model == item.model and f.ignored is None for f in report.findings):
        return None
    if not approved:
        return _Said("waiting", "from_pt=True goes after the approval")
    if weights is not None and "missing" in weights.known.values():
        return _Said("waiting", "from_pt=True goes once the TensorFlow weights are on the Hub")
    return _Said("failed", "approved: take from_pt=True out now")


def _filled(item: ItemResult, known: Mapping[str, _Said]) -> ItemResult:
    said = known.get(item.id)
    entry = items()[item.id]
    if said is None or entry.rules:
        return item
    return replace(item, state=said.state, reason=said.reason)


def duplicates(models: Iterable[str], pull: Pull, others: Iterable[Pull]) -> list[Pull]:
    """Other open pull requests whose title or branch says that they port one of the models, oldest first."""
    wanted = [re.sub(r"[^a-z0-9]", "", model.lower()) for model in models]
    return sorted(
        (other for other in others if other.number != pull.number and _says(other, wanted)),
        key=lambda other: other.number,
    )


def _says(other: Pull, wanted: Iterable[str]) -> bool:
    for text in (other.title, other.head_ref):
        if not re.search(r"(?:\bTF|_tf|tf_|-tf|tf-|tensorflow|\btf\b)", text, re.IGNORECASE):
            continue
        plain = re.sub(r"[^a-z0-9]", "", text.lower())
        if any(model and model in plain for model in wanted):
            return True
    return False


def _duplicates(report: Report, pull: Pull, around: Surroundings) -> _Said:
    found = duplicates((port.model for port in report.ports), pull, around.others)
    if not found:
        return _Said("passed")
    named = ", ".join(f"#{other.number} ({other.author.login})" for other in found[:3])
    return _Said("needs-human", f"also being ported in {named}: talk to each other")


def _branch(pull: Pull) -> _Said:
    if pull.head_ref in ("main", "master"):
        return _Said(
            "passed", f"`{pull.head_ref}` is no name of its own; a branch makes later updates easier"
        )
    return _Said("passed")


def _up_to_date(pull: Pull, around: Surroundings) -> _Said:
    if around.conflicts:
        return _Said("failed", f"it conflicts with {pull.base_ref}: rebase it")
    if around.behind_by >= FAR_BEHIND:
        return _Said("passed", f"{around.behind_by} commits behind {pull.base_ref}: rebase before the merge")
    return _Said("passed")


def _tagged(report: Report, pull: Pull, config: RepositoryConfig, *, asked: bool) -> _Said:
    if not config.maintainers or config.quiet:
        return _Said("not-applicable", "the configuration names nobody")
    if asked:
        return _Said("passed")
    if pull.draft:
        return _Said("waiting", "once it has left the draft")
    return _Said("passed") if ready(report) else _Said("waiting", "once nothing is left to fix")


def approving(pull: Pull, reviews: Iterable[Review]) -> list[Review]:
    """Approvals that count: of people with rights, other than the author, of the current head."""
    return [
        review
        for review in reviews
        if review.state == "approved"
        and review.commit == pull.head_sha
        and review.permission in ("admin", "write")
        and review.user_id != pull.author.id
    ]


def _approvals(pull: Pull, config: RepositoryConfig, reviews: tuple[Review, ...]) -> _Said:
    if config.approvals == 0:
        return _Said("not-applicable", "none is asked for here")
    objecting = [
        review.login
        for review in reviews
        if review.state == "changes-requested" and review.permission in ("admin", "write")
    ]
    if objecting:
        return _Said("waiting", f"{', '.join(objecting[:3])} asked for changes")
    count = len(approving(pull, reviews))
    older = sum(review.state == "approved" for review in reviews) - count
    if count >= config.approvals:
        return _Said("passed")
    before = f"; {older} of an older commit" if older > 0 else ""
    return _Said("waiting", f"{count} of {config.approvals} approvals of this commit{before}")


def _ci(checks: tuple[OtherCheck, ...]) -> _Said:
    if not checks:
        return _Said("unverified", "no other check has reported for this commit")
    failing = [check.name for check in checks if check.state == "failure"]
    if failing:
        more = f" and {len(failing) - 3} more" if len(failing) > 3 else ""
        return _Said("failed", f"failed: {', '.join(failing[:3])}{more}")
    pending = sum(check.state == "pending" for check in checks)
    return _Said("waiting", f"{pending} of {len(checks)} still run") if pending else _Said("passed")


def verdicts(reviews: Iterable[tuple[int, str, str, str]]) -> Iterator[tuple[int, str, str, str]]:
    """Of (user id, login, state, commit), oldest first, the verdict of each reviewer that stands.

    A later comment leaves an approval as it is; a dismissal takes the verdict away.
    """
    standing: dict[int, tuple[int, str, str, str]] = {}
    for review in reviews:
        match review[2].upper():
            case "APPROVED" | "CHANGES_REQUESTED":
                standing[review[0]] = review
            case "DISMISSED":
                standing.pop(review[0], None)
            case _:
                pass
    yield from standing.values()

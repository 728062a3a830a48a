"""`/tfport fix` and its button: who asks for which fixes, and what came of it. Pure; `bot.mend` does it.

A fix that was pushed is known by its commit, which names the request in its message: so a lost database or a kill between push and
memory never makes a second one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict

from bot.state import Permission, Pull, User
from checks.report import Report

ACTION = "fix"
"""Identifier of the button."""
AGAIN = "check"
"""Identifier of the button that checks again."""
TRAILER = "Tfport-Request"
MOST_PATCH = 50_000
"""Bytes of a patch that is shown in a comment."""


class Click(TypedDict):
    """A click on something of ours in the Checks tab, as the workflow keeps it.

    Attributes:
        key: names the click.
        by_id, by: the account that clicked.
        action: identifier of the button; "" for GitHub's own "Re-run".
        section: whose check run it was.
        at: when we heard of it, ISO 8601.
    """

    key: str
    by_id: int
    by: str
    action: str
    section: str
    at: str


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody with the right to do so asks for fixes.

    Attributes:
        key: names the request: comment and lines, or the click.
        names: rules, items or sections; none means all.
        at: when they asked, ISO 8601.
    """

    key: str
    by: User
    names: tuple[str, ...]
    at: str

    @property
    def clicked(self) -> bool:
        return self.key.startswith("click")


@dataclass(frozen=True, slots=True)
class Repaired:
    """What came of a request.

    Attributes:
        kind: `pushed`: the commit `sha` has the fixes. `patch`: they could not be pushed, because of `why`. `nothing`: there is nothing
            that a machine should mend.
        rules: what was mended, each finding once; `left`: how many blocking findings no edit mends.
    """

    kind: Literal["pushed", "patch", "nothing"]
    by: str = ""
    sha: str = ""
    patch: str = ""
    why: str = ""
    rules: tuple[str, ...] = ()
    left: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"rules": list(self.rules)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Repaired:
        fields: dict[str, Any] = {**document, "rules": tuple(map(str, document["rules"]))}
        return cls(**fields)


def of_click(click: Click | None, permission: Permission, author: User) -> Request | None:
    """The request that a click is, if whoever clicked may make it: the author, or somebody who may write. By numeric id."""
    if click is None or click["action"] != ACTION:
        return None
    if permission not in ("admin", "write") and click["by_id"] != author.id:
        return None
    names = () if click["section"] == "gate" else _shown_in(click["section"])
    return Request(click["key"], User(click["by_id"], click["by"]), names, click["at"])


def fixable(report: Report, section: str | None = None) -> int:
    """How many findings `fix` without names would mend: errors and warnings with edits."""
    parts = () if section is None else _shown_in(section)
    here = {item.id for item in report.items if not parts or item.section in parts or item.id in parts}
    return sum(
        bool(f.edits) and f.ignored is None and f.level != "suggestion" and f.item in here
        for f in report.findings
    )


def _shown_in(section: str) -> tuple[str, ...]:
    """Sections and items that the check run of a section shows."""
    return (section, "style") if section == "tests" else (section,)


def trailer(request: Request) -> str:
    """The line of a commit's message by which it is found again."""
    return f"{TRAILER}: {request.key}"


def message(request: Request, rules: Iterable[str], pull: Pull) -> str:
    """Of the commit. Nobody is mentioned in it: that would ring at them with each push."""
    counted = list(rules)
    named = sorted(set(counted))
    shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
    return (
        f"Apply {len(counted)} fix{'es' if len(counted) != 1 else ''} of tfport\n\n"
        f"{shown}\n\nAsked for by {request.by.login} in pull request {pull.number}.\n\n{trailer(request)}\n"
    )


def pushed(request: Request, commits: Iterable[tuple[str, str]]) -> Repaired | None:
    """The commit that was made for the request, of (SHA, message) of a pull request's commits."""
    for sha, text in commits:
        if trailer(request) in text.splitlines():
            return Repaired("pushed", request.by.login, sha)
    return None


def not_pushable(pull: Pull, repository_id: int, granted: str, *, wanted: bool) -> str:
    """Why no commit can be pushed to the pull request's branch, "" if it can.

    Args:
        granted: what the installation grants of `contents`.
        wanted: the operator lets the bot push (TFPORT_PUSH_FIXES).
    """
    if not wanted or granted != "write":
        return "I only read here"
    if pull.head_repo is None:
        return "the fork is gone"
    if pull.head_repo.id != repository_id and not pull.maintainer_can_modify:
        return "the pull request does not allow edits by maintainers"
    return ""

"""Whether a stranger's code may be executed without a maintainer's word. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from bot.state import CheckRun

Approval = Literal["newcomers", "always", "never"]
"""Who needs `/tfport approve`: authors who have nothing merged in the repository, everybody, nobody."""

KNOWN = frozenset({"OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR"})
"""GitHub's words for authors who belong to the repository or have something merged there."""

SHORTEST = 7
"""Digits of a short SHA, as GitHub shows them."""


def policy(operator: Approval, repository: Approval | None) -> Approval:
    """The repository's word, unless the operator's is `always`: the machine is theirs."""
    return "always" if operator == "always" else repository or operator


def needed(association: str, sensitive: Sequence[str], wanted: Approval) -> str:
    """Why a maintainer has to allow it, "" if nobody has to.

    Args:
        association: GitHub's word for what the author is to the repository.
        sensitive: changed files that steer how tests run or what is installed.
    """
    if sensitive:
        more = f" and {len(sensitive) - 1} more" if len(sensitive) > 1 else ""
        return f"it changes {sensitive[0]}{more}"
    if wanted == "always":
        return "every execution is approved here"
    if wanted == "newcomers" and association not in KNOWN:
        return "nothing of the author's has been merged here yet"
    return ""


def refused(sha: str, head: str, runs: Sequence[CheckRun], at: datetime) -> str:
    """Why `/tfport approve SHA` of the time `at` approves nothing, "" if it approves `head`.

    A short SHA can be forged within seconds, so it counts only where our check runs stood on this commit before the approval was written.
    """
    sha = sha.lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST},40}}", sha):
        return f"needs the commit, {SHORTEST} to 40 hexadecimal digits"
    if not head.startswith(sha):
        return "names a commit that is not the head of this pull request (any more)"
    if len(sha) < 40:
        began = [run.started_at for run in runs if run.head_sha == head and run.started_at is not None]
        if not began or min(began) > at:
            return "came before I had seen this commit, and a short name can be forged"
    return ""

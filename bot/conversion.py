"""`/tfport convert`: what somebody asked for, what stands of it, and what may be done. Pure; `bot.conversions` does it.

The reply to the command is where a conversion stands: it is edited while the work goes on, and carries the decision and, once there is
one, the outcome as hidden markers. So a lost database loses no conversion, and none is made twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypedDict, cast, get_args

from bot.approval import needed, policy
from bot.commands import PREFIX
from bot.decisions import Decision, decisions
from bot.execution import Errand, Ground, House
from bot.markers import marker, tail, with_markers
from bot.situation import Situation
from bot.state import Comment, Permission

LIMIT = 5e-5
"""The largest difference that needs nobody's word: `pt-to-tf`'s own limit."""

Kind = Literal["proposed", "merged", "closed", "failed", "superseded"]

_REPLY = re.compile(r"<!-- tfport:reply (\S+) -->")
_OUTCOME = re.compile(r"<!-- tfport:converted (\{.*?\}) -->")


class Outcome(TypedDict):
    """What came of it.

    Attributes:
        why: of what failed, for people.
        number, url: of the pull request on the Hub; 0 and "" if there is none.
        outputs, hidden: the largest differences, if this very conversion was made for it.
    """

    kind: Kind
    why: str
    number: int
    url: str
    outputs: float | None
    hidden: float | None


class Order(Errand):
    """One conversion.

    Attributes:
        head: whose TensorFlow code converts; "" for the tip of `branch`, whose code nobody has to approve.
        branch: the base branch.
        limit: the largest difference to take.
        by, reason: who accepted a larger one than usual, and why.
        url: of the pull request.
        came: what is known to have come of it: a pull request on the Hub that has to be followed, or nothing yet.
    """

    checkpoint: str
    branch: str
    limit: float
    by: str
    reason: str
    url: str
    came: Outcome | None


class Figures(TypedDict):
    """What a conversion made: largest absolute differences to PyTorch by output, the paths of the files, the commit that was converted."""

    model_class: str
    outputs: dict[str, float]
    hidden: dict[str, float]
    reloaded: dict[str, float]
    files: list[str]
    revision: str


def outcome(
    kind: Kind,
    why: str = "",
    *,
    number: int = 0,
    url: str = "",
    outputs: float | None = None,
    hidden: float | None = None,
) -> Outcome:
    """An outcome."""
    return Outcome(kind=kind, why=why, number=number, url=url, outputs=outputs, hidden=hidden)


@dataclass(frozen=True, slots=True)
class Means:
    """What there is to convert with.

    Attributes:
        house: what the operator says of executions.
        account: the bot has an account on the Hub.
        ground: of the port; None where the code of the base branch converts.
        checkpoints: those that the port is for.
    """

    house: House
    account: bool
    ground: Ground | None = None
    checkpoints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversion that somebody asked for: `key` names the reply, `outcome` is None while it is under way."""

    decision: Decision
    key: str
    outcome: Outcome | None


def asked(mine: Iterable[Comment]) -> list[Asked]:
    """All conversions that our replies speak of, oldest first."""
    found: list[Asked] = []
    for comment in mine:
        reply = _REPLY.search(tail(comment.body))
        if comment.kind != "issue" or reply is None:
            continue
        known = outcomes(comment.body)
        found += [
            Asked(decision, reply[1], known.get(decision.name))
            for decision in decisions([comment])
            if decision.kind == "convert"
        ]
    return found


def due(situation: Situation, installation: int) -> list[Order]:
    """Conversions that were granted and are not over: to begin, or to follow on the Hub."""
    pull, repository = situation.pull, situation.repository
    return [
        Order(
            installation=installation,
            repository=repository.id,
            full_name=repository.full_name,
            number=pull.number,
            author=one.decision.by_id,
            head=one.decision.head,
            fingerprint=f"convert:{_digest(one.decision.name)}",
            attempt=one.key,
            checkpoint=one.decision.name,
            branch=pull.base_ref,
            limit=one.decision.limit or LIMIT,
            by=one.decision.by if one.decision.text else "",
            reason=one.decision.text,
            url=pull.html_url,
            came=one.outcome,
        )
        for one in asked(situation.mine)
        if one.outcome is None or one.outcome["kind"] == "proposed"
    ]


def refused(
    situation: Situation,
    means: Means,
    permission: Permission,
    approved: Iterable[str],
    name: str,
    limit: float | None,
) -> str:
    """Why this conversion is not begun, as a sentence; "" if it is.

    Args:
        permission: of who asks.
        approved: commits whose execution a maintainer allowed.
    """
    maintainer = permission in ("admin", "write")
    pull = situation.pull
    if not means.house.allowed:
        return "no code of pull requests is executed here. On your machine: `tfport convert … --upload`"
    if means.house.no_sandbox:
        return f"there is no sandbox here ({means.house.no_sandbox})"
    if not means.account:
        return "I have no account on the Hub. On your machine: `tfport convert … --upload`"
    if limit is not None and not maintainer:
        return "a larger difference is for maintainers to accept"
    if not maintainer and name not in means.checkpoints:
        return "it is none of the port's checkpoints; others are for maintainers to ask for"
    if situation.weights is not None and situation.weights.known.get(name) == "there":
        return "it has weights that TensorFlow can load"
    for one in reversed(asked(situation.mine)):
        if one.decision.name != name:
            continue
        if one.outcome is None:
            return "a conversion of it is under way"
        if one.outcome["kind"] in ("proposed", "merged"):
            return f"it is on the Hub: {one.outcome['url']}"
    if means.ground is not None:
        wanted = policy(means.house.approval, situation.config.execution_approval)
        why = needed(pull.association, means.ground["sensitive"], wanted)
        if why and pull.head_sha not in approved:
            return f"{why}: a maintainer has to allow the code first, with `{PREFIX} approve {pull.head_sha}`"
    return ""


# -- the reply ---------------------------------------------------------------------------------------------------------


def framed(name: str, text: str) -> str:
    """What is said of one checkpoint, so that it can be found again in the reply."""
    begin, end = _frame(name)
    return f"{begin}\n{text}\n{end}"


def edited(body: str, name: str, text: str, came: Outcome | None = None) -> str:
    """The reply with another text on this checkpoint, and with its outcome if there is one. What else stands there stays."""
    begin, end = _frame(name)
    before, found, rest = body.partition(f"{begin}\n")
    old, closed, after = rest.partition(f"\n{end}")
    if not found or not closed:
        return body
    del old
    said = f"{before}{begin}\n{text}\n{end}{after}"
    if came is None:
        return said
    hidden = tail(said)
    markers = [line for line in hidden.split("\n") if _named(line) != name]
    return with_markers(said.rstrip().removesuffix(hidden), *markers, _marker(name, came))


def outcomes(body: str) -> dict[str, Outcome]:
    """By checkpoint, what came of it as far as it is over. What cannot be read is nothing."""
    found: dict[str, Outcome] = {}
    for text in _OUTCOME.findall(tail(body)):
        try:
            said = json.loads(text)
            name, kind = str(said["name"]), said["kind"]
            if kind in get_args(Kind):
                found[name] = outcome(kind, number=int(said["number"]), url=str(said["url"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _marker(name: str, came: Outcome) -> str:
    return marker("converted", {key: came[key] for key in ("kind", "number", "url")} | {"name": name})


def _named(line: str) -> str:
    match = _OUTCOME.fullmatch(line.strip())
    try:
        return str(cast("dict[str, object]", json.loads(match[1]))["name"]) if match else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _frame(name: str) -> tuple[str, str]:
    digest = _digest(name)
    return f"<!-- tfport:conversion {digest} -->", f"<!-- tfport:end {digest} -->"


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:12]


def name(of: Order) -> str:
    """Names a conversion, for the engine and for its folder."""
    return f"{of['repository']}.{of['number']}.{of['fingerprint'].rpartition(':')[2]}.{of['attempt']}"

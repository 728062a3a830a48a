"""Carries out what `bot.repair` decided: makes the fixes from git objects, pushes them as one commit, or gives a patch."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog

from bot import repair
from bot.answers import repairs_wanted
from bot.examine import Examiner
from bot.github import reads
from bot.github.mirror import Mirror
from bot.github.push import Commit, Moved, NotTaken, push
from bot.github.session import Installation
from bot.repair import Repaired, Request
from bot.situation import Situation

log = structlog.get_logger(__name__)


async def mend(
    there: Installation,
    mirror: Mirror,
    examiner: Examiner,
    situation: Situation,
    base: str,
    *,
    may_push: bool,
) -> dict[str, Repaired]:
    """What came of each open request for fixes, by its key. A request is left out where the head moved meanwhile: look again.

    Args:
        base: the merge base, in the mirror as the head is.
        may_push: the operator wants commits.
    """
    found: dict[str, Repaired] = {}
    requests = repairs_wanted(situation)
    if not requests:
        return found
    commits = await reads.pull_commits(there, situation.repository, situation.pull.number)
    for request in requests:
        done = repair.pushed(request, commits)
        if done is None:
            done = await _one(there, mirror, examiner, situation, base, request, may_push=may_push)
        if done is not None:
            found[request.key] = done
        if done is None or (done.kind == "pushed" and done.sha != situation.pull.head_sha):
            break  # the head is another one now
    return found


async def _one(
    there: Installation,
    mirror: Mirror,
    examiner: Examiner,
    situation: Situation,
    base: str,
    request: Request,
    *,
    may_push: bool,
) -> Repaired | None:
    pull, repository = situation.pull, situation.repository
    path: Path = mirror.path(repository.id)
    made = await examiner.repair(
        path,
        base,
        pull.head_sha,
        names=request.names,
        suggestions=bool(request.names) and not request.clicked,
    )
    if not made["files"]:
        return Repaired("nothing", request.by.login, left=made["left"])
    rules = tuple(made["rules"])
    await there.token()  # with it comes what the installation grants
    why = repair.not_pushable(pull, repository.id, there.granted.get("contents", ""), wanted=may_push)
    if not why:
        commit = Commit(
            parent=pull.head_sha,
            files=made["files"],
            message=repair.message(request, rules, pull),
            at=datetime.fromisoformat(request.at),
        )
        try:
            sha = await push(there, mirror, repository, pull, commit, author=await _us(there))
        except Moved:
            return None
        except NotTaken as error:
            log.warning("fixes not pushed", pull=pull.number, reason=str(error))
            why = "GitHub did not take the commit"
        else:
            log.info("fixes pushed", pull=pull.number, sha=sha, by=request.by.login, by_id=request.by.id)
            return Repaired("pushed", request.by.login, sha, rules=rules, left=made["left"])
    return Repaired("patch", request.by.login, patch=made["patch"], why=why, rules=rules, left=made["left"])


async def _us(there: Installation) -> tuple[str, str]:
    """Name and address of our account, by which GitHub shows whose commit it is."""
    me = await reads.identity(there)
    return me.bot.login, f"{me.bot.id}+{me.bot.login}@users.noreply.github.com"

"""Everything that a decision depends on, read from GitHub at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from bot.answers import may_command, open_comments
from bot.github import reads
from bot.github.session import Installation
from bot.ledger import Ledger
from bot.policy import CONFIG_PATH, ConfigError, RepositoryConfig, parse_config
from bot.repair import Click
from bot.situation import Situation
from bot.state import ChangedFile, Comment, Permission, Pull, Repository, Thread
from bot.submission import Surroundings
from checks.errors import UserError

log = structlog.get_logger(__name__)

TENSORFLOW = "src/transformers/modeling_tf_utils.py"
"""A tree without this file has no TensorFlow support."""


async def observe(
    installation: Installation,
    repository_id: int,
    number: int,
    *,
    defaults: RepositoryConfig,
    other_heads: Iterable[str] = (),
    rerequested: Mapping[str, str] | None = None,
    click: Click | None = None,
    ledger: Ledger | None = None,
) -> Situation:
    """The pull request as GitHub has it now.

    Args:
        defaults: configuration of repositories that have none.
        other_heads: former heads whose check runs may be unfinished.
        ledger: remembers which command lines were dealt with.

    Raises:
        bot.github.errors.GitHubError: see there.
    """
    repository = await reads.repository(installation, repository_id)
    # Comments first: who has approved a commit has seen it, so that the head read after them is that commit or a newer one.
    comments = await reads.comments(installation, repository, number, look_at=may_command)
    pull = await reads.pull(installation, repository, number)
    heads = [*(head for head in other_heads if head != pull.head_sha), pull.head_sha]
    (
        (files, complete),
        (config, config_error),
        tensorflow,
        runs,
        (me, around),
    ) = await asyncio.gather(
        reads.changed_files(installation, repository, number),
        _config(installation, repository, pull, defaults),
        # By branch name, not by commit: then GitHub answers 304 for as long as the file stays.
        reads.file(installation, repository, TENSORFLOW, pull.base_ref),
        asyncio.gather(*(reads.check_runs(installation, repository, head) for head in heads)),
        asyncio.gather(reads.identity(installation), _around(installation, repository, pull)),
    )
    if ledger is not None:
        comments = await _remembered(ledger, comments)
    return Situation(
        app_id=installation.app_id,
        app_slug=me.slug,
        repository=repository,
        pull=pull,
        files=files if complete else None,
        tensorflow=tensorflow is not None,
        config=config,
        config_error=config_error,
        comments=comments,
        # Another pull request with the same head has its own.
        check_runs=tuple(
            sorted(
                (run for found in runs for run in found if run.external_id.startswith(f"tfport:{number}:")),
                key=lambda run: run.id,
            )
        ),
        at=datetime.now(UTC),
        proposed=await _proposed(installation, repository, pull, files),
        threads=await _threads(installation, pull, comments),
        around=replace(around, reviewers=await _reviewers(installation, repository, config)),
        rights=await _rights(installation, repository, comments, click),
        rerequested=rerequested or {},
        click=click,
    )


MOST_VERSIONS = 5
"""Of a broken configuration that are looked at for one that worked."""


async def _config(
    installation: Installation, repository: Repository, pull: Pull, defaults: RepositoryConfig
) -> tuple[RepositoryConfig, str]:
    """The configuration on the base branch. Where it cannot be used: its last version that can be, else the defaults, and the error."""
    try:
        text = await reads.file(installation, repository, CONFIG_PATH, pull.base_ref)
        return (defaults if text is None else parse_config(text)), ""
    except (ConfigError, UserError) as error:
        log.warning("repository configuration is broken", repository=repository.full_name, error=str(error))
        return await _last_good(installation, repository, pull) or defaults, str(error)


async def _last_good(
    installation: Installation, repository: Repository, pull: Pull
) -> RepositoryConfig | None:
    commits = await reads.history(installation, repository, CONFIG_PATH, pull.base_ref, MOST_VERSIONS)
    for sha in commits[1:]:
        try:
            text = await reads.file(installation, repository, CONFIG_PATH, sha)
            return None if text is None else parse_config(text)
        except (ConfigError, UserError):
            continue
    return None


async def _proposed(
    installation: Installation, repository: Repository, pull: Pull, files: Iterable[ChangedFile]
) -> str | None:
    """What is wrong with the configuration that the pull request brings ("" for nothing); None if it brings none."""
    if not any(file.path == CONFIG_PATH and file.status != "removed" for file in files):
        return None
    try:
        text = await reads.file(installation, repository, CONFIG_PATH, pull.head_sha)
        if text is not None:
            parse_config(text)
    except (ConfigError, UserError) as error:
        return str(error)
    return ""


async def _around(installation: Installation, repository: Repository, pull: Pull) -> Surroundings:
    behind, reviews, checks, others = await asyncio.gather(
        reads.behind_by(installation, repository, pull.base_ref, pull.head_sha),
        reads.verdicts(installation, repository, pull.number),
        reads.other_checks(installation, repository, pull.head_sha),
        reads.open_pulls(installation, repository),
    )
    return Surroundings(
        behind_by=behind,
        conflicts=None if pull.mergeable is None else not pull.mergeable,
        requested=frozenset(pull.requested),
        reviews=reviews,
        checks=checks,
        others=others,
    )


async def _reviewers(
    installation: Installation, repository: Repository, config: RepositoryConfig
) -> frozenset[str]:
    """Those of the configured maintainers whom GitHub lets us ask: who may write here."""
    people = [name for name in config.maintainers if "/" not in name]
    rights = await asyncio.gather(*(reads.permission(installation, repository, name) for name in people))
    return frozenset(name for name, (_, may) in zip(people, rights, strict=True) if may in ("admin", "write"))


async def _threads(installation: Installation, pull: Pull, comments: Iterable[Comment]) -> tuple[Thread, ...]:
    """Asked for only where one is ours."""
    ours = any(c.kind == "review-comment" and c.app_id == installation.app_id for c in comments)
    return await reads.threads(installation, pull) if ours else ()


async def _remembered(ledger: Ledger, comments: tuple[Comment, ...]) -> tuple[Comment, ...]:
    """The comments, with what of them was dealt with."""
    handled = await ledger.handled(comment.node_id for comment in comments if may_command(comment))
    return tuple(
        replace(comment, handled=handled[comment.node_id]) if comment.node_id in handled else comment
        for comment in comments
    )


async def _rights(
    installation: Installation, repository: Repository, comments: Iterable[Comment], click: Click | None
) -> dict[int, Permission]:
    """Permission of everybody whose command is still open, or who clicked. Who cannot be verified has none."""
    rights: dict[int, Permission] = {}
    people = {comment.author.id: comment.author.login for comment in open_comments(comments)}
    if click is not None:
        people[click["by_id"]] = click["by"]
    for id, login in people.items():
        user_id, permission = await reads.permission(installation, repository, login)
        rights[id] = permission if user_id == id else "none"
    return rights

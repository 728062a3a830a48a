"""`tfport env`: the environments that tests run in."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from bot.cli.command import FINE, Command, readable, revision, say, takes_repo
from checks.errors import UserError

if TYPE_CHECKING:
    from datetime import datetime

    from checks.execution.environment import Environment
    from checks.snapshot import GitSnapshot


def _takes(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    actions.add_parser("list", help="what there is", description="What there is.")
    build = actions.add_parser(
        "build", help="the one for a commit, unless it is there", description="Builds the one for a commit."
    )
    takes_repo(build)
    build.add_argument(
        "--base",
        metavar="REV",
        type=revision,
        help="the commit of whose time it is (the upstream main branch)",
    )
    prune = actions.add_parser(
        "prune", help="delete what nobody uses", description="Deletes environments that nobody uses."
    )
    prune.add_argument(
        "--days",
        metavar="N",
        type=float,
        default=30.0,
        help="used in the last N days is used (30); 0 deletes all",
    )
    prune.add_argument(
        "--keep", metavar="N", type=int, default=0, help="keep the N that were used last in any case (0)"
    )


def _run(options: Namespace) -> int:
    try:
        from checks.execution.environment import EnvironmentFailed, Environments
    except ModuleNotFoundError as error:
        if error.name != "packaging":
            raise
        raise UserError(
            "environments need more than is installed here", hint="pip install 'tfport[execution]'"
        ) from error
    environments = Environments.of_host()
    if options.action == "list":
        found = environments.list()
        say("\n".join(map(_line, found)) if found else "none yet; tfport env build makes one")
        return FINE
    if options.action == "prune":
        gone = environments.prune(keep=max(0, options.keep), days=max(0.0, options.days))
        say("\n".join(f"deleted {_line(one)}" for one in gone) if gone else "nothing to delete")
        return FINE
    with readable(options.repo):
        base, date = _base(options)
        try:
            built = environments.of(base, date, progress=_progress)
        except EnvironmentFailed as error:
            raise UserError(
                f"no environment for this commit: {error}", hint="docs/operate.md: Environments"
            ) from error
    say(_line(built))
    for note in built.notes:
        say(f"  ! {note}")
    say(f"  {built.python}")
    return FINE


def _base(options: Namespace) -> tuple[GitSnapshot, datetime]:
    from datetime import UTC, datetime

    import pygit2

    from checks.repository import open_repository, resolve, upstream_main
    from checks.snapshot import GitSnapshot

    repo = open_repository(options.repo)
    sha = resolve(repo, options.base or upstream_main(repo))
    commit = repo[sha]
    assert isinstance(commit, pygit2.Commit)
    return GitSnapshot(repo, sha), datetime.fromtimestamp(commit.commit_time, UTC)


def _line(environment: Environment) -> str:
    """ "3f2a9c1d  Python 3.10.13, TensorFlow 2.11.1, torch 1.12.1  3.1 GB, used 2 days ago"."""
    import time

    days = (time.time() - environment.used) / 86400
    used = "today" if days < 1 else "yesterday" if days < 2 else f"{days:.0f} days ago"
    return f"{environment.fingerprint[:8]}  {environment.title}  {environment.size / 1e9:.1f} GB, used {used}"


def _progress(step: str) -> None:
    say(f"{step} …", to=sys.stderr)
    sys.stderr.flush()


COMMAND = Command("env", "list, build or delete the environments that tests run in", _takes, _run)

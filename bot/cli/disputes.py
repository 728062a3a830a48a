"""`tfport disputes`: what contributors hold wrong about our findings, rule by rule."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.cli.command import FINE, Command, bot_is_installed, console, progress, say, takes_format
from checks.errors import UserError

if TYPE_CHECKING:
    from bot.disputes import Dispute


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--days",
        metavar="N",
        type=_days,
        default=180,
        help="pull requests that I wrote to in so many days (180)",
    )
    takes_format(parser, "text", "json")


def _days(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 3650:
        raise ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


def _disputes(options: Namespace) -> int:
    import asyncio  # half a start of `tfport check`, if it stood at the top

    with bot_is_installed("tfport disputes"):
        from bot.github.errors import GitHubError
        from bot.logs import configure
        from bot.settings import load
    settings = load()
    configure("warning", secrets=settings.secrets())
    with progress("reading the conversations …"):
        try:
            found = asyncio.run(_read(settings, datetime.now(UTC) - timedelta(days=options.days)))
        except GitHubError as error:
            raise UserError(
                f"GitHub could not be asked: {error}", hint="tfport doctor looks further"
            ) from error
    if options.format == "json":
        import json
        from dataclasses import asdict

        say(json.dumps([asdict(dispute) for dispute in found], indent=2))
    else:
        _print(found, options.days)
    return FINE


async def _read(settings: object, since: datetime) -> list[Dispute]:
    from bot.disputes import disputes
    from bot.github.session import GitHubApp
    from bot.settings import Settings

    assert isinstance(settings, Settings)
    key = settings.private_key.get_secret_value()
    async with GitHubApp(settings.github_api, settings.app_id, key, readonly=True) as app:
        return await disputes(app, settings.serves, since)


def _print(found: list[Dispute], days: int) -> None:
    from itertools import groupby

    from bot.render.visible import visible

    out = console()
    for rule, group in groupby(found, key=lambda dispute: dispute.rule):
        of_rule = list(group)
        out.print(f"{rule} ({len(of_rule)})")
        for dispute in of_rule:
            place = f"{dispute.repository}#{dispute.pull}"
            waived = " · waived" if dispute.waived else ""
            out.print(
                f"  {place} {dispute.at[:10]} {dispute.by}{waived}: {visible(dispute.reason)}", soft_wrap=True
            )
            out.print(f"    {visible(dispute.url)}", soft_wrap=True)
    if not found:
        out.print(f"Nothing was disputed in {days} days.")


COMMAND = Command(
    "disputes", "what contributors hold wrong about findings, in all served repositories", _takes, _disputes
)

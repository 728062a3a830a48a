"""`tfport serve` and `tfport setup`: running the bot."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from bot.cli.command import FINE, Command, bot_is_installed, say


def _serve_takes(parser: ArgumentParser) -> None:
    parser.epilog = "All settings are TFPORT_… environment variables: see docs/operate.md."


def _serve(options: Namespace) -> int:
    with bot_is_installed():
        from bot.server.serve import serve
        from bot.service import working
        from bot.settings import load
    serve(load(), working)
    return FINE


def _setup_takes(parser: ArgumentParser) -> None:
    parser.add_argument("--url", required=True, help="where GitHub will reach the bot: https://HOST")
    parser.add_argument("--name", default="", help="of the app; must be free on GitHub (tfport)")
    parser.add_argument("--org", default="", help="organisation that shall own the app (your account)")
    parser.add_argument(
        "--api", default="https://api.github.com", help="GitHub Enterprise Server: https://HOST/api/v3"
    )
    parser.add_argument("--port", type=int, default=0, help="of the page on this machine (a free one)")


def _setup(options: Namespace) -> int:
    with bot_is_installed():
        from bot.server.setup import Wanted, setup
        from bot.settings import data_dir
    wanted = Wanted(
        url=options.url,
        data_dir=data_dir(),
        name=options.name,
        organization=options.org,
        github_api=options.api.rstrip("/"),
        port=options.port,
    )
    app = setup(wanted, listening=_invite)
    say(f"{app.name} is registered. Install it: {app.html_url}/installations/new\nThen: tfport serve")
    return FINE


def _invite(page: str) -> None:
    say(f"Open this in your browser: {page}")
    sys.stdout.flush()


SERVE = Command("serve", "run the bot", _serve_takes, _serve)
SETUP = Command("setup", "register the bot as a GitHub App", _setup_takes, _setup)

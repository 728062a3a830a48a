"""`python -m bot.localhub`: an empty local GitHub with one registered app, for playing by hand."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from bot.localhub import LocalHub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bot.localhub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8101)
    parser.add_argument(
        "--folder", type=Path, help="where the repositories lie; a temporary folder if not given"
    )
    parser.add_argument("--webhook", help="URL that the app's deliveries go to")
    parser.add_argument("--key", type=Path, help="write the app's private key (PEM) to this file")
    arguments = parser.parse_args()
    with LocalHub(folder=arguments.folder, host=arguments.host, port=arguments.port) as hub:
        app = hub.app(webhook_url=arguments.webhook)
        if arguments.key:
            arguments.key.touch(0o600)
            arguments.key.write_text(app.private_key)
        facts = {
            "url": hub.url,
            "api_url": hub.api_url,
            "app_id": app.id,
            "webhook_secret": app.webhook_secret,
        }
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            hub.wait()


if __name__ == "__main__":
    main()

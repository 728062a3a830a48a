"""A server of ours as a process, and signed deliveries for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.server.keys import PEM, SECRET

ROOT = Path(__file__).parents[2]
APP = 4242


class ServerProcess:
    """Started with `start`; `url` is where it listens, `log` what it wrote to stderr."""

    def __init__(self, folder: Path, mode: str = "store", **settings: str) -> None:
        self.folder, self.mode = folder, mode
        self.settings = {
            "TFPORT_APP_ID": str(APP),
            "TFPORT_PRIVATE_KEY": PEM,
            "TFPORT_WEBHOOK_SECRET": SECRET,
            "TFPORT_DATA_DIR": str(folder / "data"),
            "TFPORT_PORT": "0",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> ServerProcess:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TFPORT_")}
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.server.run", self.mode],
                cwd=ROOT,
                env=kept | self.settings,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.log
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=40)
        return self.process.returncode

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8")

    def lines(self, **wanted: Any) -> list[dict[str, Any]]:
        """Lines of the log that have these fields."""
        lines = [json.loads(line) for line in self.log.splitlines()]
        return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

    def rows(self) -> dict[str, tuple[str, int, bytes | None]]:
        """GUID -> (status, attempt, body), read from the file itself."""
        with closing(sqlite3.connect(self.folder / "data/inbox.sqlite")) as connection:
            found = connection.execute("SELECT guid, status, attempt, body FROM deliveries ORDER BY seq")
            return {guid: (status, attempt, body) for guid, status, attempt, body in found}

    def settle(self, guid: str, status: str, attempt: int = 1) -> None:
        """Waits until the delivery has this status."""
        end = time.monotonic() + 10
        while self.rows().get(guid, ("", 0))[:2] != (status, attempt):
            assert time.monotonic() < end, self.rows()
            time.sleep(0.02)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, timeout=15)

    def post(self, body: bytes | dict[str, Any], **options: Any) -> httpx.Response:
        """Sends a delivery; options as for `headers`."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.post(
            f"{self.url}/webhook", content=raw, headers=headers(raw, **options), trust_env=False, timeout=30
        )


def headers(
    body: bytes,
    event: str = "pull_request",
    *,
    guid: str | None = None,
    secret: str = SECRET,
    signature: str | None = None,
    **more: str | None,
) -> dict[str, str]:
    """A delivery's headers as GitHub sends them. Further ones with _ for -; None leaves one out."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    made: dict[str, str | None] = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/044aadd",
        "x-github-event": event,
        "x-github-delivery": guid or str(uuid.uuid4()),
        "x-hub-signature-256": f"sha256={digest}" if signature is None else signature,
    }
    made |= {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value for name, value in made.items() if value is not None}

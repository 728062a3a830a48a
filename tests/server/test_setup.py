"""Registration through the manifest flow, against the local GitHub; the browser's part is played here."""

from __future__ import annotations

import html
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from bot.localhub import LocalHub
from bot.settings import Settings, load, variable
from tests.localhub_fixture import hub
from tests.server.process import ROOT

__all__ = ["hub"]
SECRET = "made by GitHub for this app"


class Setup:
    """`tfport setup` as a process; `page` is the address that it prints."""

    def __init__(self, hub: LocalHub, folder: Path, *more: str, **environment: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TFPORT_")}
        command = [
            sys.executable,
            "-c",
            "from bot.cli import main; main()",
            "setup",
            "--url",
            "https://bot.example.org",
            "--api",
            hub.api_url,
        ]
        self.process = subprocess.Popen(
            [*command, *more],
            cwd=folder,
            env=clean | {"PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(folder / "share"), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.page = self.process.stdout.readline().rpartition(" ")[2].strip()

    def end(self) -> tuple[int, str]:
        """Exit code, and all else that it printed."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out + err


@pytest.fixture
def started(hub: LocalHub, tmp_path: Path) -> Iterator[Setup]:
    setup = Setup(hub, tmp_path, "--org", "huggingface", "--name", "tfport-hf")
    yield setup
    setup.process.kill()
    setup.process.communicate()


def get(url: str, **query: str) -> httpx.Response:
    return httpx.get(url, params=query or None, trust_env=False, timeout=15)


def test_registers_and_writes_the_settings(
    hub: LocalHub, started: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    page = get(started.page)
    action = re.search(r'<form action="([^"]+)" method="post">', page.text)
    hidden = re.search(r'name="manifest" value="([^"]+)"', page.text)
    assert action
    assert hidden
    key = started.page.rpartition("/")[2]
    assert action[1] == f"{hub.url}/organizations/huggingface/settings/apps/new?state={key}"
    sent = json.loads(html.unescape(hidden[1]))
    ours = yaml.safe_load((ROOT / "app.yml").read_text("utf-8"))
    assert sent["default_permissions"] == ours["default_permissions"]
    assert sent["default_events"] == ours["default_events"]
    assert sent["public"] is False
    assert sent["name"] == "tfport-hf"
    assert sent["hook_attributes"] == {"active": True, "url": "https://bot.example.org/webhook"}

    app = hub.app(webhook_secret=SECRET)
    hub.state.conversions["code-1"] = {"id": app.id}
    back = get(sent["redirect_url"], code="code-1", state=key)
    assert back.status_code == 200
    assert "/installations/new" in back.text
    for secret in (SECRET, "PRIVATE KEY"):
        assert secret not in back.text

    code, printed = started.end()
    assert code == 0, printed
    assert "tfport serve" in printed
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    settings = load()
    assert settings.app_id == app.id
    assert settings.webhook_secrets == (SECRET.encode(),)
    assert settings.private_key.get_secret_value().strip() == app.private_key.strip()
    assert settings.github_api == hub.api_url
    for file in (tmp_path / ".env", *(tmp_path / "share/tfport").glob("app-*.pem")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_stranger_on_the_machine_gets_nothing(hub: LocalHub, started: Setup, tmp_path: Path):
    base, _, key = started.page.rpartition("/")
    hub.state.conversions["code-1"] = {"id": hub.app(webhook_secret=SECRET).id}
    assert get(f"{base}/guess").status_code == 404
    assert get(f"{base}/{key}/done", code="code-1", state="guess").status_code == 403
    assert get(f"{base}/{key}/done", code="code-1").status_code == 403
    assert "code-1" in hub.state.conversions
    assert not (tmp_path / ".env").exists()


def test_an_old_code_is_explained(started: Setup, tmp_path: Path):
    for code, told in (
        ("used-up", "GitHub did not hand out the new app: it answered 404"),
        ("../../app", "GitHub sent no code"),
    ):
        answer = get(f"{started.page}/done", code=code, state=started.page.rpartition("/")[2])
        assert answer.status_code == 502
        assert told in answer.text
    assert not (tmp_path / ".env").exists()


def test_only_where_no_app_is_configured(hub: LocalHub, tmp_path: Path):
    code, printed = Setup(hub, tmp_path, TFPORT_APP_ID="5").end()
    assert code == 2
    assert "an app is configured already" in printed
    (tmp_path / ".env").write_text("TFPORT_APP_ID=5\n")
    assert Setup(hub, tmp_path).end()[0] == 2


def test_ctrl_c_is_quiet(started: Setup):
    started.process.send_signal(2)
    code, printed = started.end()
    assert code != 0
    assert "Traceback" not in printed

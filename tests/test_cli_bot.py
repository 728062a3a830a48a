"""`tfport config validate` and `tfport disputes`: the installed script."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.decisions import Decision, marker
from bot.localhub import LocalHub
from bot.markers import with_markers
from tests.localhub_fixture import hub as hub
from tests.test_cli import tfport


class TestConfigValidate:
    @pytest.mark.parametrize(
        ("text", "code", "said"),
        [
            ("", 0, "can be used; it changes nothing"),
            ("approvals: 2\nquiet: true\n", 0, "it sets quiet, approvals"),
            ("approvals: 2\nmaintainer: [gante]\n", 1, "tfport.yml:2:1: maintainer"),
            ("approvals: many\n", 1, "tfport.yml:1:1: approvals"),
            ("items:\n  doc-tabel: off\n", 1, "did you mean doc-table?"),
            ("a: [1\n", 1, "tfport.yml:2:1: "),
            ("- gante\n", 1, "tfport.yml:1:1: expected `key: value` lines"),
        ],
    )
    def test_what_it_says(self, text: str, code: int, said: str, tmp_path: Path) -> None:
        (tmp_path / "tfport.yml").write_text(text)
        done = tfport("config", "validate", str(tmp_path / "tfport.yml"))
        assert (done.code, said in done.out) == (code, True), done

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        done = tfport("config", "validate", str(tmp_path / "none.yml"))
        assert done.code == 2
        assert "cannot read" in done.err
        (tmp_path / "latin.yml").write_bytes(b"# a\nquiet: \xe9\n")
        done = tfport("config", "validate", str(tmp_path / "latin.yml"))
        assert (done.code, "latin.yml:2:8: not UTF-8" in done.out) == (1, True), done


class TestDisputes:
    def said(self, hub: LocalHub, decision: Decision) -> str:
        return with_markers("Noted.", "<!-- tfport:reply x -->", marker(decision))

    def test_they_are_listed_by_rule(self, hub: LocalHub, tmp_path: Path) -> None:
        app = hub.app()
        repository = hub.repository("huggingface/transformers")
        hub.install(app, repository)
        at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        for number, (rule, by) in enumerate((("doc-table", "ada"), ("unpack-inputs", "bob")), 1):
            issue = hub.open_issue("ada", repository, title="Add TensorFlow port")
            decision = Decision(
                "dispute", rule, by, 7, "it is \x1b[31mright", ("f1",), "a" * 40, f"http://x/{number}", at
            )
            comment = hub.comment(app.bot, issue, self.said(hub, decision))
            comment.app = app
            # Anybody can copy a marker.
            hub.comment(
                "mallory", issue, self.said(hub, Decision("dispute", "losses", "mallory", 9, "x", at=at))
            )
        waiver = Decision("waive", "doc-table", "gante", 8, "fine", ("f1",), "a" * 40, "http://x/w", at)
        hub.comment(app.bot, issue, self.said(hub, waiver)).app = app
        key = tmp_path / "key.pem"
        key.write_text(app.private_key)
        settings = {
            "TFPORT_APP_ID": str(app.id),
            "TFPORT_PRIVATE_KEY": str(key),
            "TFPORT_WEBHOOK_SECRET": "a-secret-of-this-test",
            "TFPORT_GITHUB_API": hub.api_url,
            "TFPORT_DATA_DIR": str(tmp_path),
        }
        done = tfport("disputes", "--format", "json", **settings)
        assert done.code == 0, done
        assert [(d["rule"], d["by"], d["waived"]) for d in json.loads(done.out)] == [
            ("doc-table", "ada", False),
            ("unpack-inputs", "bob", False),
        ]
        text = tfport("disputes", **settings).out
        assert "doc-table (1)" in text
        assert "huggingface/transformers#1" in text
        assert "\x1b" not in text

"""The people API and the state over HTTP, the command line, other ways to start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx

from bot.localhub import LocalHub
from bot.localhub.state import Pull
from tests.localhub.conftest import Client


def post(hub_url: str, method: str, **arguments: object) -> httpx.Response:
    return httpx.post(f"{hub_url}/_people/{method}", json=arguments, trust_env=False, timeout=20)


def test_people_over_http(hub: LocalHub) -> None:
    def ask(method: str, **arguments: object) -> object:
        answer = post(hub.url, method, **arguments)
        assert answer.status_code == 200, answer.text
        return answer.json()

    ask("repository", full_name="huggingface/transformers")
    ask("commit", repository="huggingface/transformers", branch="main", files={"a": "1\n"})
    ask("fork", repository="huggingface/transformers", owner="somebody")
    ask("commit", repository="somebody/transformers", branch="port", files={"b": "2\n"})
    pull = ask(
        "open_pull",
        author="somebody",
        repository="huggingface/transformers",
        head="somebody:port",
        draft=True,
    )
    assert isinstance(pull, dict)
    assert (pull["number"], pull["draft"]) == (1, True)
    ask("set_role", repository="huggingface/transformers", who="gante", role="write")
    ask("request_review", pull="huggingface/transformers#1", reviewers=["gante"], sender="somebody")
    ask("comment", author="gante", issue="huggingface/transformers#1", body="Hello @somebody")
    ask("label", issue="huggingface/transformers#1", names=["tf"])
    ask("ready_for_review", pull="huggingface/transformers#1")
    state = httpx.get(f"{hub.url}/_state", trust_env=False).json()
    found = state["issues"]["huggingface/transformers#1"]
    assert found["draft"] is False
    assert [one["body"] for one in found["conversation"]] == ["Hello @somebody"]
    assert [one["name"] for one in found["labels"]] == ["tf"]
    assert [one["kind"] for one in state["notifications"]] == ["review_request", "comment", "mention"]


def test_wrong_arguments_are_told(hub: LocalHub, pull: Pull) -> None:
    for method, arguments, status, text in [
        ("dance", {}, 404, "there is no method dance"),
        (
            "comment",
            {"author": "gante", "issue": "huggingface/transformers#9", "body": "x"},
            400,
            "there is no issue",
        ),
        ("comment", {"author": "gante"}, 400, "missing"),
        (
            "open_pull",
            {"author": "x", "repository": "huggingface/transformers", "head": "x:y"},
            400,
            "has no fork",
        ),
        (
            "comment",
            {"author": "gante", "issue": "huggingface/transformers#1", "body": ""},
            400,
            "Validation Failed",
        ),
        ("merge", {"pull": "huggingface/nothing#1"}, 400, "there is no repository"),
    ]:
        answer = post(hub.url, method, **arguments)
        assert (answer.status_code, text in answer.text) == (status, True), answer.text


def test_root_prefix() -> None:
    with LocalHub(prefix="") as hub:
        repo = hub.repository("a/b")
        hub.commit(repo, "main", {"x": "y\n"})
        app = hub.app()
        client = Client(hub, app, hub.install(app, repo))
        assert hub.api_url == hub.url
        assert client("GET", "/repos/a/b/contents/x").status_code == 200
        assert client("POST", "/graphql", {"query": "{rateLimit{limit}}"}).json() == {
            "data": {"rateLimit": {"limit": 5000}}
        }
        assert "text/html" in client.http.get("/a/b/pulls").headers["content-type"]
        assert hub.violations == []
        assert hub.defects == []


def test_command_line(tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.localhub", "--port", "0", "--key", str(key)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        facts = json.loads(process.stdout.readline())
        assert httpx.get(f"{facts['api_url']}/meta", trust_env=False).status_code == 200
        assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert key.stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        assert process.wait(10) is not None

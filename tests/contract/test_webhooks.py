"""Our webhooks have what the official examples have."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from bot.localhub import LocalHub
from bot.localhub.state import Pull, Repository
from tests.contract import packages
from tests.localhub.conftest import Client, Receiver

# Sent by an organization's repository or an installation only; objects whose details we do not have.
OPTIONAL = {"organization", "installation", "deployment", "permissions"}


@cache
def examples() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in json.loads(packages.webhook_examples().read_text("utf-8")):
        for payload in event["examples"]:
            found.setdefault(f"{event['name']}.{payload.get('action', '')}".rstrip("."), []).append(payload)
    return found


@pytest.fixture
def story(
    hub: LocalHub, client: Client, pull: Pull, repo: Repository, fork: Repository, receiver: Receiver
) -> Receiver:
    """Everything that sends a webhook, once."""
    hub.install(client.app, hub.repository("huggingface/other"))
    hub.remove_from_installation(client.installation, "huggingface/other")
    hub.commit(repo, "side", {"x": "1\n"})
    hub.commit(fork, "port", {"y": "1\n"})
    hub.edit_pull(pull, title="New", body="New", base="side")
    hub.ready_for_review(pull)
    hub.convert_to_draft(pull)
    hub.label(pull, "tf")
    hub.request_review(pull, "gante")
    comment = hub.comment("gante", pull, "x")
    hub.edit_comment(comment, "y")
    hub.delete_comment(comment)
    hub.review("gante", pull, "x")
    line = hub.review_comment("gante", pull, "src/tf_bert.py", 1, "z")
    made = client("POST", "check-runs", {"name": "n", "head_sha": pull.head_sha}).json()
    button = {"label": "l", "description": "d", "identifier": "i"}
    client("PATCH", f"check-runs/{made['id']}", {"conclusion": "success", "actions": [button]})
    hub.rerequest(made["id"], "gante")
    hub.click(made["id"], "i", "gante")
    hub.rerequest_suite(made["check_suite"]["id"], "gante")
    client("DELETE", f"pulls/comments/{line.id}")
    hub.lock_conversation(pull)
    hub.close(pull)
    hub.reopen(pull)
    hub.suspend(client.installation)
    hub.suspend(client.installation, False)
    hub.uninstall(client.installation)
    hub.webhooks.wait()
    return receiver


def missing(ours: Any, theirs: list[Any], path: str = "") -> list[str]:
    """Keys that every example has and we have not, in objects at any depth."""
    if not isinstance(ours, dict) or not all(isinstance(one, dict) for one in theirs):
        return []
    always = set.intersection(*(set(one) for one in theirs)) - OPTIONAL
    found = [f"{path}.{key}" for key in sorted(always - ours.keys())]
    for key in sorted(always & ours.keys()):
        found += missing(ours[key], [one[key] for one in theirs], f"{path}.{key}")
    return found


def test_payloads_have_all_keys(story: Receiver) -> None:
    names = dict.fromkeys(story.seen)
    assert len(names) >= 24, "the story has lost a part"
    complaints = {
        name: lost
        for name in names
        if name in examples() and (lost := missing(story.payload(name), examples()[name]))
    }
    assert not complaints, json.dumps(complaints, indent=1)

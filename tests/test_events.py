"""Decoding of deliveries: what each means here, and GitHub's own example payloads."""

from __future__ import annotations

import contextlib
import copy
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from bot.events import (
    HANDLED,
    ActionRequested,
    BadPayload,
    CheckedElsewhere,
    CheckRerequested,
    Commented,
    Ignored,
    InstallationChanged,
    Pinged,
    PullChanged,
    ReviewSubmitted,
    decode,
    parse,
)
from bot.state import User
from tests.npm import npm_package

APP = 4242
ALICE = {"id": 7, "login": "alice", "type": "User"}
ROBOT = {"id": 8, "login": "robot[bot]", "type": "Bot"}
SHA = "a" * 40


def payload(action: str, **fields: Any) -> dict[str, Any]:
    """A delivery's JSON from installation 11 in repository 22, by Alice unless told otherwise."""
    return {
        "action": action,
        "installation": {"id": 11},
        "repository": {"id": 22, "full_name": "huggingface/transformers"},
        "sender": ALICE,
        **fields,
    }


def pull(action: str = "synchronize", **fields: Any) -> dict[str, Any]:
    return payload(action) | {"pull_request": {"number": 5, "head": {"sha": SHA, "repo": None}}} | fields


def comment(user: Any = ALICE, app: Any = None, **fields: Any) -> dict[str, Any]:
    text = {"id": 33, "user": user, "performed_via_github_app": app, "body": "/tfport check"}
    on = {"issue": {"number": 5, "pull_request": {"url": "…"}}, "comment": text}
    return payload("created") | on | fields


def check_run(action: str = "rerequested", app: int = APP, **fields: Any) -> dict[str, Any]:
    run = {
        "id": 44,
        "head_sha": SHA,
        "external_id": "key",
        "name": "tfport / docs",
        "app": {"id": app},
        "pull_requests": [],
        "check_suite": {"head_branch": None},
    }
    return payload(action, check_run=run, **fields)


WHERE: dict[str, Any] = {
    "installation_id": 11,
    "repository_id": 22,
    "full_name": "huggingface/transformers",
    "sender": User(7, "alice"),
}


@pytest.mark.parametrize(
    ("name", "body", "event"),
    [
        ("ping", {"zen": "Keep it logically awesome."}, Pinged()),
        ("pull_request", pull(), PullChanged(**WHERE, action="synchronize", number=5, head_sha=SHA)),
        (
            "issue_comment",
            comment(),
            Commented(**WHERE, action="created", number=5, comment_id=33, kind="issue"),
        ),
        (
            "pull_request_review_comment",
            pull("edited", comment={"id": 34, "user": ALICE}),
            Commented(**WHERE, action="edited", number=5, comment_id=34, kind="review-comment"),
        ),
        (
            "pull_request_review",
            pull("submitted", review={"id": 35, "user": ALICE, "body": None}),
            ReviewSubmitted(**WHERE, action="submitted", number=5, review_id=35),
        ),
        (
            "check_run",
            check_run(),
            CheckRerequested(
                **WHERE,
                action="rerequested",
                head_sha=SHA,
                external_id="key",
                name="tfport / docs",
                numbers=(),
            ),
        ),
        (
            "check_run",
            check_run("requested_action", requested_action={"identifier": "fix"}),
            ActionRequested(
                **WHERE,
                action="requested_action",
                head_sha=SHA,
                external_id="key",
                name="tfport / docs",
                identifier="fix",
                numbers=(),
            ),
        ),
        (
            "check_suite",
            payload(
                "rerequested",
                check_suite={"head_sha": SHA, "app": {"id": APP}, "pull_requests": [{"number": 5}]},
            ),
            CheckRerequested(
                **WHERE, action="rerequested", head_sha=SHA, external_id=None, name=None, numbers=(5,)
            ),
        ),
        (
            "check_suite",
            payload("completed", check_suite={"head_sha": SHA, "app": {"id": APP + 1}}, sender=ROBOT),
            CheckedElsewhere(11, 22, "huggingface/transformers", SHA),
        ),
        (
            "status",
            {**payload("", sender=ROBOT), "action": None, "sha": SHA, "state": "failure", "context": "ci"},
            CheckedElsewhere(11, 22, "huggingface/transformers", SHA),
        ),
        (
            "installation",
            {"action": "suspend", "installation": {"id": 11, "account": {"login": "hf"}}, "sender": ALICE},
            InstallationChanged(11, "hf", "suspend", alive=False),
        ),
        (
            "installation_repositories",
            {
                "action": "removed",
                "installation": {"id": 11, "account": {"login": "hf"}},
                "repositories_removed": [{"id": 1, "full_name": "hf/x"}],
            },
            InstallationChanged(11, "hf", "repositories-removed", alive=True, repositories_removed=("hf/x",)),
        ),
    ],
)
def test_meaning(name: str, body: dict[str, Any], event: object):
    assert decode(name, body, app_id=APP) == event
    assert decode(name, body | {"brand_new_field": {"deep": [1]}}, app_id=APP) == event


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("star", {}, "event star is not ours"),
        ("pull_request", pull("assigned"), "pull_request.assigned changes nothing here"),
        ("pull_request", {"action": None}, "pull_request. changes nothing here"),
        ("pull_request", pull(installation=None), "sent by a repository's webhook, not by the app's"),
        ("issue_comment", comment(issue={"number": 5}), "a comment on an issue, not on a pull request"),
        ("issue_comment", comment(user=None), "its author's account is gone"),
        ("issue_comment", comment(user=ROBOT), "written by a bot"),
        ("issue_comment", comment(sender=ROBOT), "written by a bot"),
        ("issue_comment", comment(app={"id": APP}), "our own text"),
        ("check_run", check_run(app=1), "a check of another app"),
        ("check_run", check_run(sender=ROBOT), "asked for by a bot"),
        (
            "check_suite",
            payload("completed", check_suite={"head_sha": SHA, "app": {"id": APP}}),
            "our own checks",
        ),
        ("status", {**payload(""), "action": None, "sha": SHA, "state": "pending"}, "CI has only begun"),
        ("check_run", check_run("completed"), "check_run.completed changes nothing here"),
    ],
)
def test_ignored(name: str, body: dict[str, Any], reason: str):
    assert decode(name, body, app_id=APP) == Ignored(reason)


def test_another_app_on_behalf_of_a_person_is_that_person():
    assert isinstance(decode("issue_comment", comment(app={"id": APP + 1}), app_id=APP), Commented)


def test_a_bot_that_pushes_changes_the_pull_request():
    assert isinstance(decode("pull_request", pull(sender=ROBOT), app_id=APP), PullChanged)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("repository",), None, "repository.id is missing"),
        (("repository", "id"), "22", "repository.id is not of type int"),
        (("repository", "id"), True, "repository.id is not of type int"),
        (("pull_request",), [], "pull_request.number is not of type int"),
        (("pull_request", "head"), None, "pull_request.head.sha is missing"),
        (("action",), 3, "action is not of type str"),
        (("sender", "login"), {}, "sender.login is not of type str"),
    ],
)
def test_malformed(path: tuple[str, ...], value: object, message: str):
    body = copy.deepcopy(pull())
    place = body
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(BadPayload) as caught:
        decode("pull_request", body, app_id=APP)
    assert str(caught.value) == message


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1]", b'"x"', b"null", b"[" * 100_000, b"9" * 5000])
def test_not_an_object(body: bytes):
    with pytest.raises(BadPayload):
        parse(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "app", "user", "head", "sha", "number"]), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = [
    "installation",
    "repository",
    "sender",
    "pull_request",
    "issue",
    "comment",
    "review",
    "check_run",
    "check_suite",
]


@example_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(HANDLED)),
    index=st.integers(0, 8),
    fields=st.dictionaries(st.sampled_from(KEYS), JSON),
)
def test_anything_decodes_or_is_a_bad_payload(name: str, index: int, fields: dict[str, Any]):
    actions = sorted(HANDLED[name])
    with contextlib.suppress(BadPayload):
        decode(name, {**pull(actions[index % len(actions)]), **fields}, app_id=APP)


def test_official_examples_decode():
    package = npm_package(
        "@octokit/webhooks-examples",
        "7.6.1",
        "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
    )
    kinds: Counter[str] = Counter()
    files = sorted(package.glob("*/index.json"))
    for file in files:
        for entry in json.loads(file.read_text("utf-8")):
            for example in entry["examples"]:
                # As if installed everywhere, so that nothing is skipped for want of an installation.
                body = {"installation": {"id": 1}, **example}
                app = body.get("check_run", body.get("check_suite", {})).get("app", {}).get("id", APP)
                decode(entry["name"], example, app_id=APP)
                kinds[type(decode(entry["name"], body, app_id=app)).__name__] += 1
    assert len(files) == 6
    assert sum(kinds.values()) >= 329
    for kind in (
        PullChanged,
        Commented,
        ReviewSubmitted,
        CheckRerequested,
        ActionRequested,
        InstallationChanged,
        Pinged,
    ):
        assert kinds[kind.__name__] > 0, kind

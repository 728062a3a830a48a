"""Check runs and suites: limits, appended annotations, who gets which event."""

from __future__ import annotations

from typing import Any

import pytest

from bot.localhub import LocalHub
from bot.localhub.people import NoSuch
from bot.localhub.state import Pull, Repository
from tests.localhub.conftest import Client, Receiver, message


def notes(number: int, **more: Any) -> list[dict[str, Any]]:
    one = {
        "path": "src/tf_bert.py",
        "start_line": 1,
        "end_line": 1,
        "annotation_level": "warning",
        "message": "m",
    }
    return [one | more for _ in range(number)]


def output(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"title": "T", "summary": "S", "annotations": notes(number), **more}


@pytest.fixture
def run(client: Client, pull: Pull) -> dict[str, Any]:
    body = {"name": "tfport", "head_sha": pull.head_sha, "external_id": "key", "status": "queued"}
    answer = client("POST", "check-runs", body)
    assert answer.status_code == 201
    return answer.json()


def test_life_of_a_run(
    client: Client, run: dict[str, Any], pull: Pull, receiver: Receiver, hub: LocalHub
) -> None:
    assert run["pull_requests"] == [], "the pull request is from a fork"
    assert (
        client("PATCH", f"check-runs/{run['id']}", {"status": "in_progress"}).json()["status"]
        == "in_progress"
    )
    done = client("PATCH", f"check-runs/{run['id']}", {"conclusion": "neutral", "output": output(2)}).json()
    assert (done["status"], done["conclusion"], done["output"]["annotations_count"]) == (
        "completed",
        "neutral",
        2,
    )
    assert done["completed_at"]
    hub.webhooks.wait()
    assert receiver.seen == ["check_run.created", "check_run.completed", "check_suite.completed"]
    payload = receiver.payload("check_run.completed")
    assert payload["check_run"]["check_suite"]["head_branch"] is None
    assert payload["check_run"]["pull_requests"] == []
    assert payload["check_run"]["external_id"] == "key"
    assert receiver.payload("check_suite.completed")["check_suite"]["conclusion"] == "neutral"


def test_pulls_of_the_same_repository_are_named(
    hub: LocalHub, client: Client, repo: Repository, receiver: Receiver
) -> None:
    hub.commit(repo, "own", {"x": "1\n"})
    own = hub.open_pull("gante", repo, head="own")
    made = client("POST", "check-runs", {"name": "tfport", "head_sha": own.head_sha}).json()
    assert [one["number"] for one in made["pull_requests"]] == [own.number]
    hub.webhooks.wait()
    assert receiver.payload("check_run.created")["check_run"]["check_suite"]["head_branch"] == "own"
    assert receiver.payload("check_suite.requested")["check_suite"]["before"] == "0" * 40


def test_annotations_are_appended(client: Client, run: dict[str, Any]) -> None:
    path = f"check-runs/{run['id']}"
    for _ in range(2):
        assert client("PATCH", path, {"output": output(50)}).status_code == 200
    client("PATCH", path, {"output": output(37, title="Changed")})
    listed = client("GET", f"{path}/annotations", params={"per_page": 100})
    assert len(listed.json()) == 100
    assert "next" in listed.links
    assert client("GET", path).json()["output"]["annotations_count"] == 137
    assert client("GET", path).json()["output"]["title"] == "Changed"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"output": output(51)}, "No more than 50 items are allowed; 51 were supplied."),
        ({"output": output(summary="x" * 65_536)}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"output": output(text="x" * 65_536)}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
        ({"conclusion": "fine"}, "is not a member of"),
        ({"output": {"title": "T"}}, '"summary" wasn\'t supplied.'),
        ({"output": output() | {"annotations": notes(1, annotation_level="error")}}, "is not a member of"),
        ({"output": output() | {"annotations": notes(1, end_line=None)}}, '"end_line" wasn\'t supplied.'),
        ({"output": output() | {"annotations": notes(1, message="x" * 65_537)}}, "message is too long"),
        ({"output": output() | {"annotations": notes(1, title="x" * 256)}}, "title is too long"),
        ({"actions": [{"label": "x" * 21, "description": "d", "identifier": "i"}]}, "Only 20 characters"),
        ({"actions": [{"label": "l", "description": "d", "identifier": "i"}] * 4}, "No more than 3 items"),
    ],
)
def test_refused(
    hub: LocalHub, client: Client, run: dict[str, Any], change: dict[str, Any], text: str
) -> None:
    answer = client("PATCH", f"check-runs/{run['id']}", change)
    assert answer.status_code == 422
    assert message(answer).startswith("Invalid request.")
    assert text in message(answer)
    after = client("GET", f"check-runs/{run['id']}").json()
    assert (after["status"], after["output"]["annotations_count"]) == ("queued", 0)
    hub.violations.clear()  # GitHub's description refuses most of these as well


def test_unknown_commit(client: Client, pull: Pull) -> None:
    answer = client("POST", "check-runs", {"name": "x", "head_sha": "0" * 40})
    assert (answer.status_code, message(answer)) == (422, f"No commit found for SHA: {'0' * 40}")
    assert client("GET", "commits/nowhere/check-runs").status_code == 422


def test_lists(client: Client, run: dict[str, Any], pull: Pull, hub: LocalHub) -> None:
    sha = pull.head_sha
    newer = client("POST", "check-runs", {"name": "tfport", "head_sha": sha, "external_id": "second"}).json()
    other = client("POST", "check-runs", {"name": "tfport / docs", "head_sha": sha}).json()
    path = f"commits/{sha}/check-runs"

    def ids(**query: Any) -> list[int]:
        body = client("GET", path, params=query).json()
        assert body["total_count"] == len(body["check_runs"])
        return sorted(one["id"] for one in body["check_runs"])

    assert ids() == [newer["id"], other["id"]]
    assert ids(filter="all") == [run["id"], newer["id"], other["id"]]
    assert ids(check_name="tfport / docs") == [other["id"]]
    assert ids(app_id=client.app.id) == [newer["id"], other["id"]]
    assert ids(app_id=1) == []
    assert ids(status="completed") == []
    (suite,) = client("GET", f"commits/{sha}/check-suites").json()["check_suites"]
    assert suite["latest_check_runs_count"] == 2
    assert client("GET", f"check-suites/{suite['id']}").json() == suite
    in_suite = client("GET", f"check-suites/{suite['id']}/check-runs", params={"filter": "all"}).json()
    assert in_suite["total_count"] == 3


def test_rerequest_and_buttons(
    client: Client, run: dict[str, Any], receiver: Receiver, hub: LocalHub
) -> None:
    button = {"label": "Fix", "description": "Apply the fixes", "identifier": "fix"}
    client("PATCH", f"check-runs/{run['id']}", {"conclusion": "failure", "actions": [button]})
    other = hub.app("nosy", webhook_url=receiver.url, webhook_secret="a test's secret")
    hub.install(other, "huggingface/transformers")
    hub.webhooks.wait()
    receiver.forget()
    hub.rerequest(run["id"], "gante")
    hub.click(run["id"], "fix", "gante")
    hub.rerequest_suite(run["check_suite"]["id"], "gante")
    hub.webhooks.wait()
    assert receiver.seen == [
        "check_run.rerequested",
        "check_run.requested_action",
        "check_suite.rerequested",
    ], "only the app whose run it is hears of it"
    assert receiver.payload("check_run.requested_action")["requested_action"] == {"identifier": "fix"}
    assert receiver.payload("check_run.rerequested")["sender"]["login"] == "gante"
    assert client("GET", f"check-runs/{run['id']}").json()["conclusion"] == "failure", "the run itself stays"
    assert client("GET", f"check-suites/{run['check_suite']['id']}").json()["status"] == "queued"
    with pytest.raises(NoSuch):
        hub.click(run["id"], "format-the-disk", "gante")


def test_runs_of_other_apps_are_out_of_reach(hub: LocalHub, client: Client, run: dict[str, Any]) -> None:
    other = hub.app("other")
    thief = Client(hub, other, hub.install(other, "huggingface/transformers"))
    assert thief("PATCH", f"check-runs/{run['id']}", {"conclusion": "success"}).status_code == 403
    assert thief("GET", f"check-runs/{run['id']}").status_code == 200

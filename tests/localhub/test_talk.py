"""Comments, reactions, reviews, comments at lines, and at whom they ring."""

from __future__ import annotations

from typing import Any

import pytest

from bot.localhub import LocalHub
from bot.localhub.actions.notices import mentions
from bot.localhub.state import Pull, Repository
from tests.localhub.conftest import BASE, Client, Receiver, message


def at(path: str, line: int, **more: Any) -> dict[str, Any]:
    return {"path": path, "line": line, "body": "Here.", **more}


def test_comment_life(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    made = client("POST", "issues/1/comments", {"body": "Hello"})
    assert made.status_code == 201
    comment = made.json()
    assert comment["user"]["login"] == "tfport[bot]"
    assert comment["user"]["type"] == "Bot"
    assert comment["performed_via_github_app"]["id"] == client.app.id
    path = f"issues/comments/{comment['id']}"
    assert client("PATCH", path, {"body": "Hello again"}).json()["body"] == "Hello again"
    assert [one["body"] for one in client("GET", "issues/1/comments").json()] == ["Hello again"]
    assert client("DELETE", path).status_code == 204
    assert client("GET", path).status_code == 404
    hub.webhooks.wait()
    assert receiver.seen == ["issue_comment.created", "issue_comment.edited", "issue_comment.deleted"]
    assert receiver.payload("issue_comment.edited")["changes"] == {"body": {"from": "Hello"}}
    assert receiver.payload("issue_comment.edited")["sender"]["login"] == "tfport[bot]"


def test_comment_of_a_person_is_not_via_the_app(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.comment("gante", pull, "/tfport check")
    (found,) = client("GET", "issues/1/comments").json()
    assert found["performed_via_github_app"] is None
    assert found["author_association"] == "MEMBER"
    answer = client("PATCH", f"issues/comments/{found['id']}", {"body": "put into his mouth"})
    assert answer.status_code == 403


@pytest.mark.parametrize("length", [65_536, 65_537])
def test_long_comment(client: Client, pull: Pull, length: int) -> None:
    answer = client("POST", "issues/1/comments", {"body": "x" * length})
    assert answer.status_code == (201 if length <= 65_536 else 422)
    if length > 65_536:
        assert "maximum is 65536 characters" in answer.json()["errors"][0]["message"]
    assert client("POST", "issues/1/comments", {"body": " "}).status_code == 422


def test_locked_conversation(hub: LocalHub, client: Client, pull: Pull) -> None:
    hub.lock_conversation(pull)
    answer = client("POST", "issues/1/comments", {"body": "x"})
    assert (answer.status_code, message(answer)) == (403, "Unable to create comment because issue is locked.")
    hub.comment("gante", pull, "those who may write, may")
    assert client("GET", "pulls/1").json()["locked"] is True


def test_pages_of_comments(hub: LocalHub, client: Client, pull: Pull) -> None:
    for number in range(250):
        hub.comment("gante", pull, f"number {number}")
    answer = client("GET", "issues/1/comments", params={"per_page": 100})
    assert set(answer.links) == {"next", "last"}
    answer = client("GET", answer.links["last"]["url"])
    assert set(answer.links) == {"prev", "first"}
    assert [one["body"] for one in answer.json()][-1] == "number 249"
    assert len(answer.json()) == 50


def test_reactions(hub: LocalHub, client: Client, pull: Pull) -> None:
    comment = hub.comment("gante", pull, "/tfport check")
    path = f"issues/comments/{comment.id}/reactions"
    first, second = (client("POST", path, {"content": "eyes"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert client("POST", path, {"content": "nose"}).status_code == 422
    hub.violations.clear()
    assert client("GET", f"issues/comments/{comment.id}").json()["reactions"]["eyes"] == 1
    assert [one["content"] for one in client("GET", path, params={"content": "eyes"}).json()] == ["eyes"]
    assert client("DELETE", f"{path}/{first.json()['id']}").status_code == 204
    assert client("GET", path).json() == []
    assert client("POST", "issues/1/reactions", {"content": "rocket"}).status_code == 201
    line = hub.review_comment("gante", pull, "src/tf_bert.py", 1, "Hm")
    assert client("POST", f"pulls/comments/{line.id}/reactions", {"content": "+1"}).status_code == 201
    assert hub.notifications[-1].kind == "review_comment", "reactions ring at nobody"


def test_review_with_comments(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    comments = [
        at("src/tf_bert.py", 2),
        at("src/bert.py", 50, start_line=48, start_side="RIGHT", side="RIGHT"),
        at("src/bert.py", 50, side="LEFT"),
        {"path": "src/tf_bert.py", "position": 3, "body": "By position."},
    ]
    made = client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "Found 4", "comments": comments})
    assert made.status_code == 200
    assert made.json()["state"] == "COMMENTED"
    listed = client("GET", "pulls/1/comments").json()
    assert [(c["path"], c["line"], c["side"], c["start_line"], c["position"]) for c in listed] == [
        ("src/tf_bert.py", 2, "RIGHT", None, 2),
        ("src/bert.py", 50, "RIGHT", 48, 5),
        ("src/bert.py", 50, "LEFT", None, 4),
        ("src/tf_bert.py", 3, "RIGHT", None, 3),
    ]
    assert listed[0]["diff_hunk"] == "@@ -0,0 +1,3 @@\n+one\n+two"
    assert len(client("GET", f"pulls/1/reviews/{made.json()['id']}/comments").json()) == 4
    hub.webhooks.wait()
    assert receiver.seen == ["pull_request_review.submitted", *["pull_request_review_comment.created"] * 4]
    assert [one.kind for one in hub.notifications] == ["review"], "one for all of them"


@pytest.mark.parametrize(
    ("comment", "error"),
    [
        (at("src/bert.py", 90), "Line could not be resolved"),
        (at("src/bert.py", 51, side="LEFT"), None),
        (at("src/tf_bert.py", 4), "Line could not be resolved"),
        (at("src/tf_bert.py", 1, side="LEFT"), "Line could not be resolved"),
        (at("README.md", 1), "Path could not be resolved"),
        (at("src/bert.py", 50, start_line=52, start_side="RIGHT"), "start line must precede"),
        (at("src/bert.py", 50, start_line=10, start_side="RIGHT"), "Start line could not be resolved"),
    ],
)
def test_off_the_diff_the_whole_review_fails(
    client: Client, pull: Pull, comment: dict[str, Any], error: str | None
) -> None:
    body = {"event": "COMMENT", "body": "x", "comments": [at("src/tf_bert.py", 1), comment]}
    answer = client("POST", "pulls/1/reviews", body)
    if error is None:
        assert answer.status_code == 200
        return
    assert answer.status_code == 422
    assert error in answer.json()["errors"][0]
    assert client("GET", "pulls/1/reviews").json() == []
    assert client("GET", "pulls/1/comments").json() == []


def test_lines_of_two_hunks(hub: LocalHub, client: Client, pull: Pull, fork: Repository) -> None:
    far = BASE["src/bert.py"].replace("line 50\n", "line fifty\n").replace("line 10\n", "line ten\n")
    hub.commit(fork, "port", {"src/bert.py": far})
    body = {"event": "COMMENT", "body": "x",
            "comments": [at("src/bert.py", 50, start_line=10, start_side="RIGHT")]}  # fmt: skip
    assert "same hunk" in client("POST", "pulls/1/reviews", body).json()["errors"][0]


def test_pending_review_blocks_the_next(hub: LocalHub, client: Client, pull: Pull) -> None:
    pending = client(
        "POST", "pulls/1/reviews", {"body": "left over", "comments": [at("src/tf_bert.py", 1)]}
    ).json()
    assert pending["state"] == "PENDING"
    assert "submitted_at" not in pending
    assert client("GET", "pulls/1/comments").json() == []
    assert hub.notifications == []
    again = client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "x"})
    assert again.status_code == 422
    assert again.json()["errors"] == ["User can only have one pending review per pull request"]
    hub.review("gante", pull, "others are not blocked")
    assert [one["state"] for one in client("GET", "pulls/1/reviews").json()] == ["PENDING", "COMMENTED"]
    assert client("DELETE", f"pulls/1/reviews/{pending['id']}").status_code == 200
    done = client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "x"}).json()
    assert client("DELETE", f"pulls/1/reviews/{done['id']}").status_code == 422


def test_pending_review_can_be_submitted(hub: LocalHub, client: Client, pull: Pull) -> None:
    pending = client("POST", "pulls/1/reviews", {"comments": [at("src/tf_bert.py", 1)]}).json()
    done = client(
        "POST", f"pulls/1/reviews/{pending['id']}/events", {"event": "COMMENT", "body": "now"}
    ).json()
    assert (done["state"], done["body"]) == ("COMMENTED", "now")
    assert len(client("GET", "pulls/1/comments").json()) == 1


def test_reviews_of_people(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    review = hub.review("gante", pull, "Fine", event="APPROVE")
    hub.webhooks.wait()
    payload = receiver.payload("pull_request_review.submitted")
    assert payload["review"]["state"] == "approved", "lower case in webhooks"
    assert client("GET", "pulls/1/reviews").json()[0]["state"] == "APPROVED"
    hub.dismiss(review, "gante", "no longer")
    assert client("GET", "pulls/1/reviews").json()[0]["state"] == "DISMISSED"


def test_single_comment_and_reply(hub: LocalHub, client: Client, pull: Pull) -> None:
    body = at("src/tf_bert.py", 1) | {"commit_id": pull.head_sha, "side": "RIGHT"}
    first = client("POST", "pulls/1/comments", body)
    assert first.status_code == 201
    reply = hub.reply("somebody", first.json()["id"], "Done.")
    answer = client("POST", f"pulls/1/comments/{reply.id}/replies", {"body": "Thanks."})
    assert answer.json()["in_reply_to_id"] == first.json()["id"]
    changed = client("PATCH", f"pulls/comments/{first.json()['id']}", {"body": "Changed."})
    assert changed.json()["body"] == "Changed."
    assert len(client("GET", "pulls/1/comments").json()) == 3
    wrong = client("POST", "pulls/1/comments", body | {"commit_id": "0" * 40})
    assert wrong.status_code == 422


def test_comments_follow_their_lines(hub: LocalHub, client: Client, pull: Pull, fork: Repository) -> None:
    comments = [at("src/tf_bert.py", 1), at("src/tf_bert.py", 3), at("src/bert.py", 50)]
    client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "x", "comments": comments})
    first = pull.head_sha
    hub.commit(fork, "port", {"src/tf_bert.py": "zero\nzero\none\ntwo\nTHREE\n"})
    listed = client("GET", "pulls/1/comments").json()
    assert [(c["line"], c["original_line"]) for c in listed] == [(3, 1), (None, 3), (50, 50)]
    assert [c["commit_id"] == first for c in listed] == [False, True, False]
    assert listed[1]["position"] is None
    assert listed[1]["original_position"] == 3


def test_notifications(hub: LocalHub, client: Client, pull: Pull) -> None:
    made = client("POST", "issues/1/comments", {"body": "cc @gante, `@quiet` and &#64;somebody"}).json()
    client("PATCH", f"issues/comments/{made['id']}", {"body": "cc @gante, edited"})
    client("POST", "check-runs", {"name": "tfport", "head_sha": pull.head_sha})
    assert [(one.kind, one.recipients) for one in hub.notifications] == [
        ("comment", ("somebody",)),
        ("mention", ("gante", "somebody")),
    ]
    hub.user("late")
    client("PATCH", f"issues/comments/{made['id']}", {"body": "cc @gante and @late"})
    assert [one.recipients for one in hub.notifications[2:]] == [("late",)], (
        "a new mention rings, even in an edit"
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("@a and @b-c, (@d) @a", ["a", "b-c", "d"]),
        ("mail@example.org `@code` ``@x`y``", []),
        ("```\n@fenced\n```\n@after", ["after"]),
        ("~~~\n@open to the end", []),
        ("<!-- @hidden -->", []),
        ("&#64;entity &commat;named", ["entity", "named"]),
        ("@org/team", []),
    ],
)
def test_mentions(body: str, found: list[str]) -> None:
    assert mentions(body) == found

"""Pull requests: their objects, files, and what happens to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.localhub import LocalHub, git
from bot.localhub.state import Pull, Repository
from tests.localhub.conftest import BASE, Client, Receiver, message


def test_pull_from_a_fork(client: Client, pull: Pull) -> None:
    found = client("GET", "pulls/1").json()
    assert found["draft"] is True
    assert found["head"]["label"] == "somebody:port"
    assert found["head"]["repo"]["full_name"] == "somebody/transformers"
    assert found["head"]["repo"]["fork"] is True
    assert found["base"]["repo"]["full_name"] == "huggingface/transformers"
    assert found["head"]["sha"] == pull.head_sha
    assert (found["changed_files"], found["additions"], found["deletions"], found["commits"]) == (2, 4, 1, 1)
    assert found["author_association"] == "NONE"
    assert client("GET", "issues/1").json()["pull_request"]["url"] == found["url"]
    assert client("GET", "pulls/2").status_code == 404


def test_lists_filter(hub: LocalHub, client: Client, pull: Pull, repo: Repository) -> None:
    hub.commit(repo, "own", {"x": "1\n"})
    own = hub.open_pull("gante", repo, head="own", title="Own")
    numbers = lambda **query: [one["number"] for one in client("GET", "pulls", params=query).json()]  # noqa: E731
    assert numbers() == [2, 1]
    assert numbers(sort="created", direction="asc") == [1, 2]
    assert numbers(head="somebody:port") == [1]
    assert numbers(head="huggingface:own") == [2]
    assert numbers(base="elsewhere") == []
    hub.close(own)
    assert (numbers(), numbers(state="closed"), numbers(state="all")) == ([1], [2], [2, 1])


def test_files_have_patches_as_github_gives_them(client: Client, pull: Pull) -> None:
    changed, new = client("GET", "pulls/1/files").json()
    assert new["filename"] == "src/tf_bert.py"
    assert (new["status"], new["additions"], new["changes"]) == ("added", 3, 3)
    assert new["patch"] == "@@ -0,0 +1,3 @@\n+one\n+two\n+three"
    assert changed["patch"].startswith(
        "@@ -47,7 +47,7 @@ line 46\n line 47\n line 48\n line 49\n-line 50\n+line fifty\n"
    )
    assert not changed["patch"].endswith("\n")


def test_files_rename_removal_binary_and_odd_names(
    hub: LocalHub, client: Client, fork: Repository, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    git.git(tmp_path, "clone", "-q", "-b", "port", str(fork.path), str(work))
    (work / "src/bert.py").rename(work / "src/renamed.py")
    (work / "docs/index.md").unlink()
    (work / "blob.bin").write_bytes(b"\0\1\2")
    (work / "a name with ü and 'quotes'.txt").write_text("x")
    (work / "link").symlink_to("README.md")
    git.git(work, "add", "-A")
    git.git(work, "commit", "-q", "-m", "odd")
    hub.push(fork, "odd", work)
    hub.open_pull("somebody", "huggingface/transformers", head="somebody:odd")
    files = {one["filename"]: one for one in client("GET", "pulls/1/files").json()}
    assert files["src/renamed.py"]["status"] == "renamed"
    assert files["src/renamed.py"]["previous_filename"] == "src/bert.py"
    assert files["docs/index.md"]["status"] == "removed"
    assert "patch" not in files["blob.bin"]
    assert (
        files["a name with ü and 'quotes'.txt"]["patch"] == "@@ -0,0 +1 @@\n+x\n\\ No newline at end of file"
    )
    assert files["link"]["status"] == "added"


def test_a_pure_rename_and_a_huge_file_have_no_patch(hub: LocalHub, client: Client, fork: Repository) -> None:
    huge = "".join(f"{n}\n" for n in range(20_001))
    files = {"README.md": None, "LIESMICH.md": BASE["README.md"], "huge.txt": huge}
    hub.commit(fork, "huge", files, start="main")
    hub.open_pull("somebody", "huggingface/transformers", head="somebody:huge")
    found = {one["filename"]: one for one in client("GET", "pulls/1/files").json()}
    assert "patch" not in found["huge.txt"]
    assert found["huge.txt"]["additions"] == 20_001
    assert found["LIESMICH.md"]["status"] == "renamed"
    assert "patch" not in found["LIESMICH.md"]


def test_files_come_in_pages_and_end_at_3000(hub: LocalHub, client: Client, fork: Repository) -> None:
    hub.commit(fork, "many", {f"f/{n:04}.txt": f"{n}\n" for n in range(3005)}, start="main")
    hub.open_pull("somebody", "huggingface/transformers", head="somebody:many")
    first = client("GET", "pulls/1/files")
    assert len(first.json()) == 30
    assert first.links["last"]["url"].endswith("page=100")
    answer = client("GET", "pulls/1/files", params={"per_page": 500})
    total = len(answer.json())
    assert total == 100
    while "next" in answer.links:
        answer = client("GET", answer.links["next"]["url"])
        total += len(answer.json())
    assert total == 3000
    assert client("GET", "pulls/1").json()["changed_files"] == 3005


def test_commits_and_compare(
    hub: LocalHub, client: Client, pull: Pull, fork: Repository, repo: Repository
) -> None:
    hub.commit(repo, "main", {"new.txt": "base moves\n"}, "Base moves")
    hub.commit(fork, "port", {"src/tf_bert.py": "one\n"}, "Second")
    assert [one["commit"]["message"] for one in client("GET", "pulls/1/commits").json()] == ["Port", "Second"]
    compared = client("GET", "compare/main...somebody:port").json()
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 2, 1)
    assert compared["merge_base_commit"]["commit"]["message"] == "Start"
    assert [one["filename"] for one in compared["files"]] == ["src/bert.py", "src/tf_bert.py"]
    by_sha = client("GET", f"compare/{compared['base_commit']['sha']}...{pull.head_sha}").json()
    assert by_sha["merge_base_commit"]["sha"] == compared["merge_base_commit"]["sha"]
    assert client("GET", "compare/main...nowhere").status_code == 404
    diff = client("GET", "pulls/1", headers={"accept": "application/vnd.github.diff"}).text
    assert diff.startswith("diff --git a/src/bert.py b/src/bert.py")


def test_life_of_a_pull(
    hub: LocalHub, client: Client, receiver: Receiver, pull: Pull, fork: Repository
) -> None:
    before = pull.head_sha
    after = hub.commit(fork, "port", {"src/tf_bert.py": "one\n"})
    hub.edit_pull(pull, title="Better")
    hub.ready_for_review(pull)
    hub.convert_to_draft(pull)
    hub.close(pull)
    hub.reopen(pull)
    hub.webhooks.wait()
    assert receiver.seen == [
        "pull_request.synchronize", "pull_request.edited", "pull_request.ready_for_review",
        "pull_request.converted_to_draft", "pull_request.closed", "pull_request.reopened",
    ]  # fmt: skip
    payload = receiver.payload("pull_request.synchronize")
    assert (payload["before"], payload["after"]) == (before, after) == (before, pull.head_sha)
    assert payload["sender"]["login"] == "somebody"
    assert payload["installation"]["id"] == client.installation.id
    assert receiver.payload("pull_request.edited")["changes"] == {"title": {"from": "Add TensorFlow port"}}
    assert client("GET", "pulls/1").json()["title"] == "Better"


def test_merge_moves_the_base(
    hub: LocalHub, client: Client, receiver: Receiver, pull: Pull, repo: Repository
) -> None:
    hub.merge(pull, "gante")
    hub.webhooks.wait()
    assert receiver.seen == ["pull_request.closed", "push", "check_suite.requested"]
    assert receiver.payload("pull_request.closed")["pull_request"]["merged"] is True
    assert receiver.payload("push")["ref"] == "refs/heads/main"
    assert client("GET", "contents/src/tf_bert.py").status_code == 200
    assert client("GET", "branches/main").json()["commit"]["sha"] == pull.merge_commit_sha
    hub.commit("somebody/transformers", "again", {"z": "1\n"}, start="port")
    again = hub.open_pull("somebody", repo, head="somebody:again")
    assert client("GET", f"pulls/{again.number}").json()["author_association"] == "CONTRIBUTOR"


def test_fork_disappears(hub: LocalHub, client: Client, pull: Pull, fork: Repository) -> None:
    hub.delete_repository(fork)
    found = client("GET", "pulls/1").json()
    assert found["head"]["repo"] is None
    assert found["state"] == "closed"
    assert found["changed_files"] == 2, "its commits are still here, under refs/pull/1/head"
    assert client("GET", "git/ref/pull/1/head").json()["object"]["sha"] == pull.head_sha


def test_branch_disappears(hub: LocalHub, receiver: Receiver, pull: Pull, fork: Repository) -> None:
    hub.delete_branch(fork, "port")
    hub.webhooks.wait()
    assert receiver.seen == ["pull_request.closed"]
    assert pull.state == "closed"


def test_base_of_a_pull_is_what_it_was_at_the_last_push(
    hub: LocalHub, client: Client, pull: Pull, fork: Repository, repo: Repository
) -> None:
    old = pull.base_sha
    new = hub.commit(repo, "main", {"new.txt": "x\n"})
    assert client("GET", "pulls/1").json()["base"]["sha"] == old
    hub.commit(fork, "port", {"y": "y\n"})
    assert client("GET", "pulls/1").json()["base"]["sha"] == new
    assert client("GET", "pulls/1").json()["changed_files"] == 3


def test_rename_of_the_repository(hub: LocalHub, client: Client, pull: Pull, repo: Repository) -> None:
    hub.rename_repository(repo, "renamed")
    answer = client("GET", "pulls/1")
    assert answer.status_code == 301
    followed = client("GET", answer.headers["location"])
    assert followed.json()["base"]["repo"]["full_name"] == "huggingface/renamed"
    by_id = client("GET", f"/repositories/{repo.id}").json()
    assert by_id["full_name"] == "huggingface/renamed"
    # GitHub's description knows only the operation without a rest of the path.
    hub.violations.clear()


def test_reviewers(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    assert client("POST", "pulls/1/requested_reviewers", {"reviewers": ["gante"]}).status_code == 201
    answer = client("POST", "pulls/1/requested_reviewers", {"reviewers": ["somebody"]})
    assert (answer.status_code, message(answer)) == (
        422,
        "Review cannot be requested from pull request author.",
    )
    hub.user("stranger")
    assert "not a collaborator" in message(
        client("POST", "pulls/1/requested_reviewers", {"reviewers": ["stranger"]})
    )
    listed = client("GET", "pulls/1/requested_reviewers").json()
    assert [one["login"] for one in listed["users"]] == ["gante"]
    assert [(one.kind, one.recipients) for one in hub.notifications] == [("review_request", ("gante",))]
    hub.webhooks.wait()
    assert receiver.payload("pull_request.review_requested")["requested_reviewer"]["login"] == "gante"


@pytest.mark.parametrize(("login", "permission", "role"), [
    ("gante", "write", "write"), ("somebody", "read", "read"), ("huggingface", "admin", "admin"),
    ("maintainer", "write", "maintain"), ("helper", "read", "triage"),
])  # fmt: skip
def test_permissions(
    hub: LocalHub, client: Client, repo: Repository, login: str, permission: str, role: str
) -> None:
    hub.set_role(repo, "maintainer", "maintain")
    hub.set_role(repo, "helper", "triage")
    found = client("GET", f"collaborators/{login}/permission").json()
    assert (found["permission"], found["role_name"]) == (permission, role)
    assert found["user"]["id"] == hub.user(login).id


def test_permission_follows_the_account(hub: LocalHub, client: Client) -> None:
    gante = hub.user("gante")
    hub.rename_user(gante, "joao")
    impostor = hub.user("gante")
    assert impostor.id != gante.id
    assert client("GET", "collaborators/joao/permission").json()["permission"] == "write"
    assert client("GET", "collaborators/gante/permission").json()["permission"] == "read"
    assert client("GET", "collaborators/nobody-at-all/permission").status_code == 404


def test_contents(hub: LocalHub, client: Client, pull: Pull, repo: Repository) -> None:
    import base64

    found = client("GET", "contents/README.md").json()
    assert base64.b64decode(found["content"]).decode() == BASE["README.md"]
    raw = client("GET", "contents/README.md", headers={"accept": "application/vnd.github.raw+json"})
    assert raw.text == BASE["README.md"]
    assert {one["path"] for one in client("GET", "contents/src").json()} == {"src/bert.py"}
    at_head = client("GET", "contents/src", params={"ref": pull.head_sha}).json()
    assert {one["path"] for one in at_head} == {"src/bert.py", "src/tf_bert.py"}
    assert client("GET", "contents/nothing").status_code == 404
    assert client("GET", "contents/README.md", params={"ref": "nowhere"}).status_code == 404


def test_etag_and_rate(client: Client, pull: Pull) -> None:
    answer = client("GET", "pulls/1")
    left = int(answer.headers["x-ratelimit-remaining"])
    again = client("GET", "pulls/1", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert client("GET", "pulls/1").headers["x-ratelimit-remaining"] == str(left - 1), "304 costs nothing"
    assert client("GET", "/rate_limit").json()["resources"]["core"]["limit"] == 5000


def test_limit_used_up(hub: LocalHub, client: Client) -> None:
    client("GET", "pulls")
    client.installation.remaining = 0
    answer = client("GET", "pulls")
    assert answer.status_code == 403
    assert message(answer).startswith("API rate limit exceeded for installation ID")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    hub.state.clock.advance(3601)
    client.token = client.mint().json()["token"]
    assert client("GET", "pulls").status_code == 200


def test_statuses(client: Client, hub: LocalHub, pull: Pull) -> None:
    client.app.permissions["statuses"] = client.installation.permissions["statuses"] = "write"
    client.token = client.mint().json()["token"]
    sha = pull.head_sha
    for state in ("pending", "success"):
        assert client("POST", f"statuses/{sha}", {"state": state, "context": "ci"}).status_code == 201
    assert client("GET", f"commits/{sha}/status").json()["state"] == "success"
    assert len(client("GET", f"commits/{sha}/statuses").json()) == 2
    assert client("GET", f"commits/{sha}/pulls").json() == [], "pull requests of forks are not found"


def test_archived(hub: LocalHub, client: Client, pull: Pull, repo: Repository) -> None:
    hub.archive(repo)
    answer = client("POST", "issues/1/comments", {"body": "x"})
    assert (answer.status_code, message(answer)) == (403, "Repository was archived so is read-only.")
    assert client("POST", "check-runs", {"name": "x", "head_sha": pull.head_sha}).status_code == 403
    assert client("GET", "pulls/1").json()["base"]["repo"]["archived"] is True


def test_labels(client: Client, pull: Pull) -> None:
    assert client("POST", "labels", {"name": "tf", "color": "ff0000"}).status_code == 201
    assert [one["name"] for one in client("POST", "issues/1/labels", {"labels": ["tf", "new"]}).json()] == [
        "tf",
        "new",
    ]
    assert client("DELETE", "issues/1/labels/tf").status_code == 200
    assert [one["name"] for one in client("GET", "issues/1/labels").json()] == ["new"]
    assert client("GET", "pulls/1").json()["labels"][0]["name"] == "new"

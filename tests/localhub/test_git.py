"""Git over HTTP with a real git: tokens, fetching by SHA, pushing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bot.localhub import LocalHub, git
from bot.localhub.state import Pull, Repository
from tests.localhub.conftest import Client, Receiver


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=git.environment(), capture_output=True, text=True, check=False
    )


def url(hub: LocalHub, token: str = "", name: str = "huggingface/transformers") -> str:
    login = f"x-access-token:{token}@" if token else ""
    return hub.url.replace("://", f"://{login}") + f"/{name}.git"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    git.create(tmp_path / "mirror.git")
    return tmp_path / "mirror.git"


def test_shallow_fetch_by_sha(
    hub: LocalHub, client: Client, pull: Pull, fork: Repository, mirror: Path
) -> None:
    first = pull.head_sha
    hub.commit(fork, "port", {"more": "x\n"})
    done = run(
        mirror,
        "fetch",
        "--depth=1",
        url(hub, client.token),
        f"{first}:refs/x/head",
        f"{pull.base_sha}:refs/x/base",
    )
    assert done.returncode == 0, done.stderr
    assert run(mirror, "rev-parse", "refs/x/head").stdout.strip() == first
    assert run(mirror, "rev-list", "--count", "refs/x/head").stdout.strip() == "1"


def test_pull_ref_follows(hub: LocalHub, client: Client, pull: Pull, fork: Repository, mirror: Path) -> None:
    hub.commit(fork, "port", {"more": "x\n"})
    assert run(mirror, "fetch", url(hub), "refs/pull/1/head:refs/x").returncode == 0
    assert run(mirror, "rev-parse", "refs/x").stdout.strip() == pull.head_sha


def test_private_needs_a_token(hub: LocalHub, client: Client, tmp_path: Path) -> None:
    secret = hub.repository("huggingface/secret", private=True)
    hub.commit(secret, "main", {"x": "y\n"})
    address = url(hub, name="huggingface/secret")
    assert "could not read Username" in run(tmp_path, "clone", address, "a").stderr
    refused = run(tmp_path, "clone", url(hub, client.token, "huggingface/secret"), "b").stderr
    assert "not found" in refused
    hub.install(client.app, secret)
    client.token = client.mint().json()["token"]
    assert run(tmp_path, "clone", url(hub, client.token, "huggingface/secret"), "c").returncode == 0
    assert (tmp_path / "c/x").read_text() == "y\n"
    hub.state.clock.advance(3601)
    assert run(tmp_path, "clone", url(hub, client.token, "huggingface/secret"), "d").returncode != 0


def test_push_needs_contents_write(
    hub: LocalHub, client: Client, pull: Pull, repo: Repository, receiver: Receiver, tmp_path: Path
) -> None:
    assert run(tmp_path, "clone", url(hub), "work").returncode == 0
    work = tmp_path / "work"
    (work / "new").write_text("x")
    run(work, "add", "new")
    run(work, "commit", "-m", "New")
    refused = run(work, "push", url(hub, client.token), "HEAD:refs/heads/fix")
    assert "Resource not accessible by integration" in refused.stderr
    client.installation.permissions["contents"] = "write"
    client.token = client.mint().json()["token"]
    done = run(work, "push", url(hub, client.token), "HEAD:refs/heads/fix")
    assert done.returncode == 0, done.stderr
    assert git.refs(repo.path)["refs/heads/fix"] == run(work, "rev-parse", "HEAD").stdout.strip()
    hub.webhooks.wait()
    assert receiver.seen == ["push", "check_suite.requested"]
    assert receiver.payload("push")["sender"]["login"] == "tfport[bot]"
    assert run(work, "push", url(hub, client.token), "HEAD:refs/pull/1/head").returncode != 0


def test_push_of_a_person_moves_the_pull(
    hub: LocalHub, client: Client, pull: Pull, fork: Repository, receiver: Receiver, tmp_path: Path
) -> None:
    address = url(hub, hub.user("somebody").token, "somebody/transformers")
    assert run(tmp_path, "clone", "-b", "port", address, "work").returncode == 0
    work = tmp_path / "work"
    (work / "README.md").write_text("changed\n" * 100_000)
    run(work, "commit", "-a", "-m", "Change")
    assert run(work, "push", "origin", "port").returncode == 0
    hub.webhooks.wait()
    assert receiver.seen == ["pull_request.synchronize"]
    assert pull.head_sha == run(work, "rev-parse", "HEAD").stdout.strip()
    stranger = url(hub, hub.user("gante").token, "somebody/transformers")
    assert run(work, "push", stranger, "port:other").returncode != 0


def test_push_from_disk_and_shared_objects(hub: LocalHub, tmp_path: Path) -> None:
    source = tmp_path / "source"
    run(tmp_path, "init", "-b", "trunk", "source")
    (source / "x").write_text("1\n")
    run(source, "add", "x")
    run(source, "commit", "-m", "One")
    copied = hub.repository("a/copied", from_git=source)
    shared = hub.repository("a/shared", from_git=source, share=True)
    assert copied.default_branch == shared.default_branch == "trunk"
    (source / "x").write_text("2\n")
    run(source, "commit", "-a", "-m", "Two")
    sha = hub.push(copied, "trunk", source, "trunk")
    run(source, "commit", "--allow-empty", "-m", "Three")
    run(source, "commit", "--allow-empty", "-m", "Four")
    assert hub.push(copied, "older", source, "trunk~1") == run(source, "rev-parse", "trunk~1").stdout.strip()
    assert git.resolve(copied.path, "trunk") == sha
    fork = hub.fork(copied, "b")
    assert git.resolve(fork.path, "trunk") == sha

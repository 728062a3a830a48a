"""Real git over real HTTP: what is fetched, from where, with which secrets, and what survives a crash."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.github.errors import AuthFailed, GitHubDown, Gone
from bot.github.git import Git, GitFailed
from bot.github.mirror import Mirror
from bot.state import Repository
from checks.errors import UserError
from checks.snapshot import GitSnapshot
from tests.github.conftest import World


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "mirrors", timeout=20)


def git(path: Path, *args: str) -> str:
    return subprocess.run(
        ["git", "-C", path, *args], check=True, capture_output=True, text=True
    ).stdout.strip()


async def both(world: World, mirror: Mirror) -> Path:
    shas = (world.pull.base_sha, world.pull.head_sha)
    return await mirror.fetch(world.gh, world.repo, shas, pull=world.pull)


def wire(world: World) -> int:
    """Requests that git made so far."""
    return len(world.hub.requests("POST", "git-upload-pack$"))


async def test_base_and_head_of_a_fork(world: World, mirror: Mirror) -> None:
    path = await both(world, mirror)
    head, base = GitSnapshot(path, world.pull.head_sha), GitSnapshot(path, world.pull.base_sha)
    assert (head.read("modeling_tf_x.py") or "").startswith("line 1\n")
    assert base.read("modeling_tf_x.py") is None
    assert base.read("setup.py") == "one\ntwo\nthree\n"
    refs = git(path, "for-each-ref", "--format=%(refname)").splitlines()
    assert sorted(refs) == sorted(f"refs/tfport/{sha}" for sha in (world.pull.base_sha, world.pull.head_sha))
    assert not list(path.glob("hooks/*"))
    assert git(path, "rev-parse", "--is-bare-repository") == "true"


async def test_what_is_there_is_not_asked_for(world: World, mirror: Mirror) -> None:
    await both(world, mirror)
    before = wire(world)
    await both(world, mirror)
    assert wire(world) == before
    assert mirror.has(world.repo.id, world.pull.head_sha)


async def test_a_push_brings_only_the_new_commit(world: World, mirror: Mirror) -> None:
    path = await both(world, mirror)
    sha = world.hub.commit(world.fork, "port", {"modeling_tf_x.py": "new\n"})
    await mirror.fetch(world.gh, world.repo, [world.pull.base_sha, sha])
    assert GitSnapshot(path, sha).read("modeling_tf_x.py") == "new\n"


async def test_many_at_once_are_one_after_the_other(world: World, mirror: Mirror) -> None:
    shas = [world.hub.commit(world.fork, "port", {"x": str(n)}) for n in range(6)]
    paths = await asyncio.gather(*(mirror.fetch(world.gh, world.repo, [sha]) for sha in shas))
    assert len(set(paths)) == 1
    assert all(GitSnapshot(paths[0], sha).read("x") == str(n) for n, sha in enumerate(shas))


async def test_two_processes_share_a_mirror(world: World, mirror: Mirror, tmp_path: Path) -> None:
    other = Mirror(tmp_path / "mirrors")
    shas = [world.hub.commit(world.fork, "port", {"x": str(n)}) for n in range(4)]
    await asyncio.gather(
        *((mirror, other)[n % 2].fetch(world.gh, world.repo, [sha]) for n, sha in enumerate(shas))
    )
    assert all(mirror.has(world.repo.id, sha) for sha in shas)


async def test_a_commit_that_is_gone(world: World, mirror: Mirror) -> None:
    with pytest.raises(Gone, match="ffffffff"):
        await mirror.fetch(world.gh, world.repo, [world.pull.base_sha, "f" * 40], pull=world.pull)
    assert mirror.has(world.repo.id, world.pull.base_sha)
    assert not list((mirror.path(world.repo.id) / "refs/tfport-incoming").glob("*"))


async def test_head_that_only_the_fork_gives_out(world: World, mirror: Mirror, tmp_path: Path) -> None:
    """The pull request's ref lags behind, and the base repository does not know the commit: ask the fork, without a token."""
    alien = world.hub.repository(f"alien{world.repo.id}/transformers")
    sha = world.hub.commit(alien, "main", {"modeling_tf_x.py": "from the fork\n"})
    url = f"{world.hub.url}/{alien.full_name}.git"
    assert world.pull.head_repo
    pull = replace(world.pull, head_sha=sha, head_repo=replace(world.pull.head_repo, clone_url=url))
    path = await mirror.fetch(world.gh, world.repo, [sha], pull=pull)
    assert GitSnapshot(path, sha).read("modeling_tf_x.py") == "from the fork\n"
    refs = git(path, "for-each-ref", "--format=%(refname)").splitlines()
    assert refs == [f"refs/tfport/{sha}"]


async def test_unknown_repository(world: World, mirror: Mirror) -> None:
    repo = Repository(99, "o", "r", "main", f"{world.hub.url}/no/such.git", "")
    with pytest.raises(Gone):
        await mirror.fetch(world.gh, repo, ["f" * 40])


@pytest.mark.parametrize("sha", ["main", "--upload-pack=touch x", "F" * 40, "f" * 39, "f" * 40 + "\n", ""])
async def test_only_full_names_are_taken(world: World, mirror: Mirror, sha: str) -> None:
    with pytest.raises(ValueError, match="full SHA"):
        await mirror.fetch(world.gh, world.repo, [sha])


@pytest.mark.parametrize(
    "url", ["file:///etc", "ext::sh -c touch% /tmp/x", "ssh://localhost/x", "/etc", "git://x/y"]
)
async def test_other_protocols_are_refused(world: World, mirror: Mirror, url: str) -> None:
    repo = Repository(99, "o", "r", "main", url, "")
    with pytest.raises(GitFailed, match=r"not allowed|not supported|cannot be used"):
        await mirror.fetch(world.gh, repo, ["f" * 40])


# --- secrets ----------------------------------------------------------------------------------------------------------


async def test_private_repository_with_an_expired_token(world: World, mirror: Mirror) -> None:
    world.origin.private = True
    token = await world.gh.token()
    world.hub.state.tokens[token].revoked = True
    await both(world, mirror)
    assert await world.gh.token() != token


async def test_no_access_at_all(world: World, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    world.origin.private = True

    async def token() -> str:
        return "ghs_nonsense"

    monkeypatch.setattr(world.gh, "token", token)
    with pytest.raises(AuthFailed):
        await both(world, mirror)


async def test_the_token_is_in_no_argument_and_in_no_file(
    world: World, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    real = shutil.which("git")
    fake.write_text(f'#!/bin/sh\necho "$@" >> {log}\nenv > {log}.env\nexec {real} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_TOKEN", "operator-secret")
    monkeypatch.setenv("GIT_SSH_COMMAND", "touch pwned")
    path = await both(world, mirror)
    token = await world.gh.token()
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    assert "fetch" in log.read_text()
    for text in (log.read_text(), *(f.read_text(errors="replace") for f in path.rglob("*") if f.is_file())):
        assert token not in text
        assert secret not in text
    passed = (tmp_path / "log.env").read_text()
    assert "operator-secret" not in passed
    assert "GIT_SSH_COMMAND" not in passed


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_temporary_failures_are_retried(world: World, mirror: Mirror) -> None:
    fault = world.hub.faults.add("*", r"\.git/", status=502, times=2)
    await both(world, mirror)
    assert fault.struck == 2


async def test_github_stays_down(world: World, mirror: Mirror) -> None:
    world.hub.faults.add("*", r"\.git/", status=503, times=None)
    with pytest.raises(GitHubDown):
        await both(world, mirror)


async def test_cancelling_kills_git_and_its_children(world: World, mirror: Mirror) -> None:
    world.hub.faults.add("*", r"\.git/", status=None, delay=3, times=None)
    task = asyncio.create_task(both(world, mirror))
    children: list[int] = []
    for _ in range(100):
        await asyncio.sleep(0.02)
        if len(children := _gits(mirror)) >= 2:  # git, git-remote-http
            break
    assert len(children) >= 2
    await asyncio.sleep(0.3)  # until they wait for the answer
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    assert not _gits(mirror)
    world.hub.faults.clear()
    await both(world, mirror)


def _gits(mirror: Mirror) -> list[int]:
    """Live processes that run in this test's mirrors."""
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(mirror.path(0).parent) in os.readlink(process / "cwd"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


async def test_too_long(world: World, tmp_path: Path) -> None:
    world.hub.faults.add("*", r"\.git/", status=None, delay=2, times=None)
    with pytest.raises(GitHubDown, match="not done after"):
        await both(world, Mirror(tmp_path, timeout=0.3))


async def test_too_large(world: World, tmp_path: Path) -> None:
    noise = {f"{n}.bin": os.urandom(400_000).hex() for n in range(4)}
    sha = world.hub.commit(world.fork, "port", noise)
    mirror = Mirror(tmp_path, limit=100_000, watch=0.002)
    with pytest.raises(UserError, match="larger than"):
        await mirror.fetch(world.gh, world.repo, [sha])
    assert not mirror.has(world.repo.id, sha)


async def test_leftovers_of_a_killed_git_do_not_matter(world: World, mirror: Mirror) -> None:
    path = await both(world, mirror)
    sha = world.hub.commit(world.fork, "port", {"x": "y"})
    for left in ("shallow.lock", "packed-refs.lock", f"refs/tfport/{sha}.lock", "objects/pack/tmp_pack_XYZ"):
        (path / left).parent.mkdir(exist_ok=True, parents=True)
        (path / left).write_text("")
    await mirror.fetch(world.gh, world.repo, [sha])
    assert not (path / "shallow.lock").exists()
    assert not (path / "objects/pack/tmp_pack_XYZ").exists()


@pytest.mark.parametrize("damage", ["half", "objects", "everything"])
async def test_a_damaged_mirror_is_made_anew(world: World, mirror: Mirror, damage: str) -> None:
    path = await both(world, mirror)
    sha = world.hub.commit(world.fork, "port", {"x": "y"})
    if damage == "half":
        (path / "HEAD").unlink()
    elif damage == "objects":
        for file in path.glob("objects/*/*"):
            file.chmod(0o600)
            file.write_bytes(b"")
    else:
        shutil.rmtree(path)
    await mirror.fetch(world.gh, world.repo, [world.pull.base_sha, sha])
    assert GitSnapshot(path, sha).read("x") == "y"
    assert GitSnapshot(path, world.pull.base_sha).read("setup.py")


# --- what is thrown away ----------------------------------------------------------------------------------------------


async def test_old_commits_are_forgotten_used_ones_stay(world: World, mirror: Mirror) -> None:
    path = await both(world, mirror)
    shas = [world.hub.commit(world.fork, "port", {"x": str(n)}) for n in range(3)]
    await mirror.fetch(world.gh, world.repo, shas)
    week_ago = time.time() - timedelta(days=8).total_seconds()
    for ref in (path / "refs/tfport").iterdir():
        os.utime(ref, (week_ago, week_ago))
    await mirror.fetch(world.gh, world.repo, [world.pull.base_sha, shas[2]])
    assert await mirror.prune(world.repo.id) == 3
    assert not mirror.has(world.repo.id, shas[0])
    assert subprocess.run(["git", "-C", path, "cat-file", "-e", shas[0]], capture_output=True).returncode != 0
    assert GitSnapshot(path, shas[2]).read("x") == "2"
    assert mirror.has(world.repo.id, world.pull.base_sha)
    await mirror.fetch(world.gh, world.repo, [shas[0]])
    assert GitSnapshot(path, shas[0]).read("x") == "0"


async def test_a_mirror_that_nobody_needs_goes(world: World, mirror: Mirror) -> None:
    path = await both(world, mirror)
    assert mirror.repositories() == [world.repo.id]
    assert await mirror.prune(world.repo.id, older_than=-1) == 2
    assert not path.exists()
    assert mirror.repositories() == []
    assert await mirror.prune(world.repo.id) == 0


async def test_progress_is_told(world: World, mirror: Mirror) -> None:
    sha = world.hub.commit(world.fork, "port", {f"{n}.txt": f"{n}" for n in range(3000)})
    told: list[str] = []
    await mirror.fetch(world.gh, world.repo, [sha], progress=told.append)
    assert told
    assert all("%" in line and "\r" not in line for line in told)


# --- git itself -------------------------------------------------------------------------------------------------------


async def test_git_reads_nobodys_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\nname = somebody\n[alias]\nfetch = !touch pwned\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(GitFailed):
        await Git(tmp_path).run("config", "user.name")
    assert (await Git(tmp_path).run("config", "core.hooksPath")).strip() == "/dev/null"
    (folder := tmp_path / "mirror").mkdir()
    home = await Git(folder).run("home", settings={"alias.home": "!echo $HOME"})
    assert home.strip() == str(folder)  # no .netrc there
    assert (await Git(tmp_path).run("config", "a.b", settings={"a.b": "c"})).strip() == "c"

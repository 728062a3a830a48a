"""Bad input of people is one clear sentence with a next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import UserError
from checks.repository import merge_base, open_repository, resolve, snapshots, upstream_main
from checks.snapshot import FolderSnapshot
from tests.checks.repos import commit, git, write


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A contributor's clone: `main` went on upstream after the branch was made."""
    folder = tmp_path / "clone"
    commit(folder, {"a": "1"})
    git(folder, "checkout", "-q", "-b", "add_tf_lantern")
    commit(folder, {"b": "2"})
    git(folder, "checkout", "-q", "main")
    commit(folder, {"c": "3"})
    git(folder, "checkout", "-q", "add_tf_lantern")
    return folder


def test_base_is_the_merge_base_and_head_the_working_tree(clone: Path):
    write(clone, {"d": "4"})
    (clone / "sub").mkdir()
    base, head = snapshots(clone / "sub")
    assert base.sha == git(clone, "merge-base", "main", "HEAD")
    assert isinstance(head, FolderSnapshot)
    assert head.list("") == ["a", "b", "d"]


def test_named_revisions(clone: Path):
    base, head = snapshots(clone, "main", "add_tf_lantern")
    assert base.sha == git(clone, "merge-base", "main", "add_tf_lantern")
    assert head.sha == git(clone, "rev-parse", "add_tf_lantern")


def test_upstream_before_origin_before_local(clone: Path):
    repo = open_repository(clone)
    assert upstream_main(repo) == "main"
    git(clone, "update-ref", "refs/remotes/origin/main", "main")
    assert upstream_main(repo) == "origin/main"
    git(clone, "update-ref", "refs/remotes/upstream/main", "main")
    assert upstream_main(repo) == "upstream/main"


@pytest.mark.parametrize(
    ("base", "head", "message"),
    [
        ("no-such", None, "no commit 'no-such'"),
        (None, "deadbeef", "no commit 'deadbeef'"),
        ("main:a", None, "names no commit"),
        ("", None, "names no commit"),
        ("main..", None, "names no commit"),
        ("\0", None, "names no commit"),
    ],
)
def test_bad_revisions(clone: Path, base: str | None, head: str | None, message: str):
    with pytest.raises(UserError) as error:
        snapshots(clone, base, head)
    assert message in error.value.message
    assert error.value.hint


def test_no_repository(tmp_path: Path):
    with pytest.raises(UserError, match="not in a git repository"):
        open_repository(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        open_repository(tmp_path / "missing")


def test_empty_and_bare_repositories(tmp_path: Path, clone: Path):
    git(tmp_path, "init", "-q", "empty")
    with pytest.raises(UserError, match="no commit yet"):
        snapshots(tmp_path / "empty")
    git(tmp_path, "clone", "-q", "--bare", str(clone), "bare.git")
    with pytest.raises(UserError, match="bare"):
        snapshots(tmp_path / "bare.git")


def test_no_main_branch(tmp_path: Path):
    folder = tmp_path / "r"
    commit(folder, {"a": "1"})
    git(folder, "branch", "-m", "work")
    with pytest.raises(UserError, match="no main branch"):
        snapshots(folder)


def test_no_common_history(clone: Path):
    git(clone, "checkout", "-q", "--orphan", "other")
    commit(clone, {"z": "9"})
    repo = open_repository(clone)
    with pytest.raises(UserError, match="no common commit"):
        merge_base(repo, resolve(repo, "main"), resolve(repo, "other"))

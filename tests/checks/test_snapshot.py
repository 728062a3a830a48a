"""Trees read from real repositories: commits of every kind of clone, and working trees with everything that may lie in one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from checks.changes import changed_lines, changes
from checks.errors import Unreadable
from checks.snapshot import SIZE_LIMIT, DictSnapshot, FolderSnapshot, GitSnapshot
from tests.checks.repos import commit, git, write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    commit(
        folder,
        {"a/x.py": "x = 1\n", "a/b/y.py": "y\r\nz\r\n", "c.txt": "\ufeffmark\n", ".gitignore": "*.log\n"},
    )
    os.symlink("/etc/passwd", folder / "a/link.py")
    os.symlink("a", folder / "folder_link")
    write(folder, {"run.sh": "#!/bin/sh\n"})
    (folder / "run.sh").chmod(0o755)
    commit(folder)
    return folder


def head(folder: Path) -> GitSnapshot:
    return GitSnapshot(str(folder), git(folder, "rev-parse", "HEAD"))


def both(folder: Path) -> list[GitSnapshot | FolderSnapshot]:
    return [head(folder), FolderSnapshot(str(folder))]


def test_reads_regular_files_only(repo: Path):
    for tree in both(repo):
        assert tree.read("a/x.py") == "x = 1\n"
        assert tree.read("a/b/y.py") == "y\nz\n"
        assert tree.read("c.txt") == "mark\n"
        assert tree.read("run.sh") == "#!/bin/sh\n"
        for path in ("a/link.py", "folder_link", "folder_link/x.py", "a", "missing", "", "/etc/passwd"):
            assert tree.read(path) is None, path
            assert tree.blob_id(path) is None, path
        assert tree.list("a") == ["a/b/y.py", "a/x.py"]
        assert tree.list("") == [".gitignore", "a/b/y.py", "a/x.py", "c.txt", "run.sh"]
        assert tree.list("missing") == tree.list("c.txt") == []
    assert [tree.blob_id("a/x.py") for tree in both(repo)] == [git(repo, "rev-parse", "HEAD:a/x.py")] * 2


@pytest.mark.parametrize(
    "path", ["../outside.txt", "a/../../outside.txt", "/etc/hostname", "a/../a/x.py", ".git/config", "a/\0"]
)
def test_nothing_outside_the_working_tree_is_read(repo: Path, path: str):
    (repo.parent / "outside.txt").write_text("secret")
    for tree in both(repo):
        assert tree.read(path) is None


def test_working_tree_has_what_is_not_committed_yet(repo: Path):
    write(repo, {"a/x.py": "x = 2\n", "a/new.py": "n\n", "debug.log": "ignored\n"})
    (repo / "c.txt").unlink()
    os.mkfifo(repo / "a/pipe.py")
    tree = FolderSnapshot(str(repo))
    assert tree.sha is None
    assert tree.read("a/x.py") == "x = 2\n"
    assert tree.read("a/pipe.py") is None  # and does not wait for a writer
    assert tree.list("") == [".gitignore", "a/b/y.py", "a/new.py", "a/x.py", "run.sh"]
    found = changes(head(repo), tree)
    assert {path: change.status for path, change in found.items()} == {
        "a/new.py": "added",
        "a/x.py": "modified",
        "c.txt": "removed",
    } | ({"a/pipe.py": "added"} if "a/pipe.py" in found else {})


def test_changes_between_commits_as_git_tells_them(repo: Path):
    base = head(repo)
    git(repo, "mv", "a/x.py", "a/moved.py")
    os.symlink("nowhere", repo / "new_link.py")
    commit(repo, {"a/b/y.py": "y\nnew\nz\n", "d/e/f.py": "1\n2\n"})
    new = head(repo)
    found = changes(base, new)
    assert {path: (change.status, change.kind) for path, change in found.items()} == {
        "a/x.py": ("removed", "file"),
        "a/moved.py": ("added", "file"),
        "a/b/y.py": ("modified", "file"),
        "d/e/f.py": ("added", "file"),
        "new_link.py": ("added", "link"),
    }
    by_git = git(repo, "diff", "--no-renames", "--name-only", "HEAD~1").split("\n")
    assert sorted(found) == sorted(by_git)
    assert changed_lines(base, new, "a/b/y.py") == {2}
    assert changed_lines(base, new, "d/e/f.py") >= {1, 2}
    assert changed_lines(base, new, "a/x.py") == changed_lines(base, new, "run.sh") == frozenset()
    assert changes(base, FolderSnapshot(str(repo))) == found
    assert changes(new, new) == {}


def test_file_becomes_folder_and_link_becomes_file(tmp_path: Path):
    folder = tmp_path / "r"
    write(folder, {"x": "file\n"})
    os.symlink("x", folder / "y")
    first = commit(folder)
    (folder / "x").unlink()
    (folder / "y").unlink()
    second = commit(folder, {"x/z": "inside\n", "y": "a file now\n"})
    found = changes(GitSnapshot(str(folder), first), GitSnapshot(str(folder), second))
    assert {p: (c.status, c.kind) for p, c in found.items()} == {
        "x": ("removed", "file"),
        "x/z": ("added", "file"),
        "y": ("modified", "file"),
    }


def test_submodule_reads_as_absent(tmp_path: Path):
    inner = tmp_path / "inner"
    commit(inner, {"f.py": "1\n"})
    folder = tmp_path / "outer"
    base = commit(folder, {"a": "1\n"})
    git(folder, "submodule", "--quiet", "add", str(inner), "sub")
    new = commit(folder)
    tree = GitSnapshot(str(folder), new)
    assert tree.read("sub") is tree.read("sub/f.py") is None
    assert tree.list("sub") == []
    assert changes(GitSnapshot(str(folder), base), tree)["sub"].kind == "submodule"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\0b", "binary"),
        (b"ok\n\xff\xfe", "not UTF-8 (line 2)"),
        (b"x" * (SIZE_LIMIT + 1), "the limit is 5 MB"),
    ],
)
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes, reason: str):
    folder = tmp_path / "r"
    commit(folder, {"bad.py": content})
    for tree in [*both(folder), DictSnapshot({"bad.py": content})]:
        with pytest.raises(Unreadable) as error:
            tree.read("bad.py")
        assert reason in error.value.message
        assert error.value.hint
        assert tree.blob_id("bad.py")


def test_names_that_are_no_text(tmp_path: Path):
    folder = tmp_path / "r"
    base = commit(folder, {"a": "1"})
    name = os.fsdecode(b"b\xff.py")
    write(folder, {name: "x", "c\n`d.py": "y"})
    new = commit(folder)
    tree = GitSnapshot(str(folder), new)
    assert len(changes(GitSnapshot(str(folder), base), tree)) == 2
    assert len(tree.list("")) == 3
    assert len(changes(GitSnapshot(str(folder), base), FolderSnapshot(str(folder)))) == 2


def test_bare_shallow_and_partial_clones(repo: Path, tmp_path: Path):
    sha = git(repo, "rev-parse", "HEAD")
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "config", "uploadpack.allowAnySHA1InWant", "true")
    kinds = {
        "bare": ["--bare"],
        "shallow": ["--bare", "--depth=1"],
        "partial": ["--bare", "--filter=blob:none"],
    }
    for kind, options in kinds.items():
        clone = tmp_path / f"{kind}.git"
        git(tmp_path, "clone", "-q", *options, f"file://{repo}", str(clone))
        tree = GitSnapshot(str(clone), sha)
        assert tree.read("a/x.py") == "x = 1\n", kind
        assert tree.list("a") == ["a/b/y.py", "a/x.py"]


def test_a_blob_that_nobody_has(repo: Path, tmp_path: Path):
    clone = tmp_path / "partial.git"
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", f"file://{repo}", str(clone))
    git(clone, "remote", "set-url", "origin", "file:///nowhere")
    with pytest.raises(Unreadable, match="not in this copy"):
        GitSnapshot(str(clone), git(repo, "rev-parse", "HEAD")).read("a/x.py")


def test_overlay(repo: Path):
    base = head(repo)
    over = DictSnapshot({"a/x.py": "x = 3\n", "c.txt": None, "n.py": "n\n"}, under=base)
    assert over.read("run.sh") == "#!/bin/sh\n"
    assert over.read("c.txt") is None
    assert over.list("") == [".gitignore", "a/b/y.py", "a/x.py", "n.py", "run.sh"]
    assert {path: change.status for path, change in changes(base, over).items()} == {
        "a/x.py": "modified",
        "c.txt": "removed",
        "n.py": "added",
    }


def test_a_git_that_fails_is_told(repo: Path, monkeypatch: pytest.MonkeyPatch):
    from checks.errors import UserError

    tree = FolderSnapshot(str(repo))
    base = head(repo)
    subprocess.run(["rm", "-rf", str(repo / ".git")], check=True)
    with pytest.raises(UserError, match="cannot compare"):
        changes(base, tree)


def test_a_file_that_becomes_a_link_with_the_same_content(tmp_path: Path):
    folder = tmp_path / "r"
    first = commit(folder, {"x": "target"})
    (folder / "x").unlink()
    os.symlink("target", folder / "x")
    second = commit(folder)
    found = changes(GitSnapshot(str(folder), first), GitSnapshot(str(folder), second))
    assert found["x"].kind == "link"
    assert GitSnapshot(str(folder), second).read("x") is None

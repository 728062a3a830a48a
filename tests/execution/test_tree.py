"""The tree on the disk holds regular files of the commit and nothing else, whatever the commit holds."""

from __future__ import annotations

from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from checks.errors import UserError
from checks.execution import tree as trees
from checks.execution.tree import write, written
from checks.snapshot import DictSnapshot, FolderSnapshot, GitSnapshot

MODES = {"file": b"100644", "program": b"100755", "link": b"120000", "module": b"160000", "folder": b"40000"}


@pytest.fixture
def repo(tmp_path: Path) -> pygit2.Repository:
    return pygit2.init_repository(tmp_path / "repo.git", bare=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder for the tree."""
    (tmp_path / "a" / "place").mkdir(parents=True)
    return tmp_path / "a" / "place"


def folder(repo: pygit2.Repository, *entries: tuple[str, bytes, bytes | pygit2.Oid]) -> pygit2.Oid:
    """A tree object exactly as given, also one that git itself would not make."""
    raw = b""
    for kind, name, content in entries:
        oid = repo.create_blob(content) if isinstance(content, bytes) else content
        raw += MODES[kind] + b" " + name + b"\0" + oid.raw
    return repo.odb.write(ObjectType.TREE, raw)


def commit(repo: pygit2.Repository, *entries: tuple[str, bytes, bytes | pygit2.Oid]) -> GitSnapshot:
    who = pygit2.Signature("a", "a@example.com", 0, 0)
    tree = folder(repo, ("folder", b"src", folder(repo, *entries)))
    return GitSnapshot(repo, str(repo.create_commit(None, who, who, "x", tree, [])))


def all_of(place: Path) -> dict[str, bytes]:
    found = [path for path in place.rglob("*") if not path.is_dir()]
    assert not any(path.is_symlink() for path in found)
    return {str(path.relative_to(place)): path.read_bytes() for path in found}


def test_files_are_written_and_gone_afterwards(repo: pygit2.Repository, tmp_path: Path) -> None:
    snapshot = commit(repo, ("file", b"a.py", b"a\r\n\xff"), ("program", b"b.sh", b"#!"))
    with written(snapshot, tmp_path) as tree:
        assert all_of(tree.folder) == {"src/a.py": b"a\r\n\xff", "src/b.sh": b"#!"}
        assert tree.folder.stat().st_mode & 0o055 == 0o055
        assert tree.left_out == {}
    assert not tree.folder.exists()


def test_only_what_is_needed(repo: pygit2.Repository, place: Path) -> None:
    snapshot = commit(repo, ("file", b"a.py", b"a"))
    assert write(snapshot, place, ["tests"]) == {}
    assert all_of(place / "src") == {}


def test_links_and_submodules_are_left_out(repo: pygit2.Repository, place: Path) -> None:
    snapshot = commit(
        repo,
        ("link", b"a.py", b"/etc/passwd"),
        ("link", b"b", b".."),
        ("module", b"c", pygit2.Oid(hex="1" * 40)),
        ("file", b"d.py", b"d"),
    )
    left_out = write(snapshot, place)
    assert left_out == {"src/a.py": "is a link", "src/b": "is a link", "src/c": "is a submodule"}
    assert all_of(place) == {"src/d.py": b"d"}


@pytest.mark.parametrize(
    "name", [b"..", b".", b".git", b".GIT", b"", b"../../evil", b"/etc/evil", b"a/../../evil"]
)
def test_no_name_leads_out(repo: pygit2.Repository, place: Path, name: bytes) -> None:
    above = place.parent.parent
    before = set(above.rglob("*"))
    snapshot = commit(repo, ("folder", name, folder(repo, ("file", b"evil", b"x"))), ("file", name, b"y"))
    left_out = write(snapshot, place)
    new = {path for path in set(place.rglob("*")) - before if not path.is_relative_to(place / "repo.git")}
    assert all(path.is_relative_to(place) for path in new)
    assert left_out
    assert not Path("/etc/evil").exists()


@pytest.mark.parametrize("name", ["a\nb.py", "a|b`.py", "‮a.py", "-rf", "a b", "\udcff.py", "A.py"])
def test_odd_names_are_kept(repo: pygit2.Repository, place: Path, name: str) -> None:
    snapshot = commit(repo, ("file", name.encode(errors="surrogateescape"), b"x"))
    assert write(snapshot, place) == {}
    assert (place / "src" / name).read_bytes() == b"x"


def test_a_file_and_a_folder_of_the_same_name(repo: pygit2.Repository, place: Path) -> None:
    inner = folder(repo, ("file", b"x", b"x"))
    for first, second in (
        (("file", b"a", b"y"), ("folder", b"a", inner)),
        (("link", b"a", b"/tmp"), ("folder", b"a", inner)),
    ):
        here = place / first[0]
        here.mkdir()
        write(commit(repo, first, second), here)
        assert not (here / "src" / "a").is_symlink()
        assert not Path("/tmp/x").exists()


def test_a_file_that_is_too_large_is_left_out(
    repo: pygit2.Repository, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "FILE_LIMIT", 1000)
    snapshot = commit(repo, ("file", b"big", b"x" * 2_000_000), ("file", b"a", b"a"))
    assert write(snapshot, place) == {"src/big": "has 2 MB, the limit is 0 MB"}
    assert all_of(place) == {"src/a": b"a"}


def test_a_tree_that_is_too_large_is_told_plainly(
    repo: pygit2.Repository, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One blob under a thousand names is a thousand files."""
    blob = repo.create_blob(b"x" * 1000)
    snapshot = commit(repo, *(("file", b"%d" % number, blob) for number in range(1000)))
    with monkeypatch.context() as patch:
        patch.setattr(trees, "COUNT_LIMIT", 500)
        with pytest.raises(UserError, match="more than 500 files"):
            write(snapshot, place)
    monkeypatch.setattr(trees, "SIZE_LIMIT", 100_000)
    with pytest.raises(UserError, match="0 MB in src"), written(snapshot, place):
        pass


def test_a_bomb_of_folders_ends_early(repo: pygit2.Repository, place: Path) -> None:
    """Each folder holds the next one ten times: 10^30 files in a few objects."""
    deep = folder(repo, ("file", b"x", b""))
    for _ in range(30):
        deep = folder(repo, *(("folder", b"%d" % number, deep) for number in range(10)))
    with (
        pytest.raises(UserError, match="more than 30,000 files"),
        written(commit(repo, ("folder", b"a", deep)), place),
    ):
        pass


def test_folders_without_end(repo: pygit2.Repository, place: Path) -> None:
    deep = folder(repo, ("file", b"x", b""))
    for _ in range(2000):
        deep = folder(repo, ("folder", b"d", deep))
    (reason,) = write(commit(repo, ("folder", b"a", deep)), place).values()
    assert "folders deep" in reason


def test_a_working_tree(tmp_path: Path, place: Path) -> None:
    pygit2.init_repository(tmp_path / "repo")
    source = tmp_path / "repo" / "src"
    source.mkdir()
    (source / "a.py").write_bytes(b"new\r\n")
    (source / "link").symlink_to("/etc/passwd")
    write(FolderSnapshot(tmp_path / "repo"), place)
    assert all_of(place) == {"src/a.py": b"new\r\n"}


def test_a_tree_in_memory(place: Path) -> None:
    write(DictSnapshot({"src/a/b.py": "text", "setup.py": b"\xff", "docs/x": ""}), place)
    assert all_of(place) == {"src/a/b.py": b"text", "setup.py": b"\xff"}

"""Writing into a working tree: whole, in place, as the file was, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.errors import UserError
from checks.worktree import write


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path):
    target = tmp_path / "a" / "b.py"
    target.parent.mkdir()
    target.write_text("one\n")
    target.chmod(0o755)
    write(tmp_path, "a/b.py", "one\n", "two\n")
    assert target.read_text() == "two\n"
    assert target.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in target.parent.iterdir()] == ["b.py"]


def test_a_new_file_in_a_new_folder(tmp_path: Path):
    write(tmp_path, "a/b/c.py", None, "x\n")
    assert (tmp_path / "a/b/c.py").read_text() == "x\n"


@pytest.mark.parametrize(
    ("raw", "after", "wanted"),
    [
        (b"a\r\nb\r\n", "a\nnew\nb\n", b"a\r\nnew\r\nb\r\n"),
        (b"a\r\nb\nc\r\n", "a\nb\nnew\nc\n", b"a\r\nb\nnew\r\nc\r\n"),
        (b"\xef\xbb\xbfa\n", "b\n", b"\xef\xbb\xbfb\n"),
        (b"\xef\xbb\xbfa\r\nb", "a\nc", b"\xef\xbb\xbfa\r\nc"),
        (b"a\rb\r", "b\n", b"b\r"),
        ("ä\u2028ö\r\n".encode(), "ä\u2028ö\nü\n", "ä\u2028ö\r\nü\r\n".encode()),
    ],
)
def test_line_ends_and_the_byte_order_mark_stay(tmp_path: Path, raw: bytes, after: str, wanted: bytes):
    (tmp_path / "f.py").write_bytes(raw)
    before = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    write(tmp_path, "f.py", before, after)
    assert (tmp_path / "f.py").read_bytes() == wanted


@pytest.mark.parametrize(
    "path", ["../outside.py", "a/../../outside.py", "/tmp/x.py", ".git/config", "a//b.py", "", "a\0b"]
)
def test_paths_that_lead_out(tmp_path: Path, path: str):
    root = tmp_path / "tree"
    root.mkdir()
    with pytest.raises(UserError):
        write(root, path, None, "x\n")
    assert os.listdir(tmp_path) == ["tree"]
    assert os.listdir(root) == []


def test_links_are_not_followed(tmp_path: Path):
    root, outside = tmp_path / "tree", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.py").write_text("keep\n")
    (root / "folder").symlink_to(outside)
    (root / "file.py").symlink_to(outside / "secret.py")
    (root / "dangling.py").symlink_to(outside / "new.py")
    for path, before in [
        ("folder/secret.py", "keep\n"),
        ("file.py", "keep\n"),
        ("dangling.py", None),
        ("folder/n.py", None),
    ]:
        with pytest.raises(UserError):
            write(root, path, before, "gone\n")
    assert (outside / "secret.py").read_text() == "keep\n"
    assert os.listdir(outside) == ["secret.py"]


def test_what_is_no_file_is_let_be(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "folder.py").mkdir()
    for path in ("fifo.py", "folder.py", "folder.py/x/y.py/.."):
        with pytest.raises(UserError):
            write(tmp_path, path, None, "x\n")


def test_somebody_else_was_faster(tmp_path: Path):
    (tmp_path / "a.py").write_text("theirs\n")
    for before in ("ours\n", None):
        with pytest.raises(UserError, match="changed"):
            write(tmp_path, "a.py", before, "new\n")
    assert (tmp_path / "a.py").read_text() == "theirs\n"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.py").write_text("old\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        write(tmp_path, "a.py", "old\n", "new\n")
    assert (tmp_path / "a.py").read_text() == "old\n"
    assert os.listdir(tmp_path) == ["a.py"]

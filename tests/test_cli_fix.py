"""`tfport fix`, as people run it: in a clone with the planted mistakes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.sample import Sample
from tests.test_cli import PORT, check, git, tfport


@pytest.fixture(scope="module")
def checkout(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fix") / "transformers"
    git(Path(), "clone", "--quiet", "--branch", sample.head_branch, str(sample.git_dir), str(folder))
    return folder


@pytest.fixture
def clone(checkout: Path, sample: Sample) -> Iterator[Path]:
    """At the commit with the seven mistakes."""
    git(checkout, "checkout", "--quiet", "--force", "-B", "work", sample.commits["planted"])
    git(checkout, "clean", "--quiet", "-fdx")
    return checkout


def differing(clone: Path, sample: Sample) -> str:
    return git(clone, "diff", "--stat", sample.commits["repaired"])


def test_all_of_it_and_the_second_time_nothing(clone: Path, sample: Sample) -> None:
    done = tfport("fix", cwd=clone)
    assert (done.code, done.err) == (0, "")
    assert differing(clone, sample) == ""
    assert len([line for line in done.out.splitlines() if line.startswith("✓ fixed")]) == 7
    assert "7 findings fixed in 5 files, none left." in done.out
    again = tfport("fix", cwd=clone)
    assert again.out == "Nothing to fix.\nNext: tfport check\n"
    assert git(clone, "status", "--porcelain", "--untracked-files=all").count("\n") == 4  # the five files


def test_one_rule_only(clone: Path, sample: Sample) -> None:
    done = tfport("fix", "unpack-inputs", "doc-table", cwd=clone)
    assert done.code == 0
    assert git(clone, "diff", "--name-only").split() == ["docs/source/en/index.md", PORT]
    left = tfport("check", "--format", "json", cwd=clone).found
    assert len(left) == 5


def test_a_dry_run_prints_a_patch_and_writes_nothing(clone: Path, sample: Sample) -> None:
    done = tfport("fix", "--dry-run", cwd=clone)
    assert git(clone, "status", "--porcelain") == ""
    assert done.code == 0
    subprocess.run(["git", "-C", str(clone), "apply"], input=done.out, text=True, check=True)
    assert differing(clone, sample) == ""
    assert tfport("fix", "--dry-run", cwd=clone).out == ""


def test_what_has_no_fix_is_told_and_the_exit_code_says_so(clone: Path) -> None:
    text = (clone / PORT).read_text("utf-8")
    (clone / PORT).write_text(text + "\n\nclass TFBrandNewBertForDreaming(:\n", "utf-8")
    done = tfport("fix", cwd=clone)
    assert done.code == 1
    assert "✗ left readable" in done.out
    assert "has no" not in done.err


def test_line_ends_stay(clone: Path) -> None:
    raw = (clone / PORT).read_bytes().replace(b"\n", b"\r\n")
    (clone / PORT).write_bytes(raw)
    assert tfport("fix", "unpack-inputs", cwd=clone).code == 0
    fixed = (clone / PORT).read_bytes()
    assert fixed.count(b"\r\n") == raw.count(b"\r\n") + 1 == fixed.count(b"\n")


def test_a_link_is_not_followed(clone: Path, tmp_path: Path) -> None:
    outside = tmp_path / "index.md"
    outside.write_text("keep\n")
    page = clone / "docs/source/en/index.md"
    page.unlink()
    page.symlink_to(outside)
    tfport("fix", cwd=clone)
    assert outside.read_text() == "keep\n"
    assert page.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["unpack-input"], "did you mean unpack-inputs?"), (["--base", "nowhere"], "no commit 'nowhere'")],
)
def test_bad_input(clone: Path, arguments: list[str], says: str) -> None:
    done = tfport("fix", *arguments, cwd=clone)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_bare_repository(sample: Sample) -> None:
    done = tfport("fix", "--repo", str(sample.git_dir))
    assert done.code == 2
    assert "working tree" in done.err


def test_check_names_fix_as_the_next_step(sample: Sample) -> None:
    assert "Next: tfport fix mends all 7;" in check(sample, "planted").out


def test_style_by_the_formatters_of_the_base(clone: Path, sample: Sample) -> None:
    """Installed from the package index, once per machine."""
    git(clone, "checkout", "--quiet", "--force", sample.commits["repaired"])
    text = (clone / PORT).read_text("utf-8")
    (clone / PORT).write_text(text.replace("hidden_states = ", "hidden_states =  ", 1), "utf-8")
    plain = tfport("check", "--only", "style", "--format", "json", cwd=clone)
    assert [item["reason"] for item in plain.report["items"]] == [
        "ruff==0.1.5 was not run: tfport check --style"
    ]
    asked = tfport("check", "--only", "style", "--style", "--format", "json", cwd=clone)
    if "could not install" in asked.err:
        pytest.skip(asked.err)
    assert [rule for rule, _, _ in asked.found] == ["style-format"]
    assert tfport("fix", "style", cwd=clone).code == 0
    assert (clone / PORT).read_text("utf-8") == text

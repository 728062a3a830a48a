"""The command line, as people run it: the installed console script, on the sample repository."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from checks import __version__
from checks.checklist import items
from tests.fixtures.sample import Sample

TFPORT = str(Path(sys.executable).with_name("tfport"))
PORT = "src/transformers/models/brand_new_bert/modeling_tf_brand_new_bert.py"
ESCAPE = "\x1b"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def found(self) -> list[tuple[str, str, int]]:
        return [(f["rule"], f["path"], f["line"]) for f in self.report["findings"] if f["level"] == "error"]


def tfport(*arguments: str, cwd: Path | None = None, **env: str) -> Done:
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in {"NO_COLOR", "FORCE_COLOR", "TFPORT_DEBUG"}
    }
    done = subprocess.run(
        [TFPORT, *arguments],
        cwd=cwd,
        env=clean | {"COLUMNS": "100", "TERM": "xterm-256color"} | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return Done(done.returncode, done.stdout, done.stderr)


def check(sample: Sample, head: str, *arguments: str, **env: str) -> Done:
    revisions = ["--base", sample.commits["base"], "--head", sample.commits[head]]
    return tfport("check", "--repo", str(sample.git_dir), *revisions, *arguments, **env)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def checkout(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A contributor's clone with the branch checked out."""
    folder = tmp_path_factory.mktemp("clone") / "transformers"
    git(Path(), "clone", "--quiet", "--branch", sample.head_branch, str(sample.git_dir), str(folder))
    return folder


@pytest.fixture
def clone(checkout: Path) -> Iterator[Path]:
    """`checkout`, put back afterwards."""
    tip = git(checkout, "rev-parse", "HEAD")
    branch = git(checkout, "symbolic-ref", "--short", "HEAD")
    yield checkout
    git(checkout, "checkout", "--quiet", "--force", "-B", branch, tip)
    git(checkout, "clean", "--quiet", "-fdx")


def commit(clone: Path, path: str, content: str | bytes | None, *, amend: bool = False) -> None:
    target = clone / path
    if content is None:
        target.unlink()
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", f"change {path}", *(["--amend"] if amend else []))


def steady(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"\b\d+\.\d s\b", "0.0 s", text)


class TestCheck:
    def test_the_planted_mistakes_are_found_each_at_its_line(self, sample: Sample) -> None:
        done = check(sample, "planted", "--format", "json")
        assert sorted(done.found) == sorted((p.rule, p.path, p.line) for p in sample.planted)
        assert {f["symbol"] for f in done.report["findings"] if f["level"] == "error"} == {
            planted.symbol for planted in sample.planted
        }
        assert done.code == 1
        assert done.err == ""

    def test_the_repaired_port_is_fine(self, sample: Sample) -> None:
        done = check(sample, "repaired", "--format", "json")
        assert done.report["findings"] == []
        assert {item["state"] for item in done.report["items"]} <= {
            "passed",
            "unverified",
            "not-applicable",
            "needs-human",
        }
        assert done.code == 0

    @pytest.mark.parametrize("head", ["empty", "copied"])
    def test_a_port_that_has_just_begun_has_not_failed(self, sample: Sample, head: str) -> None:
        done = check(sample, head, "--format", "json")
        assert [port["stage"] for port in done.report["ports"]] == [head]
        assert "failed" not in {item["state"] for item in done.report["items"]}
        assert done.code == 0

    @pytest.mark.parametrize("columns", [80, 120])
    @pytest.mark.parametrize("head", ["empty", "copied", "planted", "repaired"])
    def test_text(self, sample: Sample, snapshot: SnapshotAssertion, head: str, columns: int) -> None:
        done = check(sample, head, COLUMNS=str(columns))
        assert steady(done.out) == snapshot
        assert ESCAPE not in done.out
        unbroken = ("  src/", "✗", "    https://")
        code = [line for line in done.out.splitlines() if not line.startswith(unbroken)]
        assert max(map(len, code)) <= columns

    def test_markdown(self, sample: Sample, snapshot: SnapshotAssertion) -> None:
        done = check(sample, "planted", "--format", "markdown")
        assert steady(done.out) == snapshot
        assert done.code == 1

    def test_only_one_rule_or_item(self, sample: Sample) -> None:
        done = check(
            sample, "planted", "--format", "json", "--only", "unpack-inputs", "doc-table", "main-init"
        )
        assert sorted(rule for rule, _, _ in done.found) == ["doc-table", "unpack-inputs"]
        assert check(sample, "planted", "--only", "main-init").code == 0


class TestInAClone:
    def test_without_arguments_the_working_tree_against_the_upstream_main_branch(
        self, clone: Path, sample: Sample
    ) -> None:
        text = (clone / PORT).read_text("utf-8")
        (clone / PORT).write_text(text.replace("    @unpack_inputs\n", "", 1), "utf-8")
        done = tfport("check", "--format", "json", cwd=clone)
        assert [rule for rule, _, _ in done.found] == ["unpack-inputs"]
        assert done.report["base"] == sample.commits["base"]
        assert done.report["head"] is None

    def test_from_a_folder_below(self, clone: Path) -> None:
        assert tfport("check", cwd=clone / "src/transformers/models").code == 0

    def test_a_new_file_that_git_does_not_know_yet(self, clone: Path, sample: Sample) -> None:
        git(clone, "checkout", "--quiet", "-B", "begin", sample.commits["base"])
        (clone / PORT).write_text("", "utf-8")
        done = tfport("check", "--format", "json", cwd=clone)
        assert [port["stage"] for port in done.report["ports"]] == ["empty"]
        git(clone, "checkout", "--quiet", "--force", sample.head_branch)

    def test_main_moved_on(self, clone: Path, sample: Sample) -> None:
        git(clone, "checkout", "--quiet", "-B", "moved", sample.commits["base"])
        commit(clone, "src/transformers/models/bert/modeling_tf_bert.py", "# gone\n")
        git(clone, "checkout", "--quiet", sample.head_branch)
        done = tfport("check", "--base", "moved", "--format", "json", cwd=clone)
        assert done.report["base"] == sample.commits["base"]
        assert done.code == 0

    def test_upstream_comes_before_origin(self, clone: Path, sample: Sample) -> None:
        git(clone, "update-ref", "refs/remotes/upstream/main", sample.commits["empty"])
        try:
            assert tfport("check", "--format", "json", cwd=clone).report["base"] == sample.commits["empty"]
        finally:
            git(clone, "update-ref", "-d", "refs/remotes/upstream/main")

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"#" * 6_000_000, "has 6.0 MB"),
            (b"\xff\xfe", "is not UTF-8"),
            (b"a\0b", "is a binary file"),
            (b"class TFBrandNewBertModel(\n", "no valid Python"),
        ],
        ids=["huge", "not-utf-8", "binary", "broken-syntax"],
    )
    def test_a_port_that_cannot_be_read_is_a_finding(self, clone: Path, content: bytes, says: str) -> None:
        (clone / PORT).write_bytes(content)
        done = tfport("check", cwd=clone)
        assert done.code == 1
        assert says in done.out
        assert done.err == ""


class TestBadInput:
    """Exit code 2, one sentence and the next step on standard error, nothing on standard output."""

    def told(self, done: Done) -> str:
        assert done.code == 2, done
        assert done.out == ""
        lines = done.err.splitlines()
        assert len(lines) <= 2, done.err
        assert lines[0].startswith("tfport: ")
        assert all(line.startswith("  → ") for line in lines[1:])
        return done.err

    def test_no_such_folder(self, tmp_path: Path) -> None:
        assert "does not exist" in self.told(tfport("check", "--repo", str(tmp_path / "none")))

    def test_no_repository(self, tmp_path: Path) -> None:
        assert "not in a git repository" in self.told(tfport("check", "--repo", str(tmp_path)))

    def test_an_empty_repository(self, tmp_path: Path) -> None:
        git(tmp_path, "init", "--quiet")
        assert "no commit" in self.told(tfport("check", cwd=tmp_path))

    def test_a_bare_repository_without_head(self, sample: Sample) -> None:
        assert "--head" in self.told(tfport("check", "--repo", str(sample.git_dir)))

    @pytest.mark.parametrize(
        "revision", ["no-such-branch", "f" * 40, "HEAD~900", "add..tf", "", "-x", "\x1b[31mred"]
    )
    def test_unknown_revision(self, sample: Sample, revision: str) -> None:
        arguments = [
            "check",
            "--repo",
            str(sample.git_dir),
            "--base",
            sample.commits["base"],
            f"--head={revision}",
        ]
        assert ESCAPE not in self.told(tfport(*arguments))

    def test_nothing_that_ports(self, sample: Sample) -> None:
        self.told(check(sample, "base"))

    def test_a_base_without_tensorflow(self, clone: Path, sample: Sample) -> None:
        git(clone, "checkout", "--quiet", "-B", "removed", sample.commits["base"])
        commit(clone, "src/transformers/modeling_tf_utils.py", None)
        commit(clone, PORT, "")
        assert "TensorFlow" in self.told(tfport("check", "--base", "HEAD~1", "--head", "HEAD", cwd=clone))
        git(clone, "checkout", "--quiet", sample.head_branch)

    def test_unknown_item(self, sample: Sample) -> None:
        assert "unpack-inputs" in self.told(check(sample, "planted", "--only", "unpack-input"))

    def test_explain_unknown(self) -> None:
        assert "unpack-inputs" in self.told(tfport("explain", "unpack-input"))

    def test_a_damaged_repository(self, sample: Sample, tmp_path: Path) -> None:
        shutil.copytree(sample.git_dir, tmp_path / "damaged.git")
        (pack,) = (tmp_path / "damaged.git/objects/pack").glob("*.pack")
        pack.chmod(0o644)
        content = bytearray(pack.read_bytes())
        for position in range(1000, len(content), 500):
            content[position] ^= 0xFF
        pack.write_bytes(content)
        revisions = ["--base", sample.commits["base"], "--head", sample.commits["planted"]]
        assert "git" in self.told(tfport("check", "--repo", str(tmp_path / "damaged.git"), *revisions))

    def test_a_shallow_clone_without_the_merge_base(self, sample: Sample, tmp_path: Path) -> None:
        folder = tmp_path / "shallow"
        url = sample.git_dir.absolute().as_uri()
        git(Path(), "clone", "--quiet", "--depth=1", "--branch", sample.head_branch, url, str(folder))
        git(folder, "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
        assert "unshallow" in self.told(tfport("check", cwd=folder))

    def test_wrong_usage(self) -> None:
        done = tfport("check", "--formt", "json")
        assert done.code == 2
        assert "--formt" in done.err
        assert tfport("check", "--format", "xml").code == 2
        assert tfport("chekc").code == 2


class TestTerminal:
    """What a person sees."""

    def on_a_terminal(self, sample: Sample, **env: str) -> str:
        primary, secondary = pty.openpty()
        command = ["check", "--repo", str(sample.git_dir), "--base", sample.commits["base"]]
        clean = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR"}}
        process = subprocess.Popen(
            [TFPORT, *command, "--head", sample.commits["planted"]],
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            env=clean | {"TERM": "xterm-256color", "COLUMNS": "80"} | env,
        )
        os.close(secondary)
        said = b""
        try:
            while piece := os.read(primary, 65536):
                said += piece
        except OSError:  # the other end is closed
            pass
        os.close(primary)
        process.wait()
        return said.decode()

    def test_colour_only_on_a_terminal_that_wants_it(self, sample: Sample) -> None:
        assert f"{ESCAPE}[1;31m✗ unpack-inputs" in self.on_a_terminal(sample)
        assert ESCAPE not in self.on_a_terminal(sample, NO_COLOR="1")
        assert ESCAPE not in check(sample, "planted").out

    def test_a_sign_of_life_when_it_takes_long(self, sample: Sample, tmp_path: Path) -> None:
        (tmp_path / "sitecustomize.py").write_text(
            "import time, checks.run as run\n"
            "quick = run.check\n"
            "run.check = lambda *given, **named: (time.sleep(1.6), quick(*given, **named))[1]\n"
        )
        assert "checking …" in self.on_a_terminal(sample, PYTHONPATH=str(tmp_path))

    def test_what_strangers_wrote_is_shown_not_obeyed(self, clone: Path) -> None:
        text = (clone / PORT).read_text("utf-8")
        hostile = "\x1b[2J\x1b]0;owned\x07 \u202eevil\u2066 [bold]markup[/bold] :boom:"
        before, after = text.split('name="brand_new_bert")\n\n    @unpack_inputs\n', 1)
        (clone / PORT).write_text(
            f'{before}name="brand_new_bert")\n\n'
            + after.replace("    def call(\n", f"    def call(  # {hostile}\n", 1),
            "utf-8",
        )
        for colour in ({}, {"FORCE_COLOR": "1"}):
            out = tfport("check", cwd=clone, **colour).out
            assert (
                "def call(  # \\x1b[2J\\x1b]0;owned\\x07 \\u202eevil\\u2066 [bold]markup[/bold] :boom:" in out
            )
            assert not re.search(r"\x1b(?!\[[0-9;]*m)|[\x07\u202e\u2066]", out)
        for format in ("json", "markdown"):
            out = tfport("check", "--format", format, cwd=clone).out
            assert not re.search(r"[\x1b\x07\u202e\u2066]", out)

    def test_an_encoding_that_has_no_such_characters(self, sample: Sample) -> None:
        done = check(sample, "planted", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert done.code == 1
        assert "unpack-inputs" in done.out

    def test_a_reader_that_goes_away(self, sample: Sample) -> None:
        command = f"{TFPORT} check --repo {sample.git_dir} --base {sample.commits['base']} --head {sample.commits['planted']}"
        done = subprocess.run(["bash", "-c", f"{command} | true"], capture_output=True, text=True)
        assert done.stderr == ""


class TestOurErrors:
    @pytest.fixture
    def broken(self, tmp_path: Path) -> str:
        (tmp_path / "sitecustomize.py").write_text(
            "import checks.run as run\ndef check(*given, **named): raise RuntimeError('planted\\x1b[31m')\nrun.check = check\n"
        )
        return str(tmp_path)

    def test_one_line(self, sample: Sample, broken: str) -> None:
        done = check(sample, "planted", PYTHONPATH=broken)
        assert done.code == 3
        assert done.err.splitlines()[0] == "tfport: internal error: RuntimeError: planted\\x1b[31m"
        assert "Traceback" not in done.err

    def test_a_traceback_for_those_who_ask(self, sample: Sample, broken: str) -> None:
        for done in (
            check(sample, "planted", "--debug", PYTHONPATH=broken),
            check(sample, "planted", PYTHONPATH=broken, TFPORT_DEBUG="1"),
        ):
            assert done.code == 3
            assert "Traceback" in done.err


class TestOther:
    def test_version(self) -> None:
        assert tfport("--version") == Done(0, f"tfport {__version__}\n", "")

    def test_help_names_every_command(self) -> None:
        done = tfport("--help")
        assert done.code == 0
        assert re.search(r"^\s+check ", done.out, re.MULTILINE)
        assert re.search(r"^\s+explain ", done.out, re.MULTILINE)
        assert "exit code: 0" in tfport("check", "--help").out

    def test_explain_a_rule_and_an_item(self) -> None:
        done = tfport("explain", "unpack-inputs")
        assert done.code == 0
        assert "@unpack_inputs" in done.out
        assert tfport("explain", "weight-names").code == 0

    def test_explain_alone_lists_all(self) -> None:
        done = tfport("explain")
        assert done.code == 0
        listed = {line.split()[0] for line in done.out.splitlines() if line.startswith("  ")}
        assert listed == set(items())

    def test_a_check_imports_nothing_of_the_bots_heavy_parts(self, sample: Sample) -> None:
        done = check(sample, "planted", PYTHONPROFILEIMPORTTIME="1")
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.err.splitlines()}
        assert {"argparse", "pygit2", "rich"} <= imported
        heavy = {
            "dbos",
            "githubkit",
            "httpx",
            "huggingface_hub",
            "jinja2",
            "libcst",
            "pydantic",
            "starlette",
            "structlog",
        }
        assert imported & (heavy | {"asyncio", "markdown_it", "pygments", "uvicorn"}) == set()

    def test_it_is_installed(self) -> None:
        assert shutil.which(TFPORT)

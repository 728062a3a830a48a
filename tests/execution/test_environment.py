"""Environments, against an index on loopback: real uv, real virtual environments, packages of a few bytes."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.execution.environment import EnvironmentFailed, Environments
from checks.execution.interpreters import Interpreter, ask
from checks.execution.uv import Sources, Uv, find_uv, pip_settings, sources_from
from checks.snapshot import DictSnapshot
from tests.execution.index import Index, serve, wheel

DATE = datetime(2022, 7, 21, 13, 3, tzinfo=UTC)
SETUP = """
_deps = [
    "numpy>=1.17", "packaging", "requests", "tqdm", "filelock", "huggingface-hub>=0.1.0,<1.0", "pyyaml", "regex", "tokenizers",
    "pytest", "pytest-timeout", "timeout-decorator", "python>=3.7.0", "tensorflow-cpu>=2.3", "torch>=1.0,<3",
]
extras["testing"] = deps_list("pytest", "pytest-timeout", "timeout-decorator")
install_requires = [deps["numpy"], deps["packaging"]]
setup(name="transformers", python_requires=">=3.7.0")
"""
TREE = DictSnapshot({"setup.py": SETUP})


@pytest.fixture
def index(tmp_path: Path) -> Generator[Index]:
    index = Index()
    server = serve(index)
    for name in ("packaging", "pytest", "pytest-timeout"):
        index.add(name, "1.0", "2021-01-01")
    index.add("numpy", "1.23", "2022-06-01")
    index.add("numpy", "1.26", "2023-09-01")
    index.add("numpy", "2.1", "2024-09-01")
    index.add("tensorflow-cpu", "2.9", "2022-05-01", ["numpy>=1.20"])
    index.add("tensorflow-cpu", "2.15", "2023-11-01", ["numpy>=1.20"])
    index.add("torch", "1.12", "2022-06-28")
    index.add("torch", "1.13", "2022-07-01", ["nvidia-cublas-cu11"])
    index.add("nvidia-cublas-cu11", "11.0", "2022-01-01")
    index.add_source("timeout-decorator", "0.5", "2020-01-01", f"open({str(tmp_path / 'built')!r}, 'w')")
    yield index
    server.shutdown()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A host without settings of its own."""
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_", "TFPORT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    return tmp_path


def python() -> Interpreter:
    found = ask(Path(sys.base_prefix, "bin", "python3")) or ask(Path("/usr/bin/python3"))
    assert found is not None
    return found


def environments(folder: Path, index: Index, **sources: object) -> Environments:
    own = Sources(index=f"{index.url}/simple", torch_backend="", **sources)  # pyright: ignore[reportArgumentType]
    return Environments(folder / "cache", Uv(find_uv(), own), (python(),))


def test_packages_are_of_the_time_of_the_commit(host: Path, index: Index) -> None:
    steps: list[str] = []
    environment = environments(host, index).of(TREE, DATE, progress=steps.append)
    versions = environment.versions
    assert (versions["numpy"], versions["tensorflow-cpu"], versions["torch"]) == ("1.23", "2.9", "1.12")
    assert environment.notes == ("left out, there is no wheel that fits: timeout-decorator",)
    assert not (host / "built").exists()
    assert any("installing" in step for step in steps)
    assert environment.title.endswith("TensorFlow 2.9, torch 1.12")
    code = "import numpy, torch, importlib.metadata as m; print(numpy.__version__, m.version('tensorflow'), m.version('tensorflow-cpu'))"
    done = subprocess.run([environment.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1.23", "2.9", "2.9"]


def test_the_second_time_nothing_is_asked_or_built(host: Path, index: Index) -> None:
    first = environments(host, index).of(TREE, DATE)
    index.asked.clear()
    steps: list[str] = []
    again = environments(host, index).of(TREE, DATE.replace(hour=9), progress=steps.append)
    assert (again.folder, steps, index.asked) == (first.folder, [], [])


def test_bytecode_is_there_and_nothing_is_secret(host: Path, index: Index) -> None:
    environment = environments(host, index).of(TREE, DATE)
    assert list(environment.folder.glob("lib/python3*/site-packages/numpy/__pycache__/*.pyc"))
    for path in environment.folder.rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o004, path


def test_a_torch_without_cuda_is_preferred_to_a_newer_one(host: Path, index: Index) -> None:
    assert environments(host, index).of(TREE, DATE).versions["torch"] == "1.12"


def test_torch_from_find_links_may_be_newer_and_that_is_said(host: Path, index: Index) -> None:
    del index.files["torch-1.12-py3-none-any.whl"]
    for name, version in (("typing-extensions", "4.15"), ("sympy", "1.14")):
        index.add(name, version, "2025-01-01")
    (host / "wheels").mkdir()
    content = wheel("torch", "2.9+cpu", ["typing-extensions>=4.10", "sympy>=1.13"], "py3-none-any", "")
    (host / "wheels" / "torch-2.9+cpu-py3-none-any.whl").write_bytes(content)
    environment = environments(host, index, find_links=(str(host / "wheels"),)).of(TREE, DATE)
    assert environment.versions["torch"] == "2.9+cpu"
    assert environment.versions["numpy"] == "1.23"
    assert (
        "torch 2.9+cpu is newer than the base commit (2022-07-21): torch 1.13 has no CPU build"
        in environment.notes[0]
    )


def test_what_must_be_there_and_had_no_wheel_is_taken_newer(host: Path, index: Index) -> None:
    index.add("tensorflow-cpu", "2.9.1", "2022-05-01", ["termcolor>=1.1.0", "numpy<1.24"])
    index.add_source("termcolor", "1.1.0", "2011-01-01", "raise SystemExit('built')")
    index.add("termcolor", "3.0", "2024-01-01")
    del index.files["tensorflow_cpu-2.9-py3-none-any.whl"]
    environment = environments(host, index).of(TREE, DATE)
    assert environment.versions["termcolor"] == "3.0"
    assert (
        "newer than the base commit (2022-07-21), as there was no wheel then: termcolor 3.0"
        in environment.notes
    )


def test_nothing_fits_is_an_error_of_ours_with_the_words_of_the_resolver(host: Path, index: Index) -> None:
    index.files = {
        name: content for name, content in index.files.items() if not name.startswith("tensorflow")
    }
    index.add("tensorflow-cpu", "2.9", "2022-05-01", tag="cp36-cp36m-manylinux1_x86_64")
    with pytest.raises(EnvironmentFailed, match="has no wheels with a matching Python ABI tag"):
        environments(host, index).of(TREE, DATE)


def test_no_interpreter_that_the_tree_accepts(host: Path, index: Index) -> None:
    tree = DictSnapshot({"setup.py": SETUP.replace('python_requires=">=3.7.0"', 'python_requires=">=3.99"')})
    with pytest.raises(EnvironmentFailed, match=r"needs Python >=3.99; this host has 3\."):
        environments(host, index).of(tree, DATE)


def test_a_requirement_that_is_none_is_never_handed_to_uv(host: Path, index: Index) -> None:
    evil = (
        '"numpy @ http://127.0.0.1:9/numpy-9-py3-none-any.whl", "--index-url=http://127.0.0.1:9", "../evil", '
    )
    tree = DictSnapshot({"setup.py": SETUP.replace("_deps = [\n", f"_deps = [\n    {evil}\n")})
    environment = environments(host, index).of(tree, DATE)
    assert environment.versions["numpy"] == "1.23"
    (note,) = [note for note in environment.notes if "no plain requirement" in note]
    assert "http://127.0.0.1:9/numpy" in note


def _build(folder: str, url: str, results: multiprocessing.Queue[str]) -> None:
    index = Index(url=url)
    steps: list[str] = []
    found = environments(Path(folder), index).of(TREE, DATE, progress=steps.append)
    results.put(json.dumps([str(found.folder), sum("installing" in step for step in steps)]))


def test_two_processes_that_ask_for_the_same_build_it_once(host: Path, index: Index) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[str] = context.Queue()
    both = [context.Process(target=_build, args=(str(host), index.url, results)) for _ in range(3)]
    for process in both:
        process.start()
    said = [json.loads(results.get(timeout=60)) for _ in both]
    for process in both:
        process.join()
    assert len({folder for folder, _ in said}) == 1
    assert sum(count for _, count in said) == 1


def test_one_that_is_in_use_makes_nobody_wait(host: Path, index: Index) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[str] = context.Queue()
    environment = environments(host, index).of(TREE, DATE)
    other = context.Process(target=_build, args=(str(host), index.url, results))
    with environment.in_use():
        other.start()
        folder, installed = json.loads(results.get(timeout=60))
    other.join()
    assert (folder, installed) == (str(environment.folder), 0)


def test_prune_spares_what_is_in_use(host: Path, index: Index) -> None:
    mine = environments(host, index)
    environment = mine.of(TREE, DATE)
    with environment.in_use():
        assert mine.prune() == []
        assert environment.python.exists()
    assert [one.fingerprint for one in mine.prune(days=30)] == []
    assert [one.fingerprint for one in mine.prune(keep=1)] == []
    assert [one.fingerprint for one in mine.prune()] == [environment.fingerprint]
    assert not environment.folder.exists()
    assert mine.list() == []
    assert mine.of(TREE, DATE).python.exists()


def test_what_a_killed_build_left_is_no_environment(host: Path, index: Index) -> None:
    mine = environments(host, index)
    environment = mine.of(TREE, DATE)
    (environment.folder / "tfport.json").unlink()  # the last file that a build writes
    dead = mine.folder / "staging" / "99999999-x"
    dead.mkdir()
    assert mine.list() == []
    assert mine.of(TREE, DATE).python.exists()
    mine.prune(keep=9)
    assert not dead.exists()
    assert len(mine.list()) == 1


def test_a_build_can_be_stopped(host: Path, index: Index) -> None:
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    with pytest.raises(EnvironmentFailed):
        environments(host, index).of(TREE, DATE, stop=stop)
    assert time.monotonic() - began < 10
    assert list((host / "cache" / "environments").glob("*/tfport.json")) == []


def test_pips_own_settings_are_used(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    sources = sources_from({}, pip_settings())
    assert (sources.index, sources.find_links) == ("https://mirror.example/simple", ("/wheels", "/more"))
    own = sources_from(
        {"TFPORT_INDEX": "https://own.example/simple", "TFPORT_TORCH_BACKEND": "none"}, pip_settings()
    )
    assert (own.index, own.find_links, own.torch_backend) == (
        "https://own.example/simple",
        ("/wheels", "/more"),
        "",
    )


def test_pips_configuration_file_is_used(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (host / "pip.conf").write_text(
        "[global]\nextra-index-url =\n  https://one.example\n  https://two.example\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(host / "pip.conf"))
    options = sources_from({}, pip_settings()).options()
    assert options.count("--extra-index-url") >= 2
    assert "unsafe-best-match" in options


def test_env_on_the_command_line(host: Path, index: Index) -> None:
    import pygit2

    repo = pygit2.init_repository(host / "repo", bare=True)
    tree = repo.TreeBuilder()
    tree.insert("setup.py", repo.create_blob(SETUP.encode()), 0o100644)
    who = pygit2.Signature("a", "a@example.com", int(DATE.timestamp()), 0)
    repo.create_commit("refs/heads/main", who, who, "x", tree.write(), [])
    variables = {
        **os.environ, "TFPORT_CACHE": str(host / "c"), "TFPORT_INDEX": f"{index.url}/simple", "TFPORT_TORCH_BACKEND": "none",
        "TFPORT_PYTHONS": str(python().path), "PIP_CONFIG_FILE": os.devnull,
    }  # fmt: skip

    def tfport(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from bot.cli import main; main()", "env", *words]
        return subprocess.run(
            command, capture_output=True, text=True, env=variables, timeout=120, check=False
        )

    built = tfport("build", "--repo", str(host / "repo"), "--base", "main")
    assert built.returncode == 0, built.stderr
    assert "TensorFlow 2.9, torch 1.12" in built.stdout
    assert "! left out, there is no wheel that fits: timeout-decorator" in built.stdout
    assert "TensorFlow 2.9" in tfport("list").stdout
    assert tfport("prune").stdout == "nothing to delete\n"
    assert tfport("prune", "--days", "0").stdout.startswith("deleted ")
    index.files.clear()
    variables["TFPORT_INDEX"] = f"{index.url}/simple/"  # not remembered under this name
    failed = tfport("build", "--repo", str(host / "repo"), "--base", "main")
    assert failed.returncode == 3
    assert "no environment for this commit" in failed.stderr

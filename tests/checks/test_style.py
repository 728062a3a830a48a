"""The formatters that a base pins: which they are, and what the real ones make of a port."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from checks.edits import apply
from checks.errors import UserError
from checks.report import Finding
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot
from checks.style.install import install
from checks.style.pins import Pins, configuration, read_pins
from checks.style.run import formatters, run

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
MAKEFILE = "check_dirs := examples tests src utils\n\nquality:\n{}\n\nstyle:\n\ttrue\n"
SETUP = '_deps = [\n    "Pillow",\n{}]\n\nextras["quality"] = deps_list(\n    "black",\n    "ruff",\n)\n'
OF_2022 = {
    "setup.py": SETUP.format('    "black==22.3",  # later 23\n    "flake8>=3.8.3",\n    "isort>=5.5.4",\n'),
    "Makefile": MAKEFILE.format(
        "\tblack --check --preview $(check_dirs)\n\tisort --check-only $(check_dirs)\n\tpython utils/x.py\n\tflake8 $(check_dirs)"
    ),
    "setup.cfg": "[isort]\nline_length = 119\nlines_after_imports = 2\nformatter = evil\n\n[flake8:local-plugins]\nextension =\n    X = evil:run\n",
    "pyproject.toml": "[tool.black]\nline-length = 119\n",
}
OF_2023 = {
    "setup.py": SETUP.format('    "black~=23.1",\n    "isort>=5.5.4",\n    "ruff>=0.0.241,<=0.0.259",\n'),
    "Makefile": MAKEFILE.format("\tblack --check $(check_dirs) setup.py\n\truff $(check_dirs) setup.py"),
    "pyproject.toml": '[tool.black]\nline-length = 119\n\n[tool.ruff]\nextend = "/etc/passwd"\nignore = ["E501"]\nselect = ["E", "F", "I", "W"]\n'
    'line-length = 119\n\n[tool.ruff.per-file-ignores]\n"__init__.py" = ["F401"]\n',
}
OF_2024 = {
    "setup.py": SETUP.format('    "isort>=5.5.4",\n    "ruff==0.1.5",\n'),
    "Makefile": MAKEFILE.format(
        "\t@python -c 'x'\n\truff check $(check_dirs) setup.py conftest.py\n\truff format --check $(check_dirs) setup.py"
    ),
    "pyproject.toml": OF_2023["pyproject.toml"],
}


@pytest.mark.parametrize(
    ("tree", "requirements", "steps"),
    [
        (OF_2022, ("black==22.3", "flake8>=3.8.3,<6", "isort>=5.5.4,<5.12"), ("flake8", "isort", "black")),
        (OF_2023, ("black~=23.1", "ruff>=0.0.241,<=0.0.259"), ("ruff", "black")),
        (OF_2024, ("ruff==0.1.5",), ("ruff", "ruff format")),
        ({"setup.py": OF_2023["setup.py"]}, ("black~=23.1", "ruff>=0.0.241,<=0.0.259"), ("ruff", "black")),
    ],
    ids=["2022", "2023", "2024", "no-makefile"],
)
def test_pins(tree: dict[str, str], requirements: tuple[str, ...], steps: tuple[str, ...]):
    pins = read_pins(DictSnapshot(tree))
    assert pins is not None
    assert (pins.requirements, pins.steps) == (requirements, steps)
    assert pins.preview == (tree is OF_2022)


@pytest.mark.parametrize(
    "line",
    [
        '"black @ https://evil.example/x.whl",',
        "\"ruff==0.1.5; python_version>'3'\",",
        '"ruff[evil]==1",',
        '"ruff --pre",',
    ],
)
def test_nothing_but_names_and_versions_is_installed(line: str):
    assert read_pins(DictSnapshot({"setup.py": f"_deps = [\n    {line}\n]\n"})) is None


def test_configuration_reaches_out_to_nothing():
    assert "passwd" not in str(configuration(DictSnapshot(OF_2023)))
    assert "evil" not in str(configuration(DictSnapshot(OF_2022)))
    assert "line_length = 119" in configuration(DictSnapshot(OF_2022))[".isort.cfg"]
    broken = DictSnapshot({"pyproject.toml": "[tool", "setup.cfg": "x = ["})
    assert configuration(broken)["pyproject.toml"].split() == ["[tool.black]", "[tool.ruff]"]


def test_not_asked():
    report = check(DictSnapshot({**sample.BASE, **OF_2024}), DictSnapshot({**sample.HEAD, **OF_2024}))
    (item,) = [item for item in report.items if item.id == "style"]
    assert (item.state, item.reason) == ("unverified", "ruff==0.1.5 was not run: tfport check --style")


def test_asked_but_the_base_has_none():
    with pytest.raises(UserError, match="names no formatter"):
        formatters(DictSnapshot(sample.BASE))


def test_what_cannot_be_installed_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=r"could not install ruff==0\.0\.0"):
        install(Pins(("ruff==0.0.0",), ("ruff",), False, ("src",)))
    assert os.listdir(tmp_path / "tfport/tools") == []


# -- the real ones -------------------------------------------------------------------------------------------------------


def place(tree: dict[str, str]) -> Path:
    """The installed tools; once per machine, from the package index."""
    pins = read_pins(DictSnapshot(tree))
    assert pins is not None
    try:
        return install(pins)
    except UserError as error:
        pytest.skip(error.message)


def style(tree: dict[str, str], path: str, text: str) -> list[Finding]:
    place(tree)
    base, head = DictSnapshot({**sample.BASE, **tree}), DictSnapshot({**sample.HEAD, **tree, path: text})
    report = check(base, head, only=["style-format"], formatters=formatters(base))
    return list(report.findings)


ERAS = pytest.mark.parametrize("tree", [OF_2022, OF_2023, OF_2024], ids=["2022", "2023", "2024"])


@ERAS
def test_each_era_formats(tree: dict[str, str]):
    text = "import os\nimport ast\n\n\nclass TFX( object ):\n    a = [ast,os]\n"
    (finding,) = [f for f in style(tree, TF, text) if f.path == TF]
    assert finding.level == "error"
    done = apply({TF: text}, finding.edits)[TF]
    assert done == "import ast\nimport os\n\n\nclass TFX(object):\n    a = [ast, os]\n"
    assert [f for f in style(tree, TF, done) if f.path == TF] == []


@ERAS
def test_each_era_lints(tree: dict[str, str]):
    findings = [
        f
        for f in style(tree, TF, "class TFX(object):\n    y = unknown_name\n    z = unknown_name\n")
        if f.path == TF
    ]
    assert [(f.line, f.message, [o.line for o in f.locations]) for f in findings] in (
        [(2, "Undefined name `unknown_name` (F821)", [3])],
        [(2, "undefined name 'unknown_name' (F821)", [3])],
    )


def test_the_good_port_and_the_unchanged_are_let_be():
    findings = style(
        OF_2024,
        "src/transformers/models/bert/modeling_tf_bert.py",
        sample.HEAD["src/transformers/models/bert/modeling_tf_bert.py"],
    )
    assert {finding.path for finding in findings} <= {TF, "tests/models/lantern/test_modeling_tf_lantern.py"}
    ours = [finding.message for finding in findings if finding.path == TF]
    assert all("F821" in message for message in ours)  # the sample imports nothing


def test_no_code_of_the_pull_request_runs(tmp_path: Path):
    """Its configuration is not the base's, and its modules are not imported in place of the tools'."""
    trap = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    hostile = {
        "src/black.py": trap,
        "src/ruff.py": trap,
        "src/flake8.py": trap,
        "src/tomli.py": trap,
        "src/sitecustomize.py": trap,
        "src/pyproject.toml": "[tool.black]\nline-length = 20\n",
        "src/ruff.toml": "line-length = 20\n",
        "src/.flake8": "[flake8:local-plugins]\nextension =\n    X = black:run\n",
        "src/x.py": "x = [1111111, 222222222, 33333333]\n",
    }
    for tree in (OF_2022, OF_2023, OF_2024):
        pins = read_pins(DictSnapshot(tree))
        assert pins is not None
        done = run(place(tree), pins, configuration(DictSnapshot(tree)), hostile)
        assert done.problem == ""
        assert done.files["src/x.py"] == hostile["src/x.py"]
        assert set(done.files) == {path for path in hostile if path.endswith(".py")}
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "path", ["../x.py", "/tmp/x.py", "src/../../x.py", "src/\n.py", "setup.py", "src/x.txt"]
)
def test_odd_paths_are_left_out(path: str):
    pins = read_pins(DictSnapshot(OF_2024))
    assert pins is not None
    assert run(place(OF_2024), pins, configuration(DictSnapshot(OF_2024)), {path: "x=1\n"}).files == {}


def test_a_tool_that_is_gone_is_no_verdict(tmp_path: Path):
    pins = read_pins(DictSnapshot(OF_2024))
    assert pins is not None
    broken = tmp_path / "env"
    shutil.copytree(place(OF_2024), broken, symlinks=True)
    (broken / "bin/ruff").unlink()
    done = run(broken, pins, configuration(DictSnapshot(OF_2024)), {TF: "x=1\n"})
    assert done.problem == "ruff could not be run (FileNotFoundError)"

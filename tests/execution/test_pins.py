"""Pins are read as data, whatever the tree holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.errors import UserError
from checks.execution.pins import changed, read_pins
from checks.snapshot import DictSnapshot, GitSnapshot
from tests.fixtures.sample import Sample

SETUP = """
_deps = ["Pillow<10.0.0", "numpy>=1.17", "keras<2.15", "pytest>=7", "parameterized", "black~=23.1", "importlib_metadata",
         "tensorflow-cpu>=2.6,<2.15", "tensorflow>=2.6,<2.15", "torch>=1.10,!=1.12.0", "ray[tune]", "python>=3.8.0", "accelerate"]
deps = {b: a for a, b in (re.findall(r"^(([^!=<>~ ]+)(?:[!=<>~ ].*)?$)", x)[0] for x in _deps)}
extras = {}
extras["vision"] = deps_list("Pillow")
extras["torch"] = deps_list("torch", "accelerate")
extras["testing"] = (deps_list("pytest", "black", "parameterized") + extras["vision"]) + extras["testing"]
install_requires = [deps["importlib_metadata"] + ";python_version<'3.8'", deps["numpy"]]
setup(name="transformers", python_requires=">=3.8.0", install_requires=list(install_requires))
"""


def tree(setup: str, **others: str) -> DictSnapshot:
    return DictSnapshot({"setup.py": setup, **others})


def test_what_is_required_and_wanted() -> None:
    pins = read_pins(tree(SETUP))
    assert pins.required == ("importlib_metadata", "numpy>=1.17", "keras<2.15", "pytest>=7")
    assert pins.wanted == ("parameterized", "Pillow<10.0.0", "accelerate")
    assert pins.tensorflow == ("tensorflow-cpu<2.15,>=2.6", "tensorflow<2.15,>=2.6")
    assert pins.torch == "torch!=1.12.0,>=1.10"
    assert str(pins.python) == ">=3.8.0"


def test_a_hostile_setup_is_never_executed(tmp_path: Path) -> None:
    victim = tmp_path / "owned"
    hostile = f"open({str(victim)!r}, 'w').close()\n__import__('os').system('touch {victim}')\n" + SETUP
    assert read_pins(tree(hostile)).required
    assert not victim.exists()


@pytest.mark.parametrize(
    "entry",
    [
        "numpy @ https://evil.example/numpy-9-py3-none-any.whl",
        "evil @ git+https://evil.example/x",
        "numpy @ file:///tmp/x.whl",
        "--index-url=https://evil.example",
        "-r https://evil.example/requirements.txt",
        "-e .",
        "./evil",
        "numpy>=1\n--index-url=https://evil.example",
        "numpy>=1 --hash=sha256:00",
        "",
    ],
)
def test_what_is_no_plain_requirement_is_refused_and_shown(entry: str) -> None:
    pins = read_pins(tree(SETUP.replace('"Pillow', f'{entry!r}, "Pillow')))
    assert pins.refused == (entry,)
    assert pins.table["numpy"] == "numpy>=1.17"


def test_what_a_pull_request_changes_is_shown() -> None:
    head = SETUP.replace("numpy>=1.17", "numpy>=2").replace(
        '"ray[tune]"', '"evil", "x @ https://evil.example/x.whl"'
    )
    head = head.replace('python_requires=">=3.8.0"', 'python_requires=">=3.12"')
    texts = list(map(str, changed(read_pins(tree(SETUP)), read_pins(tree(head)))))
    assert texts == [
        "evil: not pinned → evil",
        "numpy: numpy>=1.17 → numpy>=2",
        "ray: ray[tune] → not pinned",
        "python: >=3.8.0 → >=3.12",
        "refused: not pinned → x @ https://evil.example/x.whl",
    ]
    assert changed(read_pins(tree(SETUP)), read_pins(tree(SETUP))) == ()


@pytest.mark.parametrize(
    "setup",
    ["x = (" + "(" * 5000, "this is no Python", "_deps = compute()", "\0", "_deps = [1, f(), *others]"],
)
def test_the_written_out_table_has_to_do_where_setup_cannot_be_read(setup: str) -> None:
    table = {
        "src/transformers/dependency_versions_table.py": 'deps = {"numpy": "numpy>=1.17", "torch": "torch>=1.0"}'
    }
    pins = read_pins(DictSnapshot({"setup.py": setup.replace("\0", ""), **table}))
    assert pins.table == {"numpy": "numpy>=1.17", "torch": "torch>=1.0"}
    assert "numpy>=1.17" in pins.required


def test_a_tree_without_pins_is_told_plainly() -> None:
    with pytest.raises(UserError, match="no pins can be read"):
        read_pins(tree("print('hello')"))


def test_the_sample_repository(sample: Sample) -> None:
    pins = read_pins(GitSnapshot(sample.git_dir, sample.commits["base"]))
    assert {"numpy", "torch", "tensorflow-cpu"} <= set(pins.table)
    assert "parameterized" in pins.wanted
    assert pins.refused == ()

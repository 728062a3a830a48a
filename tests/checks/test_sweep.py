"""The sweep: on a small repository always, on merged ports where a clone of transformers with its history is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.rules import sample
from scripts import mutate, sweep
from tests.checks.repos import commit

CLONE = os.environ.get("TFPORT_TRANSFORMERS", "")


def make_port(folder: Path, head: dict[str, str]) -> str:
    commit(folder, dict(sample.BASE))
    return commit(folder, dict(head))


def test_every_breakage_of_the_sample_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sha = make_port(tmp_path / "r", sample.HEAD)
    assert sweep.main(["--repo", str(tmp_path / "r"), "--mutate", "--sample", "1", "-j", "1", sha]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    broken, found, more, missed, restored = map(int, rows[-1][1:])
    assert (broken, more, missed) == (found, 0, 0)
    assert broken > 20
    assert restored > 20


def test_a_kind_and_a_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sha = make_port(tmp_path / "r", sample.HEAD)
    arguments = [
        "--repo",
        str(tmp_path / "r"),
        "--mutate",
        "-j",
        "1",
        "--kind",
        "main-init",
        "--sample",
        "1",
        sha,
    ]
    assert sweep.main(arguments) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in rows if row[0] in mutate.GROUPS] == ["main-init"]
    assert rows[-1][1] == "1"


def test_an_error_nobody_excepted_fails_the_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = "src/transformers/models/lantern/modeling_tf_lantern.py"
    head = {**sample.HEAD, path: sample.HEAD[path].replace("@keras_serializable\nclass", "class")}
    sha = make_port(tmp_path / "r", head)
    assert sweep.main(["--repo", str(tmp_path / "r"), sha]) == 1
    assert "TFLanternMainLayer is not decorated" in capsys.readouterr().out


def test_no_repository(tmp_path: Path):
    assert sweep.main(["--repo", str(tmp_path)]) == 2


@pytest.mark.skipif(not CLONE, reason="needs TFPORT_TRANSFORMERS=clone of transformers with history")
@pytest.mark.parametrize("port", sweep.PORTS)
def test_merged_port(port: str, capsys: pytest.CaptureFixture[str]):
    assert sweep.main(["--repo", CLONE, "--mutate", sweep.PORTS[port]]) == 0, capsys.readouterr().out

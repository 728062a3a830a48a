"""The sweep: on a small repository always, on merged ports where a clone of transformers with its history is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checks.rules import sample
from scripts import sweep
from tests.checks.repos import commit

CLONE = os.environ.get("TFPORT_TRANSFORMERS", "")


def make_port(folder: Path, head: dict[str, str]) -> str:
    commit(folder, dict(sample.BASE))
    return commit(folder, dict(head))


def test_every_breakage_of_the_sample_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sha = make_port(tmp_path / "r", sample.HEAD)
    assert sweep.main(["--repo", str(tmp_path / "r"), "--mutate", sha]) == 0
    said = capsys.readouterr().out
    found, _, rest = said.rpartition("complete")[2].partition(",")
    done, _, of = found.split()[-3:]
    assert done == of
    assert int(of) > 20
    assert f"{of} restored" in rest


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

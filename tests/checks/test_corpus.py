"""The ported models of a tree as a corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.rules import sample
from scripts import corpus
from tests.checks.repos import commit

PATH = "src/transformers/models/lantern/modeling_tf_lantern.py"


def test_a_good_port_and_a_bad_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    commit(tmp_path, dict(sample.HEAD))
    bad = {**sample.HEAD, PATH: sample.HEAD[PATH].replace("@keras_serializable\nclass", "class")}
    commit(tmp_path, bad)
    assert corpus.main(["--repo", str(tmp_path), "--model", "lantern", "-j", "1", "HEAD^"]) == 0
    good = capsys.readouterr().out
    assert "1 ported models" in good
    assert "errors per model: median 0, 1 with 0" in good
    assert corpus.main(["--repo", str(tmp_path), "--model", "lantern", "-j", "1", "HEAD"]) == 0
    said = capsys.readouterr().out
    assert "error keras-serializable lantern/modeling_tf_lantern.py" in said
    assert "errors per model: median 1, 1 with 1" in said


def test_no_such_revision(tmp_path: Path):
    commit(tmp_path, dict(sample.HEAD))
    assert corpus.main(["--repo", str(tmp_path), "nothing"]) == 2

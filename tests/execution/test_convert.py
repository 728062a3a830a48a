"""Conversion of a checkpoint in the real sandbox, from a Hub on loopback to TensorFlow weights on disk; and what is heard of a liar."""

from __future__ import annotations

import array
import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checks.errors import UserError
from checks.execution.checkpoints import Policy
from checks.execution.convert import HDF5, Conversion, Differs, Unconverted, _Heard, compare, judge  # pyright: ignore[reportPrivateUsage]
from checks.execution.converting import convert_checkpoint
from checks.execution.environment import Environments
from checks.execution.job import NoSandbox
from checks.execution.place import committed
from checks.execution.sandbox import find_sandbox
from checks.execution.settings import Settings
from checks.execution.tree import NEEDED, written
from checks.execution.uv import find_uv
from checks.snapshot import DictSnapshot, GitSnapshot
from tests.fixtures.sample import MODEL, Sample, build_sample
from tests.hub import Hub, Repo, serving

NAME = "brand-new/tiny-for-the-test"
MAKE = """
from transformers import BrandNewBertConfig, BrandNewBertForMaskedLM
config = BrandNewBertConfig(vocab_size=120, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
                            max_position_embeddings=64)
BrandNewBertForMaskedLM(config).save_pretrained({folder!r}, safe_serialization=False)
"""


class TestHeard:
    """What a process says that wants to deceive."""

    def record(self, **fields: object) -> bytes:
        return json.dumps(fields).encode()

    def part(self, name: str, content: bytes) -> bytes:
        return self.record(kind="part", name=name, data=base64.b64encode(content).decode())

    @pytest.mark.parametrize(
        "name", ["../evil.h5", "/etc/passwd", "tf_model.h5/x", "pytorch_model.bin", "config.json"]
    )
    def test_it_writes_nothing_but_weights(self, name: str, tmp_path: Path) -> None:
        heard = _Heard(tmp_path / "out")
        (tmp_path / "out").mkdir()
        heard.take(self.part(name, b"x"))
        heard.close()
        assert [path.name for path in tmp_path.rglob("*")] == ["out"]

    def test_what_is_no_hdf5_is_refused(self, tmp_path: Path) -> None:
        heard = _Heard(tmp_path)
        heard.take(self.part("tf_model.h5", b"\x80\x04pickle"))
        heard.close()
        with pytest.raises(Unconverted, match="no HDF5"):
            heard.made()

    def test_nonsense_is_left_aside(self, tmp_path: Path) -> None:
        heard = _Heard(tmp_path)
        for content in (
            b"",
            b"[]",
            b'{"kind": "part", "name": "tf_model.h5", "data": "%%%"}',
            self.record(kind=1),
        ):
            heard.take(content)
        assert (heard.files, heard.done) == ({}, False)


@pytest.mark.parametrize(
    ("other", "difference"),
    [([1.0, 2.0], 0.0), ([1.0, 2.5], 0.5), ([1.0], float("inf")), ([1.0, float("nan")], float("inf"))],
)
def test_compare(other: list[float], difference: float) -> None:
    reference = {"logits": array.array("f", [1.0, 2.0]), "loss": array.array("f", [0.0])}
    assert compare(reference, {"logits": array.array("f", other)}) == {"logits": difference}


def test_nothing_in_common_is_no_agreement() -> None:
    with pytest.raises(Unconverted, match="no output in common"):
        compare({"logits": array.array("f", [1.0])}, {"scores": array.array("f", [1.0])})
    with pytest.raises(Differs):
        judge(Conversion(NAME, "TFX", {}, {}, {}, ()), 1.0)


# -- the real thing ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    try:
        find_sandbox()
        find_uv()
    except (NoSandbox, UserError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return build_sample(tmp_path_factory.mktemp("sample") / "sample.git")


@pytest.fixture(scope="module")
def base(sample: Sample) -> GitSnapshot:
    return GitSnapshot(sample.git_dir, sample.commits["base"])


@pytest.fixture(scope="module")
def good(sample: Sample) -> GitSnapshot:
    return GitSnapshot(sample.git_dir, sample.commits["repaired"])


@pytest.fixture(scope="module")
def hub(base: GitSnapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Hub with a tiny checkpoint, made by the base's own code."""
    folder = tmp_path_factory.mktemp("checkpoint")
    environment = Environments.of_host(Settings.of()).of(base, committed(base))
    with written(base, folder, NEEDED) as tree:
        code = MAKE.format(folder=str(folder / "made"))
        variables = {"PYTHONPATH": str(tree.folder / "src"), "PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1"}
        subprocess.run([str(environment.python), "-c", code], check=True, env=variables)
    contents = {path.name: path.read_bytes() for path in (folder / "made").iterdir()}
    config = json.loads(contents.pop("config.json"))
    with serving(Hub({NAME: Repo(config, contents=contents)})) as hub:
        yield hub


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The environments of this machine, and an empty cache of checkpoints."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "environments").symlink_to(Settings.of().folder / "environments")
    return replace(Settings.of(), cache=str(cache))


@pytest.mark.execution
@pytest.mark.timeout(1_800)
def test_a_port_converts_a_checkpoint(
    base: GitSnapshot,
    good: GitSnapshot,
    hub: Hub,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    policy = Policy(endpoint=hub.url)
    found = convert_checkpoint(base, good, NAME, tmp_path / "out", settings=settings, policy=policy, cores=2)
    assert found.model_class == "TFBrandNewBertForMaskedLM"
    assert "logits" in found.outputs
    assert len(found.hidden) == 3
    judge(found, 5e-5)
    (weights,) = found.files
    assert weights.name == "tf_model.h5"
    assert weights.read_bytes().startswith(HDF5)

    path = f"src/transformers/models/{MODEL}/modeling_tf_{MODEL}.py"
    text = good.read(path)
    assert text is not None
    bad = DictSnapshot({path: text.replace("epsilon=config.layer_norm_eps", "epsilon=1e-2")}, under=good)
    wrong = convert_checkpoint(base, bad, NAME, tmp_path / "wrong", settings=settings, policy=policy, cores=2)
    with pytest.raises(Differs, match="the limit is 5e-05"):
        judge(wrong, 5e-5)

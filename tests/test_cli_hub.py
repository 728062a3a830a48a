"""`tfport missing` and `tfport scout`: the installed script, the real client of the Hub, a little Hub on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sample import Sample
from tests.hub import Hub, Repo, serving
from tests.test_cli import Done, tfport

BERT = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
BRAND_NEW = {"model_type": "brand_new_bert", "architectures": ["BrandNewBertModel"]}
NOWHERE = {"HF_ENDPOINT": "http://127.0.0.1:9"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(Hub()) as hub:
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HF_HOME": str(tmp_path / "hf")}


def scout(sample: Sample, name: str, *arguments: str, rev: str = "base", **env: str) -> Done:
    where = ["--repo", str(sample.git_dir), "--rev", sample.commits[rev]]
    return tfport("scout", name, *where, *arguments, **env)


class TestScout:
    @pytest.mark.parametrize(
        ("rev", "config", "files", "verdict"),
        [
            ("base", BRAND_NEW, ("pytorch_model.bin",), "new port"),
            ("base", BRAND_NEW, ("model.safetensors",), "new port"),
            ("repaired", BRAND_NEW, ("pytorch_model.bin",), "weights only"),
            ("repaired", BRAND_NEW, ("pytorch_model.bin", "tf_model.h5"), "done"),
            ("repaired", BRAND_NEW, ("model.safetensors.index.json",), "done"),
            (
                "repaired",
                {**BRAND_NEW, "architectures": ["BrandNewBertForDreaming"]},
                ("tf_model.h5",),
                "new head",
            ),
            ("base", {"model_type": "unheard_of"}, (), "not in transformers"),
            ("base", {"architectures": "oops"}, (), "not in transformers"),
            ("base", {"model_type": "../../etc"}, (), "not in transformers"),
        ],
    )
    def test_verdict(
        self,
        sample: Sample,
        hub: Hub,
        home: dict[str, str],
        rev: str,
        config: dict[str, Any],
        files: tuple[str, ...],
        verdict: str,
    ) -> None:
        hub.repos["org/name"] = Repo(config, files)
        done = scout(sample, "org/name", "--format", "json", rev=rev, HF_ENDPOINT=hub.url, **home)
        assert done.code == 0, done
        assert json.loads(done.out)["verdict"] == verdict

    def test_text(self, sample: Sample, hub: Hub, home: dict[str, str]) -> None:
        hub.repos["org/name"] = Repo(BERT, ("pytorch_model.bin",))
        done = scout(sample, "org/name", HF_ENDPOINT=hub.url, **home)
        assert done.out.splitlines()[:5] == [
            "org/name · weights only",
            "  model_type          bert",
            "  TensorFlow code     src/transformers/models/bert/modeling_tf_bert.py",
            "  BertForMaskedLM     TFBertForMaskedLM exists",
            "  TensorFlow weights  none",
        ]
        assert "pt-to-tf --model-name org/name" in " ".join(done.out.split())

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("org/absent", "there is no model org/absent"),
            ("org/gated", "org/gated is gated"),
            ("org/bare", "org/bare has no config.json"),
            ("org/odd", "config.json of org/odd is no JSON object"),
            ("org/list", "config.json of org/list is no JSON object"),
            ("no spaces here", "is no name of a repository"),
            ("../../etc/passwd", "is no name of a repository"),
            ("-x", "--help"),
        ],
    )
    def test_told(self, sample: Sample, hub: Hub, home: dict[str, str], name: str, says: str) -> None:
        hub.repos |= {
            "org/gated": Repo(BERT, gated=True),
            "org/bare": Repo(),
            "org/odd": Repo(b"{"),
            "org/list": Repo(b"[1]"),
        }
        done = scout(sample, name, HF_ENDPOINT=hub.url, **home)
        assert (done.code, done.out) == (2, "")
        assert says in done.err
        assert len(done.err.splitlines()) == 2

    def test_offline(self, sample: Sample, home: dict[str, str]) -> None:
        done = scout(sample, "org/name", **NOWHERE, **home)
        assert done.code == 2
        assert done.err.startswith("tfport: the Hub can't be reached\n")
        done = scout(sample, "org/name", HF_HUB_OFFLINE="1", **home)
        assert done.code == 2
        assert "HF_HUB_OFFLINE" in done.err

    def test_a_hub_in_trouble(self, sample: Sample, hub: Hub, home: dict[str, str]) -> None:
        hub.broken = True
        done = scout(sample, "org/name", HF_ENDPOINT=hub.url, **home)
        assert (done.code, done.err.splitlines()[0]) == (2, "tfport: the Hub answered 503 for org/name")

    def test_what_strangers_wrote_is_shown_not_obeyed(
        self, sample: Sample, hub: Hub, home: dict[str, str]
    ) -> None:
        hub.repos["org/name"] = Repo({"model_type": "\x1b[31mred", "architectures": ["\x1b]0;owned\x07"]})
        assert "\x1b" not in scout(sample, "org/name", HF_ENDPOINT=hub.url, **home).out


class TestMissing:
    def run(self, sample: Sample, *arguments: str, rev: str = "base", **env: str) -> Done:
        where = ["--repo", str(sample.git_dir), "--rev", sample.commits[rev]]
        return tfport("missing", *where, *arguments, **env)

    def test_without_the_hub(self, sample: Sample, home: dict[str, str]) -> None:
        done = self.run(sample, "--format", "json", "--top", "0", **NOWHERE, **home)
        assert (done.code, done.err) == (0, "")
        found = json.loads(done.out)
        assert found["note"] == "without popularity: the Hub can't be reached"
        models = {model["model"]: model for model in found["models"]}
        assert len(models) == found["missing"]
        assert {"bert", "auto", "deprecated"} & set(models) == set()
        ours = models["brand_new_bert"]
        assert (ours["model_type"], ours["downloads"]) == ("brand_new_bert", None)
        assert (ours["similar"]["model"], ours["attention"]) == ("bert", ["Attention", "SelfAttention"])
        copied = [model["copied_by"] for model in found["models"]]
        assert copied == sorted(copied, reverse=True)
        assert models["llama"]["copied_by"] > 10

    def test_what_is_ported_is_not_missing(self, sample: Sample, home: dict[str, str]) -> None:
        done = self.run(sample, "--format", "json", "--top", "0", rev="repaired", **NOWHERE, **home)
        assert "brand_new_bert" not in {model["model"] for model in json.loads(done.out)["models"]}

    def test_popularity_counts(self, sample: Sample, hub: Hub, home: dict[str, str]) -> None:
        hub.repos = {
            "org/popular": Repo({"model_type": "brand_new_bert"}, downloads=50_000_000),
            "org/other": Repo({"model_type": "brand_new_bert"}, downloads=5),
        }
        plain = json.loads(self.run(sample, "--format", "json", "--top", "0", **NOWHERE, **home).out)
        done = self.run(sample, "--format", "json", "--top", "0", HF_ENDPOINT=hub.url, **home)
        found = json.loads(done.out)
        assert found["note"] == ""

        def place(document: dict[str, Any]) -> int:
            return [model["model"] for model in document["models"]].index("brand_new_bert")

        assert place(found) < place(plain)
        assert found["models"][place(found)]["downloads"] == 50_000_000

    @pytest.mark.parametrize("columns", [80, 120])
    def test_text(self, sample: Sample, home: dict[str, str], columns: int) -> None:
        done = self.run(sample, "--top", "5", COLUMNS=str(columns), **NOWHERE, **home)
        lines = done.out.splitlines()
        assert max(map(len, lines)) <= columns
        assert lines[0].split() == ["model", "copied", "by", "classes", "lines", "nearest", "port"]
        assert len([line for line in lines[1:6] if line.split()[1].isdigit()]) == 5
        assert "note: without popularity: the Hub can't be reached" in lines

    def test_a_hub_in_trouble_is_a_note(self, sample: Sample, hub: Hub, home: dict[str, str]) -> None:
        hub.broken = True
        done = self.run(sample, "--format", "json", HF_ENDPOINT=hub.url, **home)
        assert done.code == 0
        assert (
            json.loads(done.out)["note"] == "without popularity: the Hub answered 503 for the list of models"
        )

    def test_a_tree_without_tensorflow(self, tmp_path: Path) -> None:
        import subprocess

        (tmp_path / "a.txt").write_text("x")
        for command in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
        ):
            subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
        done = tfport("missing", cwd=tmp_path)
        assert done.code == 2
        assert "no TensorFlow support" in done.err

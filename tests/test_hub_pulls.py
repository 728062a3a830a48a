"""Pull requests with weights, through huggingface_hub's own client, to a Hub on loopback that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot import hub as ours
from checks.errors import UserError
from tests.hub import SHA, TOKEN, Hub, Repo, serving

NAME = "lighthouse/lantern-base"
CONTENT = b"\x89HDF\r\n\x1a\n" + b"weights" * 1000


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with serving(Hub({NAME: Repo({"model_type": "lantern"}, files=("pytorch_model.bin",))})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub
        assert hub.violations == []


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "tf_model.h5").write_bytes(CONTENT)
    return [tmp_path / "tf_model.h5"]


def propose(files: list[Path], **more: str) -> ours.Proposal:
    options = {"token": TOKEN, "title": "Add TF weights", "description": "by tfport", "revision": SHA, **more}
    return ours.propose(NAME, files, **options)


def test_once_and_only_once(hub: Hub, files: list[Path]) -> None:
    first = propose(files)
    assert (first.number, first.state) == (1, "open")
    assert propose(files) == first, "after a crash between the pull request and our memory of it"
    (discussion,) = hub.repos[NAME].discussions
    assert discussion.files == {"tf_model.h5": CONTENT}
    assert (discussion.title, discussion.description) == ("Add TF weights", "by tfport")
    assert hub.commits == 1


def test_it_is_followed_and_recalled_once(hub: Hub, files: list[Path]) -> None:
    made = propose(files)
    for _ in range(2):
        ours.remind(NAME, made.number, "Anybody here?", token=TOKEN)
    (discussion,) = hub.repos[NAME].discussions
    assert discussion.comments == ["Anybody here?"]
    hub.repos[NAME].merge(discussion)
    assert ours.proposal(NAME, made.number, token=TOKEN).state == "merged"
    assert "tf_model.h5" in ours.checkpoint(NAME).files


def test_many_at_the_same_time(hub: Hub, files: list[Path]) -> None:
    """Looks ask while weights are uploaded and followed."""
    made = propose(files)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ours.proposal, NAME, made.number, token=TOKEN) for _ in range(60)]
        told = [pool.submit(ours.checkpoint, NAME) for _ in range(60)]
        assert {one.result().state for one in asked} == {"open"}
        assert {one.result().name for one in told} == {NAME}


@pytest.mark.parametrize("more", [{"token": "hf_wrong"}, {"revision": "f" * 40}])
def test_refusals_are_told(hub: Hub, files: list[Path], more: dict[str, str]) -> None:
    with pytest.raises(UserError):
        propose(files, **more)
    assert hub.repos[NAME].discussions == []

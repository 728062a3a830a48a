"""Checkpoints are fetched from a Hub on loopback, by huggingface_hub itself."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from checks.execution.checkpoints import Checkpoints, Policy, Unavailable, choose, reads_cache
from checks.execution.needs import Need
from checks.snapshot import DictSnapshot

COMMIT = "a" * 40
REPOSITORIES: dict[str, dict[str, bytes]] = {
    "org/safe": {
        "config.json": b"{}",
        "vocab.txt": b"a\nb\n",
        "model.safetensors": b"safe",
        "pytorch_model.bin": b"pickle",
        "tf_model.h5": b"h5",
        "code.py": b"print()",
        "sub/config.json": b"{}",
    },
    "org/pickled": {"config.json": b"{}", "pytorch_model.bin": b"pickle"},
    "org/huge": {"config.json": b"{}", "model.safetensors": b"x" * 5_000},
}


class Hub:
    """What a client of the Hub asks for: the description of a repository, and its files."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        routes = [
            Route("/api/models/{org}/{name}", self.about),
            Route("/api/models/{org}/{name}/revision/{revision}", self.about),
            Route("/api/models/{org}/{name}/tree/{revision}", self.tree),
            Route("/{org}/{name}/resolve/{revision}/{path:path}", self.file, methods=["GET", "HEAD"]),
        ]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="error")
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> Hub:
        self._thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self._thread.join()

    def _files(self, request: Request) -> dict[str, bytes] | None:
        self.asked.append(request.url.path)
        return REPOSITORIES.get(f"{request.path_params['org']}/{request.path_params['name']}")

    async def about(self, request: Request) -> Response:
        files = self._files(request)
        if files is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
        id = f"{request.path_params['org']}/{request.path_params['name']}"
        return JSONResponse({"id": id, "modelId": id, "sha": COMMIT, "private": False, "siblings": siblings})

    async def tree(self, request: Request) -> Response:
        files = self._files(request) or {}
        return JSONResponse(
            [
                {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for name, content in files.items()
            ]
        )

    async def file(self, request: Request) -> Response:
        files = self._files(request) or {}
        content = files.get(request.path_params["path"])
        if content is None:
            return Response(status_code=404, headers={"X-Error-Code": "EntryNotFound"})
        etag = hashlib.sha1(content).hexdigest()
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Content-Length": str(len(content))}
        return Response(b"" if request.method == "HEAD" else content, headers=headers)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


def held(folder: Path) -> dict[str, bytes]:
    """Files of the cache by their path below a snapshot."""
    return {
        str(path.relative_to(snapshot)): path.read_bytes()
        for snapshot in folder.glob("models--*/snapshots/*")
        for path in snapshot.rglob("*")
        if path.is_file()
    }


def test_safetensors_and_small_files_are_taken(hub: Hub, tmp_path: Path) -> None:
    Checkpoints(tmp_path, Policy(endpoint=hub.url)).fetch(Need("model", "org/safe"))
    assert held(tmp_path) == {"config.json": b"{}", "vocab.txt": b"a\nb\n", "model.safetensors": b"safe"}
    assert (tmp_path / "models--org--safe" / "refs" / "main").read_text() == COMMIT


def test_a_fetched_checkpoint_is_not_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, Policy(endpoint=hub.url))
    checkpoints.fetch(Need("model", "org/safe"))
    hub.asked.clear()
    checkpoints.fetch(Need("model", "org/safe"))
    assert hub.asked == []


def test_pickles_only_where_the_operator_allows_them(hub: Hub, tmp_path: Path) -> None:
    need = Need("model", "org/pickled")
    with pytest.raises(Unavailable, match="only pickled weights"):
        Checkpoints(tmp_path, Policy(endpoint=hub.url)).fetch(need)
    assert held(tmp_path) == {}
    Checkpoints(tmp_path, Policy(endpoint=hub.url, pickles=True)).fetch(need)
    assert held(tmp_path)["pytorch_model.bin"] == b"pickle"


def test_limits(hub: Hub, tmp_path: Path) -> None:
    need = Need("model", "org/huge")
    with pytest.raises(Unavailable, match="the limit is"):
        Checkpoints(tmp_path, Policy(endpoint=hub.url, limit=1_000)).fetch(need)
    with pytest.raises(Unavailable, match="cache of checkpoints is full"):
        Checkpoints(tmp_path, Policy(endpoint=hub.url, total=1_000)).fetch(need)
    assert held(tmp_path) == {}


def test_what_is_missing_is_told_for_each_test(hub: Hub, tmp_path: Path) -> None:
    safe, gone, url = (
        Need("model", "org/safe"),
        Need("model", "org/gone"),
        Need("url", "https://example.org/x"),
    )
    needed = {"a": [safe], "b": [safe, gone], "c": [url]}
    assert Checkpoints(tmp_path, Policy(endpoint=hub.url)).unavailable(needed) == {"b": (gone,), "c": (url,)}


def test_a_hub_that_cannot_be_reached_is_asked_once(tmp_path: Path) -> None:
    steps: list[str] = []
    needed = {"a": [Need("model", "org/one")], "b": [Need("model", "org/two")]}
    checkpoints = Checkpoints(tmp_path, Policy(endpoint="http://127.0.0.1:9", seconds=2))
    assert set(checkpoints.unavailable(needed, progress=steps.append)) == {"a", "b"}
    assert steps == ["fetching checkpoint org/one"]


def test_choice_of_files() -> None:
    shards = {
        "model.safetensors.index.json": 1,
        "model-00001-of-00002.safetensors": 1,
        "pytorch_model.bin": 1,
    }
    assert choose(shards, pickles=True) == [
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
    ]
    assert choose({"tf_model.h5": 1, "pytorch_model.bin": 1}, pickles=False) == ["tf_model.h5"]
    assert choose({"vocab.json": 1, "big.json": 10**9}, pickles=False) == [
        "vocab.json"
    ]  # a tokenizer's repository


def test_old_trees_keep_files_under_other_names() -> None:
    assert reads_cache(
        DictSnapshot({"src/transformers/utils/hub.py": "from huggingface_hub import hf_hub_download"})
    )
    assert not reads_cache(DictSnapshot({"src/transformers/utils/hub.py": "def cached_path(): ..."}))


def test_the_note_is_plain(hub: Hub, tmp_path: Path) -> None:
    Checkpoints(tmp_path, Policy(endpoint=hub.url)).fetch(Need("model", "org/safe"))
    (note,) = (tmp_path / ".tfport").glob("*.json")
    assert json.loads(note.read_text())["repository"] == "org/safe"

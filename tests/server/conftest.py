from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A running server that only stores."""
    process = ServerProcess(tmp_path).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One running server for tests that leave nothing behind that matters; accepts two secrets."""
    process = ServerProcess(
        tmp_path_factory.mktemp("server"),
        TFPORT_WEBHOOK_SECRET_PREVIOUS="the secret of last year",
        TFPORT_REPOSITORIES="huggingface/transformers",
    ).start()
    yield process
    process.kill()

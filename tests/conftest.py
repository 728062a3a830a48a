"""What tests of every part share."""

from __future__ import annotations

import pytest

from tests.fixtures.sample import Sample, build_sample

pytest_plugins = ["tests.localhub_fixture"]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The sample repository. To be read only; who wants to write clones it, or builds one of their own."""
    return build_sample(tmp_path_factory.mktemp("sample") / "transformers.git")

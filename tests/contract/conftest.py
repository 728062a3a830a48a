from __future__ import annotations

import pytest

from tests.contract import packages
from tests.contract.openapi import Contract, github_contract
from tests.localhub.conftest import app, client, fork, pull, receiver, repo

__all__ = ["app", "client", "fork", "pull", "receiver", "repo"]


@pytest.fixture(scope="session")
def contract() -> Contract:
    """GitHub's description; the test is skipped without npm, and fails without it where `CI` is set."""
    packages.openapi()
    found = github_contract()
    assert found
    return found

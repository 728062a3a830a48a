"""The fixture `hub`: a GitHub on loopback for one test. At the end nothing may be wrong with what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.localhub import LocalHub
from tests.contract.openapi import github_contract

# Every local GitHub in any test judges by GitHub's description what it is asked, and what it answers.
LocalHub.contracts.append(github_contract)


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A running `LocalHub`; the test fails if a client asked for what GitHub does not know, or if the hub broke."""
    with LocalHub() as running:
        yield running
        running.webhooks.wait()
        assert running.violations == [], "requests that GitHub would not understand"
        assert running.defects == [], "defects of the local GitHub itself"

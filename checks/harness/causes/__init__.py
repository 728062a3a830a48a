"""Why a site differs: candidates, each tried in the live model."""

from __future__ import annotations

from typing import Any


def diagnose(site: Any, others: Any, comparison: Any, run: Any, deadline: float) -> None:
    """Sets the cause of a site, and the edit that mends it, where an experiment has found them."""

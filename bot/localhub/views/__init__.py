"""State -> the JSON objects of GitHub's REST API and webhooks, complete (the contract tests hold them to the schema)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Urls:
    """Where this hub is: `api` with its prefix, `web` for people and git, both without a slash at the end."""

    api: str
    web: str

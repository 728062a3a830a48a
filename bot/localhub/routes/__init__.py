"""The operations of the REST API, one module per topic. Paths and names are GitHub's."""

import importlib

TOPICS = ("apps", "checks", "comments", "commits", "contents", "graphql", "hooks", "meta", "pulls", "reactions", "repositories",
          "reviews")  # fmt: skip


def load() -> None:
    """Import every topic: the decorators fill the table."""
    for topic in TOPICS:
        importlib.import_module(f"bot.localhub.routes.{topic}")

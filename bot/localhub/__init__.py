"""A stateful GitHub on loopback, for the tests and `make demo`. Shares no code with the bot that talks to it."""

from bot.localhub.hub import LocalHub

__all__ = ["LocalHub"]

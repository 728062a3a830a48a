"""The GitHub App. May import `checks`; nothing imports `bot`."""

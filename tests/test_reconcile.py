"""Which deliveries are asked for again."""

from datetime import UTC, datetime, timedelta

from bot.github.hooks import Sent
from bot.reconcile import missed

NOW = datetime(2023, 12, 13, 12, tzinfo=UTC)


def attempt(number: int, guid: str, minutes_ago: float, *, arrived: bool) -> Sent:
    return Sent(number, guid, "pull_request", NOW - timedelta(minutes=minutes_ago), arrived)


def test_only_what_never_arrived_and_is_settled():
    attempts = [
        attempt(6, "fresh", 0.1, arrived=False),
        attempt(5, "lost", 5, arrived=False),
        attempt(4, "again", 6, arrived=True),
        attempt(3, "fine", 7, arrived=True),
        attempt(2, "again", 8, arrived=False),
        attempt(1, "lost", 9, arrived=False),
    ]
    assert [one.id for one in missed(attempts, NOW)] == [5]

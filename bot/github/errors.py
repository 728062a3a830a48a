"""What can go wrong between GitHub and us. All are ours (logged), never shown to a user as they are."""

from __future__ import annotations

from datetime import datetime
from typing import Literal


class GitHubError(Exception):
    """GitHub did not do what was asked."""


class RateLimited(GitHubError):
    """No call of this installation may be made before `until` (UTC): put the job back with this time."""

    def __init__(self, until: datetime, kind: Literal["primary", "secondary"]) -> None:
        super().__init__(f"{kind} rate limit until {until:%Y-%m-%d %H:%M:%S} UTC")
        self.until = until
        self.kind: Literal["primary", "secondary"] = kind


class AuthFailed(GitHubError):
    """GitHub accepts neither the token nor a fresh one, or not the app's key. An operator has to act."""


class PermissionMissing(GitHubError):
    """The installation lacks a permission (final). `needs` is what GitHub says would do, e.g. `checks=write`."""

    def __init__(self, message: str, needs: str = "") -> None:
        super().__init__(f"{message} (needs {needs})" if needs else message)
        self.needs = needs


class Locked(GitHubError):
    """This place takes no writes: archived repository, locked conversation, blocked or suspended app."""


class Gone(GitHubError):
    """404, 410 or 451: not there, not any more, or not visible to this installation."""


class Unprocessable(GitHubError):
    """422: GitHub understood and declined. `errors` are its sentences."""

    def __init__(self, message: str, errors: tuple[str, ...] = ()) -> None:
        super().__init__("; ".join((message, *errors)))
        self.errors = errors


class Refused(GitHubError):
    """Any other answer that is no success (400, 409, 415, a redirect elsewhere): our bug or something new."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class GitHubDown(GitHubError):
    """No usable answer after all retries: 5xx, connection, timeout. Nothing was changed."""


class Ambiguous(GitHubDown):
    """As `GitHubDown`, but the request may have taken effect: look before repeating it."""

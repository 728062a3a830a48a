"""Deliveries become our own small, closed set of events. Nothing below this module knows GitHub's payloads.

An event only says "look again at this": what to do is decided from what GitHub says then, never from the payload.
`HANDLED` is the one table of what GitHub's events mean here; app.yml is tested against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from bot.state import User

T = TypeVar("T")
Payload = Mapping[str, Any]


class BadPayload(ValueError):
    """The delivery is not what GitHub sends. The message names the field, never its value."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do. `reason` is for the log and the deliveries table."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pinged:
    """GitHub tries the webhook out."""


@dataclass(frozen=True, slots=True)
class InstallationChanged:
    """The app was installed, removed, suspended, or its repositories or permissions changed.

    Attributes:
        action: GitHub's action, `repositories-added` or `repositories-removed`.
        alive: False when the installation's tokens are dead (`deleted`, `suspend`): call nothing, cancel its jobs.
        repositories_removed: full names that the app lost with this event.
    """

    installation_id: int
    account: str
    action: str
    alive: bool
    repositories_removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _InRepository:
    installation_id: int
    repository_id: int
    full_name: str
    action: str
    sender: User


@dataclass(frozen=True, slots=True)
class PullChanged(_InRepository):
    """A pull request was opened, pushed to, edited, closed … `head_sha` is that of the payload: maybe no longer the head."""

    number: int
    head_sha: str


@dataclass(frozen=True, slots=True)
class Commented(_InRepository):
    """Somebody wrote or edited a comment on a pull request. `kind` as in `bot.state.Comment`."""

    number: int
    comment_id: int
    kind: Literal["issue", "review-comment"]


@dataclass(frozen=True, slots=True)
class ReviewSubmitted(_InRepository):
    """A review was submitted, edited or dismissed; its text may hold commands."""

    number: int
    review_id: int


@dataclass(frozen=True, slots=True)
class CheckRerequested(_InRepository):
    """Somebody clicked "Re-run" on one of our check runs, or "Re-run all" on our suite.

    Attributes:
        external_id: ours, of the check run; None for the suite. The pull request is found by it, then by `head_sha`.
        name: of the check run; None for the suite, which means all of them.
        numbers: pull requests as GitHub names them; empty for forks, so never the only source.
    """

    head_sha: str
    external_id: str | None
    name: str | None
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CheckedElsewhere:
    """Somebody else's CI has come to a result on a commit: a status, or all check runs of another app."""

    installation_id: int
    repository_id: int
    full_name: str
    head_sha: str


@dataclass(frozen=True, slots=True)
class ActionRequested(_InRepository):
    """Somebody clicked a button of ours on a check run; `identifier` is the button's."""

    head_sha: str
    external_id: str
    name: str
    identifier: str
    numbers: tuple[int, ...]


Event = (
    PullChanged
    | Commented
    | ReviewSubmitted
    | CheckRerequested
    | CheckedElsewhere
    | ActionRequested
    | InstallationChanged
    | Pinged
    | Ignored
)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in the body of a delivery.

    Raises:
        BadPayload: not JSON, or not an object.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayload("the body is not JSON") from None
    if not isinstance(payload, dict):
        raise BadPayload("the body is not a JSON object")
    return cast("dict[str, Any]", payload)


def decode(name: str, payload: Payload, *, app_id: int) -> Event:
    """What a delivery means here.

    Args:
        name: GitHub's event, the header `X-GitHub-Event`.
        payload: the parsed body.
        app_id: our own app; what it did itself is ignored.

    Raises:
        BadPayload: a field that the event needs is missing or of another type.
    """
    actions = HANDLED.get(name)
    if actions is None:
        return Ignored(f"event {name} is not ours")
    action = _optional(payload, "action", str) or ""
    decoder = actions.get(action)
    if decoder is None:
        return Ignored(f"{name}.{action} changes nothing here")
    try:
        return decoder(payload, app_id)
    except _NotForUs as reason:
        return Ignored(str(reason))


class _NotForUs(Exception):
    """Raised inside the decoders; becomes `Ignored`."""


def _ping(payload: Payload, app_id: int) -> Event:
    return Pinged()


def _installation(payload: Payload, app_id: int) -> Event:
    action = _get(payload, "action", str)
    return InstallationChanged(
        installation_id=_get(payload, "installation.id", int),
        account=_optional(payload, "installation.account.login", str) or "",
        action=action,
        alive=action not in ("deleted", "suspend"),
    )


def _installation_repositories(payload: Payload, app_id: int) -> Event:
    return InstallationChanged(
        installation_id=_get(payload, "installation.id", int),
        account=_optional(payload, "installation.account.login", str) or "",
        action=f"repositories-{_get(payload, 'action', str)}",
        alive=True,
        repositories_removed=tuple(
            _get(repository, "full_name", str) for repository in _list(payload, "repositories_removed")
        ),
    )


def _pull_request(payload: Payload, app_id: int) -> Event:
    # Also when a bot pushed: whoever changed the pull request, it changed.
    return PullChanged(
        **_place(payload),
        number=_get(payload, "pull_request.number", int),
        head_sha=_get(payload, "pull_request.head.sha", str),
    )


def _issue_comment(payload: Payload, app_id: int) -> Event:
    number = _get(payload, "issue.number", int)
    if _optional(payload, "issue.pull_request", dict) is None:
        raise _NotForUs("a comment on an issue, not on a pull request")
    return _comment(payload, app_id, number, "issue")


def _review_comment(payload: Payload, app_id: int) -> Event:
    return _comment(payload, app_id, _get(payload, "pull_request.number", int), "review-comment")


def _comment(payload: Payload, app_id: int, number: int, kind: Literal["issue", "review-comment"]) -> Event:
    _by_a_person(payload, "comment", app_id)
    return Commented(**_place(payload), number=number, comment_id=_get(payload, "comment.id", int), kind=kind)


def _review(payload: Payload, app_id: int) -> Event:
    _by_a_person(payload, "review", app_id)
    return ReviewSubmitted(
        **_place(payload),
        number=_get(payload, "pull_request.number", int),
        review_id=_get(payload, "review.id", int),
    )


def _check_run(payload: Payload, app_id: int) -> Event:
    _our_check(payload, "check_run", app_id)
    fields: dict[str, Any] = {
        **_place(payload),
        "head_sha": _get(payload, "check_run.head_sha", str),
        "external_id": _optional(payload, "check_run.external_id", str) or "",
        "name": _get(payload, "check_run.name", str),
        "numbers": _numbers(payload, "check_run.pull_requests"),
    }
    if fields["action"] == "requested_action":
        return ActionRequested(**fields, identifier=_get(payload, "requested_action.identifier", str))
    return CheckRerequested(**fields)


def _check_suite(payload: Payload, app_id: int) -> Event:
    _our_check(payload, "check_suite", app_id)
    return CheckRerequested(
        **_place(payload),
        head_sha=_get(payload, "check_suite.head_sha", str),
        external_id=None,
        name=None,
        numbers=_numbers(payload, "check_suite.pull_requests"),
    )


def _suite_of_others(payload: Payload, app_id: int) -> Event:
    if _get(payload, "check_suite.app.id", int) == app_id:
        raise _NotForUs("our own checks")
    return _elsewhere(payload, "check_suite.head_sha")


def _status(payload: Payload, app_id: int) -> Event:
    if _get(payload, "state", str) == "pending":
        raise _NotForUs("CI has only begun")
    return _elsewhere(payload, "sha")


def _elsewhere(payload: Payload, sha: str) -> Event:
    installation = _optional(payload, "installation.id", int)
    if installation is None:
        raise _NotForUs("sent by a repository's webhook, not by the app's")
    return CheckedElsewhere(
        installation_id=installation,
        repository_id=_get(payload, "repository.id", int),
        full_name=_get(payload, "repository.full_name", str),
        head_sha=_get(payload, sha, str),
    )


Decoder = Callable[[Payload, int], Event]


def _on(decoder: Decoder, *actions: str) -> Mapping[str, Decoder]:
    return dict.fromkeys(actions, decoder)


HANDLED: Mapping[str, Mapping[str, Decoder]] = {
    "ping": _on(_ping, ""),
    "installation": _on(
        _installation, "created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"
    ),
    "installation_repositories": _on(_installation_repositories, "added", "removed"),
    "pull_request": _on(
        _pull_request,
        "opened",
        "reopened",
        "synchronize",
        "edited",
        "ready_for_review",
        "converted_to_draft",
        "closed",
        "labeled",
        "unlabeled",
    ),
    "issue_comment": _on(_issue_comment, "created", "edited"),
    "pull_request_review": _on(_review, "submitted", "edited", "dismissed"),
    "pull_request_review_comment": _on(_review_comment, "created", "edited"),
    "check_run": _on(_check_run, "rerequested", "requested_action"),
    "check_suite": {**_on(_check_suite, "rerequested"), **_on(_suite_of_others, "completed")},
    "status": _on(_status, ""),
}
"""Event -> action -> its decoder. What is not in here is ignored."""

UNASKED = frozenset({"ping", "installation", "installation_repositories"})
"""Events that GitHub sends to every app: they cannot be subscribed to, so app.yml does not list them."""


def _place(payload: Payload) -> dict[str, Any]:
    """Where and by whom: the fields of `_InRepository`."""
    fields = {
        "repository_id": _get(payload, "repository.id", int),
        "full_name": _get(payload, "repository.full_name", str),
        "action": _get(payload, "action", str),
        "sender": _user(payload, "sender"),
    }
    installation = _optional(payload, "installation.id", int)
    if installation is None:
        raise _NotForUs("sent by a repository's webhook, not by the app's")
    return {"installation_id": installation, **fields}


def _user(payload: Payload, path: str) -> User:
    return User(
        id=_get(payload, f"{path}.id", int),
        login=_get(payload, f"{path}.login", str),
        bot=_optional(payload, f"{path}.type", str) == "Bot",
    )


def _by_a_person(payload: Payload, what: str, app_id: int) -> None:
    """Only text of people counts. Apps are told by id and account type, never by name."""
    if _optional(payload, f"{what}.performed_via_github_app.id", int) == app_id:
        raise _NotForUs("our own text")
    if _optional(payload, f"{what}.user", dict) is None:
        raise _NotForUs("its author's account is gone")
    if _user(payload, f"{what}.user").bot or _user(payload, "sender").bot:
        raise _NotForUs("written by a bot")


def _our_check(payload: Payload, what: str, app_id: int) -> None:
    if _get(payload, f"{what}.app.id", int) != app_id:
        raise _NotForUs("a check of another app")
    if _user(payload, "sender").bot:
        raise _NotForUs("asked for by a bot")


def _numbers(payload: Payload, path: str) -> tuple[int, ...]:
    return tuple(_get(pull, "number", int) for pull in _list(payload, path))


def _list(payload: Payload, path: str) -> list[object]:
    return cast("list[object]", _optional(payload, path, list) or [])


def _get(payload: object, path: str, kind: type[T]) -> T:
    """The value at a dotted path, which must be there and of exactly this type."""
    value = _optional(payload, path, kind)
    if value is None:
        raise BadPayload(f"{path} is missing")
    return value


def _optional(payload: object, path: str, kind: type[T]) -> T | None:
    """As `_get`, but None where the path ends early or holds null. A value of another type is still an error."""
    value = payload
    for key in path.split("."):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BadPayload(f"{path} is not of type {kind.__name__}")
        value = cast("Payload", value).get(key)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadPayload(f"{path} is not of type {kind.__name__}")
    return value

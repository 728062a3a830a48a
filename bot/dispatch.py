"""From stored deliveries to looks: what a delivery tells is only where to look again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from bot import events, workflows
from bot.inbox import Delivery, Inbox, InboxUnavailable
from bot.plan import GATE, SECTIONS
from bot.repair import ACTION, AGAIN, Click
from bot.state import User

log = structlog.get_logger(__name__)


async def dispatch(guid: str, event: events.Event) -> str:
    """Queue what the event asks for. Returns a note for the deliveries table; doing it twice queues nothing more."""
    match event:
        case events.PullChanged() | events.Commented() | events.ReviewSubmitted():
            return await workflows.enqueue_look(
                guid, event.installation_id, event.repository_id, event.number
            )
        case events.CheckRerequested():
            return await _run_again(guid, event)
        case events.ActionRequested():
            return await _clicked(guid, event)
        case events.CheckedElsewhere():
            return await workflows.enqueue_recheck(event.installation_id, event.repository_id, event.head_sha)
        case events.InstallationChanged():
            # Looks of a dead installation end by themselves: its tokens are refused.
            return f"installation {event.action}"
        case events.Pinged():
            return "ping"
        case events.Ignored():
            return f"ignored: {event.reason}"


async def _run_again(guid: str, event: events.CheckRerequested) -> str:
    """Re-run of one check run (found by its external id, for forks have no pull request in the event) or of all."""
    if event.external_id is None:
        asked = dict.fromkeys((GATE, *SECTIONS), _attempt(guid))
        return await workflows.enqueue_rerun(
            guid,
            event.installation_id,
            event.repository_id,
            event.head_sha,
            asked,
            _click(guid, event.sender, "", GATE),
        )
    return await _again(guid, event, event.external_id, "")


async def _clicked(guid: str, event: events.ActionRequested) -> str:
    """A button of ours on a check run."""
    if event.identifier == AGAIN:
        return await _again(guid, event, event.external_id, AGAIN)
    place = _place(event.external_id)
    if event.identifier != ACTION or place is None:
        return f"ignored: no button is called {event.identifier}"
    number, section = place
    click = _click(guid, event.sender, ACTION, section)
    return await workflows.enqueue_look(guid, event.installation_id, event.repository_id, number, click=click)


async def _again(
    guid: str, event: events.CheckRerequested | events.ActionRequested, external_id: str, action: str
) -> str:
    place = _place(external_id)
    if place is None:
        return "ignored: not a check run of a pull request"
    number, section = place
    asked = dict.fromkeys((section, GATE), _attempt(guid))
    click = _click(guid, event.sender, action, section)
    return await workflows.enqueue_look(
        guid, event.installation_id, event.repository_id, number, asked, click
    )


def _place(external_id: str) -> tuple[int, str] | None:
    """Pull request and section of a check run; None if it is of none."""
    parts = external_id.split(":")
    if (
        len(parts) < 3
        or parts[0] != "tfport"
        or not parts[1].isdecimal()
        or parts[2] not in (GATE, *SECTIONS)
    ):
        return None
    return int(parts[1]), parts[2]


def _attempt(guid: str) -> str:
    return f"r{guid.replace('-', '')[:16]}"


def _click(guid: str, sender: User, action: str, section: str) -> Click:
    return Click(
        key=f"click{guid.replace('-', '')[:16]}",
        by_id=sender.id,
        by=sender.login,
        action=action,
        section=section,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


async def consume(inbox: Inbox, *, app_id: int, serves: Callable[[str], bool]) -> None:
    """Deal with deliveries for ever, one after the other (all that happens here is an enqueue).

    Args:
        serves: whether the operator lets the bot work for a repository `owner/name`.
    """
    async for delivery in inbox.pending():
        with structlog.contextvars.bound_contextvars(delivery=delivery.guid):
            await _deal_with(inbox, delivery, app_id, serves)


async def _deal_with(inbox: Inbox, delivery: Delivery, app_id: int, serves: Callable[[str], bool]) -> None:
    try:
        event = events.decode(delivery.name, events.parse(delivery.body), app_id=app_id)
        full_name: str = getattr(event, "full_name", "")
        if full_name and not serves(full_name):
            event = events.Ignored(f"{full_name} is not served")
        # A second attempt of the same delivery (redelivered after a failure) is a cause of its own.
        cause = delivery.guid if delivery.attempt == 1 else f"{delivery.guid}.{delivery.attempt}"
        note = await dispatch(cause, event)
    except events.BadPayload as error:
        log.warning("delivery cannot be read", kind=delivery.name, reason=str(error))
        await _settle(inbox.fail(delivery.guid, str(error)))
    except Exception:
        log.exception("delivery could not be queued", kind=delivery.name)
        await _settle(inbox.release(delivery.guid, after=5.0))
    else:
        log.info("delivery queued", kind=delivery.name, note=note)
        await _settle(inbox.finish(delivery.guid))


async def _settle(answer: Awaitable[None]) -> None:
    """While the database is down the claim stays ours; the delivery is handed out again later."""
    with suppress(InboxUnavailable):
        await answer

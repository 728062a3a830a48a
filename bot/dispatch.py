"""From stored deliveries to looks: what a delivery tells is only where to look again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from bot import events, workflows
from bot.inbox import Delivery, Inbox, InboxUnavailable
from bot.plan import GATE, SECTIONS

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
            return f"no button is called {event.identifier}"
        case events.InstallationChanged():
            # Looks of a dead installation end by themselves: its tokens are refused.
            return f"installation {event.action}"
        case events.Pinged():
            return "ping"
        case events.Ignored():
            return f"ignored: {event.reason}"


async def _run_again(guid: str, event: events.CheckRerequested) -> str:
    """Re-run of one check run (found by its external id, for forks have no pull request in the event) or of all."""
    attempt = f"r{guid.replace('-', '')[:16]}"
    if event.external_id is None:
        asked = dict.fromkeys((GATE, *SECTIONS), attempt)
        return await workflows.enqueue_rerun(
            guid, event.installation_id, event.repository_id, event.head_sha, asked
        )
    parts = event.external_id.split(":")
    if (
        len(parts) < 3
        or parts[0] != "tfport"
        or not parts[1].isdecimal()
        or parts[2] not in (GATE, *SECTIONS)
    ):
        return "ignored: not a check run of a pull request"
    return await workflows.enqueue_look(
        guid, event.installation_id, event.repository_id, int(parts[1]), {parts[2]: attempt, GATE: attempt}
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

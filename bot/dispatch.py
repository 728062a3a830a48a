"""From stored deliveries to looks: what a delivery tells is only where to look again."""

from __future__ import annotations

import structlog

from bot import events, workflows
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

"""What is said of converted weights, on the Hub and on GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bot.policy import HUB_MAINTAINERS
from bot.render.environment import render
from bot.render.text import fit

if TYPE_CHECKING:
    from checks.execution.convert import Conversion

TITLE = "Add TensorFlow weights"


def description(
    found: Conversion,
    *,
    limit: float,
    source: str = "",
    revision: str = "",
    by: str = "",
    reason: str = "",
    maintainers: Sequence[str] = HUB_MAINTAINERS,
) -> str:
    """The text of the pull request on the Hub: states the errors, tags who looks after TensorFlow weights there.

    Args:
        source: URL of the port's pull request on GitHub.
        by, reason: who accepted a larger difference, and why.
    """
    hidden = max(found.hidden.values(), default=None)
    return fit(
        render(
            "hub/pull.md.j2",
            model_class=found.model_class,
            outputs=max(found.outputs.values(), default=float("nan")),
            hidden=hidden,
            reloaded=max(found.reloaded.values(), default=float("nan")),
            everything=sorted({**found.outputs, **found.hidden}.items())[:200],
            limit=limit,
            source=source,
            revision=revision,
            by=by,
            reason=reason,
            maintainers=maintainers,
        )
    )


def reminder(days: int, maintainers: Sequence[str] = HUB_MAINTAINERS) -> str:
    """What is written once below a pull request on the Hub that has rested for so many days."""
    return render("hub/reminder.md.j2", days=days, maintainers=maintainers)

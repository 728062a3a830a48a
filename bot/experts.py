"""More people whom the maintainers may want to ask: who wrote the PyTorch model, and who reviewed ports of the same modality.

They are named where the maintainers are asked for review, and never mentioned: whom to ask is for the maintainers to say.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from bot.github import reads
from bot.github.errors import Gone
from bot.github.session import Installation
from bot.state import Repository

log = structlog.get_logger(__name__)

MOST = 2
"""Of each kind."""
FRESH = 86_400.0
"""Seconds for which GitHub is not asked again about the same files."""


@dataclass(frozen=True, slots=True)
class Experts:
    """Logins: `wrote` the PyTorch model, `reviewed` ports of that modality."""

    wrote: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = ()

    def without(self, names: Iterable[str]) -> Experts:
        """Those who are not told otherwise; nobody stands in both lists."""
        known = {name.casefold() for name in names}
        wrote = tuple(name for name in self.wrote if name.casefold() not in known)[:MOST]
        known |= {name.casefold() for name in wrote}
        reviewed = tuple(name for name in self.reviewed if name.casefold() not in known)[:MOST]
        return Experts(wrote, reviewed)


def ranked(names: Iterable[str]) -> tuple[str, ...]:
    """The most frequent first; of equals, who comes first."""
    return tuple(name for name, _ in Counter(names).most_common())


class Finder:
    """Asks GitHub, and remembers the answers for a while."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, tuple[str, ...], tuple[str, ...]], tuple[float, Experts]] = {}

    async def find(
        self,
        there: Installation,
        repository: Repository,
        ref: str,
        pytorch: Sequence[str],
        peers: Sequence[str],
    ) -> Experts:
        """Nobody where the files are not there.

        Args:
            pytorch: files of the PyTorch model on the branch `ref`.
            peers: TensorFlow files of models of the same modality there.

        Raises:
            GitHubError: see there, but `Gone`.
        """
        key = (repository.id, tuple(pytorch), tuple(peers))
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < FRESH:
            return kept[1]
        try:
            wrote, reviewed = await asyncio.gather(
                asyncio.gather(*(reads.authors(there, repository, path, ref) for path in pytorch)),
                asyncio.gather(*(reads.reviewers_of(there, repository, path, ref) for path in peers)),
            )
        except Gone as error:
            log.info("nobody proposed as reviewer", repository=repository.full_name, reason=str(error))
            return Experts()
        found = Experts(
            ranked(name for names in wrote for name in names),
            ranked(name for names in reviewed for name in names),
        )
        self._kept[key] = (time.monotonic(), found)
        return found

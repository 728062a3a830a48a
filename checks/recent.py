"""What a process that lives long remembers of commits: immutable things under names that never change their meaning."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A cache for several threads that drops what was not asked for longest.

    Args:
        most: how much it holds, in the unit of `put`'s `size`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._entries: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        """What was put under a key, None if it is not there (any more)."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keeps a value of some size, and drops others until there is room."""
        with self._lock:
            if key in self._entries:
                self._size -= self._entries.pop(key)[1]
            self._entries[key] = (value, size)
            self._size += size
            while self._size > self._most and self._entries:
                self._size -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Forgets everything (for measurements)."""
        with self._lock:
            self._entries.clear()
            self._size = 0

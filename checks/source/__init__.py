"""Files as facts. Each module reads one kind of file; a parser takes text and returns frozen data, and never raises for what the
text says: what can't be read is the fact `problem`.

`facts` is the way in: it caches by the content's git name, so that a long-lived process parses an unchanged file once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from checks.snapshot import Snapshot

T = TypeVar("T")

_CAPACITY = 512
_cache: OrderedDict[tuple[Callable[[str], Any], str], Any] = OrderedDict()
_lock = threading.Lock()


class _Clock(threading.local):
    seconds = 0.0


clock = _Clock()
"""How long this thread has read and parsed, in seconds."""


def facts(snapshot: Snapshot, path: str, parser: Callable[[str], T]) -> T | None:
    """`parser` applied to the text of `path`; None where there is no regular file.

    Raises:
        checks.errors.Unreadable: it is too large, or not text.
    """
    start = time.perf_counter()
    try:
        return _facts(snapshot, path, parser)
    finally:
        clock.seconds += time.perf_counter() - start


def _facts(snapshot: Snapshot, path: str, parser: Callable[[str], T]) -> T | None:
    blob = snapshot.blob_id(path)
    if blob is None:
        return None
    key = (parser, blob)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    text = snapshot.read(path)
    if text is None:
        return None
    found = parser(text)
    with _lock:
        _cache[key] = found
        if len(_cache) > _CAPACITY:
            _cache.popitem(last=False)
    return found


def clear_cache() -> None:
    """Forgets everything (for measurements)."""
    with _lock:
        _cache.clear()

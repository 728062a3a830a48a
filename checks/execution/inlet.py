"""What a job is told while it runs, on its standard input."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque

MOST = 512 << 20
"""Bytes that may wait until the job reads them."""


class InletFull(Exception):
    """The job does not read what it is sent."""


class Inlet:
    """A bounded queue from any thread into one running job: `put` what it shall read, `close` where nothing more comes.

    The run (`supervise`) waits for `descriptor` and takes what is there; it closes the inlet when it ends, and then `put` does nothing.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._closed = False
        self._lock = threading.Lock()
        self._event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    @property
    def descriptor(self) -> int:
        """Readable when there is something to take."""
        return self._event

    def put(self, content: bytes) -> None:
        """Has `content` written to the job as soon as it reads.

        Raises:
            InletFull: more than the limit is waiting already.
        """
        with self._lock:
            if self._closed:
                return
            if self._size + len(content) > self._most:
                raise InletFull(f"more than {self._most >> 20} MiB wait for the job")
            self._waiting.append(content)
            self._size += len(content)
            os.eventfd_write(self._event, 1)

    def close(self) -> None:
        """The job's input ends after what was put."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.eventfd_write(self._event, 1)

    def take(self) -> tuple[bytes, bool]:
        """Everything that waits, and whether that is all; for the run."""
        with self._lock:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._event)
            content = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            return content, self._closed

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._event)

"""A user id of its own for each sandbox that runs at the same time, where the service is root: limits of processes count by user."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from checks.execution.job import SandboxError

FOLDER = Path("/run/tfport/slots")
FIRST_UID = 200_001
COUNT = 256


@contextmanager
def slot(folder: Path = FOLDER) -> Generator[int]:
    """A user id that nobody else has now, on this host. Given back even by kill -9: what holds it is a file lock.

    Raises:
        SandboxError: all are taken.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(COUNT):
        handle = os.open(folder / str(number), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        try:
            yield FIRST_UID + number
        finally:
            os.close(handle)
        return
    raise SandboxError(f"{COUNT} sandboxes run at the same time on this host")

"""Results leave the sandbox as frames on an inherited descriptor: four bytes of length (big endian), then JSON in UTF-8."""

from __future__ import annotations

import fcntl
import json
import os
import struct
import tempfile
from typing import Any, BinaryIO, Iterator, Mapping

LARGEST = 256 * 1024
"""Bytes of one frame's JSON. The reader refuses more."""


class Channel:
    """The writing end. Several processes may share it: a frame is written under a lock, in one piece.

    Args:
        descriptor: of a pipe that the parent reads.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        path = os.path.join(tempfile.gettempdir(), ".tfport-channel.lock")
        self._lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def send(self, message: Mapping[str, Any]) -> None:
        """Writes one message; one that is too large is replaced by a note with its `kind` and `id`."""
        body = json.dumps(message, ensure_ascii=True, default=str).encode()
        if len(body) > LARGEST:
            short = {key: message[key] for key in ("kind", "id", "class") if key in message}
            body = json.dumps({**short, "error": f"the result has {len(body)} bytes"}, default=str).encode()
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            rest = memoryview(struct.pack(">I", len(body)) + body)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


def frames(stream: BinaryIO) -> Iterator[Any]:
    """The messages of a stream, as the sandbox's own processes read each other's. Ends at the end of the stream."""
    while True:
        head = stream.read(4)
        if len(head) < 4:
            return
        (length,) = struct.unpack(">I", head)
        if length > LARGEST:
            return
        yield json.loads(stream.read(length))

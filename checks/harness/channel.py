"""Results leave the sandbox as frames on an inherited descriptor: four bytes of length (big endian), then JSON in UTF-8."""

from __future__ import annotations

import json
import os
import struct
import threading
from typing import Any, BinaryIO, Iterator, Mapping

LARGEST = 256 * 1024
"""Bytes of one frame's JSON. The reader refuses more."""

LARGEST_PACKED = 256 << 20
"""Bytes of one frame with arrays."""

VARIABLE = "TFPORT_RESULTS_FD"
"""Environment variable with the number of the descriptor."""


class Channel:
    """The writing end, for the threads of one process.

    Args:
        descriptor: of a pipe that the parent reads; by default the one that the environment names.
    """

    def __init__(self, descriptor: int = -1) -> None:
        self._descriptor = descriptor if descriptor >= 0 else int(os.environ[VARIABLE])
        self._lock = threading.Lock()

    def send(self, message: Mapping[str, Any]) -> None:
        """Writes one message; one that is too large is replaced by a note with its `kind` and `id`."""
        body = json.dumps(message, ensure_ascii=True, default=str).encode()
        if len(body) > LARGEST:
            short = {key: message[key] for key in ("kind", "id", "class") if key in message}
            body = json.dumps({**short, "error": "the result is too large"}, default=str).encode()
        self._write(body)

    def send_packed(self, message: Mapping[str, Any]) -> None:
        """Writes one message with arrays in it, as `wire` packs them."""
        from . import wire

        body = wire.pack(message)
        if len(body) > LARGEST_PACKED:
            short = {key: message[key] for key in ("kind", "number") if key in message}
            body = wire.pack({**short, "error": {"type": "TooLarge", "message": f"{len(body) >> 20} MiB"}})
        self._write(body)

    def _write(self, body: bytes) -> None:
        with self._lock:
            rest = memoryview(struct.pack(">I", len(body)) + body)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]


def frames(stream: BinaryIO) -> Iterator[Any]:
    """The messages of a stream, as the sandbox's own processes read each other's; what is cut off or no JSON ends it."""
    while True:
        head = stream.read(4)
        if len(head) < 4:
            return
        (length,) = struct.unpack(">I", head)
        if length > LARGEST:
            return
        try:
            yield json.loads(stream.read(length))
        except ValueError:
            return

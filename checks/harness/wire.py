"""What the two sides say to the trusted side, and hear from it: nested plain data with arrays, as bytes.

MAGIC, four bytes with the length of a JSON text, the text, then the arrays' values one after the other (C order, little endian). The text is
{"value": …, "arrays": [[dtype, shape], …]}; in `value` the object {"$": 3} stands for the array number 3. No pickle, no archive, nothing
that unfolds: the reader knows the size of everything before it touches it. (The trusted side has a reader of its own.)
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO, Dict, List, Optional, Tuple

import numpy as np

MAGIC = b"TFA1"

Table = List[Tuple[str, List[int]]]


def pack(value: Any) -> bytes:
    """Nested dicts, lists, tuples (they become lists), arrays, text, numbers, None. What is none of these becomes its type's name."""
    table: Table = []
    parts: List[bytes] = []
    text = json.dumps({"value": _plain(value, table, parts), "arrays": table}).encode()
    return b"".join([MAGIC, struct.pack(">I", len(text)), text, *parts])


def unpack(content: bytes) -> Any:
    """The value of what `pack` made. Only for what the trusted side sends.

    Raises:
        ValueError: it is something else.
    """
    if content[:4] != MAGIC:
        raise ValueError("not a packed value")
    (length,) = struct.unpack(">I", content[4:8])
    told = json.loads(content[8 : 8 + length].decode())
    arrays: List[np.ndarray] = []
    at = 8 + length
    for kind, shape in told["arrays"]:
        dtype = np.dtype(kind)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        arrays.append(np.frombuffer(content, dtype, size // dtype.itemsize, at).reshape(shape))
        at += size
    return _filled(told["value"], arrays)


def _plain(value: Any, table: Table, parts: List[bytes]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(entry, table, parts) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry, table, parts) for entry in value]
    if isinstance(value, (np.ndarray, np.generic, float)):
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            return str(array.dtype)
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            array = array.astype(np.float64)
        array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
        table.append((array.dtype.str.replace(">", "<"), list(array.shape)))
        parts.append(array.tobytes())
        return {"$": len(table) - 1}
    return type(value).__name__


def _filled(value: Any, arrays: List[np.ndarray]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$"}:
            return arrays[value["$"]]
        return {key: _filled(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, arrays) for entry in value]
    return value


def read(stream: BinaryIO) -> Optional[Dict[str, Any]]:
    """The next request: eight bytes of length, then a packed value. None at the end."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack(">Q", head)
    content = stream.read(length)
    return unpack(content) if len(content) == length else None

"""Nested plain data with arrays, as bytes: what is sent into a sandbox, and what comes out of one, read as a stranger's.

The form is that of `checks/harness/wire.py`; here its reader believes nothing. No pickle and no archive is ever opened, no size is
allocated that the bytes do not have, and what is not exactly of this form is refused as a whole.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from checks.execution.results import Malformed, decode_object

Array = NDArray[Any]

MAGIC = b"TFA1"
KINDS = frozenset(f"<{kind}" for kind in ("f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8")) | {
    "|i1",
    "|u1",
    "|b1",
}
"""Element types that are read."""
TEXT_LIMIT = 8 << 20
"""Bytes of the JSON text."""
COUNT_LIMIT = 20_000
"""Arrays of one record."""
DIMENSIONS = 12
SIDE_LIMIT = 1 << 31


def pack(value: Any) -> bytes:
    """Dicts with text keys, lists, tuples (as lists), arrays, text, numbers, None."""
    table: list[tuple[str, list[int]]] = []
    parts: list[bytes] = []
    text = json.dumps({"value": _plain(value, table, parts), "arrays": table}).encode()
    return b"".join([MAGIC, struct.pack(">I", len(text)), text, *parts])


def frame(value: Any) -> bytes:
    """A request as the harness reads it: its length in eight bytes, then the packed value."""
    content = pack(value)
    return struct.pack(">Q", len(content)) + content


def is_packed(record: bytes) -> bool:
    """The record says that it is of this form."""
    return record[:4] == MAGIC


def unpack(record: bytes) -> Mapping[str, Any]:
    """The object in a record. Its arrays are read-only views.

    Raises:
        checks.execution.results.Malformed: anything that is not exactly of this form, or larger than the limits.
    """
    if not is_packed(record) or len(record) < 8:
        raise Malformed("not a packed value")
    length = int.from_bytes(record[4:8], "big")
    if length > TEXT_LIMIT or 8 + length > len(record):
        raise Malformed("its text is cut off or too long")
    told = decode_object(record[8 : 8 + length])
    if set(told) != {"value", "arrays"} or not isinstance(told["value"], dict):
        raise Malformed("not an object with arrays")
    arrays = _arrays(record, 8 + length, told["arrays"])
    used: set[int] = set()
    value = _filled(cast("object", told["value"]), arrays, used)
    if len(used) != len(arrays):
        raise Malformed("an array is used not at all or twice")
    return cast("dict[str, Any]", value)


def _arrays(record: bytes, at: int, table: object) -> list[Array]:
    if not isinstance(table, list) or len(cast("list[object]", table)) > COUNT_LIMIT:
        raise Malformed("no list of arrays, or too many")
    found: list[Array] = []
    for entry in cast("list[object]", table):
        kind, shape = _declared(entry)
        dtype = np.dtype(kind)
        count = math.prod(shape)
        size = count * dtype.itemsize
        if size > len(record) - at:
            raise Malformed("an array is larger than what came")
        if kind == "|b1":  # other bytes than 0 and 1 are no truth values
            array = np.frombuffer(record, np.uint8, count, at) != 0
        else:
            array = np.frombuffer(record, dtype, count, at)
        found.append(array.reshape(shape))
        at += size
    if at != len(record):
        raise Malformed("there is more than the arrays")
    return found


def _declared(entry: object) -> tuple[str, tuple[int, ...]]:
    """Element type and shape of one line of the table."""
    if not isinstance(entry, list) or len(cast("list[object]", entry)) != 2:
        raise Malformed("not an element type and a shape")
    kind, shape = cast("list[object]", entry)
    if not isinstance(kind, str) or kind not in KINDS:
        raise Malformed("not an element type")
    if not isinstance(shape, list) or len(cast("list[object]", shape)) > DIMENSIONS:
        raise Malformed("not a shape")
    sides = cast("list[object]", shape)
    if not all(type(side) is int and 0 <= side < SIDE_LIMIT for side in sides):
        raise Malformed("not a shape")
    return kind, tuple(cast("list[int]", sides))


def _plain(value: Any, table: list[tuple[str, list[int]]], parts: list[bytes]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {
            str(key): _plain(entry, table, parts) for key, entry in cast("Mapping[Any, Any]", value).items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(entry, table, parts) for entry in cast("list[Any]", value)]
    array = np.ascontiguousarray(value).reshape(np.shape(value))
    if array.dtype.str not in KINDS:
        raise TypeError(f"cannot be sent: {array.dtype}")
    table.append((array.dtype.str, list(array.shape)))
    parts.append(array.tobytes())
    return {"$": len(table) - 1}


def _filled(value: object, arrays: list[Array], used: set[int]) -> object:
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        if entries.keys() == {"$"}:
            number = entries["$"]
            if type(number) is not int or not 0 <= number < len(arrays) or number in used:
                raise Malformed("an array that is not there, or a second time")
            used.add(number)
            return arrays[number]
        return {key: _filled(entry, arrays, used) for key, entry in entries.items()}
    if isinstance(value, list):
        return [_filled(entry, arrays, used) for entry in cast("list[object]", value)]
    return value

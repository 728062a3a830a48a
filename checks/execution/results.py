"""Records that came out of a sandbox, read as what they are: bytes from a stranger."""

from __future__ import annotations

import json
from typing import Any, NoReturn, cast

DEPTH_LIMIT = 32
"""Levels of lists and objects within each other."""
NUMBER_LIMIT = 40
"""Digits of a number: a longer one takes quadratic time to read."""


class Malformed(Exception):
    """Not what a record has to be. The text says why, without quoting it."""


def decode_object(record: bytes) -> dict[str, Any]:
    """The JSON object in `record`: strict UTF-8, no NaN or infinity, no key twice, of bounded depth.

    Raises:
        Malformed: anything else.
    """
    value = _decode(record)
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return cast("dict[str, Any]", value)


def decode_list(record: bytes) -> list[Any]:
    """The JSON list in `record`; as `decode_object`."""
    value = _decode(record)
    if not isinstance(value, list):
        raise Malformed("not a JSON list")
    return cast("list[Any]", value)


def _decode(record: bytes) -> object:
    try:
        value = json.loads(
            record.decode(),
            parse_constant=_refuse,
            parse_int=_integer,
            parse_float=_number,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except ValueError as error:
        raise Malformed(str(error) if isinstance(error, _Refused) else "not JSON") from None
    if _depth(value) > DEPTH_LIMIT:
        raise Malformed("nested too deeply")
    return value


class _Refused(ValueError):
    pass


def _refuse(name: str) -> NoReturn:
    raise _Refused(f"{name} is no JSON number")


def _integer(text: str) -> int:
    if len(text) > NUMBER_LIMIT:
        raise _Refused("a number is too long")
    return int(text)


def _number(text: str) -> float:
    if len(text) > NUMBER_LIMIT:
        raise _Refused("a number is too long")
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("a number is too large")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused("a key is there twice")
    return value


def _depth(value: object) -> int:
    """Levels of lists and objects, counted without recursion."""
    depth, level = 0, _inside(value)
    while level is not None:
        deeper = [inner for inner in map(_inside, level) if inner is not None]
        depth, level = depth + 1, [one for inner in deeper for one in inner] if deeper else None
    return depth


def _inside(value: object) -> list[object] | None:
    """What a list or an object holds; None for what is neither."""
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else None

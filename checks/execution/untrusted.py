"""What code inside the sandbox says, read as a stranger's data: strict shapes, bounded sizes, masked text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from checks.execution.results import Malformed, decode_object

LARGEST = 256 * 1024
"""Bytes of one record."""
MESSAGE = 4_000
"""Characters of a message that is kept."""

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?|\x1b.")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SECRETS = re.compile(
    r"\b(gh[pousr]_|github_pat_|hf_|sk-|xox[abp]-|AKIA)[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+"
)


def record(content: bytes) -> Mapping[str, Any] | None:
    """A record's fields, None if it is no JSON object of reasonable size with a text `kind`."""
    if len(content) > LARGEST:
        return None
    try:
        found = decode_object(content)
    except Malformed:
        return None
    return found if isinstance(found.get("kind"), str) else None


def text(value: object, limit: int = MESSAGE) -> str:
    """A text that may be shown: without what moves a cursor or hides itself, without what looks like a secret, cut at `limit`."""
    if not isinstance(value, str):
        return ""
    clean = _CONTROL.sub("", _ESCAPES.sub("", value[: 4 * limit]).replace("\r\n", "\n").replace("\r", "\n"))
    clean = _SECRETS.sub("***", clean)
    clean = re.sub(r"(?<![\w/])/(tree|harness/tfport_harness)/", "", clean)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def texts(value: object, most: int = 200, limit: int = 500) -> tuple[str, ...]:
    """A list of texts; what is none is left out."""
    if not isinstance(value, list):
        return ()
    return tuple(text(entry, limit) for entry in cast("list[object]", value)[:most] if isinstance(entry, str))


def number(value: object, most: float = 1e9) -> float:
    """A number between 0 and `most`, 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if 0 <= value <= most else 0.0


def mapping(value: object) -> Mapping[str, Any]:
    """An object with text keys, an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def sequence(value: object, most: int = 1_000) -> list[Any]:
    """A list of at most `most` entries, an empty one for anything else."""
    return cast("list[Any]", value)[:most] if isinstance(value, list) else []


def frames(value: object) -> tuple[tuple[str, int, str], ...]:
    """Places of a traceback: path in the tree, line, function; malformed ones are left out."""
    found: list[tuple[str, int, str]] = []
    for entry in sequence(value, 60):
        parts = list(mapping(cast("object", entry)).values()) or sequence(entry, 3)
        if (
            len(parts) == 3
            and isinstance(parts[0], str)
            and isinstance(parts[1], int)
            and isinstance(parts[2], str)
        ):
            path = parts[0]
            if (
                len(path) <= 300
                and not path.startswith("/")
                and ".." not in path.split("/")
                and 0 < parts[1] < 10**6
            ):
                found.append((text(path, 300), parts[1], text(parts[2], 100)))
    return tuple(found)

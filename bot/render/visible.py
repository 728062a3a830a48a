"""Text of strangers made harmless for a terminal."""

from __future__ import annotations

import re

# C0 and C1 (escape codes among them), what turns the direction of writing, what has no width, lone surrogates, tags
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` on one line, with everything spelled out (`\x1b`) that a terminal would obey or not show."""
    return _UNSEEN.sub(_spelled, text.replace("\t", "    "))


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")

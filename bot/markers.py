"""Hidden markers in our own comments: what the bot remembers on GitHub itself.

A comment of ours shows text of strangers, so a marker counts only in the block of lines at its very end, which nobody but us writes: a
blank line, and then nothing but markers. Whatever else looks like one is text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_ONLY_MARKERS = re.compile(r"(?:<!-- tfport:[^>]*-->)+")

OPENING = "<!--"


def marker(kind: str, document: Mapping[str, object]) -> str:
    """A document as a hidden comment."""
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    # Nothing in it may end the comment, or look like another marker.
    for char in "<>-":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f"<!-- tfport:{kind} {text} -->"


def with_markers(text: str, *markers: str) -> str:
    """The body of a comment: the text, a blank line, the markers."""
    return text.rstrip() + "\n\n" + "\n".join(markers)


def tail(body: str) -> str:
    """The block of markers at the end of a body, "" if there is none."""
    block = body.replace("\r\n", "\n").rstrip().rpartition("\n\n")[2]
    lines = block.split("\n")
    return block if all(_ONLY_MARKERS.fullmatch(line.strip()) for line in lines) else ""


def inert_markers(text: str) -> str:
    """The text with a zero-width space in whatever would begin an HTML comment."""
    return text.replace(OPENING, "<\u200b!--")

"""Text of strangers made harmless for Markdown, and bodies cut to GitHub's limits."""

from __future__ import annotations

import re

from bot.markers import inert_markers

BUDGET = 60_000
"""Bytes of UTF-8 a body may have; GitHub's limit is 65,535 (65,536 in comments)."""

_ZERO_WIDTH = "\u200b"
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_ENTITY = re.compile(r"&(?=#|[A-Za-z])")
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~$-])")
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|www)([:.])")


# What reads as code in a sentence: decorators, TF classes, paths, dotted and underscored names.
_NAME = re.compile(
    r"(?<![\w@/.`&#-])(@\w[\w.]*\w|TF[A-Z]\w*(?:\.\w+)*|(?=[\w./-]*(?:_|/[\w./-]*\.))\w[\w./-]*\w|[A-Za-z]\w+(?:\.[A-Za-z]\w+)+(?:\(\))?)(?![\w@/`-])"
)


def inert(text: str, limit: int = 500) -> str:
    """One line of prose that shows `text` and does nothing: no mention, link, reference, markup, HTML or fence."""
    line = " ".join(_INVISIBLE.sub("", text).split())
    if len(line) > limit:
        line = line[:limit] + "…"
    line = _ENTITY.sub("&amp;", line)
    line = _MARKUP.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;")
    line = _LINK.sub(rf"\1{_ZERO_WIDTH}\2", line)
    return line.replace("@", f"@{_ZERO_WIDTH}")


def code(text: str, limit: int = 200) -> str:
    """`text` as inline code, of one line, with a fence longer than any inside; safe in a table."""
    line = " ".join(_INVISIBLE.sub("", text).split())
    if len(line) > limit:
        line = line[:limit] + "…"
    line = inert_markers(line.replace("|", "\\|"))
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def prose(text: str, limit: int = 500) -> str:
    """A sentence of ours: what stands between single backticks becomes code, everything else is made inert.

    Names of strangers may be in it anywhere; whatever they hold ends up in code or inert.
    """
    shown = text if len(text) <= limit else text[:limit] + "…"
    pieces = shown.split("`")
    if len(pieces) % 2 == 0:
        return inert(shown, limit + 1)
    # The gap keeps two neighbouring pieces of code from becoming one with a longer fence.
    return "".join(
        code(piece) if index % 2 else _spaced(piece) or _ZERO_WIDTH for index, piece in enumerate(pieces)
    ).strip(_ZERO_WIDTH)


def _spaced(piece: str) -> str:
    """`inert`, with the spaces around it kept and names of code shown as code."""
    if not piece.strip():
        return " " if piece else ""
    shown = ""
    for index, part in enumerate(_NAME.split(" ".join(_INVISIBLE.sub("", piece).split()))):
        shown += code(part) if index % 2 else _inert_as_it_stands(part)
    return (" " if piece[0].isspace() else "") + shown + (" " if piece[-1].isspace() else "")


def _inert_as_it_stands(part: str) -> str:
    lead, trail = part[:1].isspace(), part[-1:].isspace()
    body = inert(part)
    return f"{' ' if lead else ''}{body}{' ' if trail and body else ''}"


def plain(text: str, limit: int = 1000) -> str:
    """Text for an annotation, which GitHub shows without Markdown: control and direction characters gone, cut."""
    clean = _INVISIBLE.sub("", text)
    return clean if len(clean) <= limit else clean[:limit] + "…"


def fit(body: str, budget: int = BUDGET, *, rest: str = "… the rest did not fit here.") -> str:
    """`body`, cut at a line so that it keeps to `budget` bytes; open fences and `<details>` are closed again."""
    body = body.encode("utf-8", "replace").decode()  # a lone surrogate would end it all
    if len(body.encode()) <= budget:
        return body
    room = budget - len(rest.encode()) - 200
    kept: list[str] = []
    used = 0
    for line in body.split("\n"):
        used += len(line.encode()) + 1
        if used > room:
            break
        kept.append(line)
    fence = ""
    details = 0
    for line in kept:
        opening = re.match(r"\s*(`{3,}|~{3,})", line)
        if opening and not fence:
            fence = opening.group(1)
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            details += line.count("<details") - line.count("</details>")
    closing = ([fence] if fence else []) + ["</details>"] * max(details, 0)
    return "\n".join([*kept, *closing, "", rest])

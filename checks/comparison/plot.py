"""The difference along the depth as a picture: SVG, logarithmic, the first layer that differs marked. No library is needed for one line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from checks.comparison.policy import EXACT, GUIDE, figure

Profile = Sequence[tuple[str, float | None]]
"""Layer and difference in the order of execution; None where the two can't be compared."""

WIDTH, HEIGHT = 880, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 56, 84
FLOOR, CEILING = -17.0, 2.0
"""Powers of ten at the ends of the axis."""
LINE, MARK, GRID, INK, PALE = "#0969da", "#cf222e", "#d8dee4", "#24292f", "#57606a"


def plot(title: str, profile: Profile, *, limit: float = EXACT) -> str:
    """An SVG document.

    Args:
        profile: at least one entry.
        limit: above which a layer differs; the first such is marked.
    """
    step = (WIDTH - LEFT - RIGHT) / max(1, len(profile) - 1)
    xs = [LEFT + step * number for number in range(len(profile))] if len(profile) > 1 else [LEFT + 20.0]
    ys = [_y(value) for _, value in profile]
    first = next((n for n, (_, value) in enumerate(profile) if value is None or value > limit), None)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        f"<title>{_text(title)}: difference along the depth</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600" fill="{INK}">{_text(title)}</text>',
        f'<text x="{LEFT}" y="42" fill="{PALE}">largest difference from PyTorch at each layer, in the order of execution</text>',
    ]
    for power in range(-16, 3, 2):
        y = _y(10.0**power)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{PALE}">1e{power}</text>')
    parts += _limit(GUIDE, "the guide's 1e-5")
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    parts.append(f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    radius = 3 if len(profile) <= 120 else 1.5
    for x, y, (path, value) in zip(xs, ys, profile, strict=True):
        words = "cannot be compared" if value is None else figure(value)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{LINE}"><title>{_text(path)}: {words}</title></circle>'
        )
    parts += _names(profile, xs)
    if first is not None:
        parts += _mark(*profile[first], xs[first], ys[first])
    return "\n".join([*parts, "</svg>", ""])


def _limit(value: float, words: str) -> list[str]:
    y = _y(value)
    return [
        f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{PALE}" stroke-dasharray="5 4"/>',
        f'<text x="{WIDTH - RIGHT}" y="{y - 5:.1f}" text-anchor="end" fill="{PALE}">{_text(words)}</text>',
    ]


def _mark(path: str, value: float | None, x: float, y: float) -> list[str]:
    words = "cannot be compared" if value is None else figure(value)
    anchor, shift = ("start", 10) if x < WIDTH / 2 else ("end", -10)
    label = f"starts here: {path or 'the model'} ({words})"
    return [
        f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{MARK}" stroke-dasharray="3 3"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="none" stroke="{MARK}" stroke-width="2"/>',
        f'<text x="{x + shift:.1f}" y="{TOP + 12}" text-anchor="{anchor}" font-weight="600" fill="{MARK}">{_text(label)}</text>',
    ]


def _names(profile: Profile, xs: Sequence[float]) -> list[str]:
    """At most a dozen names below the axis, turned so that they do not overlap."""
    every = max(1, math.ceil(len(profile) / 12))
    found: list[str] = []
    for number in range(0, len(profile), every):
        x, y = xs[number], HEIGHT - BOTTOM + 14
        name = profile[number][0] or "the model"
        short = name if len(name) <= 24 else "…" + name[-23:]
        found.append(
            f'<text x="{x:.1f}" y="{y}" text-anchor="end" fill="{PALE}" font-size="10" transform="rotate(-30 {x:.1f} {y})">{_text(short)}</text>'
        )
    return found


def _y(value: float | None) -> float:
    if value is None or value == math.inf or value != value:
        power = CEILING
    else:
        power = math.log10(value) if value > 0 else FLOOR
    power = min(CEILING, max(FLOOR, power))
    return HEIGHT - BOTTOM - (power - FLOOR) / (CEILING - FLOOR) * (HEIGHT - BOTTOM - TOP)


def _text(text: str) -> str:
    """Names come from a stranger's process."""
    return escape("".join(c for c in text[:200] if c.isprintable()))

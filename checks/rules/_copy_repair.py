"""What a `# Copied from` that names nothing, or cannot be read, was meant to say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from checks.conventions import MODELS, read
from checks.port import Port
from checks.rules._copies import Copy, compare, how, origin
from checks.source.copies import Marker, copied_block


@dataclass(frozen=True, slots=True)
class Fixed:
    """A comment as it was meant; `equal` if with it the code is a copy."""

    text: str
    equal: bool


def repaired(port: Port, path: str, line: int, text: str) -> Fixed | None:
    """What the comment at a line should say; None if nothing fits."""
    lines = port.text(path).split("\n")
    words = re.sub(r"^#+\s*copied\s+from:?\s+", "", text, flags=re.IGNORECASE)
    name, _, rest = words.partition(" ")
    block = copied_block(lines, Marker(line, 0, "transformers", "", "", text))
    found: list[Fixed] = []
    rests = dict.fromkeys((rest.strip(), _spelled(rest)))
    for meant in _names(port, path, name.strip("`'\"")):
        root, _, inner = meant.partition(".")
        place = origin(port.head, root, inner)
        if place.block is None:
            continue
        for spelled in rests:
            changes, unknown = compare(block, place, spelled, how(port))
            fixed = f"# Copied from {meant}{' ' if spelled else ''}{spelled}"
            found.append(Fixed(fixed, block is not None and not changes and not unknown))
    return next((one for one in found if one.equal), found[0] if found else None)


def _spelled(rest: str) -> str:
    """The replacements as they should be written."""
    rest = re.sub(r"\s*(?:=>|->|→|—>|–>)\s*", "->", rest.strip().rstrip("."))
    rest = re.sub(r"^[,;:]?\s*(?:with|and)\b\s*", "", rest, flags=re.IGNORECASE)
    parts = re.findall(r"\S+->[^\s,;]+(?:\s+all-casing)?", rest)
    return f"with {', '.join(parts)}" if parts else ""


def _names(port: Port, path: str, name: str) -> Iterator[str]:
    """Full names that may be meant, the likeliest first."""
    parts = [part for part in re.split(r"[./]", name.rstrip(",.:;")) if part]
    tests = path.startswith("tests/")
    at = next((n for n, part in enumerate(parts) if re.match(r"(test_)?modeling_", part)), -1)
    if at < 0:
        if len(parts) < 2:
            return
        model, objects = parts[-2], parts[-1:]
        modules = [f"modeling_tf_{model}"]
    else:
        module, objects = parts[at], [part for part in parts[at + 1 :] if part != "py"]
        model = parts[at - 1] if at else ""
        suffix = re.sub(r"^(test_)?modeling_(tf_)?", "", module)
        model = model if model and model not in ("models", "transformers") else suffix
        stem = "test_modeling" if tests else "modeling"
        modules = [module, f"{stem}_tf_{suffix}", f"{stem}_tf_{model}"]
    root, folder = (
        ("tests.models", f"tests/models/{model}") if tests else ("transformers.models", f"{MODELS}/{model}")
    )
    for candidate in dict.fromkeys(modules):
        if "tf_" not in candidate:
            continue
        text = read(port.head, f"{folder}/{candidate}.py")
        if not text or not objects:
            continue
        known = re.findall(r"^(?:class|def)\s+(\w+)", text, re.MULTILINE)
        first, rest = objects[0], objects[1:]
        rest = ["call" if part == "forward" else part for part in rest]
        wanted = first if first in known else f"TF{first}"
        near = [wanted] if wanted in known else difflib.get_close_matches(wanted, known, n=1, cutoff=0.8)
        for good in near:
            yield ".".join([root, model, candidate, good, *rest])


def misspelt(port: Port, copy: Copy) -> Fixed | None:
    """The comment under which the code would be a copy, although under the given one it is none."""
    if not copy.changes:
        return None
    fixed = repaired(port, copy.path, copy.marker.line, copy.marker.text)
    return fixed if fixed is not None and fixed.equal and fixed.text != copy.marker.text else None

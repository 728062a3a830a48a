"""What several rules need: whom to copy from, and how names are counted off in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from checks.conventions import MODELS
from checks.edits import insert
from checks.errors import Undecidable
from checks.port import Module, Port
from checks.report import Edit
from checks.source.python import Class, Method, ModuleFacts, module_facts


def as_in(port: Port, module: Module, found: Class, good: Callable[[Class], bool]) -> str:
    """ " (as TFBertModel does at line 455)": the class nearest to `found` that does it right, of the same file if there is one, else of
    the port that this model's PyTorch code comes from; "" if there is neither."""
    siblings = [
        other for other in islice(module.facts.classes.values(), 300) if other is not found and good(other)
    ]
    if siblings:
        nearest = min(
            siblings, key=lambda other: (_ending(other) != _ending(found), abs(other.line - found.line))
        )
        return f" (as {nearest.name} does at line {nearest.line})"
    for kin in filter(None, (port.kin, "bert")):
        path = f"{MODELS}/{kin}/modeling_tf_{kin}.py"
        try:
            facts: ModuleFacts | None = port.facts(path, module_facts, base=True)
        except Undecidable:
            continue
        models = [other for other in facts.classes.values() if good(other)] if facts else []
        if models:
            best = min(models, key=lambda other: (_ending(other) != _ending(found), other.line))
            return f" (as {best.name} does in {path})"
    return ""


def _ending(found: Class) -> str:
    """ "MainLayer", "Model", "For…": the kind of class by its name."""
    for ending in ("MainLayer", "PreTrainedModel", "Model"):
        if found.name.endswith(ending):
            return ending
    return "For" if "For" in found.name else ""


def enumerate_names(names: Iterable[str], limit: int = 4) -> str:
    """ "A", "A and B", "A, B and 3 more"."""
    all_names = list(names)
    shown = all_names if len(all_names) <= limit else all_names[: limit - 1]
    rest = len(all_names) - len(shown)
    parts: Sequence[str] = [*shown, f"{rest} more"] if rest else shown
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def has_conflict(text: str) -> bool:
    """git's markers of a merge conflict are in it."""
    return (text.startswith("<<<<<<< ") or "\n<<<<<<< " in text) and "\n>>>>>>> " in text


def verb(names: Sequence[object], one: str, many: str) -> str:
    """`one` for one name, else `many`."""
    return one if len(names) == 1 else many


def decorate(port: Port, module: Module, found: Class | Method, decorator: str) -> Edit:
    """The edit that puts a decorator above a class or method: above its other decorators, and above a comment that is stuck to it, as
    `# Copied from` has to stand directly above `class` and `def`."""
    lines = port.text(module.path).split("\n")
    at = found.first_line
    if at == found.line:
        while at > 1 and lines[at - 2].strip().startswith("#"):
            at -= 1
    source = lines[found.first_line - 1]
    return insert(module.path, at, f"{source[: len(source) - len(source.lstrip())]}{decorator}\n")

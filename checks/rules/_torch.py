"""What the rules about leftovers of PyTorch share: finding them, grouping them, and where another port does the same in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from checks.conventions import MODELS, read
from checks.errors import Later, NotBegun, Undecidable
from checks.port import Module, Port
from checks.report import Finding, Location
from checks.rules import Rule
from checks.rules._copies import tensorflow_paths
from checks.rules._torch_counterparts import (
    ARGUMENTS,
    FUNCTIONAL,
    FUNCTIONS,
    METHODS,
    MODULES,
    NO_TENSORFLOW,
)
from checks.source.torch import HOOKS, Kind, Leftover, leftovers
from checks.unconverted import unconverted

_METHODS, _ARGUMENTS, _MISSING = frozenset(METHODS), frozenset(ARGUMENTS), frozenset(NO_TENSORFLOW)


def grouped(port: Port, *kinds: Kind) -> Iterator[tuple[Module, list[Leftover]]]:
    """The leftovers of some kinds, those of one name together, by module.

    Raises:
        checks.errors.NotBegun: there is no class yet.
        checks.errors.Later: what is not converted yet was left out.
        checks.errors.Undecidable: a module can't be read or parsed.
    """
    for module in port.broken:
        raise Undecidable(f"{module.path.rsplit('/', 1)[-1]} cannot be parsed")
    if not port.classes:
        raise NotBegun("no class yet")
    for module in port.modules:
        waiting = unconverted(port).get(module.path, ())
        groups: dict[tuple[str, str], list[Leftover]] = {}
        for found in leftovers(port.text(module.path), _METHODS, _ARGUMENTS, _MISSING):
            if found.kind in kinds and found.line not in waiting:
                groups.setdefault((found.kind, found.name), []).append(found)
        for group in groups.values():
            yield module, group
    if unconverted(port):
        raise Later(f"{port.progress[0]} of {port.progress[1]} torch expressions are left")


def finding(
    port: Port, rule: Rule, module: Module, group: list[Leftover], message: str, advice: str
) -> Finding:
    """One finding for all places of a group."""
    first, rest = group[0], group[1:]
    times = f" ({len(group)} times)" if rest else ""
    lines = dict.fromkeys(found.line for found in rest if found.line != first.line)
    return rule.finding(
        module.path,
        first.line,
        f"{message}{times}",
        advice,
        symbol=symbol(module, first.line),
        column=first.column,
        locations=[Location(module.path, line) for line in lines],
    )


def symbol(module: Module, line: int) -> str:
    """ "TFBertLayer.call" of a line, "" outside of classes."""
    for name, found in module.facts.classes.items():
        if found.first_line <= line <= found.end_line:
            for method in found.methods.values():
                if method.first_line <= line <= method.end_line:
                    return f"{name}.{method.name}"
            return name
    return ""


def counterpart(port: Port, name: str, kind: Kind) -> str:
    """What to write instead, with a line of another port that does; "" if nothing is known."""
    entry = _entry(name, kind)
    if not entry:
        return ""
    text, _, needle = entry.partition("|")
    needle = needle if "|" in entry else text.partition("(")[0] + "("
    keras = "keras." if port.conventions.keras_import else "tf.keras."
    shown = text.replace("keras.", keras)
    return f"{shown}{_as_in(port, needle.replace('keras.', keras))}"


def _entry(name: str, kind: Kind) -> str:
    if kind == "hook":
        return f"{HOOKS[name]}|"
    if kind == "method":
        return METHODS.get(name, "")
    if kind == "no-tensorflow":
        return f"tf.{NO_TENSORFLOW[name.removeprefix('tf.')]}"
    root, _, rest = name.partition(".")
    if name.startswith(("nn.functional.", "F.")):
        return FUNCTIONAL.get(name.rsplit(".", 1)[-1], "")
    if root == "nn":
        # nn.init.normal_ and the like belong to the initializers of layers.
        return METHODS["normal_"] if rest.startswith("init.") else MODULES.get(name, "")
    entry = FUNCTIONS.get(rest, "")
    return entry or FUNCTIONS.get(rest.rsplit(".", 1)[-1], "")


def _as_in(port: Port, needle: str) -> str:
    """ ", as in modeling_tf_bert.py:236": the first line with a text in the nearest port."""
    if len(needle) < 4:
        return ""
    place = find_line(port, lambda text: text.find(needle))
    return f", as in {place}" if place else ""


def find_line(port: Port, find: Callable[[str], int]) -> str:
    """ "modeling_tf_bert.py:236", where `find` gives an offset: in the port of the model that this one was copied from, else in BERT's or ViT's,
    else in any of the base."""
    kin = [f"{MODELS}/{model}/modeling_tf_{model}.py" for model in (port.kin, "bert", "vit") if model]
    own = f"{port.folder}/"
    rest = (path for path in tensorflow_paths(port.base) if path not in kin and not path.startswith(own))
    for path in (*kin, *rest):
        text = read(port.base, path)
        at = find(text)
        if at >= 0:
            return f"{path.rsplit('/', 1)[-1]}:{text.count(chr(10), 0, at) + 1}"
    return ""

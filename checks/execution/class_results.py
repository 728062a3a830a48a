"""What the harness says of one class, read as a stranger's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.execution import untrusted

FORMAT_TEXTS: Mapping[str, str] = {
    "keyword": "called with keyword arguments",
    "dict": "called with one dict",
    "positional": "called with its first input as positional argument",
    "numpy": "called with numpy arrays",
    "tf-function": "called inside tf.function",
    "signature": "traced with the shapes of its input signature",
    "tuple-output": "called with return_dict=False",
}

STATES = ("passed", "failed", "not-applicable")  # a tuple: what is looked for in it may be anything


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight without a partner. `name` is PyTorch's name for it, `nearest` the unused PyTorch weight that it may mean."""

    name: str
    nearest: str = ""
    tf: str = ""
    shape: tuple[int, ...] = ()
    pytorch_shape: tuple[int, ...] = ()
    way: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Loading:
    """What found no partner when PyTorch's weights were loaded. `unexpected`: parameters of PyTorch that nothing takes."""

    missing: tuple[Weight, ...] = ()
    mismatched: tuple[Weight, ...] = ()
    unexpected: tuple[str, ...] = ()
    only_tensorflow: tuple[str, ...] = ()
    only_pytorch: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One way to call: `state` passed, failed or not-applicable; where an exception came from, innermost last."""

    state: str
    reason: str = ""
    frames: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ClassResult:
    """What was heard of one class. At most one of `unmade`, `broken`, `silent` is filled.

    Attributes:
        strategy: how its tiny model was made.
        unmade: why no tiny model could be made.
        broken: the exception with which the TensorFlow model could not be made; where it came from in `frames`.
        silent: why nothing was heard.
    """

    name: str
    strategy: str = ""
    unmade: str = ""
    broken: str = ""
    frames: tuple[tuple[str, int, str], ...] = ()
    silent: str = ""
    loading: Loading | None = None
    formats: Mapping[str, Format] = field(default_factory=dict[str, Format])
    notes: tuple[str, ...] = ()


def class_result(content: bytes, names: Sequence[str]) -> ClassResult | None:
    """A record about one of `names`, None for any other."""
    message = untrusted.record(content)
    if message is None or message["kind"] != "class" or message.get("class") not in names:
        return None
    name = str(message["class"])
    strategy = untrusted.text(message.get("strategy"), 40)
    notes = untrusted.texts(message.get("notes"), 10, 300)
    if "unmade" in message:
        reasons = [
            f"{untrusted.text(k, 40)}: {untrusted.text(v, 300)}"
            for k, v in untrusted.mapping(message["unmade"]).items()
        ]
        return ClassResult(name, unmade="; ".join(reasons)[:1_000] or "for no reason given")
    for key in ("unbuilt", "error"):
        if key in message:
            error = untrusted.mapping(message[key])
            broken = f"{untrusted.text(error.get('type'), 60) or 'error'}: {untrusted.text(error.get('message'), 1_000)}"
            return ClassResult(
                name, strategy, broken=broken, frames=untrusted.frames(error.get("frames")), notes=notes
            )
    formats = untrusted.mapping(message.get("formats"))
    told = {key: _format(formats.get(key)) for key in FORMAT_TEXTS}
    loading = _loading(message["load"]) if isinstance(message.get("load"), dict) else None
    return ClassResult(
        name, strategy, loading=loading, formats={k: v for k, v in told.items() if v is not None}, notes=notes
    )


def _format(value: object) -> Format | None:
    told = untrusted.mapping(value)
    if told.get("state") not in STATES:
        return None
    error = untrusted.mapping(told.get("error"))
    reason = untrusted.text(told.get("reason"), 500)
    if error:
        reason = f"{untrusted.text(error.get('type'), 60)}: {untrusted.text(error.get('message'), 600)}"
    return Format(str(told["state"]), reason, untrusted.frames(error.get("frames")))


def _loading(value: object) -> Loading:
    told = untrusted.mapping(value)
    owners = untrusted.mapping(told.get("owners"))
    unexpected = [untrusted.mapping(entry) for entry in untrusted.sequence(told.get("unexpected"))]
    return Loading(
        tuple(_weight(entry, owners) for entry in untrusted.sequence(told.get("missing"))),
        tuple(_weight(entry, owners) for entry in untrusted.sequence(told.get("mismatched"))),
        tuple(untrusted.text(e.get("name"), 300) for e in unexpected if e.get("parameter") is True),
        untrusted.texts(told.get("only_tensorflow"), 1_000),
        untrusted.texts(told.get("only_pytorch"), 1_000),
    )


def _weight(value: object, owners: Mapping[str, Any]) -> Weight:
    told = untrusted.mapping(value)
    tf = untrusted.text(told.get("tf"), 500)
    way: list[tuple[str, str]] = []
    for step in untrusted.sequence(owners.get(tf), 50):
        parts = untrusted.texts(step, 2, 200)
        if len(parts) == 2:
            way.append((parts[0], parts[1]))
    return Weight(
        untrusted.text(told.get("name"), 300) or "?",
        untrusted.text(told.get("nearest"), 300),
        tf,
        tuple(int(untrusted.number(n)) for n in untrusted.sequence(told.get("shape"), 8)),
        tuple(int(untrusted.number(n)) for n in untrusted.sequence(told.get("pytorch_shape"), 8)),
        tuple(way),
    )

"""How far a port is, and the next two steps, while it is not complete yet."""

from __future__ import annotations

from checks.conventions import read
from checks.port import Port
from checks.report import PortSummary, Similar, Step
from checks.similar import most_similar
from checks.source.python import Class

IMPLEMENT = "#4-model-implementation"
"""A section of `checks.checklist.GUIDE`."""


def summarize(port: Port) -> PortSummary:
    """What is being ported, with progress, steps and the most similar port unless it is complete."""
    if port.broken:
        return PortSummary(port.model, port.stage, (), port.modules[0].path)
    summary = PortSummary(port.model, port.stage, port.models, port.modules[0].path)
    if port.stage == "complete":
        return summary
    paths = [module.pytorch_path for module in port.modules if module.pytorch_path]
    texts = [read(port.head, path) or read(port.base, path) for path in paths]
    similar = most_similar(port.base, port.model, texts)
    whole, todo = _classes(port)
    return PortSummary(
        model=port.model,
        stage=port.stage,
        classes=port.models,
        path=port.modules[0].path,
        progress=port.progress if port.stage == "copied" else None,
        converted=(whole - len(todo), whole) if whole else None,
        steps=_steps(port, todo, similar),
        similar=similar,
    )


def _classes(port: Port) -> tuple[int, list[Class]]:
    """The number of PyTorch classes that have a method, and those of them that are not converted."""
    own = {n: c for n, c in port.pytorch_classes.items() if c.methods}
    todo: list[Class] = []
    for name, found in own.items():
        # The base model's logic may be in the main layer, and a PyTorch class may have become nothing but one of Keras.
        module, twin = (
            port.classes.get(f"TF{name}")
            or port.classes.get(port.intended.get(f"TF{name}", ""))
            or (None, None)
        )
        if module is None or twin is None or port.has_torch(module, twin):
            todo.append(found)
    return len(own), todo


def _steps(port: Port, todo: list[Class], similar: Similar | None) -> tuple[Step, ...]:
    match port.stage:
        case "empty":
            return (_copy(port, similar), _whenever())
        case "copied":
            return (_convert(port, todo), _look_up(port, similar))
        case _:
            steps = [_convert(port, todo)] if todo else []
            if main := _main_layer(port):
                steps.append(main)
            return tuple(steps or [_models(port)])


def _copy(port: Port, similar: Similar | None) -> Step:
    module = port.modules[0]
    source = _file(module.pytorch_path) or f"modeling_{module.suffix}.py"
    shared = f"; `{_file(similar.path)}` {_shares(similar)} with it" if similar is not None else ""
    return Step(
        f"Copy `{source}` into `{_file(module.path)}` and convert it class by class{shared}.", IMPLEMENT
    )


def _whenever() -> Step:
    return Step("Commit and push whenever you like: only what you have begun is checked.")


def _convert(port: Port, todo: list[Class]) -> Step:
    if not todo:
        return _models(port)
    names = [
        f"`{found.name}`" for found in todo[:3]
    ]  # in the file's order: what a class needs stands above it
    if len(todo) <= 3:
        left = names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}"
        return Step(f"Convert what is left: {left}.", IMPLEMENT)
    first = f"{', '.join(names[:-1])} and {names[-1]}"
    layer = "keras.layers.Layer" if port.conventions.keras_import else "tf.keras.layers.Layer"
    return Step(
        f"Convert one class after the other, from the top: {first} come first. Each becomes `TF…({layer})`, its `forward` becomes `call`.",
        IMPLEMENT,
    )


def _look_up(port: Port, similar: Similar | None) -> Step:
    if similar is not None:
        return Step(
            f"Take what is nearly the same from `{_file(similar.path)}`: it {_shares(similar)}.", IMPLEMENT
        )
    return Step(
        "Most layers have a counterpart (`nn.Linear` is `Dense`, `nn.Dropout` is `Dropout`); for the others look how another `modeling_tf_*.py` does it.",
        IMPLEMENT,
    )


def _main_layer(port: Port) -> Step | None:
    stem = port.configuration.removesuffix("Config")
    if not stem or f"{stem}Model" not in port.pytorch_classes:
        return None
    if any(name.endswith("MainLayer") for name in port.classes):
        return None
    return Step(
        f"Put the logic of `{stem}Model` into a layer `TF{stem}MainLayer`; `TF{stem}Model` only wraps it.",
        IMPLEMENT,
    )


def _models(port: Port) -> Step:
    stem = port.configuration.removesuffix("Config") or "…"
    return Step(
        f"Write the models that users load: `TF{stem}Model` and its heads, each with a `call`.", IMPLEMENT
    )


def _shares(similar: Similar) -> str:
    if similar.kinds:
        return f"shares the kinds of layers ({similar.kinds})"
    return f"shares {similar.shared} of {similar.of} classes"


def _file(path: str) -> str:
    return path.rsplit("/", 1)[-1]

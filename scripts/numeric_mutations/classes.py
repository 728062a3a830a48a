"""Which public classes run a layer: those whose code leads to it."""

from __future__ import annotations

import ast

from checks.source.python import dotted


def reaching(text: str, owner: str) -> list[str]:
    """Public model classes of a module that may run the class `owner`, the owner itself first, then the shortest ways."""
    tree = ast.parse(text)
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    known = {**classes, **functions}
    uses = {
        name: {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id in known} - {name}
        for name, node in known.items()
    }
    away = {owner: 0}
    pending = [owner]
    while pending:
        wanted = pending.pop(0)
        for name, used in uses.items():
            if wanted in used and name not in away:
                away[name] = away[wanted] + 1
                pending.append(name)
    models = [name for name in away if name in classes and _is_model(name, classes)]
    return sorted(models, key=lambda name: away[name])


def public(text: str) -> list[str]:
    """All public model classes of a module."""
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    return [name for name in classes if name.startswith("TF") and _is_model(name, classes)]


def lines_of_call(text: str, owner: str) -> tuple[int, int]:
    """First and last line of the code of a class's `call`, which shows whether the class ran; (0, 0) if it has none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "call":
                    return method.body[0].lineno, method.end_lineno or method.lineno
    return 0, 0


def _is_model(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    """It derives from the port's `TF…PreTrainedModel` and is none itself."""
    bases = [dotted(base).split(".")[-1] for base in classes[name].bases]
    return not name.endswith(("PreTrainedModel", "PretrainedModel")) and any(
        base.endswith(("PreTrainedModel", "PretrainedModel"))
        or (base in classes and _is_model(base, classes))
        for base in bases
    )

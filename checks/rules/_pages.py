"""The model's pages in the documentation."""

from __future__ import annotations

from collections.abc import Iterable

from checks.port import Port
from checks.source.registries import Autodoc, page_facts


def model_pages(port: Port) -> list[str]:
    """Paths of the model's pages in the head: by name, else by the PyTorch classes that they show (a page is not always named as the
    folder: `openai-gpt`, `deberta-v2`)."""
    docs, suffix = port.conventions.docs, port.conventions.docs_suffix
    names = dict.fromkeys([port.model.replace("_", "-"), port.model, *(m.suffix for m in port.modules)])
    named = [f"{docs}/{name}{suffix}" for name in names]
    twins = {name.removeprefix("TF") for name in port.models} & port.pytorch_classes.keys()
    existing = [path for path in named if port.head.blob_id(path) is not None]
    shown = {block.name for path in existing for block in _blocks(port, path)}
    if existing and (not twins or twins & shown):
        return existing
    wanted = {f"[[autodoc]] {twin}\n" for twin in twins}
    return existing + [
        path
        for path in port.head.list(docs)
        if path not in existing and any(marker in f"{port.text(path)}\n" for marker in wanted)
    ]


def _blocks(port: Port, path: str) -> Iterable[Autodoc]:
    facts = port.facts(path, page_facts)
    return facts.blocks if facts is not None else ()

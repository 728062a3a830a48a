"""Tiny configurations of composites: models made of two others, which have no sizes of their own."""

from __future__ import annotations

import inspect
from typing import Any, Dict, Optional, Tuple

PARTS: Tuple[Tuple[str, str, str], ...] = (
    ("vision", "ViTConfig", ""),
    ("text", "BertConfig", ""),
    ("question_encoder", "DPRConfig", ""),
    ("generator", "BartConfig", ""),
    ("decoder", "BertConfig", "decoder"),
    ("encoder", "BertConfig", ""),
)
"""A word in the name of a part -> which configuration stands for it, and as what."""


def composed(config_class: Any) -> Optional[Any]:
    """A configuration of such a class from tiny ones of well-known parts; None if the class is no composite.

    Composites have a class method `from_…_configs` that takes one configuration per part.
    """
    if not getattr(config_class, "is_composition", False):
        return None
    for name in dir(config_class):
        if name.startswith("from_") and name.endswith("_configs"):
            make = getattr(config_class, name)
            parts: Dict[str, Any] = {}
            for parameter in inspect.signature(make).parameters.values():
                if parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is parameter.empty:
                    part = _part(parameter.name)
                    if part is None:
                        return None
                    parts[parameter.name] = part
            return _finished(make(**parts))
    return None


def _part(name: str) -> Any:
    import transformers

    from .shrink import shrunk

    for word, config_name, role in PARTS:
        if word in name:
            config = next(iter(shrunk(getattr(transformers, config_name))))
            if role == "decoder":
                config.is_decoder = config.add_cross_attention = True
            return config
    return None


def _finished(config: Any) -> Any:
    """What the models ask of the whole, taken from the parts; few documents for retrieval."""
    if getattr(config, "n_docs", None):
        config.n_docs = 2
    generator = getattr(config, "generator", None)
    if generator is not None:
        for name in ("vocab_size", "bos_token_id", "pad_token_id", "eos_token_id", "decoder_start_token_id"):
            if getattr(config, name, None) is None:
                setattr(config, name, getattr(generator, name, None))
    if getattr(config, "projection_dim", None):
        config.projection_dim = 32
    return config

"""Cases from nothing but a configuration class and a call signature: sizes shrunk by the names of their attributes, inputs made by the
names of the arguments."""

from __future__ import annotations

import copy
import inspect
import re
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import numpy as np

from .modules import find_class

BATCH, LENGTH = 2, 7
VOCABULARY = 120

LAYERS = re.compile(
    r"(^|_)(num_(hidden_)?layers|n_layers?|num_.*layers|layers|depth|num_blocks|num_stages_layers)$"
)
"""Attributes that count layers."""

SIZES: Tuple[Tuple[str, int], ...] = (
    (r"vocab_size$|^type_vocab_size_|entity_vocab_size$", VOCABULARY),
    (r"(num|n)_(.*_)?heads?$|^n_head$|attention_heads$", 4),
    (r"(num|n)_key_value_heads$", 4),
    (
        r"^(hidden_size|d_model|dim|n_embd|emb_dim|d_embed|embed_dim|embedding_size|n_embed|hidden_dim|decoder_hidden_size)$",
        32,
    ),
    (r"(projection_dim|proj_size|output_hidden_size|conv_dim|pooler_size|entity_emb_size)$", 32),
    (r"(intermediate_size|ffn_dim|d_ff|d_inner|n_inner|inner_dim|mlp_dim|linear_size)$", 40),
    (r"^d_kv$|^d_head$|^head_dim$|attention_head_size$", 8),
    (r"(max_position_embeddings|n_positions|n_ctx|max_.*positions|seq_length)$", 128),
    (r"^(image_size|input_size)$", 64),
)
"""Pattern of an attribute's name -> its size in a tiny model."""


def from_configuration(name: str, place: Any) -> Optional[Tuple[Any, Dict[str, Any], Dict[str, Any]]]:
    """The gentlest shrinking with which the PyTorch twin runs."""
    cls = find_class(name, place.module)
    twin = find_class(name[2:], place.pytorch_module)
    last: Optional[BaseException] = None
    for config in shrunk(cls.config_class):
        try:
            inputs = inputs_from_signature(cls, twin, config)
            _runs(twin, config, inputs)
            return config, inputs, {}
        except Exception as error:
            last = error
    if last is not None:
        raise last
    return None


def from_pytorch_configuration(twin: Any) -> Optional[Tuple[Any, Dict[str, Any], Dict[str, Any]]]:
    """As `from_configuration`, where only the PyTorch class is at hand: its signature stands for both."""
    last: Optional[BaseException] = None
    for config in shrunk(twin.config_class):
        try:
            inputs = inputs_from_signature(twin, twin, config)
            _runs(twin, config, inputs)
            return config, inputs, {}
        except Exception as error:
            last = error
    if last is not None:
        raise last
    return None


def _runs(twin: Any, config: Any, inputs: Dict[str, Any]) -> None:
    import torch

    from .arrays import to_torch

    model = twin(config)
    model.eval()
    with torch.no_grad():
        model(**to_torch(inputs))


def shrunk(config_class: Any) -> Iterator[Any]:
    """Configurations from the smallest to the plain one, as not every combination of sizes is legal."""
    for layers, sizes in ((True, True), (True, False), (False, True), (False, False)):
        config = copy.deepcopy(config_class())
        _shrink(config, layers, sizes)
        yield config


def _shrink(config: Any, layers: bool, sizes: bool) -> None:
    renamed = set(getattr(type(config), "attribute_map", {}) or {})
    for attribute, value in list(vars(config).items()):
        if attribute in renamed or attribute.startswith("_"):
            continue
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            _shrink(value, layers, sizes)
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int) and value > 0:
            new = _smaller(attribute, value, layers, sizes)
            if new is not None:
                setattr(config, attribute, new)
        elif isinstance(value, (list, tuple)) and value and all(type(v) is int for v in value):
            _shrink_list(config, attribute, value, layers, sizes)


def _smaller(attribute: str, value: int, layers: bool, sizes: bool) -> Optional[int]:
    if LAYERS.search(attribute):
        return min(value, 2) if layers else None
    if not sizes:
        return None
    for pattern, size in SIZES:
        if re.search(pattern, attribute):
            return min(value, size)
    return None


def _shrink_list(config: Any, attribute: str, value: Any, layers: bool, sizes: bool) -> None:
    if attribute in ("depths", "layers", "num_blocks") and layers:
        setattr(config, attribute, type(value)(min(v, 2) for v in value))
    elif attribute in ("hidden_sizes", "embed_dims", "dims", "embed_dim", "encoder_hidden_sizes") and sizes:
        smallest = min(value)
        setattr(config, attribute, type(value)(max(1, v // smallest) * 16 for v in value))


# -- inputs ----------------------------------------------------------------------------------------------------------


def inputs_from_signature(cls: Any, twin: Any, config: Any) -> Dict[str, Any]:
    """Inputs for the arguments that both sides know and that a model of this kind needs."""
    takes = [
        n
        for n in inspect.signature(getattr(cls, "call", twin.forward)).parameters
        if n in inspect.signature(twin.forward).parameters
    ]
    random = np.random.RandomState(0)
    text = _of(config, "text_config")
    vision = _of(config, "vision_config")
    length = LENGTH
    found: Dict[str, Any] = {}
    multiple = cls.__name__.endswith("ForMultipleChoice")

    def ids(size: int, shape: Tuple[int, ...]) -> np.ndarray:
        return random.randint(5, max(6, size), shape).astype(np.int32)

    vocabulary = int(getattr(text, "vocab_size", None) or VOCABULARY)
    shape = (BATCH, 2, length) if multiple else (BATCH, length)
    makers: Dict[str, Callable[[], Any]] = {
        "input_ids": lambda: ids(vocabulary, shape),
        "attention_mask": lambda: np.ones(shape, np.int32),
        "token_type_ids": lambda: np.zeros(shape, np.int32),
        "decoder_input_ids": lambda: ids(vocabulary, (BATCH, length)),
        "bbox": lambda: np.tile(np.array([1, 2, 3, 4], np.int32), (*shape, 1)),
        "pixel_values": lambda: _pixels(vision, random),
        "input_values": lambda: random.standard_normal((BATCH, 2048)).astype(np.float32),
        "input_features": lambda: random.standard_normal(
            (
                BATCH,
                int(getattr(config, "num_mel_bins", 80)),
                2 * int(getattr(config, "max_source_positions", 50)),
            )
        ).astype(np.float32),
        "input_boxes": lambda: np.array([[[1.0, 1.0, 9.0, 9.0]]] * BATCH, np.float32),
    }
    wanted = _wanted(takes, twin)
    for name in takes:
        if name in makers and name in wanted:
            found[name] = makers[name]()
    if not found:
        main = getattr(cls, "main_input_name", "input_ids")
        found[main] = makers[main]()
    return found


def _wanted(takes: List[str], twin: Any) -> List[str]:
    """Attention masks of audio and image models are left out: their meaning varies too much."""
    if "input_ids" in takes:
        return [
            "input_ids",
            "attention_mask",
            "token_type_ids",
            "decoder_input_ids",
            "bbox",
            "pixel_values",
        ]
    if "pixel_values" in takes:
        return ["pixel_values", "decoder_input_ids", "input_boxes"]
    return ["input_values", "input_features", "decoder_input_ids"]


def _of(config: Any, part: str) -> Any:
    found = getattr(config, part, None)
    return found if hasattr(found, "to_dict") else config


def _pixels(config: Any, random: np.random.RandomState) -> np.ndarray:
    size = getattr(config, "image_size", None) or getattr(config, "input_size", None) or 64
    height, width = (size, size) if isinstance(size, int) else (size[0], size[1])
    channels = int(getattr(config, "num_channels", None) or 3)
    shape = (BATCH, channels, height, width)
    if getattr(config, "num_frames", None):
        shape = (BATCH, int(config.num_frames), channels, height, width)
    return random.standard_normal(shape).astype(np.float32)

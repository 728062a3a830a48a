"""One side of a conversion of weights: PyTorch says inputs and outputs, TensorFlow loads the same weights, answers and gives its file.

{"task": "convert", "side": "pytorch" | "tensorflow", "root": "/tree", "checkpoint": "/hub/…/snapshots/…", "inputs": {…}}

The two sides run in sandboxes of their own, and what they say is compared outside. As upstream's `pt-to-tf`, in two halves.
"""

from __future__ import annotations

import base64
import os
import sys
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from .arrays import leaves, to_tf, to_torch
from .channel import Channel

CHUNK = 180_000
"""Bytes of a file in one frame."""
SAVED = "/tmp/converted"


def run(request: Mapping[str, Any], channel: Channel) -> None:
    """Runs one side. Ends with a frame `done`, or with one `failed` that says why."""
    root = str(request["root"])
    os.chdir(root)
    sys.path[:0] = [os.path.join(root, "src"), root]
    try:
        if request["side"] == "pytorch":
            _pytorch(str(request["checkpoint"]), channel)
        else:
            _tensorflow(str(request["checkpoint"]), request["inputs"], channel)
    except Exception as error:
        from .modules import explain

        channel.send({"kind": "failed", **explain(error, root)})
        return
    channel.send({"kind": "done"})


def _classes(checkpoint: str) -> Tuple[Any, str]:
    """Configuration and the name of the PyTorch class that the checkpoint was saved from.

    Raises:
        ValueError: it does not say.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(checkpoint)
    names = list(config.architectures or ())
    if not names:
        raise ValueError("config.json names no architecture")
    return config, names[0]


def _pytorch(checkpoint: str, channel: Channel) -> None:
    import torch
    import transformers

    from . import shrink

    config, name = _classes(checkpoint)
    model_class = getattr(transformers, name)
    tf_class = getattr(transformers, "TF" + name, model_class)
    signature = (
        tf_class if hasattr(tf_class, "call") else type("Signature", (), {"call": model_class.forward})
    )
    inputs = shrink.inputs_from_signature(signature, model_class, config)
    channel.send({"kind": "inputs", "class": name, "inputs": {k: _written(v) for k, v in inputs.items()}})
    model = model_class.from_pretrained(checkpoint)
    model.eval()
    with torch.no_grad():
        outputs = model(**to_torch(inputs), **_more(model_class.forward))
    _send_outputs(outputs, "outputs", channel)


def _tensorflow(checkpoint: str, given: Mapping[str, Any], channel: Channel) -> None:
    import transformers

    _, name = _classes(checkpoint)
    model_class = getattr(transformers, "TF" + name, None)
    if model_class is None or not hasattr(model_class, "call"):
        raise ValueError("there is no class TF" + name)
    inputs = {key: _read(value) for key, value in given.items()}
    model, told = model_class.from_pretrained(checkpoint, from_pt=True, output_loading_info=True)
    channel.send(
        {
            "kind": "loading",
            **{key: list(told.get(key) or [])[:50] for key in ("missing_keys", "unexpected_keys")},
        }
    )
    more = _more(model_class.call)
    _send_outputs(model(**to_tf(inputs), training=False, **more), "outputs", channel)
    os.makedirs(SAVED, exist_ok=True)
    model.save_pretrained(SAVED)
    del model
    again = model_class.from_pretrained(SAVED)
    _send_outputs(again(**to_tf(inputs), training=False, **more), "reloaded", channel)
    for file in sorted(os.listdir(SAVED)):
        if file.startswith("tf_model"):
            with open(os.path.join(SAVED, file), "rb") as stream:
                _send_file(file, stream, channel)


def _more(call: Any) -> Dict[str, Any]:
    import inspect

    takes = inspect.signature(call).parameters
    return {"output_hidden_states": True} if "output_hidden_states" in takes else {}


def _send_outputs(outputs: Any, prefix: str, channel: Channel) -> None:
    import io

    for path, value in leaves(outputs):
        if value.dtype.kind == "f" and value.size:
            data = np.ascontiguousarray(value, dtype="<f4")
            channel.send({"kind": "array", "name": f"{prefix}/{path}", "shape": list(value.shape)})
            _send_file(f"{prefix}/{path}", io.BytesIO(data.tobytes()), channel)


def _send_file(name: str, stream: Any, channel: Channel) -> None:
    while True:
        part = stream.read(CHUNK)
        if not part:
            break
        channel.send({"kind": "part", "name": name, "data": base64.b64encode(part).decode()})


def _written(value: np.ndarray) -> Dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {"dtype": str(value.dtype), "shape": list(value.shape), "data": data}


def _read(value: Mapping[str, Any]) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(value["data"]), dtype=np.dtype(value["dtype"]))
    return data.reshape(value["shape"]).copy()

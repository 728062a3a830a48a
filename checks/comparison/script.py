"""A minimal script that reproduces a difference: one layer of both models, its weights and its inputs, for the contributor's own environment."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from checks.comparison.case import PLAIN
from checks.comparison.compare import Names, Options, Pair
from checks.comparison.comparison import Comparison
from checks.comparison.peer import Gone
from checks.comparison.raised import error_text
from checks.comparison.wire import Array
from checks.execution import untrusted

TEMPLATE = '''\
"""{about}

Run it where PyTorch, TensorFlow and your branch of transformers are installed: python {script}
"""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf
import torch
from transformers.modeling_tf_pytorch_utils import load_pytorch_weights_in_tf2_model
from {pytorch_module} import {pytorch_class}
from {module} import {name}

data = np.load(Path(__file__).with_name({data!r}))
config = json.loads({config!r})
pytorch = {pytorch_class}({pytorch_class}.config_class.from_dict(config)).eval()
weights = {{name[7:]: torch.from_numpy(data[name]) for name in data.files if name.startswith("weight:")}}
pytorch.load_state_dict(weights, strict=False)  # the other layers keep their first values
tensorflow = {name}({name}.config_class.from_dict(config))
load_pytorch_weights_in_tf2_model(tensorflow, pytorch.state_dict(), allow_missing_keys=True)


def layer(model, path):
    for part in path.split(".") if path else []:
        model = model[int(part)] if isinstance(model, (list, tuple)) else model[part] if isinstance(model, dict) else getattr(model, part)
    return model


def given(value, convert):
    """The value with its arrays, which are named {{"$": name}}, as tensors."""
    if isinstance(value, dict):
        return convert(data[value["$"]]) if set(value) == {{"$"}} else {{k: given(v, convert) for k, v in value.items()}}
    return [given(v, convert) for v in value] if isinstance(value, list) else value


def arrays(value):
    if isinstance(value, (list, tuple, dict)):
        return [a for entry in (value.values() if isinstance(value, dict) else value) for a in arrays(entry)]
    return [value.detach().numpy() if hasattr(value, "detach") else value.numpy()] if hasattr(value, "numpy") else []


def to_torch(array):
    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind in "iu" else array)


pytorch_inputs = given(json.loads({pytorch_inputs!r}), to_torch)
inputs = given(json.loads({inputs!r}), tf.constant)
with torch.no_grad():
    expected = arrays(pytorch.get_submodule({pytorch_path!r})({pytorch_call}))
found = arrays(layer(tensorflow, {tf_path!r})({call}))

for number, (ours, theirs) in enumerate(zip(found, expected)):
    layouts = [theirs, theirs.transpose(0, 2, 3, 1)] if theirs.ndim == 4 else [theirs]
    gaps = [np.abs(ours - one).max() for one in layouts if one.shape == ours.shape]
    told = f"largest difference {{min(gaps):.1e}}" if gaps else f"shape {{ours.shape}}, PyTorch {{theirs.shape}}"
    print(f"output {{number}}: {{told}}")
'''


@dataclass(frozen=True, slots=True)
class Reproduction:
    """One call of one layer on both sides.

    Attributes:
        inputs, pytorch_inputs: arguments by name, arrays as {"$": name of an array}.
        arrays: by name, as the script reads them.
    """

    name: str
    names: Names
    config: Mapping[str, Any]
    tf_path: str
    pytorch_path: str
    inputs: Mapping[str, Any]
    pytorch_inputs: Mapping[str, Any]
    arrays: Mapping[str, Array]
    training: bool = True

    def script(self, file: str, data: str) -> str:
        """Its text.

        Args:
            file: the script's own name.
            data: name of the file with the arrays, in the same folder.
        """
        return TEMPLATE.format(
            about=f"{self.tf_path or self.name} of {self.name} against {self.pytorch_path or self.name[2:]} of PyTorch.",
            script=file,
            pytorch_module=self.names.pytorch_module,
            pytorch_class=self.name[2:],
            module=self.names.module,
            name=self.name,
            data=data,
            config=json.dumps(self.config),
            inputs=json.dumps(self.inputs),
            pytorch_inputs=json.dumps(self.pytorch_inputs),
            tf_path=self.tf_path,
            pytorch_path=self.pytorch_path,
            call=_call("inputs", self.inputs, ", training=False" if self.training else ""),
            pytorch_call=_call("pytorch_inputs", self.pytorch_inputs, ""),
        )

    def npz(self) -> bytes:
        """The arrays as a file."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:  # what np.savez does; any name goes
            for name, array in self.arrays.items():
                with archive.open(f"{name}.npy", "w") as entry:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
        return file.getvalue()


def _call(variable: str, arguments: Mapping[str, Any], more: str) -> str:
    """The arguments of a call; those of `*args` come first."""
    positional = [name for name in arguments if name.startswith("args[")]
    if not positional:
        return f"**{variable}{more}"
    first = ", ".join(f"{variable}.pop({name!r})" for name in positional)
    return f"{first}, **{variable}{more}"


def reproduce(pair: Pair, names: Names, one: Comparison, layer: str, options: Options) -> Reproduction | str:
    """One call of a layer, which either side's path names, with the values that PyTorch computes up to there; or why there is none."""
    if one.case is None:
        return one.reason or f"no tiny model of {one.name} could be made"
    way = one.first.variant if one.first is not None else PLAIN
    candidate = pair.with_torch() if one.strategy == "cross-test" else pair.candidate
    request = {
        **replace(one.case, config={**one.case.config, **way.config}).request(),
        "double": False,
        "variant": way.request(),
        "random": True,
        "seed": options.seed,
    }
    try:
        recorded = pair.reference.ask("record", **request, takes=list(one.case.takes))
        if "error" in recorded:
            return f"PyTorch: {error_text(recorded['error'])}"
        keep = {key: recorded.get(key) for key in ("events", "modules", "given", "weights")}
        answer = candidate.ask("layer", **request, **keep, layer=layer)
    except Gone as gone:
        return str(gone)
    if "error" in answer:
        return error_text(answer["error"])
    if "unknown" in answer:
        near = untrusted.texts(answer.get("unknown"), 3, 200)
        return f"{one.name} has no layer {layer}, or PyTorch none that matches it" + (
            f" (nearest: {', '.join(near)})" if near else ""
        )
    path, twin = untrusted.text(answer.get("tf_path"), 300), untrusted.text(answer.get("pytorch_path"), 300)
    events = (untrusted.mapping(event) for event in untrusted.sequence(recorded.get("events"), 100_000))
    event = next((event for event in events if event.get("path") == twin and event.get("call") == 0), None)
    if event is None:
        return f"PyTorch's {twin} did not run"
    arrays: dict[str, Array] = {}
    inputs = _named(untrusted.mapping(answer.get("arguments")), "input", arrays)
    theirs = _named(untrusted.mapping(event.get("arguments")), "pytorch_input", arrays)
    prefix = f"{twin}." if twin else ""
    for name, value in untrusted.mapping(recorded.get("weights")).items():
        if name.startswith(prefix) and isinstance(value, np.ndarray):
            arrays[f"weight:{name}"] = value
    training = answer.get("training") is True
    config = {**one.case.config, **way.config}
    return Reproduction(one.name, names, config, path, twin, inputs, theirs, arrays, training)


def _named(value: Mapping[str, Any], prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    return {key: _plain(entry, f"{prefix}:{key}", arrays) for key, entry in value.items()}


def _plain(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"$": name}
    if isinstance(value, dict):
        return _named(untrusted.mapping(cast("object", value)), name, arrays)
    if isinstance(value, list):
        entries = untrusted.sequence(cast("object", value), 1_000)
        return [_plain(entry, f"{name}:{n}", arrays) for n, entry in enumerate(entries)]
    return value

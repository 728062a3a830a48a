"""The script that reproduces a layer's difference, as text and data."""

from __future__ import annotations

import ast
import io
from dataclasses import replace

import numpy as np

from checks.comparison.compare import Names
from checks.comparison.script import Reproduction

NAMES = Names("transformers.models.ant.modeling_tf_ant", "transformers.models.ant.modeling_ant")
ONE = Reproduction(
    "TFAntModel",
    NAMES,
    {"hidden_act": 'it\'s "gelu"', "hidden_size": 4, "none": None},
    "ant.encoder.layer.0",
    "encoder.layer.0",
    {"hidden_states": {"$": "input:hidden_states"}, "mask": None},
    {"args[0]": {"$": "pytorch_input:args[0]"}, "mask": None},
    {"input:hidden_states": np.ones((2, 3)), "pytorch_input:args[0]": np.zeros(2), "weight:a.b": np.ones(1)},
)


def test_it_is_python_that_names_both_layers() -> None:
    text = ONE.script("repro.py", "repro.npz")
    ast.parse(text)
    assert "from transformers.models.ant.modeling_tf_ant import TFAntModel" in text
    assert "get_submodule('encoder.layer.0')(pytorch_inputs.pop('args[0]'), **pytorch_inputs)" in text
    assert "layer(tensorflow, 'ant.encoder.layer.0')(**inputs, training=False)" in text
    assert "training" not in replace(ONE, training=False).script("a.py", "a.npz").split("layer(tensorflow")[1]


def test_numpy_reads_its_data_without_pickles() -> None:
    data = np.load(io.BytesIO(ONE.npz()), allow_pickle=False)
    assert sorted(data.files) == sorted(ONE.arrays)
    assert np.array_equal(data["input:hidden_states"], np.ones((2, 3)))

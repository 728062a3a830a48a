"""Arrays across the border: what is sent arrives, and nothing else is read."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.comparison import wire
from checks.execution.results import Malformed


def _harness() -> ModuleType:
    """The harness's own half, loaded as what it is: a file that imports nothing of ours."""
    path = Path(wire.__file__).parent.parent / "harness" / "wire.py"
    spec = importlib.util.spec_from_file_location("harness_wire", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HARNESS = _harness()

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array(3.5),
    np.array([[True, False]]),
    np.zeros((0, 4), np.int64),
    np.arange(8, dtype=np.float64).reshape(2, 4).T,
    np.array([1, 2], dtype=">i4"),
    np.array([1.5], np.float16),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_there_and_back(array: np.ndarray) -> None:
    value = {"kind": "answer", "named": {"logits": array, "rest": [array, None, "x", 1, 2.5, True]}}
    for packed in (HARNESS.pack(value), wire.pack(value) if array.dtype.byteorder != ">" else b""):
        if not packed:
            continue
        for read in (wire.unpack, HARNESS.unpack):
            back = read(packed)
            for found in (back["named"]["logits"], back["named"]["rest"][0]):
                np.testing.assert_array_equal(found, array)
                assert found.shape == array.shape
            assert back["named"]["rest"][1:] == [None, "x", 1, 2.5, True]


def test_what_has_no_json_arrives_as_an_array() -> None:
    back = wire.unpack(HARNESS.pack({"worst": float("inf"), "other": object(), "text": np.array(["a"])}))
    assert np.isinf(back["worst"])
    assert back["other"] == "object"


def test_arrays_from_outside_cannot_be_written_to() -> None:
    back = wire.unpack(HARNESS.pack({"a": np.zeros(3)}))
    with pytest.raises(ValueError):
        back["a"][0] = 1


def test_a_request_is_read_as_it_was_sent() -> None:
    import io

    stream = io.BytesIO(wire.frame({"do": "run", "x": np.ones(2)}) + wire.frame({"do": "end"}))
    assert HARNESS.read(stream)["do"] == "run"
    assert HARNESS.read(stream)["do"] == "end"
    assert HARNESS.read(stream) is None


def hostile(value: Any, arrays: Any, rest: bytes = b"") -> bytes:
    text = json.dumps({"value": value, "arrays": arrays}).encode()
    return b"TFA1" + struct.pack(">I", len(text)) + text + rest


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"TFA1",
        b"TFA1\xff\xff\xff\xff{}",
        b"PK\x03\x04 an archive",
        b"\x80\x04 a pickle",
        hostile([], []),
        hostile({"a": {"$": 0}}, []),
        hostile({"a": {"$": -1}}, [["<f8", [1]]], b"\0" * 8),
        hostile({"a": {"$": True}}, [["<f8", [1]], ["<f8", [1]]], b"\0" * 16),
        hostile({"a": {"$": 0}, "b": {"$": 0}}, [["<f8", [1]]], b"\0" * 8),
        hostile({}, [["<f8", [1]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["|O", [1]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<U4", [1]]], b"\0" * 16),
        hostile({"a": {"$": 0}}, [["<f8", [1 << 40]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [1 << 30, 1 << 30, 1 << 30]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [-1]]], b""),
        hostile({"a": {"$": 0}}, [["<f8", [1.0]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [True]]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [1] * 40]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [1], "more"]], b"\0" * 8),
        hostile({"a": {"$": 0}}, [["<f8", [1]]], b"\0" * 7),
        hostile({"a": {"$": 0}}, [["<f8", [1]]], b"\0" * 9),
        hostile({"a": {"$": 0}}, {"0": 1}),
        hostile({}, [["<f8", [0]]] * 30_000),
        b"TFA1" + struct.pack(">I", 22) + b'{"value":{},"value":1}',
    ],
    ids=range(25),
)
def test_anything_else_is_refused(record: bytes) -> None:
    with pytest.raises(Malformed):
        wire.unpack(record)


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(rest: bytes) -> None:
    for record in (rest, b"TFA1" + rest, hostile({"a": {"$": 0}}, [["<f4", [2, 2]]], rest)):
        with contextlib.suppress(Malformed):
            wire.unpack(record)


def test_truth_values_are_nothing_else() -> None:
    back = wire.unpack(hostile({"a": {"$": 0}}, [["|b1", [3]]], b"\x00\x02\xff"))
    assert back["a"].tolist() == [False, True, True]

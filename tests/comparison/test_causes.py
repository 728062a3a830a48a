"""Candidates for causes: what is tried, how it is put into the source, what numbers alone say."""

from __future__ import annotations

import ast
from types import SimpleNamespace

import numpy as np
import pytest

from checks.harness.causes.live import changed, source
from checks.harness.causes.numbers import recognise
from checks.harness.causes.variants import variants
from checks.harness.where import Function, flow

RANDOM = np.random.RandomState(0)


def function(body: str, arguments: str = "hidden_states, input_tensor, training=False") -> Function:
    text = f"class TFX:\n    def call(self, {arguments}):\n" + "".join(
        f"        {line}\n" for line in body.split("\n")
    )
    node = ast.parse(text).body[0].body[0]  # type: ignore[attr-defined]
    return Function(SimpleNamespace(__name__="TFX"), "call", None, "x.py", text.split("\n"), node)


@pytest.mark.parametrize(
    ("wrong", "right", "kind"),
    [
        (
            "return tf.nn.softmax(hidden_states, axis=-2)",
            "return tf.nn.softmax(hidden_states, axis=-1)",
            "axis",
        ),
        ("return self.norm(hidden_states)", "return self.norm(hidden_states + input_tensor)", "missing-term"),
        ("return hidden_states[:, 1]", "return hidden_states[:, 0]", "token"),
        ("return hidden_states", "return self.norm(hidden_states)", "skipped-operation"),
        (
            "return self.drop(hidden_states, training=True)",
            "return self.drop(hidden_states, training=training)",
            "dropout",
        ),
        ("return hidden_states * self.scale", "return hidden_states / self.scale", "scale"),
        ("return (1.0 - mask) * 10000.0", "return (1.0 - mask) * -10000.0", "mask-sign"),
        (
            'return tf.image.resize(x, s, method="nearest")',
            'return tf.image.resize(x, s, method="bilinear")',
            "resize",
        ),
        ("return tf.transpose(x, perm=(0, 2, 1))", "return tf.transpose(x, perm=(0, 1, 2))", "transpose"),
        ("return self.query(x) @ self.key(y)", "return self.key(x) @ self.query(y)", "swapped-projections"),
        ("scale = 2.0\nreturn x", "scale = 2.0\nreturn x * scale", "scale"),
        ("return tf.reduce_mean(x)", "return tf.reduce_mean(tf.math.square(x))", "function"),
        ("return x", "return tf.transpose(x, perm=[0, 2, 1, 3])", "transpose"),
        ("return tf.matmul(x, y)", "return tf.matmul(x, y, transpose_b=True)", "transpose"),
    ],
)
def test_the_right_code_is_among_the_variants(wrong: str, right: str, kind: str) -> None:
    wanted = function(right)
    given = function(wrong)
    found = {
        v.kind
        for v in variants(given, ["norm", "drop", "query", "key"], [("scale", 2.0)])
        if source(given, v.changes) == source(wanted, [])
    }
    assert kind in found


def test_no_variant_doubles_a_sum() -> None:
    found = variants(function("x = x + y\nreturn x", "x, y"))
    assert all("x + y + x" not in change[4] for v in found for change in v.changes)


def test_what_nothing_reads_comes_first() -> None:
    found = variants(function("residual = x\ny = self.norm(x)\nreturn y", "x"), ["norm"])
    first = min(v.rank for v in found)
    assert "y + residual" in {v.changes[0][4] for v in found if v.rank == first}
    read = variants(function("residual = x\ny = self.norm(residual)\nreturn y", "x"), ["norm"])
    assert "y + residual" not in {v.changes[0][4] for v in read if v.rank == 0}


def test_a_condition_asks_for_what_is_missing() -> None:
    given = function("x = self.norm(x)\nif mask is not None:\n    x = x\nreturn x", "x, mask")
    found = [v for v in variants(given, ["norm"]) if "+ mask" in v.changes[0][4]]
    assert found[0].line == 5


def test_the_factor_of_pytorch_comes_first() -> None:
    twin = "scores = scores / math.sqrt(self.size)"
    found = variants(function("return x"), (), [("size", 4), ("width", 5)], twin)
    ranks = {v.changes[0][4]: v.rank for v in found if v.kind == "scale"}
    assert ranks["x / (self.size ** 0.5)"] < ranks["x / self.size"]
    assert ranks["x / (self.size ** 0.5)"] < ranks["x / (self.width ** 0.5)"]


def test_what_pytorch_does_not_mention_comes_last() -> None:
    found = variants(function("return x / self.a"), (), [("a", 2), ("b", 2), ("c", 2)], "return x / self.c")
    ranks = {v.changes[0][4]: v.rank for v in found if v.kind == "wrong-variable"}
    assert ranks["self.c"] < ranks["self.b"]


def test_changes_over_lines() -> None:
    assert changed(["ab", "cd"], [(1, 1, 2, 1, "X")]) == ["aXd"]
    assert changed(["abc"], [(1, 0, 1, 1, "X"), (1, 2, 1, 3, "Y")]) == ["XbY"]


def test_flow_leaves_out_what_has_no_part() -> None:
    given = function("a = b\nc = d\nx = f(a)\nreturn x")
    assert flow(given, 5) == {3, 5}


def test_numbers_alone() -> None:
    x = RANDOM.standard_normal((3, 5))
    assert recognise(2 * x, x, 1e-8)[0] == "scale"  # type: ignore[index]
    assert recognise(-x, x, 1e-8)[0] == "sign"  # type: ignore[index]
    assert recognise(x + 1, x, 1e-8)[0] == "offset"  # type: ignore[index]
    assert recognise(np.roll(x, 2, 1), x, 1e-8)[0] == "shift"  # type: ignore[index]
    dropped = x / 0.8 * (np.arange(15).reshape(3, 5) % 5 > 0)
    assert recognise(dropped, x, 1e-8)[0] == "dropout"  # type: ignore[index]
    assert recognise(RANDOM.standard_normal((3, 5)), x, 1e-8) is None

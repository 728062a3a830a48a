"""Planted numeric defects: each changes one thing, keeps the lines, and says where it is."""

import pytest

from scripts.numeric_mutations import defects, sample, together, triples
from scripts.numeric_mutations.code import Change, changed

PATH = "src/transformers/models/ant/modeling_tf_ant.py"
TEXT = """
import tensorflow as tf


class TFAntAttention(tf.keras.layers.Layer):
    def __init__(self, config):
        self.scaling = self.head_dim**-0.5  # "é" is two bytes
        self.query = tf.keras.layers.Dense(4, name="query")
        self.key = tf.keras.layers.Dense(4, name="key")
        self.dropout = tf.keras.layers.Dropout(rate=config.hidden_dropout_prob)

    def call(self, hidden_states, attention_mask=None, training=False):
        query = self.query(hidden_states) * self.scaling
        key = self.key(hidden_states)
        scores = tf.matmul(query, key, transpose_b=True)
        scores = tf.add(scores, (1.0 - attention_mask) * -10000.0)
        probs = stable_softmax(scores, axis=-1)
        return self.dropout(probs, training=training)


class TFAntLayer(tf.keras.layers.Layer):
    def __init__(self, config):
        self.attention = TFAntAttention(config)
        self.act = get_tf_activation(config.hidden_act)
        self.layer_norm = tf.keras.layers.LayerNormalization(
            epsilon=config.layer_norm_eps, name="layer_norm"
        )
        self.bn = tf.keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="bn")

    def call(self, hidden_states, training=False):
        residual = hidden_states
        hidden_states = self.layer_norm(hidden_states)
        hidden_states = self.bn(hidden_states, training=training)
        hidden_states = self.act(hidden_states)
        return residual + hidden_states


class TFAntMainLayer(tf.keras.layers.Layer):
    def call(self, sequence_output):
        for layer in self.layers:
            sequence_output = layer(sequence_output)
        position_ids = tf.expand_dims(tf.range(start=0, limit=4), axis=0)
        return tf.concat([sequence_output[:, 0], position_ids], axis=-1), tf.reduce_mean(sequence_output, axis=1)
"""
FOUND = defects(PATH, TEXT)


def broken(kind: str) -> list[str]:
    """The line that each defect of a kind makes of the first that it changes."""
    return [
        d.planted(TEXT).splitlines()[d.lines[0] - 1 : d.lines[1]][0].strip() for d in FOUND if d.kind == kind
    ]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("epsilon", "self.layer_norm = tf.keras.layers.LayerNormalization("),
        ("epsilon", 'self.bn = tf.keras.layers.BatchNormalization(momentum=0.9, name="bn")'),
        ("momentum", 'self.bn = tf.keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.1, name="bn")'),
        ("activation", 'self.act = get_tf_activation("relu")'),
        ("dropout-rate", "self.dropout = tf.keras.layers.Dropout(rate=0.37)"),
        ("weight-name", 'self.query = tf.keras.layers.Dense(4, name="querys")'),
        ("bias", 'self.key = tf.keras.layers.Dense(4, use_bias=False, name="key")'),
        ("scale", "query = self.query(hidden_states)"),
        ("scale", 'self.scaling = self.head_dim**-1.0  # "é" is two bytes'),
        ("swapped", "query = self.key(hidden_states) * self.scaling"),
        ("transposed-scores", "scores = tf.matmul(key, query, transpose_b=True)"),
        ("mask", "scores = scores"),
        ("mask-sign", "scores = tf.add(scores, (attention_mask) * -10000.0)"),
        ("softmax-axis", "probs = stable_softmax(scores, axis=-2)"),
        ("dropout-on", "return self.dropout(probs, training=True)"),
        ("dropout-off", "return self.dropout(probs, training=False)"),
        ("norm-off", "hidden_states = self.bn(hidden_states, training=False)"),
        ("skipped-norm", "hidden_states = hidden_states"),
        ("residual", "return hidden_states"),
        ("skipped-layer", "for layer in self.layers[:-1]:"),
        ("position", "position_ids = tf.expand_dims(tf.range(start=0 + 1, limit=4 + 1), axis=0)"),
        ("token", "return tf.concat([sequence_output[:, 1], position_ids], axis=-1), tf.reduce_mean(sequence_output, axis=1)"),
        ("order", "return tf.concat([position_ids, sequence_output[:, 0]], axis=-1), tf.reduce_mean(sequence_output, axis=1)"),
        ("reduction", "return tf.concat([sequence_output[:, 0], position_ids], axis=-1), tf.reduce_max(sequence_output, axis=1)"),
    ],
)  # fmt: skip
def test_each_kind_is_planted_where_it_says(kind: str, line: str) -> None:
    assert line in broken(kind)


def test_a_defect_changes_one_place_and_keeps_the_lines() -> None:
    for defect in FOUND:
        new = defect.planted(TEXT)
        compile(new, PATH, "exec")
        pairs = list(zip(TEXT.splitlines(), new.splitlines(), strict=True))
        differing = [number for number, (old, now) in enumerate(pairs, 1) if old != now]
        assert differing, defect
        assert defect.lines[0] <= min(differing), defect
        assert max(differing) <= defect.lines[1], defect
        assert defect.owner.startswith("TFAnt"), defect


def test_a_sample_takes_every_kind_before_it_takes_one_twice() -> None:
    kinds = {defect.kind for defect in FOUND}
    chosen = sample(FOUND, len(kinds))
    assert {defect.kind for defect in chosen} == kinds
    assert chosen == sample(FOUND, len(kinds))


def test_triples_are_three_visible_defects_in_three_places() -> None:
    for three in triples(FOUND, 10):
        assert len({(defect.owner, defect.method) for defect in three}) == 3
        assert {defect.shown for defect in three} == {"inference"}
        compile(together(three, TEXT), PATH, "exec")


def test_changes_may_not_overlap_or_add_lines() -> None:
    with pytest.raises(ValueError, match="overlap"):
        changed("abcdef", (Change(0, 3, ""), Change(2, 4, "")))
    with pytest.raises(ValueError, match="lines"):
        changed("abcdef", (Change(0, 3, "a\nb"),))

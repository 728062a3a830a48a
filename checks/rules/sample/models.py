"""The Python of the sample: two models. BERT has its port, Lantern gets one. Lantern has one of everything that rules look at: embeddings,
norms, a list of layers, a sequential, a parameter, a convolution, heads.

`FILES` are lines with a sign as in `checks.rules.sample`; `ADDED` are the files of the port, as they are.
"""

_LICENSE = """\
# coding=utf-8
# Copyright 2024 The Lantern Authors and The HuggingFace Team. All rights reserved.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""


def _kept(text: str) -> str:
    """In both trees."""
    return "".join(f" {line}" if line != "\n" else line for line in text.splitlines(keepends=True))


FILES: dict[str, str] = {}
ADDED: dict[str, str] = {}

FILES["src/transformers/models/bert/modeling_bert.py"] = _kept("""\
from torch import nn


class BertSelfOutput(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states, input_tensor):
        hidden_states = self.dense(hidden_states)
        hidden_states = self.dropout(hidden_states)
        hidden_states = self.LayerNorm(hidden_states + input_tensor)
        return hidden_states
""")

_TF_SELF_OUTPUT = """\
class TFBertSelfOutput(keras.layers.Layer):
    def __init__(self, config: BertConfig, **kwargs):
        super().__init__(**kwargs)

        self.dense = keras.layers.Dense(
            units=config.hidden_size, kernel_initializer=get_initializer(config.initializer_range), name="dense"
        )
        self.LayerNorm = keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, name="LayerNorm")
        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)
        self.config = config

    def call(self, hidden_states: tf.Tensor, input_tensor: tf.Tensor, training: bool = False) -> tf.Tensor:
        hidden_states = self.dense(inputs=hidden_states)
        hidden_states = self.dropout(inputs=hidden_states, training=training)
        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)

        return hidden_states

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "dense", None) is not None:
            with tf.name_scope(self.dense.name):
                self.dense.build([None, None, self.config.hidden_size])
        if getattr(self, "LayerNorm", None) is not None:
            with tf.name_scope(self.LayerNorm.name):
                self.LayerNorm.build([None, None, self.config.hidden_size])
"""

FILES["src/transformers/models/bert/modeling_tf_bert.py"] = _kept(
    """\
from __future__ import annotations

import tensorflow as tf

from ...modeling_tf_utils import TFPreTrainedModel, get_initializer, keras, keras_serializable, unpack_inputs
from .configuration_bert import BertConfig


"""
    + _TF_SELF_OUTPUT
    + """\


@keras_serializable
class TFBertMainLayer(keras.layers.Layer):
    config_class = BertConfig

    @unpack_inputs
    def call(self, input_ids=None, return_dict=None, training=False):
        return input_ids
"""
)

FILES["src/transformers/models/beacon/modeling_tf_beacon.py"] = _kept("""\
from __future__ import annotations

from ...modeling_tf_utils import keras


class TFBeaconFlash(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.normalization = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="normalization")
""")

FILES["src/transformers/models/lantern/configuration_lantern.py"] = _kept("""\
from ...configuration_utils import PretrainedConfig


LANTERN_PRETRAINED_CONFIG_ARCHIVE_MAP = {
    "lighthouse/lantern-base": "https://huggingface.co/lighthouse/lantern-base/resolve/main/config.json",
}


class LanternConfig(PretrainedConfig):
    model_type = "lantern"

    def __init__(
        self,
        vocab_size=120,
        hidden_size=32,
        num_hidden_layers=2,
        hidden_act="gelu",
        hidden_dropout_prob=0.1,
        layer_norm_eps=1e-12,
        initializer_range=0.02,
        num_channels=3,
        image_size=64,
        pad_token_id=0,
        **kwargs,
    ):
        super().__init__(pad_token_id=pad_token_id, **kwargs)
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.hidden_act = hidden_act
        self.hidden_dropout_prob = hidden_dropout_prob
        self.layer_norm_eps = layer_norm_eps
        self.initializer_range = initializer_range
        self.num_channels = num_channels
        self.image_size = image_size
""")

FILES["src/transformers/models/lantern/modeling_lantern.py"] = _kept(
    _LICENSE
    + '''\
"""PyTorch Lantern model."""

import torch
from torch import nn
from torch.nn import CrossEntropyLoss

from ...activations import ACT2FN
from ...modeling_outputs import BaseModelOutputWithPooling, SequenceClassifierOutput, TokenClassifierOutput
from ...modeling_utils import PreTrainedModel
from ...utils import add_start_docstrings
from .configuration_lantern import LanternConfig


class LanternEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.glow = nn.Parameter(torch.ones(config.hidden_size))
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids):
        embeddings = self.word_embeddings(input_ids) * self.glow
        embeddings = self.LayerNorm(embeddings)
        return self.dropout(embeddings)


class LanternLens(nn.Module):
    """Looks at the picture: half its size, and back."""

    def __init__(self, config):
        super().__init__()
        self.lens = nn.Sequential(
            nn.Conv2d(config.num_channels, config.hidden_size, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(config.hidden_size),
            nn.ReLU(),
            nn.Conv2d(config.hidden_size, config.hidden_size, kernel_size=1),
        )

    def forward(self, pixel_values):
        pixel_values = self.lens(pixel_values)
        return nn.functional.interpolate(pixel_values, scale_factor=2, mode="bilinear", align_corners=False)


# Copied from transformers.models.bert.modeling_bert.BertSelfOutput with Bert->Lantern
class LanternSelfOutput(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, hidden_states, input_tensor):
        hidden_states = self.dense(hidden_states)
        hidden_states = self.dropout(hidden_states)
        hidden_states = self.LayerNorm(hidden_states + input_tensor)
        return hidden_states


class LanternLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.act = ACT2FN[config.hidden_act]
        self.output = LanternSelfOutput(config)

    def forward(self, hidden_states):
        scores = torch.matmul(self.query(hidden_states), self.key(hidden_states).transpose(-1, -2))
        attention = nn.functional.softmax(scores, dim=-1)
        return self.output(self.act(torch.matmul(attention, hidden_states)), hidden_states)


class LanternEncoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layer = nn.ModuleList([LanternLayer(config) for _ in range(config.num_hidden_layers)])

    def forward(self, hidden_states):
        for layer in self.layer:
            hidden_states = layer(hidden_states)
        return hidden_states


class LanternPooler(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = nn.Tanh()

    def forward(self, hidden_states):
        return self.activation(self.dense(hidden_states[:, 0]))


class LanternPreTrainedModel(PreTrainedModel):
    config_class = LanternConfig
    base_model_prefix = "lantern"


LANTERN_START_DOCSTRING = r"""
    This model inherits from [`PreTrainedModel`].
"""


class LanternModel(LanternPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.embeddings = LanternEmbeddings(config)
        self.lens = LanternLens(config)
        self.encoder = LanternEncoder(config)
        self.pooler = LanternPooler(config)
        self.post_init()

    def forward(self, input_ids=None, pixel_values=None, return_dict=None):
        hidden_states = self.embeddings(input_ids)
        if pixel_values is not None:
            light = self.lens(pixel_values).mean(dim=(2, 3))
            light = light / (light.norm(dim=-1, keepdim=True) + 1e-6)
            hidden_states = hidden_states + light[:, None]
        hidden_states = self.encoder(hidden_states)
        pooled_output = self.pooler(hidden_states)
        if not return_dict:
            return (hidden_states, pooled_output)
        return BaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled_output)


@add_start_docstrings("Lantern Model with a classifier on top.", LANTERN_START_DOCSTRING)
class LanternForSequenceClassification(LanternPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.lantern = LanternModel(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids=None, pixel_values=None, labels=None, return_dict=None):
        outputs = self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict)
        logits = self.classifier(self.dropout(outputs[1]))
        loss = None
        if labels is not None:
            loss = CrossEntropyLoss()(logits.view(-1, self.num_labels), labels.view(-1))
        return SequenceClassifierOutput(loss=loss, logits=logits)


class LanternForTokenClassificationWithFlicker(LanternPreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.num_labels = config.num_labels
        self.lantern = LanternModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids=None, flicker=None, labels=None, return_dict=None):
        outputs = self.lantern(input_ids, return_dict=return_dict)
        logits = self.classifier(outputs[0])
        loss = None
        if labels is not None:
            loss = CrossEntropyLoss()(logits.view(-1, self.num_labels), labels.view(-1))
        return TokenClassifierOutput(loss=loss, logits=logits)
'''
)

ADDED["src/transformers/models/lantern/modeling_tf_lantern.py"] = (
    _LICENSE
    + '''\
"""TensorFlow Lantern model."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ...activations_tf import get_tf_activation
from ...modeling_tf_outputs import (
    TFBaseModelOutputWithPooling,
    TFSequenceClassifierOutput,
    TFTokenClassifierOutput,
)
from ...modeling_tf_utils import (
    TFModelInputType,
    TFPreTrainedModel,
    TFSequenceClassificationLoss,
    TFTokenClassificationLoss,
    get_initializer,
    keras,
    keras_serializable,
    unpack_inputs,
)
from ...tf_utils import check_embeddings_within_bounds, stable_softmax
from ...utils import add_start_docstrings, add_start_docstrings_to_model_forward, replace_return_docstrings
from .configuration_lantern import LanternConfig


class TFLanternEmbeddings(keras.layers.Layer):
    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.LayerNorm = keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, name="LayerNorm")
        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)

    def call(self, input_ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        check_embeddings_within_bounds(input_ids, self.config.vocab_size)
        embeddings = tf.gather(params=self.weight, indices=input_ids) * self.glow
        embeddings = self.LayerNorm(embeddings)
        return self.dropout(embeddings, training=training)

    def build(self, input_shape=None):
        with tf.name_scope("word_embeddings"):
            self.weight = self.add_weight(
                name="weight",
                shape=[self.config.vocab_size, self.config.hidden_size],
                initializer=get_initializer(self.config.initializer_range),
            )
        self.glow = self.add_weight(shape=(self.config.hidden_size,), initializer="ones", name="glow")
        if self.built:
            return
        self.built = True
        if getattr(self, "LayerNorm", None) is not None:
            with tf.name_scope(self.LayerNorm.name):
                self.LayerNorm.build([None, None, self.config.hidden_size])


class TFLanternLens(keras.layers.Layer):
    """Looks at the picture: half its size, and back."""

    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.padding = keras.layers.ZeroPadding2D(padding=1)
        self.convolution = keras.layers.Conv2D(config.hidden_size, kernel_size=3, strides=2, name="lens.0")
        self.normalization = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name="lens.1")
        self.activation = keras.layers.ReLU()
        self.projection = keras.layers.Conv2D(config.hidden_size, kernel_size=1, name="lens.3")

    def call(self, pixel_values: tf.Tensor, training: bool = False) -> tf.Tensor:
        pixel_values = tf.transpose(pixel_values, perm=(0, 2, 3, 1))
        pixel_values = self.convolution(self.padding(pixel_values))
        pixel_values = self.activation(self.normalization(pixel_values, training=training))
        pixel_values = self.projection(pixel_values)
        size = tf.shape(pixel_values)[1:3] * 2
        return tf.image.resize(pixel_values, size=size, method="bilinear")

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "convolution", None) is not None:
            with tf.name_scope(self.convolution.name):
                self.convolution.build([None, None, None, self.config.num_channels])
        if getattr(self, "normalization", None) is not None:
            with tf.name_scope(self.normalization.name):
                self.normalization.build([None, None, None, self.config.hidden_size])
        if getattr(self, "projection", None) is not None:
            with tf.name_scope(self.projection.name):
                self.projection.build([None, None, None, self.config.hidden_size])


# Copied from transformers.models.bert.modeling_tf_bert.TFBertSelfOutput with Bert->Lantern
'''
    + _TF_SELF_OUTPUT.replace("Bert", "Lantern")
    + '''\


class TFLanternLayer(keras.layers.Layer):
    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.query = keras.layers.Dense(
            units=config.hidden_size, kernel_initializer=get_initializer(config.initializer_range), name="query"
        )
        self.key = keras.layers.Dense(
            units=config.hidden_size, kernel_initializer=get_initializer(config.initializer_range), name="key"
        )
        self.act = get_tf_activation(config.hidden_act)
        self.self_output = TFLanternSelfOutput(config, name="output")

    def call(self, hidden_states: tf.Tensor, training: bool = False) -> tf.Tensor:
        scores = tf.matmul(self.query(hidden_states), self.key(hidden_states), transpose_b=True)
        attention = stable_softmax(scores, axis=-1)
        context = self.act(tf.matmul(attention, hidden_states))
        return self.self_output(context, hidden_states, training=training)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "query", None) is not None:
            with tf.name_scope(self.query.name):
                self.query.build([None, None, self.config.hidden_size])
        if getattr(self, "key", None) is not None:
            with tf.name_scope(self.key.name):
                self.key.build([None, None, self.config.hidden_size])
        if getattr(self, "self_output", None) is not None:
            with tf.name_scope(self.self_output.name):
                self.self_output.build(None)


class TFLanternEncoder(keras.layers.Layer):
    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
        self.layer = [TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers)]

    def call(self, hidden_states: tf.Tensor, training: bool = False) -> tf.Tensor:
        for layer in self.layer:
            hidden_states = layer(hidden_states, training=training)
        return hidden_states

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "layer", None) is not None:
            for layer in self.layer:
                with tf.name_scope(layer.name):
                    layer.build(None)


class TFLanternPooler(keras.layers.Layer):
    def __init__(self, config: LanternConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.dense = keras.layers.Dense(
            units=config.hidden_size,
            kernel_initializer=get_initializer(config.initializer_range),
            activation="tanh",
            name="dense",
        )

    def call(self, hidden_states: tf.Tensor) -> tf.Tensor:
        return self.dense(hidden_states[:, 0])

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "dense", None) is not None:
            with tf.name_scope(self.dense.name):
                self.dense.build([None, None, self.config.hidden_size])


@keras_serializable
class TFLanternMainLayer(keras.layers.Layer):
    config_class = LanternConfig

    def __init__(self, config: LanternConfig, **kwargs):  # main layer
        super().__init__(**kwargs)
        self.config = config
        self.embeddings = TFLanternEmbeddings(config, name="embeddings")
        self.lens = TFLanternLens(config, name="lens")
        self.encoder = TFLanternEncoder(config, name="encoder")
        self.pooler = TFLanternPooler(config, name="pooler")

    @unpack_inputs
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFBaseModelOutputWithPooling | tuple[tf.Tensor]:
        hidden_states = self.embeddings(input_ids, training=training)
        if pixel_values is not None:
            light = tf.reduce_mean(self.lens(pixel_values, training=training), axis=(1, 2))
            light = light / (tf.norm(light, axis=-1, keepdims=True) + 1e-6)
            hidden_states = hidden_states + light[:, None]
        hidden_states = self.encoder(hidden_states, training=training)
        pooled_output = self.pooler(hidden_states)
        if not return_dict:
            return (hidden_states, pooled_output)
        return TFBaseModelOutputWithPooling(last_hidden_state=hidden_states, pooler_output=pooled_output)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "embeddings", None) is not None:
            with tf.name_scope(self.embeddings.name):
                self.embeddings.build(None)
        if getattr(self, "lens", None) is not None:
            with tf.name_scope(self.lens.name):
                self.lens.build(None)
        if getattr(self, "encoder", None) is not None:
            with tf.name_scope(self.encoder.name):
                self.encoder.build(None)
        if getattr(self, "pooler", None) is not None:
            with tf.name_scope(self.pooler.name):
                self.pooler.build(None)


class TFLanternPreTrainedModel(TFPreTrainedModel):
    """
    An abstract class to handle weights initialization and a simple interface for downloading and loading pretrained
    models.
    """

    config_class = LanternConfig
    base_model_prefix = "lantern"


LANTERN_START_DOCSTRING = r"""
    This model inherits from [`TFPreTrainedModel`].

    Parameters:
        config ([`LanternConfig`]): Model configuration class with all the parameters of the model.
"""

LANTERN_INPUTS_DOCSTRING = r"""
    Args:
        input_ids (`tf.Tensor` of shape `(batch_size, sequence_length)`):
            Indices of input sequence tokens in the vocabulary.
        pixel_values (`tf.Tensor` of shape `(batch_size, num_channels, height, width)`, *optional*):
            Pixel values.
        return_dict (`bool`, *optional*):
            Whether or not to return a [`~utils.ModelOutput`] instead of a plain tuple.
        training (`bool`, *optional*, defaults to `False`):
            Whether or not to use the model in training mode.
"""


@add_start_docstrings("The bare Lantern Model.", LANTERN_START_DOCSTRING)
class TFLanternModel(TFLanternPreTrainedModel):
    def __init__(self, config: LanternConfig, *inputs, **kwargs):
        super().__init__(config, *inputs, **kwargs)
        self.lantern = TFLanternMainLayer(config, name="lantern")

    @unpack_inputs
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFBaseModelOutputWithPooling | tuple[tf.Tensor]:
        return self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "lantern", None) is not None:
            with tf.name_scope(self.lantern.name):
                self.lantern.build(None)


@add_start_docstrings("Lantern Model with a classifier on top.", LANTERN_START_DOCSTRING)
class TFLanternForSequenceClassification(TFLanternPreTrainedModel, TFSequenceClassificationLoss):
    def __init__(self, config: LanternConfig, *inputs, **kwargs):
        super().__init__(config, *inputs, **kwargs)
        self.num_labels = config.num_labels
        self.lantern = TFLanternMainLayer(config, name="lantern")
        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)
        self.classifier = keras.layers.Dense(
            units=config.num_labels,
            kernel_initializer=get_initializer(config.initializer_range),
            name="classifier",
        )
        self.config = config

    @unpack_inputs
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    @replace_return_docstrings(output_type=TFSequenceClassifierOutput, config_class="LanternConfig")
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        pixel_values: TFModelInputType | None = None,
        labels: np.ndarray | tf.Tensor | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFSequenceClassifierOutput | tuple[tf.Tensor]:
        r"""
        labels (`tf.Tensor` of shape `(batch_size,)`, *optional*):
            Labels for computing the sequence classification loss.
        """
        outputs = self.lantern(input_ids, pixel_values=pixel_values, return_dict=return_dict, training=training)
        logits = self.classifier(self.dropout(outputs[1], training=training))
        loss = None if labels is None else self.hf_compute_loss(labels=labels, logits=logits)
        if not return_dict:
            output = (logits,) + outputs[2:]
            return ((loss,) + output) if loss is not None else output
        return TFSequenceClassifierOutput(loss=loss, logits=logits)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "lantern", None) is not None:
            with tf.name_scope(self.lantern.name):
                self.lantern.build(None)
        if getattr(self, "classifier", None) is not None:
            with tf.name_scope(self.classifier.name):
                self.classifier.build([None, None, self.config.hidden_size])


@add_start_docstrings("Lantern Model with a flickering classifier per token.", LANTERN_START_DOCSTRING)
class TFLanternForTokenClassificationWithFlicker(TFLanternPreTrainedModel, TFTokenClassificationLoss):
    def __init__(self, config: LanternConfig, *inputs, **kwargs):
        super().__init__(config, *inputs, **kwargs)
        self.num_labels = config.num_labels
        self.lantern = TFLanternMainLayer(config, name="lantern")
        self.classifier = keras.layers.Dense(
            units=config.num_labels,
            kernel_initializer=get_initializer(config.initializer_range),
            name="classifier",
        )
        self.config = config

    @unpack_inputs
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        flicker: np.ndarray | tf.Tensor | None = None,
        labels: np.ndarray | tf.Tensor | None = None,
        return_dict: bool | None = None,
        training: bool = False,
    ) -> TFTokenClassifierOutput | tuple[tf.Tensor]:
        r"""
        flicker (`tf.Tensor` of shape `(batch_size,)`, *optional*):
            How unsteady the light is.
        labels (`tf.Tensor` of shape `(batch_size, sequence_length)`, *optional*):
            Labels for computing the token classification loss.
        """
        outputs = self.lantern(input_ids, return_dict=return_dict, training=training)
        logits = self.classifier(outputs[0])
        loss = None if labels is None else self.hf_compute_loss(labels=labels, logits=logits)
        if not return_dict:
            output = (logits,) + outputs[2:]
            return ((loss,) + output) if loss is not None else output
        return TFTokenClassifierOutput(loss=loss, logits=logits)

    def build(self, input_shape=None):
        if self.built:
            return
        self.built = True
        if getattr(self, "lantern", None) is not None:
            with tf.name_scope(self.lantern.name):
                self.lantern.build(None)
        if getattr(self, "classifier", None) is not None:
            with tf.name_scope(self.classifier.name):
                self.classifier.build([None, None, self.config.hidden_size])
'''
)

FILES["utils/check_repo.py"] = _kept("""\
IGNORE_NON_TESTED = [
    "BertLayer",  # Building part.
]
""")

FILES["utils/check_doctest_list.py"] = _kept("# Checks that the lists are sorted.\n")

FILES["utils/not_doctested.txt"] = _kept("src/transformers/models/bert/modeling_tf_bert.py\n")

FILES["tests/test_modeling_tf_common.py"] = _kept("""\
class TFModelTesterMixin:
    def test_save_load(self):
        pass
""")

FILES["tests/models/lantern/test_modeling_lantern.py"] = _kept("""\
class LanternModelTest(ModelTesterMixin, unittest.TestCase):
    all_model_classes = (LanternModel,)

    def test_model(self):
        pass

    def test_sequence_classification(self):
        pass
""")

ADDED["tests/models/lantern/test_modeling_tf_lantern.py"] = (
    _LICENSE
    + '''\
"""Testing suite for the TensorFlow Lantern model."""

from __future__ import annotations

import unittest

from transformers import LanternConfig, is_tf_available
from transformers.testing_utils import require_tf, slow

from ...test_configuration_common import ConfigTester
from ...test_modeling_tf_common import TFModelTesterMixin, ids_tensor
from ...test_pipeline_mixin import PipelineTesterMixin


if is_tf_available():
    import tensorflow as tf

    from transformers import (
        TFLanternForSequenceClassification,
        TFLanternForTokenClassificationWithFlicker,
        TFLanternModel,
    )


class TFLanternModelTester:
    def __init__(self, parent, batch_size=2, seq_length=7, vocab_size=99, hidden_size=32, num_hidden_layers=2):
        self.parent = parent
        self.batch_size = batch_size
        self.seq_length = seq_length
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers

    def get_config(self):
        return LanternConfig(
            vocab_size=self.vocab_size, hidden_size=self.hidden_size, num_hidden_layers=self.num_hidden_layers
        )

    def prepare_config_and_inputs_for_common(self):
        return self.get_config(), {"input_ids": ids_tensor([self.batch_size, self.seq_length], self.vocab_size)}

    def create_and_check_model(self, config, inputs):
        result = TFLanternModel(config)(inputs)
        self.parent.assertEqual(
            result.last_hidden_state.shape, (self.batch_size, self.seq_length, self.hidden_size)
        )

    def create_and_check_sequence_classification(self, config, inputs):
        result = TFLanternForSequenceClassification(config)(inputs)
        self.parent.assertEqual(result.logits.shape, (self.batch_size, config.num_labels))


@require_tf
class TFLanternModelTest(TFModelTesterMixin, PipelineTesterMixin, unittest.TestCase):
    all_model_classes = (
        (TFLanternModel, TFLanternForSequenceClassification, TFLanternForTokenClassificationWithFlicker)
        if is_tf_available()
        else ()
    )
    pipeline_model_mapping = (
        {
            "feature-extraction": TFLanternModel,
            "text-classification": TFLanternForSequenceClassification,
        }
        if is_tf_available()
        else {}
    )
    test_head_masking = False
    test_onnx = False

    def setUp(self):
        self.model_tester = TFLanternModelTester(self)
        self.config_tester = ConfigTester(self, config_class=LanternConfig, hidden_size=37)

    def test_config(self):
        self.config_tester.run_common_tests()

    def test_model(self):
        self.model_tester.create_and_check_model(*self.model_tester.prepare_config_and_inputs_for_common())

    def test_sequence_classification(self):
        self.model_tester.create_and_check_sequence_classification(
            *self.model_tester.prepare_config_and_inputs_for_common()
        )

    @slow
    def test_model_from_pretrained(self):
        model = TFLanternModel.from_pretrained("lighthouse/lantern-base")
        self.assertIsNotNone(model)


@require_tf
class TFLanternModelIntegrationTest(unittest.TestCase):
    @slow
    def test_inference(self):
        model = TFLanternModel.from_pretrained("lighthouse/lantern-base")
        output = model(tf.constant([[0, 31, 17, 5]]))[0]
        self.assertEqual(output.shape, (1, 4, 32))
        expected_slice = tf.constant([[[-0.0483, 0.1188, -0.0313], [-0.0606, 0.1435, 0.0199]]])
        tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)
'''
)

"""A small good port in a small fake of transformers. Every rule's examples are changes to it, and every rule is silent on it as it is.

Texts are written as differences: lines that begin with `+` are the port (head only), with `-` what it replaces (base only); all other lines
begin with a space, or are empty, and are in both trees. So the port can be read at a glance.
"""

from __future__ import annotations

from checks.rules import Example
from checks.rules.sample import models
from checks.snapshot import DictSnapshot

_GUARD = """\
 try:
     if not is_tf_available():
         raise OptionalDependencyNotAvailable()
 except OptionalDependencyNotAvailable:
"""
_GUARD_TYPING = "".join(f" {' ' * 4}{line[1:]}" for line in _GUARD.splitlines(keepends=True))


def _added(text: str) -> str:
    return "".join(f"+{line.removeprefix(' ')}" for line in text.splitlines(keepends=True))


_FILES: dict[str, str] = {}

_FILES["src/transformers/__init__.py"] = f"""\
 # coding=utf-8
 from typing import TYPE_CHECKING

 from .utils import OptionalDependencyNotAvailable, _LazyModule, is_tf_available, is_torch_available


 _import_structure = {{
     "models": [],
     "models.bert": ["BertConfig"],
     "models.lantern": ["LANTERN_PRETRAINED_CONFIG_ARCHIVE_MAP", "LanternConfig"],
     "models.xlm": ["XLMConfig"],
 }}

 try:
     if not is_torch_available():
         raise OptionalDependencyNotAvailable()
 except OptionalDependencyNotAvailable:
     pass
 else:
     _import_structure["models.bert"].extend(["BertModel", "BertPreTrainedModel"])
     _import_structure["models.lantern"].extend(
         [
             "LanternForSequenceClassification",
             "LanternForTokenClassificationWithFlicker",
             "LanternModel",
             "LanternPreTrainedModel",
         ]
     )
     _import_structure["models.xlm"].extend(["XLMModel", "XLMPreTrainedModel"])

{_GUARD}\
     from .utils import dummy_tf_objects

     _import_structure["utils.dummy_tf_objects"] = [name for name in dir(dummy_tf_objects) if not name.startswith("_")]
 else:
     _import_structure["modeling_tf_utils"] = ["TFPreTrainedModel"]
     _import_structure["models.bert"].extend(
         [
             "TF_BERT_PRETRAINED_MODEL_ARCHIVE_LIST",
             "TFBertModel",
             "TFBertPreTrainedModel",
         ]
     )
+    _import_structure["models.lantern"].extend(
+        [
+            "TFLanternForSequenceClassification",
+            "TFLanternForTokenClassificationWithFlicker",
+            "TFLanternModel",
+            "TFLanternPreTrainedModel",
+        ]
+    )
     _import_structure["models.xlm"].extend(["TFXLMModel", "TFXLMPreTrainedModel"])

 if TYPE_CHECKING:
     from .models.bert import BertConfig
     from .models.lantern import LANTERN_PRETRAINED_CONFIG_ARCHIVE_MAP, LanternConfig
     from .models.xlm import XLMConfig

     try:
         if not is_torch_available():
             raise OptionalDependencyNotAvailable()
     except OptionalDependencyNotAvailable:
         from .utils.dummy_pt_objects import *
     else:
         from .models.bert import BertModel, BertPreTrainedModel
         from .models.lantern import (
             LanternForSequenceClassification,
             LanternForTokenClassificationWithFlicker,
             LanternModel,
             LanternPreTrainedModel,
         )
         from .models.xlm import XLMModel, XLMPreTrainedModel

{_GUARD_TYPING}\
         from .utils.dummy_tf_objects import *
     else:
         from .modeling_tf_utils import TFPreTrainedModel
         from .models.bert import TF_BERT_PRETRAINED_MODEL_ARCHIVE_LIST, TFBertModel, TFBertPreTrainedModel
+        from .models.lantern import (
+            TFLanternForSequenceClassification,
+            TFLanternForTokenClassificationWithFlicker,
+            TFLanternModel,
+            TFLanternPreTrainedModel,
+        )
         from .models.xlm import TFXLMModel, TFXLMPreTrainedModel

 else:
     import sys

     sys.modules[__name__] = _LazyModule(__name__, globals()["__file__"], _import_structure, module_spec=__spec__)
"""

_FILES["src/transformers/modeling_tf_utils.py"] = '''\
 import tensorflow as tf
 import tf_keras as keras


 def unpack_inputs(func):
     """Sorts the inputs of a model to its arguments."""


 def keras_serializable(cls):
     """Lets a layer be saved within a Keras model. Weights may come from safetensors."""


 class TFPreTrainedModel(keras.Model):
     def build_in_name_scope(self):
         """Builds the model."""

     @property
     def input_signature(self):
         """What the model takes."""


 class TFSequenceClassificationLoss:
     def hf_compute_loss(self, labels, logits):
         """Cross entropy per sequence."""


 class TFTokenClassificationLoss:
     def hf_compute_loss(self, labels, logits):
         """Cross entropy per token."""
'''

_FILES["src/transformers/tf_utils.py"] = '''\
 def check_embeddings_within_bounds(tensor, embed_dim, tensor_name="input_ids"):
     """Raises for ids out of range."""
'''


def _dummies(name: str, mark: str) -> str:
    return f"""\
{mark}class {name}(metaclass=DummyObject):
{mark}    _backends = ["tf"]
{mark}
{mark}    def __init__(self, *args, **kwargs):
{mark}        requires_backends(self, ["tf"])
"""


_PORTED = (
    "TFLanternForSequenceClassification",
    "TFLanternForTokenClassificationWithFlicker",
    "TFLanternModel",
    "TFLanternPreTrainedModel",
)

_FILES["src/transformers/utils/dummy_tf_objects.py"] = (
    " # This file is autogenerated by the command `make fix-copies`, do not edit.\n"
    " from ..utils import DummyObject, requires_backends\n\n\n"
    + _dummies("TFPreTrainedModel", " ")
    + "\n\n TF_BERT_PRETRAINED_MODEL_ARCHIVE_LIST = None\n"
    + "".join(f"\n\n{_dummies(name, ' ')}" for name in ("TFBertModel", "TFBertPreTrainedModel"))
    + "".join(f"+\n+\n{_dummies(name, '+')}" for name in _PORTED)
    + "".join(f"\n\n{_dummies(name, ' ')}" for name in ("TFXLMModel", "TFXLMPreTrainedModel"))
)

_FILES["src/transformers/models/auto/configuration_auto.py"] = """\
 from collections import OrderedDict

 CONFIG_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "BertConfig"),
         ("lantern", "LanternConfig"),
         ("xlm", "XLMConfig"),
     ]
 )

 MODEL_NAMES_MAPPING = OrderedDict(
     [
         ("bert", "BERT"),
         ("lantern", "Lantern"),
         ("xlm", "XLM"),
     ]
 )
"""

_FILES["src/transformers/models/auto/modeling_auto.py"] = """\
 from collections import OrderedDict

 MODEL_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "BertModel"),
         ("lantern", "LanternModel"),
         ("xlm", "XLMModel"),
     ]
 )
 MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "BertForSequenceClassification"),
         ("lantern", "LanternForSequenceClassification"),
         ("xlm", "XLMForSequenceClassification"),
     ]
 )
 MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "BertForTokenClassification"),
         ("lantern", "LanternForTokenClassificationWithFlicker"),
     ]
 )
 MODEL_FOR_CTC_MAPPING_NAMES = OrderedDict(
     [
         ("lantern", "LanternForSequenceClassification"),
     ]
 )
"""

_FILES["src/transformers/models/auto/modeling_tf_auto.py"] = """\
 from collections import OrderedDict

 TF_MODEL_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "TFBertModel"),
+        ("lantern", "TFLanternModel"),
         ("xlm", "TFXLMModel"),
     ]
 )
 TF_MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "TFBertForSequenceClassification"),
+        ("lantern", "TFLanternForSequenceClassification"),
         ("xlm", "TFXLMForSequenceClassification"),
     ]
 )
 TF_MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES = OrderedDict(
     [
         ("bert", "TFBertForTokenClassification"),
+        ("lantern", "TFLanternForTokenClassificationWithFlicker"),
     ]
 )
"""

_FILES["src/transformers/models/bert/__init__.py"] = " # A model that has its port.\n"
_FILES["src/transformers/models/lantern/__init__.py"] = f"""\
 # coding=utf-8
 from typing import TYPE_CHECKING

-from ...utils import OptionalDependencyNotAvailable, _LazyModule, is_torch_available
+from ...utils import OptionalDependencyNotAvailable, _LazyModule, is_tf_available, is_torch_available


 _import_structure = {{
     "configuration_lantern": ["LANTERN_PRETRAINED_CONFIG_ARCHIVE_MAP", "LanternConfig"],
 }}

 try:
     if not is_torch_available():
         raise OptionalDependencyNotAvailable()
 except OptionalDependencyNotAvailable:
     pass
 else:
     _import_structure["modeling_lantern"] = [
         "LanternForSequenceClassification",
         "LanternForTokenClassificationWithFlicker",
         "LanternModel",
         "LanternPreTrainedModel",
     ]

{_added(_GUARD)}\
+    pass
+else:
+    _import_structure["modeling_tf_lantern"] = [
+        "TFLanternForSequenceClassification",
+        "TFLanternForTokenClassificationWithFlicker",
+        "TFLanternModel",
+        "TFLanternPreTrainedModel",
+    ]
+

 if TYPE_CHECKING:
     from .configuration_lantern import LANTERN_PRETRAINED_CONFIG_ARCHIVE_MAP, LanternConfig

     try:
         if not is_torch_available():
             raise OptionalDependencyNotAvailable()
     except OptionalDependencyNotAvailable:
         pass
     else:
         from .modeling_lantern import (
             LanternForSequenceClassification,
             LanternForTokenClassificationWithFlicker,
             LanternModel,
             LanternPreTrainedModel,
         )

{_added(_GUARD_TYPING)}\
+        pass
+    else:
+        from .modeling_tf_lantern import (
+            TFLanternForSequenceClassification,
+            TFLanternForTokenClassificationWithFlicker,
+            TFLanternModel,
+            TFLanternPreTrainedModel,
+        )
+
 else:
     import sys

     sys.modules[__name__] = _LazyModule(__name__, globals()["__file__"], _import_structure, module_spec=__spec__)
"""

_FILES["docs/source/en/index.md"] = """\
 ## Supported models and frameworks

 |            Model             | PyTorch support | TensorFlow support | Flax Support |
 |:----------------------------:|:---------------:|:------------------:|:------------:|
 |    [BERT](model_doc/bert)    |       ✅        |         ✅         |      ✅      |
-| [Lantern](model_doc/lantern) |       ✅        |         ❌         |      ❌      |
+| [Lantern](model_doc/lantern) |       ✅        |         ✅         |      ❌      |
 |     [XLM](model_doc/xlm)     |       ✅        |         ✅         |      ❌      |
"""

_FILES["docs/source/en/model_doc/bert.md"] = """\
 # BERT

 [[autodoc]] TFBertModel
     - call
"""

_FILES["docs/source/en/model_doc/lantern.md"] = """\
 # Lantern

 ## Overview

 This model was contributed by [someone](https://huggingface.co/someone).
+The TensorFlow version of this model was contributed by [keeper](https://huggingface.co/keeper).

 ## LanternModel

 [[autodoc]] LanternModel
     - forward

 ## LanternForSequenceClassification

 [[autodoc]] LanternForSequenceClassification
     - forward

 ## LanternForTokenClassificationWithFlicker

 [[autodoc]] LanternForTokenClassificationWithFlicker
     - forward
+
+## TFLanternModel
+
+[[autodoc]] TFLanternModel
+    - call
+
+## TFLanternForSequenceClassification
+
+[[autodoc]] TFLanternForSequenceClassification
+    - call
+
+## TFLanternForTokenClassificationWithFlicker
+
+[[autodoc]] TFLanternForTokenClassificationWithFlicker
+    - call
"""

_FILES["tests/models/bert/test_modeling_tf_bert.py"] = " # The tests of a port.\n"
_FILES["tests/models/lantern/__init__.py"] = " # Tests.\n"
_FILES.update(models.FILES)
_FILES.update(
    {
        path: "".join(f"+{line}" for line in text.splitlines(keepends=True))
        for path, text in models.ADDED.items()
    }
)


def _tree(sign: str) -> dict[str, str]:
    tree: dict[str, str] = {}
    for path, text in _FILES.items():
        lines = [
            line[line != "\n" :] for line in text.splitlines(keepends=True) if line[0] in (" ", "\n", sign)
        ]
        if lines:
            tree[path] = "".join(lines)
    return tree


BASE: dict[str, str] = _tree("-")
"""The tree before the port: text by path."""

HEAD: dict[str, str] = _tree("+")
"""The tree with the port."""


YEAR = 2024
"""When the port was made."""


def broken(example: Example) -> DictSnapshot:
    """The good port with an example's change in it.

    Raises:
        ValueError: the example's good text does not occur exactly once.
    """
    files: dict[str, str | bytes | None] = {**HEAD}
    text = HEAD[example.path]
    if example.removed or example.link:
        del files[example.path]
    elif example.moved_to:
        del files[example.path]
        files[example.moved_to] = text
    else:
        if text.count(example.good) != 1:
            raise ValueError(f"{example.title}: {text.count(example.good)} times in {example.path}")
        files[example.path] = text.replace(example.good, example.bad)
    return DictSnapshot(files, links=frozenset({example.path} if example.link else ()), year=YEAR)


def base() -> DictSnapshot:
    """The tree before the port, as a snapshot."""
    return DictSnapshot(BASE)


def head() -> DictSnapshot:
    """The tree with the port, as a snapshot."""
    return DictSnapshot(HEAD, year=YEAR)

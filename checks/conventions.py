"""What the base demands of a port, read from the base tree itself by cheap probes of text: never from a version number or a date, so
that forks and development versions work."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.errors import Unreadable
from checks.snapshot import Snapshot

SOURCE = "src/transformers"
MODELS = f"{SOURCE}/models"
MAIN_INIT = f"{SOURCE}/__init__.py"
TF_UTILS = f"{SOURCE}/modeling_tf_utils.py"
DUMMIES = f"{SOURCE}/utils/dummy_tf_objects.py"
AUTO = f"{MODELS}/auto"

_DOC_FOLDERS = ("docs/source/en", "docs/source")
_TEST_FOLDERS = ("tests/models", "tests")


@dataclass(frozen=True, slots=True)
class Conventions:
    """The conventions of one base tree.

    Attributes:
        lists_classes: the main init names every class of every model; else it finds them by itself, and so do the dummies.
        dummies: the tree has dummies of TensorFlow models.
        auto: it has auto classes for TensorFlow.
        unpack_inputs: it knows `@unpack_inputs`.
        archive_lists: models export `TF_X_PRETRAINED_MODEL_ARCHIVE_LIST`.
        keras_import: `from ...modeling_tf_utils import keras` is how Keras is had.
        builds: layers have explicit `build` methods.
        input_signature: models get their signature from the library, instead of `dummy_inputs` and `serving`.
        docs: folder of the models' pages; "" where the tree has none, or none of them shows TensorFlow classes.
        docs_suffix: of the pages: ".md" or ".mdx".
        table: path of the page with the table of frameworks; "" where there is no such table.
        tests: folder with one folder of tests per model, or "tests" where they lie side by side; "" where no model has
            TensorFlow tests.
        tests_side_by_side: the latter.
        reads_safetensors: TensorFlow models can load PyTorch's safetensors files.
    """

    lists_classes: bool
    dummies: bool
    auto: bool
    unpack_inputs: bool
    archive_lists: bool
    keras_import: bool
    builds: bool
    input_signature: bool
    docs: str
    docs_suffix: str
    table: str
    tests: str
    tests_side_by_side: bool
    reads_safetensors: bool


_known: dict[str, Conventions] = {}


def conventions(base: Snapshot) -> Conventions:
    """Probes the base tree; once per commit and process."""
    if base.sha is None:
        return _probe(base)
    if base.sha not in _known:
        if len(_known) >= 256:
            _known.clear()
        _known[base.sha] = _probe(base)
    return _known[base.sha]


def _probe(base: Snapshot) -> Conventions:
    main = read(base, MAIN_INIT)
    utils = read(base, TF_UTILS)
    # A tree whose main init scans the models folder names no model in it.
    lists = re.search(r'_import_structure\["models\.\w+"\]|"models\.\w+": \[', main) is not None
    docs, suffix = _docs(base)
    tests, side_by_side = _tests(base)
    return Conventions(
        lists_classes=lists,
        dummies=lists and base.blob_id(DUMMIES) is not None,
        auto=base.blob_id(f"{AUTO}/modeling_tf_auto.py") is not None,
        unpack_inputs="def unpack_inputs" in utils,
        archive_lists=re.search(r"TF_\w+_ARCHIVE_LIST", main) is not None,
        keras_import="import tf_keras as keras" in utils,
        builds="def build_in_name_scope" in utils,
        input_signature="def input_signature" in utils,
        docs=docs,
        docs_suffix=suffix,
        table=_table(base),
        tests=tests,
        tests_side_by_side=side_by_side,
        reads_safetensors="safetensors" in utils,
    )


def read(snapshot: Snapshot, path: str) -> str:
    """Text of a file, "" where there is none that can be read."""
    try:
        return snapshot.read(path) or ""
    except Unreadable:
        return ""


def _docs(base: Snapshot) -> tuple[str, str]:
    for folder in _DOC_FOLDERS:
        pages = [path for path in base.list(f"{folder}/model_doc") if path.endswith((".md", ".mdx"))]
        # The first page with a TensorFlow class comes early (ALBERT), so few are read.
        for path in pages:
            if "[[autodoc]] TF" in read(base, path):
                return f"{folder}/model_doc", path[path.rindex(".") :]
    return "", ""


def _table(base: Snapshot) -> str:
    for folder in _DOC_FOLDERS:
        for suffix in (".md", ".mdx"):
            path = f"{folder}/index{suffix}"
            if re.search(r"^\|.*TensorFlow.*\|", read(base, path), re.MULTILINE):
                return path
    return ""


def _tests(base: Snapshot) -> tuple[str, bool]:
    paths = [path for path in base.list("tests") if path.rsplit("/", 1)[-1].startswith("test_modeling_tf_")]
    shared = {"test_modeling_tf_common.py", "test_modeling_tf_core.py", "test_modeling_tf_utils.py"}
    for folder in _TEST_FOLDERS:
        depth = folder.count("/") + 2
        if any(path.startswith(f"{folder}/") and path.count("/") == depth for path in paths):
            return folder, False
    if any(path.count("/") == 1 and path.rsplit("/", 1)[-1] not in shared for path in paths):
        return "tests", True
    return "", False

"""Files made to hurt: each is answered within seconds, without an exception."""

from __future__ import annotations

import time
from pathlib import Path

import pygit2
import pytest

from checks.changes import changes
from checks.errors import UserError
from checks.rules import sample
from checks.run import MOST_FINDINGS, check
from checks.snapshot import DictSnapshot, GitSnapshot

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
MAIN = "src/transformers/__init__.py"
AUTO = "src/transformers/models/auto/modeling_tf_auto.py"
PAGE = "docs/source/en/model_doc/lantern.md"
TABLE = "docs/source/en/index.md"
N = 400_000

ATTACKS = {
    "spaces after an ignore comment": (
        TF,
        sample.HEAD[TF]
        .replace("    @unpack_inputs\n", "")
        .replace("def call(\n", "def call(  # tfport: ignore[x] " + " " * N + "x\n"),
    ),
    "a heading of spaces": (PAGE, "# a" + " " * N + "b\n" + sample.HEAD[PAGE]),
    "brackets in the table": (
        TABLE,
        sample.HEAD[TABLE].replace("| [Lantern]", "| " + "[" * N + " |\n| [Lantern]"),
    ),
    "a class name of many words": (
        TF,
        sample.HEAD[TF] + "\n\nclass TF" + "Aa" * N + "Model(TFLanternPreTrainedModel):\n    pass\n",
    ),
    "a long sum": (MAIN, sample.HEAD[MAIN].replace('"TFLanternModel",', '"a"' + ' + "a"' * 3000 + ",")),
    "a long sum in a mapping": (AUTO, "X_NAMES = {'a': 'b'" + " + 'a'" * 3000 + "}\n" + sample.HEAD[AUTO]),
    "a long sum in __all__": (TF, sample.HEAD[TF] + "\n__all__ = ['a']" + " + ['a']" * 3000 + "\n"),
    "many classes that do not exist": (
        AUTO,
        sample.HEAD[AUTO].replace(
            '("lantern", "TFLanternModel"),',
            "".join(f'("lantern", "TFLanternX{n}"),\n' for n in range(20_000)),
        ),
    ),
    "many names in an init": (
        MAIN,
        sample.HEAD[MAIN].replace(
            '            "TFLanternModel",\n',
            "".join(f'            "TFLanternX{n}",\n' for n in range(20_000)),
        ),
    ),
    "many broken classes": (
        TF,
        sample.HEAD[TF]
        + "".join(
            f"\n\nclass TFLantern{n}MainLayer(keras.layers.Layer):\n    def call(self): pass\n"
            for n in range(3_000)
        ),
    ),
    "one line": (TF, "x = 1;" * N),
    "too large to be parsed": (TF, "x = 1\n" * N),
    "deep nesting": (TF, "".join(f"{' ' * n}if x:\n" for n in range(95)) + " " * 95 + "pass\n"),
    "a chain of attributes": (TF, "x" + ".x" * N),
    "brackets": (TF, "[" * N),
    "a page of autodoc": (PAGE, "[[autodoc]] TFLanternModel\n    - forward\n" * 50_000),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack(attack: str):
    path, text = ATTACKS[attack]
    assert text != sample.HEAD[path]
    start = time.process_time()
    report = check(sample.base(), DictSnapshot({**sample.HEAD, path: text}))
    assert time.process_time() - start < 10  # of this process: other tests run beside it
    assert not [item for item in report.items if item.state == "error"]
    assert len(report.findings) <= 2 * MOST_FINDINGS


def test_a_hundred_ports_at_once():
    head = {**sample.HEAD, **{f"src/transformers/models/x{n}/modeling_tf_x{n}.py": "" for n in range(100)}}
    with pytest.raises(UserError, match="more than can be checked"):
        check(sample.base(), DictSnapshot(head))


def test_folders_a_thousand_deep(tmp_path: Path):
    repo = pygit2.init_repository(str(tmp_path), bare=True)
    tree = repo.TreeBuilder().write()
    inner = repo.TreeBuilder()
    inner.insert("f", repo.create_blob(b"x"), pygit2.enums.FileMode.BLOB)
    deep = inner.write()
    for _ in range(3000):
        builder = repo.TreeBuilder()
        builder.insert("d", deep, pygit2.enums.FileMode.TREE)
        deep = builder.write()
    author = pygit2.Signature("a", "a@example.org", 0, 0)
    base = repo.create_commit(None, author, author, "base", tree, [])
    head = repo.create_commit(None, author, author, "head", deep, [base])
    new = GitSnapshot(repo, str(head))
    assert len(changes(GitSnapshot(repo, str(base)), new)) == 1
    assert len(new.list("")) == 1

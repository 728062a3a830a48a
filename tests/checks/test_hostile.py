"""Files made to hurt: each is answered within seconds, without an exception."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pygit2
import pytest

import checks.run
from checks.changes import changes
from checks.edits import apply
from checks.errors import UserError
from checks.port import Port
from checks.progress import summarize
from checks.rules import sample
from checks.run import MOST_FINDINGS, TOO_LONG, check
from checks.snapshot import DictSnapshot, GitSnapshot

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
PT = "src/transformers/models/lantern/modeling_lantern.py"
MAIN = "src/transformers/__init__.py"
AUTO = "src/transformers/models/auto/modeling_tf_auto.py"
PAGE = "docs/source/en/model_doc/lantern.md"
TABLE = "docs/source/en/index.md"
N = 400_000

CHECK_REPO = "utils/check_repo.py"


def _documented(line: str) -> str:
    string = f'"""\n    Args:\n        a (`int`):\n            Some number.\n{line}\n"""'
    return sample.HEAD[TF] + f"\nLANTERN_MORE_INPUTS_DOCSTRING = r{string}\n"


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
    "empty lines after a return": (
        TF,
        sample.HEAD[TF] + "\n\ndef f(x):\n    return x\n" + "         \n" * 3_000 + "    # c\n",
    ),
    "two bases each": (
        TF,
        sample.HEAD[TF]
        + "class TFZ0: pass\nclass TFY0: pass\n"
        + "".join(
            f"class TF{x}{n + 1}(TFZ{n}, TFY{n}):\n    def call(self, x): return x\n"
            for n in range(60)
            for x in "ZY"
        ),
    ),
    "two bases each, in PyTorch": (
        PT,
        sample.HEAD[PT]
        + "class Z0(nn.Module): pass\nclass Y0(nn.Module): pass\n"
        + "".join(f"class {x}{n + 1}(Z{n}, Y{n}): pass\n" for n in range(60) for x in "ZY")
        + "class LanternFlame(Z60): pass\n",
    ),
    "a chain of bases": (
        TF,
        sample.HEAD[TF]
        + "class TFZ0(TFPreTrainedModel): pass\n"
        + "".join(f"class TFZ{n + 1}(TFZ{n}): pass\n" for n in range(5_000)),
    ),
    "many copies of something long": (
        TF,
        sample.HEAD[TF]
        + "class TFSource:\n"
        + "    a = a\n" * 20_000
        + "".join(
            f"# Copied from transformers.models.lantern.modeling_tf_lantern.TFSource\nclass TFL{n}:\n    pass\n\n"
            for n in range(2_000)
        ),
    ),
    "many replacements": (
        TF,
        sample.HEAD[TF]
        + "".join(
            "# Copied from transformers.models.lantern.modeling_tf_lantern.TFLanternMainLayer with Lantern->Lantern"
            f"{n}\nclass TFL{n}:\n    pass\n\n"
            for n in range(5_000)
        ),
    ),
    "the same line a thousand times": (
        TF,
        sample.HEAD[TF]
        + "class TFSource:\n"
        + "    a = a\n" * 10_000
        + "# Copied from transformers.models.lantern.modeling_tf_lantern.TFSource\nclass TFL:\n"
        + "    a = a\n    b = a\n" * 5_000,
    ),
    "many layers that are built": (
        TF,
        sample.HEAD[TF]
        + "class TFW(keras.layers.Layer):\n    def __init__(self, config):\n"
        + "".join(f"        self.d{n} = keras.layers.Dense(3, name='d{n}')\n" for n in range(2_000))
        + "    def build(self, input_shape=None):\n"
        + "".join(
            f"        with tf.name_scope(self.d{n}.name):\n            self.d{n}.build([None, 3])\n"
            for n in range(1_000)
        ),
    ),
    "imports that do not end": (
        PT,
        sample.HEAD[PT] + "from a import (\n" * 60_000,
    ),
    "hashes": (PT, sample.HEAD[PT] + "#" * N + '"\n'),
    "lists that do not end": (CHECK_REPO, sample.HEAD[CHECK_REPO] + "A = [\n" * 60_000),
    "blanks after an argument": (TF, _documented("        a" + " " * N + "!")),
    "blanks after a bracket": (TF, _documented("        a (" + " " * N + "!")),
    "blanks after Args": (TF, _documented("    Args" + " " * N + "!")),
    "blanks after Returns": (TF, _documented("    Returns" + " " * N + "(")),
    "a long number": (TF, sample.HEAD[TF] + "# -" + "1" * N + "x\n"),
    "layers within layers": (
        TF,
        sample.HEAD[TF]
        + "".join(
            f"class TFN{n}(keras.layers.Layer):\n    def __init__(self, config):\n        super().__init__()\n"
            f"        self.a = TFN{n + 1}(config, name='a')\n        self.b = TFN{n + 1}(config, name='b')\n"
            for n in range(2_000)
        ),
    ),
    "modules within modules": (
        PT,
        sample.HEAD[PT]
        + "".join(
            f"class Lamp{n}(nn.Module):\n    def __init__(self, config):\n        super().__init__()\n"
            f"        self.a = Lamp{n + 1}(config)\n        self.b = Lamp{n + 1}(config)\n"
            for n in range(2_000)
        ).replace("class Lamp0(", "class LanternFlame("),
    ),
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


S = "\\ud800"
"""As it is written in a string of a module: half a character."""

HALF_CHARACTERS = {
    "class names in the auto classes": (AUTO, sample.HEAD[AUTO].replace('"TFLantern', f'"{S}TFLantern')),
    "class names in the init": (MAIN, sample.HEAD[MAIN].replace('"TFLantern', f'"{S}TFLantern')),
    "names of layers": (TF, sample.HEAD[TF].replace('name="', f'name="{S}')),
}


@pytest.mark.parametrize("where", HALF_CHARACTERS)
def test_half_a_character(where: str):
    path, text = HALF_CHARACTERS[where]
    assert text != sample.HEAD[path]
    report = check(sample.base(), DictSnapshot({**sample.HEAD, path: text}), ready=True)
    assert not [item for item in report.items if item.state == "error"]
    assert report.findings
    json.dumps(report.to_json(), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "mapping",
    [
        'OrderedDict([("bert", "TFB")])',
        'OrderedDict([("zbert", "TFB")])',
        'OrderedDict(\n    [("bert", "TFB")]\n)',
    ],
)
@pytest.mark.parametrize("rest", ["", "\n"])
def test_a_mapping_of_one_line_stays_python(mapping: str, rest: str):
    name = "TF_MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES"
    text = re.sub(rf"^{name} = .*?^\)\n", "", sample.HEAD[AUTO], flags=re.MULTILINE | re.DOTALL)
    text = f"{text}{name} = {mapping}{rest}"
    assert text != sample.HEAD[AUTO]
    report = check(sample.base(), DictSnapshot({**sample.HEAD, AUTO: text}), ready=True)
    found = [f for f in report.findings if f.path == AUTO and name in f.message]
    assert found
    assert all(f.line <= len(text.split("\n")) for f in found)
    compile(apply({AUTO: text}, [edit for f in report.findings for edit in f.edits])[AUTO], AUTO, "exec")


def test_too_many_seconds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks.run, "LONGEST", -1.0)
    report = check(sample.base(), sample.head(), ready=True)
    checked = [item for item in report.items if item.state != "needs-human"]
    assert {item.reason for item in checked if item.state == "unverified"} >= {TOO_LONG}
    assert not [item for item in checked if item.state in ("passed", "failed", "error")]


def test_a_port_that_cannot_be_described_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch):
    def described(port: Port):
        if port.model == "lamp":
            raise RecursionError
        return summarize(port)

    monkeypatch.setattr(checks.run, "summarize", described)
    lamp = "src/transformers/models/lamp/modeling_tf_lamp.py"
    report = check(
        sample.base(), DictSnapshot({**sample.HEAD, lamp: sample.HEAD[TF].replace("Lantern", "Lamp")})
    )
    states = {
        port.model: {item.state for item in report.items if item.model == port.model} for port in report.ports
    }
    assert states["lamp"] == {"error"}
    assert "error" not in states["lantern"]
    assert "passed" in states["lantern"]

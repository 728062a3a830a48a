"""From two trees to a report: stages, states, eras, partial trees, and everything that must not go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks import checklist, rules
from checks.changes import changes
from checks.errors import NoTensorFlow, NothingToPort, UserError
from checks.explain import explain
from checks.report import Finding, Report
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot, FolderSnapshot, GitSnapshot
from tests.checks.repos import commit, write

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
FLICKER = """\
    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)
    def call(
        self,
        input_ids: TFModelInputType | None = None,
        flicker"""
PT = "src/transformers/models/lantern/modeling_lantern.py"
INIT = "src/transformers/models/lantern/__init__.py"
MAIN = "src/transformers/__init__.py"
TEST = "tests/models/lantern/test_modeling_tf_lantern.py"
EMPTY_PORT = {**sample.BASE, TF: ""}
NEW_CLASS = "class TFLanternForMultipleChoice(TFLanternPreTrainedModel):\n    @unpack_inputs\n    def call(self, input_ids=None, return_dict=None):\n        return input_ids\n"


def run(head: dict[str, Any], base: dict[str, Any] | None = None, **options: Any) -> Report:
    return check(DictSnapshot(sample.BASE if base is None else base), DictSnapshot(head), **options)


def edited(path: str, old: str, new: str, tree: dict[str, str] | None = None) -> dict[str, str]:
    tree = sample.HEAD if tree is None else tree
    assert tree[path].count(old) == 1, (path, old, tree[path].count(old))
    return {**tree, path: tree[path].replace(old, new)}


def states(report: Report) -> dict[str, str]:
    return {item.id: item.state for item in report.items}


def said(report: Report) -> list[tuple[str, str]]:
    return [(f.rule, f.symbol) for f in report.findings]


# -- what is a port ------------------------------------------------------------------------------------------------------------


def test_nothing_to_port():
    with pytest.raises(NothingToPort):
        run(sample.HEAD, sample.HEAD)
    with pytest.raises(NothingToPort):
        run({**sample.BASE, "src/transformers/modeling_tf_layers.py": "x = 1\n", "README.md": "hello"})
    with pytest.raises(NothingToPort):
        run({"a.txt": "x"}, {})
    with pytest.raises(NothingToPort):  # only a layer, which nobody imports
        run(
            {
                **sample.HEAD,
                TF: sample.HEAD[TF] + "\n\nclass TFLanternHelper(keras.layers.Layer):\n    pass\n",
            },
            sample.HEAD,
        )


def test_tensorflow_is_gone():
    base = {path: text for path, text in sample.BASE.items() if not path.endswith("modeling_tf_utils.py")}
    with pytest.raises(NoTensorFlow):
        run({**base, TF: "x = 1\n"}, base)


def test_a_port_that_only_moved_is_none():
    moved = {path: text for path, text in sample.HEAD.items() if path != TF}
    with pytest.raises(NothingToPort):
        run(
            {**moved, "src/transformers/models/lanterns/modeling_tf_lantern.py": sample.HEAD[TF]}, sample.HEAD
        )


def test_two_ports_in_one_pull_request():
    other = "src/transformers/models/xlm/modeling_tf_xlm.py"
    base = {
        **sample.BASE,
        "src/transformers/models/xlm/modeling_xlm.py": "import torch\n",
        other.replace("modeling_tf_xlm", "__init__"): "",
    }
    report = run({**base, **sample.HEAD, other: ""}, base)
    assert [(port.model, port.stage) for port in report.ports] == [("lantern", "complete"), ("xlm", "empty")]
    assert {item.model for item in report.items} == {"lantern", "xlm"}
    assert report.findings == ()


def test_a_public_class_that_is_added_to_an_old_port():
    base = {
        **sample.HEAD,
        PT: sample.HEAD[PT] + "\n\nclass LanternForMultipleChoice(LanternPreTrainedModel):\n    pass\n",
    }
    base = edited(
        INIT,
        '        "LanternModel",\n',
        '        "LanternForMultipleChoice",\n        "LanternModel",\n',
        base,
    )
    report = run({**base, TF: base[TF] + "\n\n" + NEW_CLASS}, base)
    assert {(f.rule, f.symbol) for f in report.findings} == {
        (rule, "TFLanternForMultipleChoice")
        for rule in ("main-init", "model-init", "dummy-objects", "model-doc", "test-coverage")
    }


def test_what_was_wrong_before_is_nobodys_fault_now():
    old = edited(TF, "@keras_serializable\nclass", "class")
    old = edited(
        TF,
        f"    @unpack_inputs\n{FLICKER}",
        FLICKER,
        old,
    )
    base = {**old, PT: old[PT] + "\n\nclass LanternForMultipleChoice(LanternPreTrainedModel):\n    pass\n"}
    base = edited(
        INIT,
        '        "LanternModel",\n',
        '        "LanternForMultipleChoice",\n        "LanternModel",\n',
        base,
    )
    head = {**base, TF: base[TF] + "\n\n" + NEW_CLASS}
    assert not {"keras-serializable", "unpack-inputs"} & {f.rule for f in run(head, base).findings}
    # But a class that the pull request touches is looked at as a whole.
    touched = edited(TF, 'name="pooler")\n', 'name="pooler")\n        self.extra = 1\n', head)
    assert [f.symbol for f in run(touched, base).findings if f.rule == "keras-serializable"] == [
        "TFLanternMainLayer"
    ]


# -- stages and states -------------------------------------------------------------------------------------------------------------


def test_empty_port():
    report = run(EMPTY_PORT)
    assert report.ports[0].stage == "empty"
    assert report.findings == ()
    found = states(report)
    assert found["unpack-inputs"] == found["main-init"] == found["test-file"] == "waiting"
    assert found["copied-from"] == found["torch-leftovers"] == "waiting"
    assert found["cross-tests"] == "unverified"
    assert "no class yet" in next(item.reason for item in report.items if item.id == "main-init")


def test_copied_port_brings_no_wall_of_red():
    report = run({**sample.BASE, TF: sample.BASE[PT]})
    assert (report.ports[0].stage, report.findings) == ("copied", ())
    left, start = report.ports[0].progress or (0, 0)
    assert left == start > 5
    assert "failed" not in states(report).values()
    half = sample.BASE[PT].replace("nn.Module", "keras.layers.Layer").replace("torch.tanh", "tf.tanh")
    assert (run({**sample.BASE, TF: half}).ports[0].progress or (0, 0))[0] < left


def test_in_progress_port_waits_for_what_is_absent_and_fails_for_what_is_wrong():
    text = sample.HEAD[TF][: sample.HEAD[TF].index('@add_start_docstrings("The bare')]
    report = run({**sample.BASE, TF: text.replace("@keras_serializable\nclass", "class")})
    assert report.ports[0].stage == "in-progress"
    found = states(report)
    assert found["keras-serializable"] == "failed"
    assert found["unpack-inputs"] == "passed"
    assert found["main-init"] == found["model-doc"] == found["test-file"] == "waiting"


def test_what_is_absent_fails_from_complete_on():
    head = {
        path: text for path, text in sample.HEAD.items() if path in sample.BASE and path not in (MAIN, INIT)
    } | {TF: sample.HEAD[TF]}
    head = {**sample.BASE, TF: sample.HEAD[TF]}
    report = run(head)
    assert report.ports[0].stage == "complete"
    absent = ("main-init", "model-init", "auto-classes", "dummy-objects", "model-doc", "test-file")
    assert [states(report)[id] for id in absent] == ["failed"] * 6
    per_rule = {rule: [f for f in report.findings if f.rule == rule] for rule in absent}
    assert {rule: len(found) for rule, found in per_rule.items() if rule != "auto-classes"} == dict.fromkeys(
        [rule for rule in absent if rule != "auto-classes"], 1
    )
    assert all(f.absent for rule in absent for f in per_rule[rule])
    torch_left = {**head, TF: head[TF] + "\n\nimport torch\n"}
    assert run(torch_left).ports[0].stage == "in-progress"
    assert states(run(torch_left))["main-init"] == "waiting"
    assert states(run(torch_left, ready=True))["main-init"] == "failed"
    assert states(run(EMPTY_PORT, ready=True))["main-init"] == "failed"


def test_all_edits_together_register_the_port():
    from checks.edits import apply

    head = {**sample.BASE, TF: sample.HEAD[TF], TEST: sample.HEAD[TEST]}
    for _ in range(3):
        report = run(head)
        head = apply(head, [edit for finding in report.findings for edit in finding.edits])
    assert {f.rule for f in report.findings} == {"doc-credit"}  # whom to thank, nobody knows
    changed = {path for path in sample.HEAD if head[path] != sample.HEAD[path]}
    assert changed <= {"docs/source/en/model_doc/lantern.md", INIT}


# -- broken and strange files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a\0b", b"\xff\xfe", b"x = 1\n" * 1_000_000, "def f(:\n", "(" * 10_000])
def test_a_broken_port_is_a_finding(content: bytes | str):
    report = run({**sample.HEAD, TF: content})
    assert said(report) == [("readable", "")]
    assert states(report)["code-hygiene"] == "failed"
    assert {states(report)[id] for id in ("tf-prefix", "unpack-inputs", "main-init", "auto-classes")} == {
        "failed",
        "unverified",
    } - {"failed"}
    assert "error" not in states(report).values()


@pytest.mark.parametrize("path", [MAIN, INIT, "src/transformers/models/auto/modeling_tf_auto.py", TEST])
def test_a_broken_shared_file_is_one_finding(path: str):
    for content in ("def f(:\n", b"\xff"):
        report = run({**sample.HEAD, path: content})
        assert said(report) == [("readable", "")]
        assert "error" not in states(report).values()


@pytest.mark.parametrize(
    "gone",
    [
        ("docs/",),
        ("tests/",),
        ("docs/source/en/index.md",),
        ("src/transformers/utils/",),
        ("src/transformers/models/auto/",),
        ("src/transformers/models/auto/configuration_auto.py",),
        ("src/transformers/__init__.py",),
        (INIT,),
        ("docs/", "tests/", "src/transformers/utils/", "src/transformers/models/auto/", MAIN, INIT, PT),
    ],
)
def test_partial_trees_are_not_accused(gone: tuple[str, ...]):
    base, head = (
        {p: t for p, t in tree.items() if not p.startswith(gone)} for tree in (sample.BASE, sample.HEAD)
    )
    report = run(head, base)
    assert report.blocking == ()
    assert not {"failed", "error"} & set(states(report).values())


def test_a_deleted_registry_is_found():
    for path in (INIT, MAIN):
        report = run({p: t for p, t in sample.HEAD.items() if p != path})
        assert "error" not in states(report).values()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(sample.HEAD)), st.integers(0, 4000), st.integers(1, 400))
def test_no_damage_makes_a_check_raise(path: str, at: int, length: int):
    text = sample.HEAD[path]
    try:
        report = run({**sample.HEAD, path: text[:at] + text[at + length :]})
    except (NothingToPort, NoTensorFlow):
        return
    assert "error" not in states(report).values()


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(sample.HEAD)), st.binary(max_size=200), st.integers(0, 2000))
def test_no_bytes_make_a_check_raise(path: str, junk: bytes, at: int):
    content = sample.HEAD[path].encode()
    report = run({**sample.HEAD, path: content[:at] + junk + content[at:]})
    assert "error" not in states(report).values()


# -- eras --------------------------------------------------------------------------------------------------------------------------


STAR_INIT = """\
from typing import TYPE_CHECKING

from ...utils import _LazyModule
from ...utils.import_utils import define_import_structure


if TYPE_CHECKING:
    from .configuration_lantern import *
    from .modeling_lantern import *
else:
    import sys

    _file = globals()["__file__"]
    sys.modules[__name__] = _LazyModule(__name__, _file, define_import_structure(_file), module_spec=__spec__)
"""
ALL = '\n\n__all__ = ["{}ForSequenceClassification", "{}Model", "{}PreTrainedModel"]\n'
SCANNING_MAIN = "_import_structure = {\n    'models': [],\n}\nimport_structure = define_import_structure(Path(__file__).parent / 'models')\n"


def star_trees() -> tuple[dict[str, str], dict[str, str]]:
    """The sample as of 2025: everything finds itself, there is no table."""
    gone = ("docs/source/en/index.md",)
    base, head = ({p: t for p, t in tree.items() if p not in gone} for tree in (sample.BASE, sample.HEAD))
    for tree in (base, head):
        tree.update({MAIN: SCANNING_MAIN, INIT: STAR_INIT, PT: tree[PT] + ALL.replace("{}", "Lantern")})
        tree["src/transformers/utils/dummy_tf_objects.py"] = (
            "class TFPreTrainedModel(metaclass=DummyObject):\n    pass\n"
        )
    head[INIT] = STAR_INIT.replace("import *\nelse", "import *\n    from .modeling_tf_lantern import *\nelse")
    names = [
        "TFLanternForSequenceClassification",
        "TFLanternForTokenClassificationWithFlicker",
        "TFLanternModel",
        "TFLanternPreTrainedModel",
    ]
    head[TF] += "\n\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"
    base[PT] = head[PT] = head[PT].replace(
        '"LanternModel", ', '"LanternForTokenClassificationWithFlicker", "LanternModel", '
    )
    return base, head


def test_trees_that_find_their_classes():
    base, head = star_trees()
    report = run(head, base)
    assert report.findings == ()
    found = states(report)
    assert found["model-init"] == "passed"
    assert found["main-init"] == found["dummy-objects"] == found["doc-table"] == "not-applicable"


def test_star_import_and_all_are_demanded():
    base, head = star_trees()
    from checks.edits import apply

    for path, old, symbol in (
        (INIT, "    from .modeling_tf_lantern import *\n", "modeling_tf_lantern"),
        (TF, '    "TFLanternModel",\n', "TFLanternModel"),
        (TF, head[TF][head[TF].index("\n\n__all__") :], "TFLanternForSequenceClassification"),
    ):
        broken = edited(path, old, "", head)
        report = run(broken, base)
        assert said(report) == [("model-init", symbol)], report.findings
        fixed = apply(broken, [edit for finding in report.findings for edit in finding.edits])
        assert run(fixed, base).findings == ()


def test_trees_of_2022_guard_by_if():
    def old(text: str, indent: str = "") -> str:
        for backend in ("torch", "tf"):
            text = text.replace(
                f"{indent}try:\n{indent}    if not is_{backend}_available():\n{indent}        raise OptionalDependencyNotAvailable()\n"
                f"{indent}except OptionalDependencyNotAvailable:\n{indent}    pass\n{indent}else:\n",
                f"{indent}if is_{backend}_available():\n",
            )
        return text

    base, head = dict(sample.BASE), dict(sample.HEAD)
    for tree in (base, head):
        tree[INIT] = old(old(tree[INIT]), "    ")
        assert "try:" not in tree[INIT]
    assert run(head, base).findings == ()
    from checks.edits import apply

    broken = {**head, INIT: base[INIT]}
    report = run(broken, base)
    assert said(report) == [("model-init", "")]
    fixed = apply(broken, [edit for finding in report.findings for edit in finding.edits])
    assert "if is_tf_available():\n" in fixed[INIT]
    assert run(fixed, base).findings == ()


def test_before_unpack_inputs():
    base = {**sample.BASE, "src/transformers/modeling_tf_utils.py": "import tf_keras as keras\n"}
    head = {
        **sample.HEAD,
        "src/transformers/modeling_tf_utils.py": base["src/transformers/modeling_tf_utils.py"],
    }
    head[TF] = head[TF].replace("    @unpack_inputs\n", "").replace("    unpack_inputs,\n", "")
    report = run(head, base)
    assert report.findings == ()
    assert states(report)["unpack-inputs"] == "not-applicable"


def test_archive_lists():
    name = "TF_LANTERN_PRETRAINED_MODEL_ARCHIVE_LIST"
    defined = edited(TF, "class TFLanternPooler", f"{name} = []\n\n\nclass TFLanternPooler")
    report = run(defined)
    assert [(f.rule, f.level, f.symbol) for f in report.findings] == [("model-init", "warning", name)]
    assert states(report)["model-init"] == "passed"
    half = edited(
        INIT,
        '        "TFLanternForSequenceClassification",\n',
        f'        "{name}",\n        "TFLanternForSequenceClassification",\n',
        defined,
    )
    assert {(f.rule, f.level) for f in run(half).findings} == {
        ("model-init", "warning"),
        ("main-init", "warning"),
    }


# -- the run itself ------------------------------------------------------------------------------------------------------------------


def test_only():
    head = edited(TF, "@keras_serializable\nclass", "class")
    report = run(head, only=["keras-serializable", "tf-prefix"])
    assert list(states(report)) == ["tf-prefix", "keras-serializable"]
    assert said(report) == [("keras-serializable", "TFLanternMainLayer")]
    assert list(states(run(head, only=["wrong-folder"]))) == ["tf-prefix"]
    assert list(states(run(head, only=["losses"]))) == ["losses"]
    with pytest.raises(UserError) as error:
        run(head, only=["unpack-input"])
    assert (error.value.message, error.value.hint) == (
        "there is no rule or item 'unpack-input'",
        "did you mean unpack-inputs?",
    )
    with pytest.raises(UserError, match="no rule or item"):
        run(head, only=["\0"])


def test_a_crash_of_one_rule_is_its_own(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    def crash(port: object) -> list[Finding]:
        raise ZeroDivisionError("ours")

    from dataclasses import replace

    real = rules.all_rules()
    monkeypatch.setattr(
        rules, "all_rules", lambda: {**real, "main-init": replace(real["main-init"], check=crash)}
    )
    report = run(edited(TF, "@keras_serializable\nclass", "class"))
    assert said(report) == [("keras-serializable", "TFLanternMainLayer")]
    assert states(report)["main-init"] == "error"
    assert states(report)["model-init"] == "passed"
    assert "ours" in caplog.text
    assert "lantern" in caplog.text


@pytest.mark.parametrize("name", ["unpack-inputs", "losses, unpack-inputs"])
def test_ignored_with_a_reason(name: str):
    head = edited(
        TF,
        "    @unpack_inputs\n    def call(\n        self,\n",
        f"    def call(  # tfport: ignore[{name}] wrapped by hand\n        self,\n",
    )
    report = run(head)
    (finding,) = [found for found in report.findings if found.rule != "ignore-comments"]
    assert finding.ignored == "wrapped by hand"
    assert report.blocking == ()
    assert states(report)["unpack-inputs"] == "passed"
    plain = run(
        edited(TF, "    @unpack_inputs\n    def call(\n        self,\n", "    def call(\n        self,\n")
    )
    assert plain.findings[0].id == finding.id


@pytest.mark.parametrize("comment", ["ignore[unpack-inputs]", "ignore[main-init] reason", "ignore reason"])
def test_not_ignored(comment: str):
    head = edited(
        TF,
        "    @unpack_inputs\n    def call(\n        self,\n",
        f"    def call(  # tfport: {comment}\n        self,\n",
    )
    (finding,) = [found for found in run(head).findings if found.rule != "ignore-comments"]
    assert finding.ignored is None
    assert ("give a reason" in finding.advice) == (comment == "ignore[unpack-inputs]")


def test_identities_differ_and_last():
    head = {**sample.HEAD, TF: sample.HEAD[TF].replace("    @unpack_inputs\n", "")}
    report = run(head)
    ids = [finding.id for finding in report.findings]
    assert len(set(ids)) == len(ids) == 4
    moved = run({**head, TF: head[TF].replace("\n", "\n# one\n# more\n", 1)})
    assert [finding.id for finding in moved.findings] == ids
    assert [f.line for f in moved.findings] == [f.line + 2 for f in report.findings]


def test_the_same_from_commits_and_from_a_working_tree(tmp_path: Path):
    folder = tmp_path / "repo"
    base = commit(folder, dict(sample.BASE))
    broken = edited(TF, "@keras_serializable\nclass", "class")
    write(folder, dict(broken))
    for path in sample.BASE.keys() - sample.HEAD.keys():
        (folder / path).unlink()
    tree = check(GitSnapshot(str(folder), base), FolderSnapshot(str(folder)))
    sha = commit(folder)
    by_commit = check(GitSnapshot(str(folder), base), GitSnapshot(str(folder), sha))
    assert tree.findings == by_commit.findings == run(broken).findings
    assert tree.items == by_commit.items
    assert (tree.head, by_commit.head, by_commit.base) == (None, sha, base)


def test_a_link_as_the_port_in_real_git(tmp_path: Path):
    folder = tmp_path / "repo"
    base = commit(folder, dict(sample.BASE))
    (folder / TF).symlink_to("/etc/passwd")
    sha = commit(folder)
    for head in (GitSnapshot(str(folder), sha), FolderSnapshot(str(folder))):
        report = check(GitSnapshot(str(folder), base), head)
        assert said(report) == [("readable", "")]
        assert "symbolic link" in report.findings[0].message
        assert "root:" not in json.dumps(report.to_json())


def test_report_follows_its_schema():
    schema = json.loads((Path(__file__).parents[2] / "checks/report.schema.json").read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    for head in (
        sample.HEAD,
        EMPTY_PORT,
        {**sample.BASE, TF: sample.HEAD[TF]},
        {**sample.BASE, TF: sample.BASE[PT]},
    ):
        report = run(head)
        document = json.loads(json.dumps(report.to_json()))
        validator.validate(document)
        assert Report.from_json(document) == report
        assert set(report.timings) == {"snapshot", "facts", "rules", "total"}
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({**document, "schema_version": 2})
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({**document, "surplus": 1})


def test_lines_are_in_the_file():
    for rule in rules.all_rules().values():
        for example in rule.examples:
            head = sample.broken(example)
            for finding in check(sample.base(), head).findings:
                text = head.read(finding.path) if head.blob_id(finding.path) and not example.link else None
                if text is not None:
                    assert 1 <= finding.line <= len(text.splitlines())
                    assert finding.end_line >= finding.line


def test_explain():
    assert explain("unpack-inputs").startswith("# unpack-inputs\n")
    assert "wrong-folder" in explain("tf-prefix")
    unbuilt = [i.id for i in checklist.items().values() if i.decided == "static" and not i.rules]
    assert all("not built yet" in explain(id) for id in unbuilt)
    assert "Only people" in explain("demos")
    with pytest.raises(UserError) as error:
        explain("unpack_input")
    assert error.value.hint == "did you mean unpack-inputs?"


def test_changes_of_the_sample():
    found = changes(sample.base(), sample.head())
    assert {path for path, change in found.items() if change.status == "added"} == {TF, TEST}


def test_only_a_section():
    found = states(run(sample.HEAD, only=["registration"]))
    assert list(found) == ["main-init", "model-init", "auto-classes", "dummy-objects"]
    assert "doc-table" in states(run(sample.HEAD, only=["registration", "doc-table"]))
    with pytest.raises(UserError) as error:
        run(sample.HEAD, only=["registraton"])
    assert error.value.hint == "did you mean registration?"


def test_an_item_whose_errors_are_ignored_says_so():
    head = edited(
        TF,
        "@keras_serializable\nclass TFLanternMainLayer(keras.layers.Layer):",
        "class TFLanternMainLayer(keras.layers.Layer):  # tfport: ignore[keras-serializable] it is never saved",
    )
    (item,) = [item for item in run(head).items if item.id == "keras-serializable"]
    assert (item.state, item.reason) == ("passed", "1 ignored: it is never saved")


def test_a_misspelt_ignore_comment_is_told():
    head = edited(
        TF,
        "@keras_serializable\nclass TFLanternMainLayer(keras.layers.Layer):",
        "class TFLanternMainLayer(keras.layers.Layer):  # tfport: ignore[keras_serializable] it is never saved",
    )
    found = {f.rule: f for f in run(head).findings}
    assert found["ignore-comments"].level == "suggestion"
    assert found["ignore-comments"].advice == "keras-serializable is meant."
    assert found["keras-serializable"].ignored is None


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (
            "@keras_serializable\nclass TFLanternMainLayer",
            "# tfport: ignore[keras-serializable] never saved\nclass TFLanternMainLayer",
        ),
        (
            "@keras_serializable\nclass TFLanternMainLayer",
            "# tfport: ignore[keras-serializable] never saved\n# It is made anew.\nclass TFLanternMainLayer",
        ),
        (
            "@keras_serializable\nclass TFLanternMainLayer",
            "# tfport: ignore[keras-serializable] never saved\n@tf.function(\n    jit_compile=False\n)\nclass TFLanternMainLayer",
        ),
    ],
    ids=["above", "with-a-comment-between", "above-the-decorators"],
)
def test_a_comment_above_counts(good: str, bad: str):
    report = run(edited(TF, good, bad))
    assert [f.ignored for f in report.findings if f.rule == "keras-serializable"] == ["never saved"]
    assert report.blocking == ()
    assert not [f for f in report.findings if f.rule == "ignore-comments"]


def test_a_comment_further_up_does_not_count():
    report = run(
        edited(
            TF,
            "@keras_serializable\nclass TFLanternMainLayer",
            "# tfport: ignore[keras-serializable] never saved\n\n\nclass TFLanternMainLayer",
        )
    )
    found = {finding.rule: finding for finding in report.findings}
    assert found["keras-serializable"].ignored is None
    assert (
        found["ignore-comments"].message
        == "keras-serializable has found nothing here, so there is nothing to ignore"
    )


def test_what_was_not_run_may_be_ignored():
    comment = "class TFLanternMainLayer(keras.layers.Layer):  # tfport: ignore[{}] on purpose"
    head = edited(TF, "class TFLanternMainLayer(keras.layers.Layer):", comment.format("matches-pytorch"))
    assert run(head).findings == ()
    head = edited(TF, "class TFLanternMainLayer(keras.layers.Layer):", comment.format("losses"))
    assert [f.rule for f in run(head).findings] == ["ignore-comments"]
    assert check(sample.base(), DictSnapshot(head), only=["ignore-comments"]).findings == ()

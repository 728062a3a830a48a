"""Files that can't be read, or are no Python."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import Unreadable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source import facts
from checks.source.python import module_facts


def check(port: Port) -> Iterator[Finding]:
    modules = {module.path: module for module in port.modules}
    for path, module in modules.items():
        if module.unreadable:
            yield _unreadable(path, module.unreadable)
        elif problem := module.facts.problem:
            yield _no_python(path, problem.line, problem.column, problem.message)
    folders = (f"{port.folder}/", f"tests/models/{port.model}/", f"tests/{port.model}/")
    shared = (
        "src/transformers/__init__.py",
        "src/transformers/utils/dummy_",
        "src/transformers/models/auto/",
    )
    for path, change in sorted(port.changed.items()):
        if path in modules or change.status == "removed" or not path.startswith((*folders, *shared)):
            continue
        if change.kind != "file":
            yield _unreadable(path, f"it is a {'symbolic link' if change.kind == 'link' else 'submodule'}")
            continue
        if not path.endswith(".py"):
            continue
        try:
            found = facts(port.head, path, module_facts)
        except Unreadable as error:
            yield _unreadable(path, error.message.removeprefix(path).strip())
            continue
        if found is not None and found.problem is not None:
            problem = found.problem
            yield _no_python(path, problem.line, problem.column, problem.message)


def _unreadable(path: str, reason: str) -> Finding:
    return RULE.finding(
        path,
        1,
        f"{path.rsplit('/', 1)[-1]} cannot be read: {reason}",
        "Commit it as an ordinary text file in UTF-8.",
    )


def _no_python(path: str, line: int, column: int, message: str) -> Finding:
    return RULE.finding(
        path,
        line,
        f"This is no valid Python: {message}",
        "Until it can be parsed, the other rules can't look at this file.",
        column=column,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="readable",
    level="error",
    summary="The port's files, and the shared files that it changes, are text that Python can parse.",
    why="A file that cannot be parsed cannot be imported either, and one such file breaks `import transformers` for everybody.",
    how="Fix the line that is named. Links, binary files and anything above 5 MB do not belong into a pull request.",
    source="tfport",
    check=check,
    examples=(
        Example(
            title="A bracket that is never closed",
            path=_TF,
            good="        hidden_states = self.dense(hidden_states)",
            bad="        hidden_states = self.dense(hidden_states",
            finds=("hidden_states = self.dense(hidden_states",),
        ),
        Example(
            title="Broken syntax in a shared file",
            path="src/transformers/models/auto/modeling_tf_auto.py",
            good='        ("lantern", "TFLanternModel"),',
            bad='        ("lantern", "TFLanternModel),',
            finds=('("lantern", "TFLanternModel),',),
        ),
        Example(
            title="A symbolic link instead of the file",
            path=_TF,
            good="",
            bad="",
            link=True,
            finds=("",),
        ),
    ),
    early=True,
)

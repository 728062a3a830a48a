"""Files that can't be read, or are no Python."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.conventions import AUTO, DUMMIES, MAIN_INIT, TF_UTILS
from checks.errors import Unreadable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import has_conflict
from checks.source import facts
from checks.source.inits import init_facts
from checks.source.python import Problem, module_facts
from checks.source.registries import auto_facts, dummies


def check(port: Port) -> Iterator[Finding]:
    modules = {module.path: module for module in port.modules}
    for path, module in modules.items():
        if module.unreadable:
            yield _unreadable(path, module.unreadable)
        elif problem := module.facts.problem:
            yield _conflict(port, path) or _no_python(path, problem)
    for path, change in sorted(port.changed.items()):
        if change.status == "removed" and _is_needed(port, path):
            yield _deleted(port, path)
        if path in modules or change.status == "removed":
            continue
        if change.kind == "file" and _is_text(port, path) and (conflict := _conflict(port, path)) is not None:
            yield conflict
            continue
        if not _is_read(port, path):
            continue
        if change.kind != "file":
            yield _unreadable(path, f"it is a {'symbolic link' if change.kind == 'link' else 'submodule'}")
            continue
        try:
            problem = _problem(port, path)
        except Unreadable as error:
            yield _unreadable(path, error.message.removeprefix(path).strip())
            continue
        if problem is not None:
            yield _conflict(port, path) or _no_python(path, problem)


_SHARED = (MAIN_INIT, DUMMIES, f"{AUTO}/modeling_tf_auto.py", f"{AUTO}/modeling_auto.py")


def _is_read(port: Port, path: str) -> bool:
    """It is one of the files that the rules look at."""
    if path in _SHARED or path in {module.pytorch_path for module in port.modules}:
        return True
    folder, _, name = path.rpartition("/")
    if folder == port.folder:
        return name == "__init__.py" or name.startswith("modeling_tf_")
    return folder.startswith("tests") and f"{folder}/".endswith(f"/{port.model}/") and "_modeling_tf_" in name


def _is_needed(port: Port, path: str) -> bool:
    """The library has it in the base, and a port only ever adds to it."""
    if path in (*_SHARED, TF_UTILS, port.init_path, port.conventions.table):
        return True
    docs, suffix = port.conventions.docs, port.conventions.docs_suffix
    return path in {f"{docs}/{name}{suffix}" for name in (port.model, port.model.replace("_", "-"))}


def _deleted(port: Port, path: str) -> Finding:
    return RULE.finding(
        path,
        1,
        f"{path.rsplit('/', 1)[-1]} was deleted, but the library needs it",
        f"Bring it back: git checkout {(port.base.sha or 'HEAD')[:9]} -- {path}",
    )


def _problem(port: Port, path: str) -> Problem | None:
    """As the parser found it that the other rules use, so that nothing is parsed for this rule alone."""
    if path == DUMMIES:  # generated, and read by lines
        facts(port.head, path, dummies)
        return None
    for parser, own in ((init_facts, path.endswith("__init__.py")), (auto_facts, path.startswith(AUTO))):
        if own:
            found = facts(port.head, path, parser)
            return found.problem if found is not None else None
    found = facts(port.head, path, module_facts)
    return found.problem if found is not None else None


def _unreadable(path: str, reason: str) -> Finding:
    return RULE.finding(
        path,
        1,
        f"{path.rsplit('/', 1)[-1]} cannot be read: {reason}",
        "Commit it as an ordinary text file in UTF-8.",
    )


def _no_python(path: str, problem: Problem) -> Finding:
    return RULE.finding(
        path,
        problem.line,
        f"This is no valid Python: {problem.message}",
        f"Fix line {problem.line} (or what is left open above it). Until then the other rules can't look at this file.",
        column=problem.column,
    )


_MARKER = re.compile(r"(<<<<<<<|>>>>>>>) \S|=======$")


def _is_text(port: Port, path: str) -> bool:
    """A file that is read by lines, so that a marker of git does not break it."""
    return path in (DUMMIES, port.conventions.table) or path.startswith(f"{port.conventions.docs}/")


def _conflict(port: Port, path: str) -> Finding | None:
    """git's markers of a conflict, None if there are none."""
    text = port.text(path)
    if not has_conflict(text):
        return None
    lines = [number for number, line in enumerate(text.split("\n"), 1) if _MARKER.match(line)]
    return RULE.finding(
        path,
        lines[0],
        "A merge conflict is not resolved: git's markers are still in the file",
        "Keep what is right between <<<<<<< and >>>>>>> (often both sides), delete the three marker lines, then run "
        f"git add {path} and git commit (or git rebase --continue).",
        locations=[Location(path, line) for line in lines[1:]],
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="readable",
    level="error",
    summary="The port's files, and the shared files that it changes, are there and are text that Python can parse.",
    why="A file that cannot be parsed cannot be imported either, and one such file breaks `import transformers` for everybody.",
    how="Fix the line that is named; of a merge conflict keep what is right and delete git's markers. Links, binary files and anything above 5 MB do not belong into a pull request.",
    check=check,
    examples=(
        Example(
            title="A bracket that is never closed",
            path=_TF,
            good="        hidden_states = self.dense(inputs=hidden_states)",
            bad="        hidden_states = self.dense(inputs=hidden_states",
            finds=("hidden_states = self.dense(inputs=hidden_states",),
        ),
        Example(
            title="A merge conflict that was committed",
            path=_TF,
            good="        hidden_states = self.dense(inputs=hidden_states)\n",
            bad="<<<<<<< HEAD\n        hidden_states = self.dense(inputs=hidden_states)\n=======\n"
            "        hidden_states = self.dense(hidden_states)\n>>>>>>> main\n",
            finds=("<<<<<<< HEAD",),
        ),
        Example(
            title="A merge conflict in the dummies",
            path=DUMMIES,
            good="class TFLanternModel(metaclass=DummyObject):",
            bad="<<<<<<< HEAD\nclass TFLanternModel(metaclass=DummyObject):\n=======\n>>>>>>> main",
            finds=("<<<<<<< HEAD",),
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
        Example(
            title="A shared file was deleted",
            path=DUMMIES,
            good="",
            bad="",
            removed=True,
            finds=("",),
            finds_in=DUMMIES,
        ),
    ),
    early=True,
)

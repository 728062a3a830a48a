"""Files that can't be read, or are no Python."""

from __future__ import annotations

from collections.abc import Iterator

from checks.conventions import AUTO, DUMMIES, MAIN_INIT, TF_UTILS
from checks.errors import Unreadable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
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
            yield _no_python(path, problem.line, problem.column, problem.message)
    for path, change in sorted(port.changed.items()):
        if change.status == "removed" and _is_needed(port, path):
            yield _deleted(port, path)
        if path in modules or change.status == "removed" or not _is_read(port, path):
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
            yield _no_python(path, problem.line, problem.column, problem.message)


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
    summary="The port's files, and the shared files that it changes, are there and are text that Python can parse.",
    why="A file that cannot be parsed cannot be imported either, and one such file breaks `import transformers` for everybody.",
    how="Fix the line that is named. Links, binary files and anything above 5 MB do not belong into a pull request.",
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

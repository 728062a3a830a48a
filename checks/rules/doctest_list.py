"""The lists of files whose docstring examples are tested, or not."""

from __future__ import annotations

from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import read
from checks.edits import insert, replace_lines
from checks.errors import NotApplicable, NotBegun
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names

_TESTED = "utils/documentation_tests.txt"
_NOT_TESTED = "utils/not_doctested.txt"


def check(port: Port) -> Iterator[Finding]:
    if not port.models:
        raise NotBegun("no public model class yet")
    if port.base.blob_id(_NOT_TESTED) is not None:
        yield from _excluded(port)
    elif port.base.blob_id(_TESTED) is not None:
        yield from _included(port)
    else:
        raise NotApplicable("the base has no list of files with tested examples")
    for path in (_TESTED, _NOT_TESTED):
        if path in port.changed and port.base.blob_id("utils/check_doctest_list.py") is not None:
            yield from _unsorted(port, path)


def _excluded(port: Port) -> Iterator[Finding]:
    """Since 4.34 the examples of all files are tested, but of those in a list that is to become shorter."""
    lines = port.text(_NOT_TESTED).split("\n")
    changed = changed_lines(port.base, port.head, _NOT_TESTED)
    for module in port.modules:
        for number, line in enumerate(lines, 1):
            if line.strip() == module.path and number in changed:
                yield RULE.finding(
                    _NOT_TESTED,
                    number,
                    f"{module.path.rsplit('/', 1)[-1]} is excluded from the tests of docstring examples",
                    "Take the line out, so that the examples are tested.",
                    symbol=module.path,
                    edits=(replace_lines(_NOT_TESTED, number, number, ""),),
                )


def _included(port: Port) -> Iterator[Finding]:
    """Until 4.34 a file whose examples are tested had to be listed."""
    lines = port.text(_TESTED).split("\n")
    missing = [
        module.path
        for module in port.modules
        if module.path not in lines
        and (module.pytorch_path in lines)
        and ("add_code_sample_docstrings(" in (text := read(port.head, module.path)) or ">>>" in text)
    ]
    for path in missing:
        at = next((n for n, line in enumerate(lines, 1) if line > path), len(lines))
        yield RULE.finding(
            _TESTED,
            min(at, max(len(lines) - 1, 1)),
            f"{path.rsplit('/', 1)[-1]} is not in the list of files whose examples are tested",
            "Add it here, as the PyTorch file is.",
            symbol=path,
            edits=(insert(_TESTED, at, f"{path}\n"),),
            absent=True,
        )


def _unsorted(port: Port, path: str) -> Iterator[Finding]:
    """As upstream's check_doctest_list.py, for the lines of the pull request."""
    changed = changed_lines(port.base, port.head, path)
    lines = port.text(path).rstrip("\n").split("\n")
    wrong = [
        (number, line)
        for number, line in enumerate(lines, 1)
        if number in changed
        and ((number > 1 and lines[number - 2] > line) or (number < len(lines) and line > lines[number]))
    ]
    if wrong:
        yield RULE.finding(
            path,
            wrong[0][0],
            f"{enumerate_names([line for _, line in wrong])} breaks the alphabetical order",
            "Run make fix-copies, or move the line.",
            symbol=wrong[0][1],
        )


_FILE = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="doctest-list",
    level="suggestion",
    summary="The examples in the port's docstrings are tested.",
    why="An example that nobody runs stops working, and readers copy it.",
    how="Do not add the file to utils/not_doctested.txt; in older trees add it to utils/documentation_tests.txt.",
    since="documentation_tests.txt until 4.34 (f02b915ba), not_doctested.txt since",
    source="upstream utils/check_doctest_list.py; review of several ports",
    check=check,
    examples=(
        Example(
            title="Excluded from the tests",
            path=_NOT_TESTED,
            good="src/transformers/models/bert/modeling_tf_bert.py\n",
            bad=f"src/transformers/models/bert/modeling_tf_bert.py\n{_FILE}\n",
            finds=(_FILE,),
            fixed=True,
        ),
        Example(
            title="Not in the order",
            path=_NOT_TESTED,
            good="src/transformers/models/bert/modeling_tf_bert.py\n",
            bad="src/transformers/models/bert/modeling_tf_bert.py\nsrc/transformers/models/bart/modeling_tf_bart.py\n",
            finds=("src/transformers/models/bart/modeling_tf_bart.py",),
        ),
    ),
)

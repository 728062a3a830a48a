"""Files as the base's formatters leave them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pygit2

from checks.changes import changed_lines
from checks.edits import replace, replace_lines
from checks.errors import NotApplicable, Undecidable
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names
from checks.source.python import Problem, parse, walk
from checks.style import Complaint, Formatted
from checks.style.pins import read_pins

_FOLDERS = ("src/", "tests/", "utils/", "examples/")


def check(port: Port) -> Iterator[Finding]:
    formatted = port.formatted
    for path, change in port.changed.items():
        if change.status != "removed" and path.endswith(".py") and path.startswith(_FOLDERS):
            if formatted is not None and path in formatted.files:
                yield from _by_formatters(port, path, formatted)
            else:
                yield from _by_sight(port, path)
    if formatted is not None and formatted.problem:
        raise Undecidable(formatted.problem)
    if formatted is None:
        pins = read_pins(port.base)
        if pins is None:
            raise NotApplicable("the base names no formatter")
        raise Undecidable(
            f"{pins.names} {'was' if len(pins.requirements) == 1 else 'were'} not run: tfport check --style"
        )


# -- what every formatter does -----------------------------------------------------------------------------------------


def _by_sight(port: Port, path: str) -> Iterator[Finding]:
    text = port.text(path)
    if any(module.path == path for module in port.broken):  # no formatter touches what it can't parse
        return
    touched = changed_lines(port.base, port.head, path)
    lines = text.split("\n")
    edits: list[Edit] = []
    trailing = [number for number in sorted(touched) if lines[number - 1][-1:] in (" ", "\t")]
    inside = _strings(text) if trailing else ()
    for number in trailing:
        line = lines[number - 1]
        bare = line.rstrip(" \t")
        if number not in inside:
            edits.append(replace(path, number, len(bare) + 1, line[len(bare) :], ""))
    last = len(lines)
    if text and not text.endswith("\n") and last in touched:
        edits.append(Edit(path, (last, len(lines[-1]) + 1), (last, len(lines[-1]) + 1), "\n"))
    elif text.endswith("\n\n") and text.strip() and last - 1 in touched:
        kept = len(text.rstrip().split("\n"))
        edits.append(replace_lines(path, kept + 1, last - 1, ""))
    if edits:
        yield _finding(path, "is not formatted: white space at the end of lines or of the file", edits)


def _strings(text: str) -> frozenset[int]:
    """Lines that end inside of a string."""
    tree = parse(text)
    if isinstance(tree, Problem):
        return frozenset(range(1, text.count("\n") + 2))
    nodes = (node for node in walk(tree) if isinstance(node, (ast.Constant, ast.JoinedStr)))
    return frozenset(line for node in nodes for line in range(node.lineno, node.end_lineno or node.lineno))


# -- what the base's formatters do -------------------------------------------------------------------------------------


def _by_formatters(port: Port, path: str, formatted: Formatted) -> Iterator[Finding]:
    text, wanted = port.text(path), formatted.files[path]
    touched = changed_lines(port.base, port.head, path)
    edits = [edit for edit in differences(path, text, wanted) if _near(edit, touched)]
    if edits:
        yield _finding(path, f"is not as {formatted.tools} would leave it", edits)
    by_code: dict[tuple[str, str], list[Complaint]] = {}
    for complaint in formatted.complaints:
        if complaint.path == path and complaint.line in touched:
            by_code.setdefault((complaint.code, complaint.text), []).append(complaint)
    for (code, said), complaints in by_code.items():
        first, *others = complaints
        yield RULE.finding(
            path,
            first.line,
            f"{said} ({code})",
            f"make quality says so, with {formatted.tools}.",
            symbol=code,
            column=first.column,
            locations=[Location(path, other.line) for other in others],
            # A newer release than that of the day may know more.
            level="error" if code.startswith(("F", "E9")) and "flake8" not in formatted.tools else "warning",
        )


def differences(path: str, old: str, new: str) -> list[Edit]:
    """The edits of whole lines that make `new` of `old`."""
    patch = pygit2.Patch.create_from(old.encode(), new.encode(), context_lines=0)
    lines = new.split("\n")
    edits: list[Edit] = []
    for hunk in patch.hunks:
        text = "".join(f"{line}\n" for line in lines[hunk.new_start - 1 :][: hunk.new_lines])
        first = hunk.old_start if hunk.old_lines else hunk.old_start + 1
        edits.append(replace_lines(path, first, first + hunk.old_lines - 1, text))
    return edits


def _near(edit: Edit, touched: Iterable[int]) -> bool:
    return not set(range(edit.start[0] - 1, edit.end[0] + 1)).isdisjoint(touched)


def _finding(path: str, message: str, edits: list[Edit]) -> Finding:
    first, *others = edits
    places = list(dict.fromkeys(edit.start[0] for edit in others if edit.start[0] != first.start[0]))
    file = path.rsplit("/", 1)[-1]
    return RULE.finding(
        path,
        first.start[0],
        f"{file} {message}",
        f"Run make style, or tfport fix ({enumerate_names([f'line {n}' for n in (first.start[0], *places)])}).",
        symbol=file,
        edits=edits,
        locations=[Location(path, line) for line in places],
    )


_PATH = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="style-format",
    level="error",
    summary="Touched Python files are as the formatters that the base pins leave them.",
    why="CI runs the same formatters (`make quality`) and refuses what they would change; maintainers don't look at a pull request whose code quality job is red.",
    how="Run `make style` (or `make fixup`) with the versions of the base's setup.py: `pip install -e '.[quality]'`. `tfport check --style` runs the same versions from an environment of its own, and `tfport fix style` applies what they say.",
    guide="Step 6: run make fixup before the pull request is opened.",
    source="upstream Makefile, setup.py, pyproject.toml",
    check=check,
    examples=(
        Example(
            title="White space at the end of a line",
            path=_PATH,
            good="        hidden_states = self.dense(inputs=hidden_states)\n",
            bad="        hidden_states = self.dense(inputs=hidden_states)  \n",
            finds=("hidden_states = self.dense(inputs=hidden_states)",),
            fixed=True,
        ),
        Example(
            title="The last line does not end",
            path="tests/models/lantern/test_modeling_tf_lantern.py",
            good="        tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)\n",
            bad="        tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)",
            finds=("tf.debugging.assert_near(output[:, :2, :3], expected_slice, atol=1e-4)",),
            fixed=True,
        ),
        Example(
            title="White space inside of a string is text",
            path=_PATH,
            good='"""TensorFlow Lantern model."""\n',
            bad='"""TensorFlow Lantern model. \n"""\n',
            silent=True,
        ),
    ),
)

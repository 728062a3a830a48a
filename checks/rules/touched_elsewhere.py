"""Files that a port need not touch."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.conventions import MODELS, read
from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule

_DEPENDENCIES = frozenset({"setup.py", "src/transformers/dependency_versions_table.py"})
_COMMON = re.compile(r"src/transformers/modeling_(?:tf_)?utils\.py")


def check(port: Port) -> Iterator[Finding]:
    if not any(change.status == "modified" for change in port.changed.values()):
        raise NotApplicable("it changes no file that was there before")
    groups: dict[tuple[str, str], list[str]] = {}
    for path, change in sorted(port.changed.items()):
        said = _said(port, path) if change.status == "modified" else None
        if said is not None:
            groups.setdefault(said, []).append(path)
    for (message, advice), paths in groups.items():
        path = paths[0]
        yield RULE.finding(
            path,
            _first(port, path),
            message.format(", ".join(p.rsplit("/", 1)[-1] for p in paths[:4]) + (" …" if paths[4:] else "")),
            advice,
            symbol=path,
            locations=[Location(p, _first(port, p)) for p in paths[1:20]],
        )


def _said(port: Port, path: str) -> tuple[str, str] | None:
    """What to say of a changed file, None if it may well be changed. Model files count if their code changes, not their docs."""
    if path in _DEPENDENCIES:
        return (
            "The pull request changes the library's dependencies ({})",
            "A port works with the versions that the library has; say in the pull request why not.",
        )
    if _COMMON.fullmatch(path):
        return (
            "Shared code was changed: {}",
            "Override what does not fit in the model's own test or class; what all models need is a pull request of its own.",
        )
    match = re.fullmatch(rf"{re.escape(MODELS)}/(\w+)/((?:modeling|configuration)_\w+)\.py", path)
    if match is None or match[1] == "auto" or any(module.path == path for module in port.modules):
        return None
    if _code(read(port.base, path)) == _code(read(port.head, path)):
        return None
    if match[1] != port.model:
        return (
            "Another model's code was changed: {}",
            "Fixes of other models are reviewed more easily in a pull request of their own.",
        )
    if match[2].startswith("configuration"):
        return (
            "The configuration was changed: {}",
            "A new argument needs its default, its line in the docstring, and must leave existing checkpoints as they are.",
        )
    if match[2].startswith("modeling_tf_") or match[2].startswith("modeling_flax_"):
        return None
    return (
        "The PyTorch model was changed: {}",
        "If that fixes an error, say so in the pull request, or open one of its own: PyTorch users get it too.",
    )


def _code(text: str) -> str:
    """A module without comments, docstrings, imports and blanks."""
    text = re.sub(r'("""|\'\'\')(?:.*?)\1', "", text, flags=re.DOTALL)
    text = re.sub(r"^(?:from [\w.]+ import \([^()]*+\)|(?:from|import) .*)$", "", text, flags=re.MULTILINE)
    # Each # of a line is looked at once, although what follows it may be no comment (a quote follows).
    return re.sub(r"#([^\n\"']*+)($)?|\s+", _kept, text, flags=re.MULTILINE)


def _kept(match: re.Match[str]) -> str:
    return "".join(match[0].split()) if match[0].startswith("#") and match[2] is None else ""


def _first(port: Port, path: str) -> int:
    return min(changed_lines(port.base, port.head, path), default=1)


_PYTORCH = "src/transformers/models/lantern/modeling_lantern.py"

RULE = Rule(
    slug="touched-elsewhere",
    level="suggestion",
    summary="The port changes no dependencies, no shared code, no other model, and the PyTorch model and configuration only for a reason.",
    why="Reviewers look for the port; a change of what others use is easily overlooked there, and hard to revert.",
    how="Move it to a pull request of its own, or tell the reviewers why it belongs here.",
    source="asked for in review (#18597, #22620); 6 of 15 merged ports change the PyTorch file, 3 the configuration",
    check=check,
    by_the_way=True,
    examples=(
        Example(
            title="The PyTorch model was changed",
            path=_PYTORCH,
            good="        return self.activation(self.dense(hidden_states[:, 0]))\n",
            bad="        return self.activation(self.dense(hidden_states[:, -1]))\n",
            finds=("return self.activation(self.dense(hidden_states[:, -1]))",),
        ),
        Example(
            title="A comment of the PyTorch model was changed",
            path=_PYTORCH,
            good='    """Looks at the picture: half its size, and back."""\n',
            bad='    """Looks at the picture: half its size and back."""\n',
            silent=True,
        ),
    ),
)

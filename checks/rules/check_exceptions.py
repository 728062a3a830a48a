"""Exceptions that a port writes into upstream's own checks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.changes import changed_lines
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._check_repo import CHECK_REPO
from checks.rules._common import enumerate_names, verb

_DOCSTRINGS = "utils/check_docstrings.py"
_NAME = re.compile(r"^\s+[\"'](TF\w+)[\"'],?(.*)$")


def check(port: Port) -> Iterator[Finding]:
    for path in (CHECK_REPO, _DOCSTRINGS):
        if path not in port.changed:
            continue
        changed = changed_lines(port.base, port.head, path)
        lines = port.text(path).split("\n")
        free = _without_comments(port.text(path))
        found: dict[int, str] = {}
        for number in sorted(changed):
            match = _NAME.match(lines[number - 1]) if number <= len(lines) else None
            above = lines[number - 2].strip().startswith("#") if number > 1 else False
            if match and "#" not in match[2] and not above and number not in free:
                found[number] = match[1]
        if found:
            first, *others = found
            names = list(dict.fromkeys(found.values()))
            yield RULE.finding(
                path,
                first,
                f"{enumerate_names(names)} {verb(names, 'is', 'are')} excepted from {path.rsplit('/', 1)[-1]} without a reason",
                "Say in a comment on the line why, or let the check look at it."
                if path == CHECK_REPO
                else "Better let the check compare the docstring with the signature.",
                symbol=names[0],
                locations=[Location(path, line) for line in others],
            )


def _without_comments(text: str) -> range:
    """Lines of the list of classes in no auto class, where no entry has a comment."""
    start = text.find("IGNORE_NON_AUTO_CONFIGURED = ")
    end = re.compile(r"^[\])]", re.MULTILINE).search(text, start) if start >= 0 else None
    return range(text.count("\n", 0, start) + 1, text.count("\n", 0, end.start()) + 2) if end else range(0)


RULE = Rule(
    slug="check-exceptions",
    level="suggestion",
    summary="A class that is excepted from upstream's own checks has a comment that says why.",
    why="The lists in `utils/check_repo.py` are meant for parts of models that cannot be tested or documented alone.",
    how='`"TFLanternDecodeHead",  # Not a regular model.`',
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="An exception without a reason",
            path=CHECK_REPO,
            good='    "BertLayer",  # Building part.\n',
            bad='    "BertLayer",  # Building part.\n    "TFLanternLens",\n',
            finds=('"TFLanternLens",',),
        ),
    ),
)

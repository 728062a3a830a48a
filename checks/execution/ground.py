"""What an execution depends on, read from the trees: the same ground gives the same result, so that it need not be executed again."""

from __future__ import annotations

import re
from hashlib import sha256

from checks import __version__
from checks.changes import changes
from checks.execution.tree import NEEDED
from checks.snapshot import GitSnapshot, Snapshot

SENSITIVE = re.compile(
    r"(.*/)?conftest\.py"
    r"|src/transformers/testing_\w+(\.py|/.*)"
    r"|src/transformers/dependency_versions_\w+\.py"
    r"|tests/(?!models/).*"
    r"|tests/models/\w+\.py"
    r"|setup\.py|setup\.cfg|pyproject\.toml|pytest\.ini|tox\.ini"
)
"""Files that steer how all tests are run, or what is installed: no port has to change them."""


def fingerprint(base: GitSnapshot, head: GitSnapshot) -> str:
    """Names what the result depends on: the files of the head that running needs, the base (pins, date, PyTorch's reference), and
    this version of tfport."""
    needed = [(name, str(head.tree[name].id)) for name in NEEDED if name in head.tree]
    return sha256(repr((__version__, base.sha, needed)).encode()).hexdigest()[:24]


def sensitive(base: Snapshot, head: Snapshot) -> tuple[str, ...]:
    """Changed files that a maintainer has to have seen before anything is executed."""
    return tuple(sorted(path for path in changes(base, head) if SENSITIVE.fullmatch(path)))

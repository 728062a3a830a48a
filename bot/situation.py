"""All that a decision about a pull request may depend on, as GitHub has it now."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.experts import Experts
from bot.policy import RepositoryConfig
from bot.repair import Click, Repaired
from bot.state import ChangedFile, CheckRun, Comment, Permission, Pull, Repository, Thread
from bot.submission import Surroundings
from bot.weights import Weights
from checks.discover import INFRASTRUCTURE

if TYPE_CHECKING:
    from bot.conversion import Means

IN_PLACE = re.compile(r"src/transformers/models/\w+/modeling_tf_\w+\.py")
MODULE = re.compile(r"(?:^|/)modeling_tf_(\w+)\.py$")


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision may depend on.

    Attributes:
        app_id, app_slug: who we are; only comments and check runs of this app are ours.
        files: changed files, or None where GitHub cannot list them all.
        tensorflow: the base tree has TensorFlow support.
        comments: the whole conversation, oldest first.
        check_runs: ours on the head (and on heads that a running workflow left), in the order of their ids.
        proposed: what is wrong with the configuration that the pull request changes ("" for nothing); None if it changes none.
        threads: conversations at lines; read only where one of them is ours.
        rights: permission by user id of everybody whose command is open.
        around: what is around the code; read only when there is a report to fill.
        at: when this was read.
        rerequested: section -> attempt, of check runs that somebody asked to run again in the Checks tab.
        click: what was clicked there, if that is why we look; `rights` has the permission of who clicked.
        means: what there is to convert checkpoints with, None where nobody asks for it.
        weights: what the Hub says of the port's checkpoints, None if it was not asked.
        experts: more people who may review it; nobody while it is a draft.
        repairs: what came of requests for fixes, by their key.
    """

    app_id: int
    app_slug: str
    repository: Repository
    pull: Pull
    files: tuple[ChangedFile, ...] | None
    tensorflow: bool
    config: RepositoryConfig
    config_error: str
    comments: tuple[Comment, ...]
    check_runs: tuple[CheckRun, ...]
    proposed: str | None = None
    threads: tuple[Thread, ...] = ()
    rights: Mapping[int, Permission] = field(default_factory=dict[int, Permission])
    around: Surroundings | None = None
    at: datetime | None = None
    rerequested: Mapping[str, str] = field(default_factory=dict[str, str])
    click: Click | None = None
    means: Means | None = None
    weights: Weights | None = None
    experts: Experts = field(default_factory=Experts)
    repairs: Mapping[str, Repaired] = field(default_factory=dict[str, Repaired])

    @property
    def brings_port(self) -> bool | None:
        """Whether the pull request adds a TensorFlow module; None: only a look into the files can tell."""
        if self.files is None:
            return None
        gone = {file.path.rpartition("/")[2] for file in self.files if file.status == "removed"}
        found = {_brings(file, gone) for file in self.files}
        return True if True in found else None if None in found else False

    @property
    def models(self) -> tuple[str, ...]:
        """What is ported, as far as the names of the files tell."""
        found = (MODULE.search(file.path) for file in self.files or ())
        return tuple(sorted({match[1] for match in found if match and match[1] not in INFRASTRUCTURE}))

    @property
    def surroundings(self) -> str:
        """Digest of what is around the code."""
        return "none" if self.around is None else self.around.digest(self.pull, self.models)

    @property
    def mine(self) -> tuple[Comment, ...]:
        """Our own comments: by app id, for anybody can copy a marker."""
        return tuple(comment for comment in self.comments if comment.app_id == self.app_id)


def _brings(file: ChangedFile, gone: Container[str]) -> bool | None:
    """Whether this file alone makes it a port. None: only its content tells (another folder, a class added, a moved file).

    Args:
        gone: names of the files that the pull request removes elsewhere.
    """
    match = MODULE.search(file.path)
    if match is None or match[1] in INFRASTRUCTURE or file.status == "removed":
        return False
    in_place = IN_PLACE.fullmatch(file.path) is not None
    return True if in_place and file.status == "added" and match[0].strip("/") not in gone else None

"""Which checkpoints a port is for, and whether TensorFlow can load them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from checks.discover import find_ports
from checks.rules._tests import is_tiny
from checks.rules.checkpoints import full_name, named, pytorch_side
from checks.scout import tensorflow_weights
from checks.snapshot import Snapshot

MOST = 30
"""Checkpoints of one port that are looked at."""
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMON = re.compile(r"[a-z0-9][a-z0-9.-]*-[a-z0-9.-]+")
"""Checkpoints without an organisation, of the early years: `bert-base-uncased`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Checkpoints that should have weights for TensorFlow.

    Attributes:
        checkpoints: in the order in which the port names them, with their organisation; those made for tests are left out.
        reads_safetensors: the base's TensorFlow models load PyTorch's safetensors, so these count.
    """

    checkpoints: tuple[str, ...]
    reads_safetensors: bool


def wanted(base: Snapshot, head: Snapshot) -> Wanted:
    """What the ports between base and head name in docstrings, constants and tests, as far as the PyTorch side knows it, too.

    Raises:
        checks.errors.UserError: nothing is ported.
    """
    found: dict[str, None] = {}
    reads = True
    for port in find_ports(base, head):
        reads = reads and port.conventions.reads_safetensors
        pytorch = pytorch_side(port)
        for _, names in named(port):
            for name, _line in names:
                known = name if "/" in name else full_name(name, pytorch) or name
                if is_tiny(known) or f'"{known}"' not in pytorch:
                    continue
                if _ID.fullmatch(known) or _COMMON.fullmatch(known):
                    found[known] = None
    return Wanted(tuple(found)[:MOST], reads)


def lacking(files: Iterable[str], *, reads_safetensors: bool) -> bool:
    """Whether a repository with these files has no weights that TensorFlow can load."""
    return not tensorflow_weights(files, reads_safetensors=reads_safetensors)

"""What an operator, or a user on a laptop, may say about execution: `TFPORT_*` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from checks.errors import UserError
from checks.execution.containers import IMAGE
from checks.execution.uv import Sources, separated, sources_from

SANDBOXES = ("auto", "bubblewrap", "podman", "docker", "none")


@dataclass(frozen=True, slots=True)
class Settings:
    """Each field is the variable `TFPORT_<FIELD>` (but `sources`); docs/operate.md has the table.

    Attributes:
        sandbox: one of `SANDBOXES`. "auto": bubblewrap, else podman, else docker; "none": nothing is executed.
        sandbox_image: for podman and docker.
        cache: folder for environments and checkpoints.
        uv: the program; empty: the installed package, else the one on PATH.
        pythons: interpreters; empty: those that are found.
        sources: where packages come from (`TFPORT_INDEX`, `…_EXTRA_INDEXES`, `…_FIND_LINKS`, `…_TORCH_BACKEND`),
            without pip's settings, which `Environments.of_host` adds.
    """

    sandbox: str = "auto"
    sandbox_image: str = IMAGE
    cache: str = ""
    uv: str = ""
    pythons: tuple[str, ...] = ()
    sources: Sources = field(default_factory=Sources)

    @classmethod
    def of(cls, variables: Mapping[str, str] = os.environ) -> Settings:
        """From variables, by default those of this process.

        Raises:
            UserError: one has a value that means nothing.
        """

        def text(name: str, default: str = "") -> str:
            return variables.get(f"TFPORT_{name}", "").strip() or default

        sandbox = text("SANDBOX", "auto")
        if sandbox not in SANDBOXES:
            raise UserError(f"TFPORT_SANDBOX={sandbox} means nothing", hint=f"one of {', '.join(SANDBOXES)}")
        return cls(
            sandbox=sandbox,
            sandbox_image=text("SANDBOX_IMAGE", IMAGE),
            cache=text("CACHE"),
            uv=text("UV"),
            pythons=separated(text("PYTHONS")),
            sources=sources_from(variables, pip={}),
        )

    @property
    def folder(self) -> Path:
        """Where environments and checkpoints are kept: `TFPORT_CACHE`, else ~/.cache/tfport or as XDG_CACHE_HOME says."""
        if self.cache:
            return Path(self.cache).expanduser().absolute()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport"

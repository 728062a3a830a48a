"""Where the code of a port runs: an interpreter with its packages, the head's tree, and our harness, all read-only in a sandbox."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.errors import UserError
from checks.execution.job import GIB, Bind, Job, Limits
from checks.execution.sandbox import Sandbox

TREE = "/tree"
HARNESS = "/harness"
HUB = "/hub"
PACKAGE = "tfport_harness"
"""Name under which `checks/harness` is imported inside."""

WORKER_MEMORY = 3 * GIB
"""What one process with TensorFlow and torch may take; decides how many of them run side by side."""

VARIABLES = {
    "NVIDIA_TF32_OVERRIDE": "0",
    "RUN_SLOW": "1",
    "RUN_PT_TF_CROSS_TESTS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONHASHSEED": "0",  # all workers have to collect parametrised tests under the same names
    "PYTHONPATH": f"{HARNESS}:{TREE}/src",
}
"""Environment of every job. The first three are the guide's."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Everything that a run needs.

    Attributes:
        python: the interpreter, at the path that it has on the host and inside.
        binds: what makes up its environment: its folder, its base installation.
        tree: the head's tree on disk.
        base: the base's tree, of which the PyTorch side of a comparison is; None where nothing is compared.
        hub: a cache of the Hub, filled beforehand; None if there is none.
        cores: how many processors may be used.
        memory: bytes of all processes together.
    """

    sandbox: Sandbox
    python: Path
    binds: tuple[Bind, ...]
    tree: Path
    base: Path | None = None
    hub: Path | None = None
    cores: int = 1
    memory: int = 2 * WORKER_MEMORY
    environment: Mapping[str, Any] | None = None

    @property
    def workers(self) -> int:
        """Processes with TensorFlow that may run side by side."""
        return max(1, min(self.cores, self.memory // WORKER_MEMORY))

    def job(self, request: Mapping[str, Any], *, seconds: float, workers: int = 1) -> Job:
        """A run of the harness with this request."""
        harness = Path(__file__).resolve().parent.parent / "harness"
        binds = [*self.binds, Bind(self.tree, TREE), Bind(harness, f"{HARNESS}/{PACKAGE}")]
        variables = dict(VARIABLES)
        threads = max(1, self.cores // workers)
        if workers > 1:
            variables["OMP_NUM_THREADS"] = str(threads)
            variables["TF_NUM_INTRAOP_THREADS"] = variables["TF_NUM_INTEROP_THREADS"] = str(threads)
        if self.hub is not None:
            binds.append(Bind(self.hub, HUB))
            for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"):
                variables[name] = HUB
        standard = Limits()
        return Job(
            command=(str(self.python), "-m", f"{PACKAGE}.main"),
            binds=tuple(binds),
            environment=variables,
            folder=TREE,
            input=json.dumps({"root": TREE, **request}).encode(),
            limits=Limits(
                seconds=seconds,
                memory=workers * WORKER_MEMORY + GIB,
                processes=standard.processes * (workers + 1),
                tmp=workers * standard.tmp,
            ),
        )


def own_environment(python: Path) -> tuple[Path, tuple[Bind, ...]]:
    """The interpreter of an environment that somebody made, and what has to be seen of the host for it.

    Raises:
        checks.errors.UserError: it is no Python interpreter that runs.
    """
    program = (
        "import json,sys;print(json.dumps([sys.executable, sys.prefix, sys.base_prefix, sys.exec_prefix]))"
    )
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", program],
            capture_output=True,
            check=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin"},
        )
        executable, *folders = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UserError(
            f"{python} is no Python interpreter that runs ({type(error).__name__})",
            hint="give the path of the interpreter in your environment: --python .env/bin/python",
        ) from None
    links = {Path(executable).resolve().parent.parent}
    roots = {Path(folder) for folder in folders} | links
    outermost = [r for r in roots if not any(other != r and other in r.parents for other in roots)]
    system = (Path("/usr"), Path("/"))
    return Path(executable), tuple(Bind.same(root) for root in sorted(outermost) if root not in system)

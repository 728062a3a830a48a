"""The second backend: podman or docker, for hosts that have an engine and no bubblewrap.

The image only has to hold the C library that the environments need (`debian:12-slim` does); Python and packages are shown from the host.
What bubblewrap takes a descriptor for goes another way here, as an engine hands none through: results come on the container's standard
output, and everything that the command prints on its standard error.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from checks.execution import seccomp
from checks.execution.bubblewrap import INSIDE
from checks.execution.job import RESULTS_FD, Job
from checks.execution.supervise import Launch

IMAGE = "debian:12-slim"
LABEL = "tfport.sandbox"
RESULTS = 3

MOVE_RESULTS = 'exec "$@" 3>&1 1>&2'
"""Shell, inside: descriptor 3 becomes the standard output, which becomes the standard error."""

ALLOWED_OF_THE_ENGINE = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST")
"""Variables that the engine's own client needs; none of them reaches the container."""


@dataclass(frozen=True, slots=True)
class Container:
    """`engine` is "podman" or "docker", `image` must be on the host already: nothing is pulled. `runtime`: "runsc" for gVisor."""

    engine: str
    image: str = IMAGE
    runtime: str = ""

    @property
    def name(self) -> str:
        return self.engine

    def missing(self) -> str:
        if shutil.which(self.engine) is None:
            return f"{self.engine} is not installed"
        try:
            subprocess.run(
                [self.engine, "image", "inspect", self.image],
                capture_output=True,
                timeout=30,
                check=True,
                text=True,
            )
        except subprocess.CalledProcessError as error:
            words = str(error.stderr).strip().splitlines()
            return f"{self.engine} has no image {self.image}: {words[-1] if words else 'no answer'}"
        except (OSError, subprocess.SubprocessError) as error:
            return f"{self.engine} does not answer: {error}"
        return ""

    @contextmanager
    def launch(self, job: Job, results: int) -> Generator[Launch]:
        name = f"tfport-{secrets.token_hex(8)}"
        with tempfile.TemporaryDirectory(prefix="tfport-container-") as folder:
            profile = Path(folder, "seccomp.json")
            profile.write_text(json.dumps(seccomp.profile()))
            yield Launch(
                arguments=(shutil.which(self.engine) or self.engine, *arguments(job, self, name, profile)),
                environment={k: v for k, v in os.environ.items() if k in ALLOWED_OF_THE_ENGINE},
                results_on_stdout=True,
                kill=(self.engine, "rm", "--force", name),
                killed_for_memory=137,  # by the kernel, or by itself, which is as good
                failed=(125, 126, 127),
            )


def arguments(job: Job, container: Container, name: str, profile: Path) -> list[str]:
    """Arguments of `podman` or `docker` for `job`, in a container called `name`."""
    limits = job.limits
    memory = limits.memory + limits.tmp + limits.shm  # files in memory count too, where the kernel counts
    words = ["run", "--rm", "--init", "--interactive", "--pull", "never", "--name", name, "--label", LABEL]
    words += ["--runtime", container.runtime] if container.runtime else []
    words += [
        "--network",
        "none",
        "--ipc",
        "private",
        "--read-only",
        "--hostname",
        "sandbox",
        "--user",
        "65534:65534",
    ]
    words += [
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        "--security-opt",
        f"seccomp={profile}",
    ]
    words += ["--pids-limit", str(limits.processes), "--memory", str(memory), "--memory-swap", str(memory)]
    words += ["--ulimit", f"fsize={2 * limits.tmp}", "--ulimit", "core=0", "--ulimit", "memlock=0"]
    words += ["--ulimit", f"nofile={limits.open_files}:{limits.open_files}"]
    words += ["--tmpfs", f"/tmp:rw,nosuid,nodev,size={limits.tmp},nr_inodes={limits.files},mode=1777"]
    words += ["--shm-size", str(limits.shm), "--log-driver", "none", "--workdir", job.folder]
    for bind in job.binds:
        words += ["--mount", _csv("type=bind", f"source={bind.source}", f"target={bind.target}", "readonly")]
    for variable, value in {**INSIDE, RESULTS_FD: str(RESULTS), **job.environment}.items():
        words += ["--env", f"{variable}={value}"]
    return [*words, "--entrypoint", "/bin/sh", container.image, "-c", MOVE_RESULTS, "sh", *job.command]


def _csv(*fields: str) -> str:
    """`--mount` takes a line of CSV; a path may hold a comma or a quote."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()

"""How long upstream's own scripts take for a port, on the same machine in the same run: `make bench REPO=…` prints the ratio to `tfport check`.

The scripts are the base tree's, run on a checkout of the port's commit. Their requirements (transformers' own, and the formatters that the
tree pins) are installed into `.venv/upstream` once. `check_repo.py` imports every model: with PyTorch and TensorFlow it takes much
longer, and then only looks at everything; give an interpreter that has them by `--python`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from checks.repository import open_repository, resolve
from checks.snapshot import GitSnapshot
from checks.style.pins import read_pins
from scripts.upstream import ARGUMENTS, write_tree

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv/upstream"
SCRIPTS = (
    "check_copies.py",
    "check_dummies.py",
    "check_inits.py",
    "check_table.py",
    "sort_auto_mappings.py",
    "custom_init_isort.py",
    "check_repo.py",
)
REQUIREMENTS = (
    "filelock",
    "gitpython",
    "hf-doc-builder",
    "huggingface_hub<1",
    "importlib_metadata",
    "numpy<2",
    "packaging",
    "pyyaml",
    "regex",
    "requests",
    "safetensors",
    "tokenizers<0.20",
    "tqdm",
)


@dataclass(frozen=True, slots=True)
class Timing:
    """A script's run: seconds on the wall and of processor time; `failed` is why it could not do its work, "" if it did."""

    script: str
    wall: float
    cpu: float
    failed: str


def run(repo: Path, commit: str, python: str) -> list[Timing]:
    """All scripts once. `python` runs check_repo.py, "" for the environment of the others."""
    opened = open_repository(str(repo))
    snapshot = GitSnapshot(opened, resolve(opened, commit))
    pins = read_pins(snapshot)
    install(pins.requirements if pins is not None else ())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(snapshot, folder, folders=("",))
        return [
            measure(
                folder,
                script,
                python if python and script == "check_repo.py" else str(ENVIRONMENT / "bin/python"),
            )
            for script in SCRIPTS
            if (folder / "utils" / script).exists()
        ]


def install(formatters: tuple[str, ...]) -> None:
    """What the scripts need, in `.venv/upstream`."""
    uv = str(ROOT / ".venv/uv/bin/uv")
    if not ENVIRONMENT.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT)], check=True)
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--compile-bytecode", *REQUIREMENTS, *formatters],
        check=True,
        env=os.environ | {"VIRTUAL_ENV": str(ENVIRONMENT)},
    )


def measure(folder: Path, script: str, python: str) -> Timing:
    environment = os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "PATH": f"{ENVIRONMENT / 'bin'}:{os.environ['PATH']}",  # some call their formatter by name
        "HF_HUB_OFFLINE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    begin, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [python, f"utils/{script}", *ARGUMENTS.get(script, ())],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - begin, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    last = (done.stderr.strip().splitlines() or [""])[-1]
    # A complaint about the tree is an answer; an error of the interpreter is none.
    broken = done.returncode and last.startswith(
        ("ModuleNotFoundError", "ImportError", "FileNotFoundError", "AttributeError")
    )
    return Timing(script, wall, cpu, last[:100] if broken else "")

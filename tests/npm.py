"""Official data that only npm publishes: downloaded once per machine, pinned by version and integrity."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfport/npm"


def npm_package(name: str, version: str, integrity: str) -> Path:
    """Folder with the unpacked files of the npm package `name@version` (no dependencies, no scripts run).

    Args:
        integrity: npm's `sha512-…` of the archive.

    Without npm or network: fails where `CI` is set, else skips the test and says so.
    """
    folder = CACHE / f"{name.replace('/', '+')}@{version}"
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = ["npm", "pack", f"{name}@{version}", "--silent", "--ignore-scripts"]
        try:
            subprocess.run(command, cwd=scratch, check=True, capture_output=True, timeout=240)
        except (OSError, subprocess.SubprocessError) as error:
            message = f"needs the npm package {name}@{version}: {error}"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        (archive,) = Path(scratch).glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        assert f"sha512-{digest}" == integrity, f"{name}@{version} is not what was pinned: sha512-{digest}"
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        try:
            (Path(scratch) / "package").rename(folder)
        except OSError:  # another test process was first
            shutil.rmtree(Path(scratch) / "package")
    return folder

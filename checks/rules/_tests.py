"""The test files of a port, for the rules about them."""

from __future__ import annotations

from collections.abc import Iterator

from checks.port import Module, Port


def test_path(port: Port, module: Module) -> str:
    """Where the tests of a module belong: beside those of PyTorch."""
    name = f"test_modeling_tf_{module.suffix}.py"
    folder = port.conventions.tests
    return f"{folder}/{name}" if port.conventions.tests_side_by_side else f"{folder}/{port.model}/{name}"


def test_paths(port: Port) -> Iterator[tuple[Module, str]]:
    """Modules whose test file is there, with its path."""
    if not port.conventions.tests:
        return
    for module in port.modules:
        path = test_path(port, module)
        if port.head.blob_id(path) is not None:
            yield module, path


def is_tiny(checkpoint: str) -> bool:
    """A checkpoint made for tests, not a real (if small) one."""
    name = checkpoint.lower().rpartition("/")[2]
    return (
        checkpoint.startswith("hf-internal-testing/")
        or "random" in name
        or name.startswith(("tiny", "dummy"))
    )

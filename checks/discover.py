"""Which ports lie between base and head."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping

from checks.changes import changed_lines, changes
from checks.conventions import MODELS, SOURCE, TF_UTILS, conventions, read
from checks.errors import NoTensorFlow, NothingToPort, Unreadable, UserError
from checks.port import Module, Port
from checks.snapshot import Change, Snapshot
from checks.source import facts
from checks.source.python import ModuleFacts, module_facts

logger = logging.getLogger(__name__)

INFRASTRUCTURE = frozenset({"utils", "outputs", "pytorch_utils", "auto", "common", "core"})
"""`modeling_tf_<these>.py` are the library's own."""

MOST_PORTS = 20
"""In one pull request, and files of one port."""


def find_ports(base: Snapshot, head: Snapshot) -> list[Port]:
    """The ports that lie between base and head, by the model's name.

    Raises:
        checks.errors.NothingToPort: there is none.
        checks.errors.NoTensorFlow: there is one, but the base tree has no TensorFlow support.
        checks.errors.UserError: there are too many.
    """
    changed = changes(base, head)
    paths: dict[str, set[str]] = {}
    for path in changed:
        if _is_port(path, changed[path], base) and not _is_moved(path, changed):
            paths.setdefault(_model(path, base), set()).add(path)
    for path, change in changed.items():
        if change.status == "modified" and _suffix(path) and _offers_new_class(base, head, path):
            paths.setdefault(path.split("/")[-2], set()).add(path)
    if not paths:
        raise NothingToPort(
            "no modeling_tf_*.py was added, nor a public class to an existing one",
            hint="compare with another base: --base REV",
        )
    if len(paths) > MOST_PORTS or any(len(of_model) > MOST_PORTS for of_model in paths.values()):
        raise UserError(
            f"this brings {len(paths)} ports in {sum(map(len, paths.values()))} files, more than can be checked at once",
            hint="open one pull request per port",
        )
    if base.blob_id(TF_UTILS) is None:
        raise NoTensorFlow(
            f"the base has no TensorFlow support: {TF_UTILS} is missing",
            hint="transformers 4.56 was the last version with TensorFlow",
        )
    demands = conventions(base)
    found = [
        Port(model, base, head, tuple(_modules(base, head, sorted(of_model), changed)), changed, demands)
        for model, of_model in sorted(paths.items())
    ]
    ports = [port for port in found if any(module.added for module in port.modules) or _extends(port)]
    if not ports:
        raise NothingToPort(
            "no public TensorFlow class was added", hint="compare with another base: --base REV"
        )
    return ports


def at_base(port: Port) -> Port | None:
    """The same port with the base as its head: what was there before. None where the base has none of its modules."""
    paths = [module.path for module in port.modules if port.base.blob_id(module.path) is not None]
    if not paths:
        return None
    modules = tuple(_modules(port.base, port.base, paths, {}))
    return Port(port.model, port.base, port.base, modules, {}, port.conventions)


def _file(path: str) -> str:
    return path.rsplit("/", 1)[-1]


_MODULE = re.compile(r"modeling_tf_(\w+)\.py")
_IN_PLACE = re.compile(re.escape(MODELS) + r"/(\w+)/modeling_tf_\w+\.py")


def _suffix(path: str) -> str:
    match = _MODULE.fullmatch(_file(path))
    return match[1] if match and match[1] not in INFRASTRUCTURE else ""


def _is_port(path: str, change: Change, base: Snapshot) -> bool:
    suffix = _suffix(path)
    if change.status != "added" or not suffix or path.startswith(f"{MODELS}/deprecated/"):
        return False
    if path == f"{SOURCE}/{_file(path)}":  # a new shared module, unless it is named as a model
        return bool(_pytorch_folders(suffix, base))
    return True


def _pytorch_folders(suffix: str, base: Snapshot) -> list[str]:
    """Folders of the base with a `modeling_<suffix>.py`."""
    if base.blob_id(f"{MODELS}/{suffix}/modeling_{suffix}.py") is not None:
        return [suffix]
    return [path.split("/")[-2] for path in base.list(MODELS) if _file(path) == f"modeling_{suffix}.py"]


def _is_moved(path: str, changed: Mapping[str, Change]) -> bool:
    """A file of the same name was removed elsewhere: an old port moved."""
    return any(c.status == "removed" and _file(p) == _file(path) for p, c in changed.items())


def _model(path: str, base: Snapshot) -> str:
    """Name of the folder where the model of a TensorFlow module lives, wherever the module itself lies."""
    suffix = _suffix(path)
    match = _IN_PLACE.fullmatch(path)
    if match and base.blob_id(f"{MODELS}/{match[1]}/__init__.py") is not None:
        return match[1]
    pytorch = _pytorch_folders(suffix, base)
    if pytorch:
        return pytorch[0]
    return match[1] if match else suffix


def _modules(
    base: Snapshot, head: Snapshot, paths: list[str], changed: Mapping[str, Change]
) -> Iterator[Module]:
    for path in paths:
        suffix = _suffix(path)
        unreadable, found = "", None
        if path in changed and changed[path].kind != "file":
            unreadable = f"it is a {'symbolic link' if changed[path].kind == 'link' else 'submodule'}"
        else:
            try:
                found = facts(head, path, module_facts)
            except Unreadable as error:
                unreadable = error.message.removeprefix(path).strip()
        folders = [path.rsplit("/", 1)[0] if "/" in path else "", f"{MODELS}/{_model(path, base)}"]
        candidates = [f"{folder}/modeling_{suffix}.py" for folder in folders]
        pytorch_path, pytorch = "", None
        for candidate in candidates:
            pytorch = _quiet_facts(head, candidate) or _quiet_facts(base, candidate)
            if pytorch is not None:
                pytorch_path = candidate
                break
        yield Module(
            path,
            suffix,
            found or ModuleFacts(),
            unreadable or ("" if found is not None else "it is no file"),
            pytorch_path,
            pytorch,
            path in changed and changed[path].status == "added",
            changed_lines(base, head, path) if path in changed else frozenset(),
        )


def _quiet_facts(snapshot: Snapshot, path: str) -> ModuleFacts | None:
    try:
        return facts(snapshot, path, module_facts)
    except Unreadable:
        return None


_CLASS = re.compile(r"^class (\w+)", re.MULTILINE)


def _offers_new_class(base: Snapshot, head: Snapshot, path: str) -> bool:
    """A first look by pattern, as a pull request may touch dozens of ports."""
    if not _IN_PLACE.fullmatch(path):
        return False
    return bool(set(_CLASS.findall(read(head, path))) - set(_CLASS.findall(read(base, path))))


def _extends(port: Port) -> bool:
    before = at_base(port)
    if port.broken or before is None or before.broken:
        return False
    try:
        return bool(set(port.public) - set(before.public))
    except Exception:
        # The run goes on with it: there it fails where no other port is harmed.
        logger.exception("what %s offers cannot be told, head %s", port.model, port.head.sha)
        return True

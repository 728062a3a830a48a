"""Converts a checkpoint's weights to TensorFlow in the sandbox, and compares the two models outside, as the guide's `pt-to-tf` does.

PyTorch runs from the base tree, TensorFlow from the head, each in a sandbox of its own; neither sees what the other said but the inputs.
"""

from __future__ import annotations

import array
import base64
import binascii
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from checks.errors import UserError
from checks.execution import untrusted
from checks.execution.job import GIB, Job, Result
from checks.execution.workplace import HUB, Workplace

LIMIT = 5e-5
"""The largest difference that `pt-to-tf` takes."""
HDF5 = b"\x89HDF\r\n\x1a\n"
MOST_ARRAYS, MOST_ARRAY_BYTES = 2_000, 1 << 30
_NAME = re.compile(r"tf_model(-\d{5}-of-\d{5})?\.h5(\.index\.json)?")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What came of it.

    Attributes:
        checkpoint: name on the Hub.
        model_class: the TensorFlow class, TFBertForMaskedLM.
        outputs, hidden: largest absolute difference to PyTorch, by output; `reloaded`: of the saved weights, loaded again.
        files: what was made, on disk.
        revision: commit on the Hub that was converted, "" if nobody noted it.
    """

    checkpoint: str
    model_class: str
    outputs: Mapping[str, float]
    hidden: Mapping[str, float]
    reloaded: Mapping[str, float]
    files: tuple[Path, ...]
    revision: str = ""

    @property
    def worst(self) -> float:
        """The largest of all differences."""
        return max(
            [*self.outputs.values(), *self.hidden.values(), *self.reloaded.values()], default=float("inf")
        )


class Unconverted(UserError):
    """It could not be converted; the message says why."""


class Differs(Unconverted):
    """The two models differ by more than the limit."""


def convert(
    base: Callable[[], AbstractContextManager[Workplace]],
    head: Callable[[], AbstractContextManager[Workplace]],
    checkpoint: str,
    snapshot: str,
    folder: Path,
    *,
    size: int,
    seconds: float = 3_600.0,
    run: Callable[..., Result] | None = None,
) -> Conversion:
    """Makes TensorFlow weights of a checkpoint that is in the workplaces' cache.

    Args:
        base, head: make the workplaces, one after the other: two at once would wait for each other's environment.
        snapshot: its folder, relative to the cache.
        folder: where the weights are put.
        size: bytes of PyTorch's weights; bounds memory and results.

    Raises:
        Unconverted: as it says.
        checks.execution.job.SandboxError: the sandbox itself failed.
    """
    place = f"{HUB}/{snapshot}"
    pytorch = _Heard(None)
    with base() as workplace:
        _side(workplace, {"side": "pytorch", "checkpoint": place}, pytorch, size, seconds, run)
    folder.mkdir(parents=True, exist_ok=True)
    tensorflow = _Heard(folder)
    try:
        request = {"side": "tensorflow", "checkpoint": place, "inputs": pytorch.inputs}
        with head() as workplace:
            _side(workplace, request, tensorflow, size, seconds, run)
    finally:
        tensorflow.close()
    if tensorflow.missing:
        names = ", ".join(tensorflow.missing[:5])
        raise Unconverted(
            f"TensorFlow weights are not in the checkpoint: {names}", hint="tfport check --execute says where"
        )
    reference = pytorch.of("outputs")
    ours, again = compare(reference, tensorflow.of("outputs")), compare(reference, tensorflow.of("reloaded"))
    hidden = {
        name: value for name, value in ours.items() if "hidden_states" in name and name != "last_hidden_state"
    }
    return Conversion(
        checkpoint,
        f"TF{pytorch.model_class}",
        {name: value for name, value in ours.items() if name not in hidden},
        hidden,
        again,
        tensorflow.made(),
    )


def compare(
    reference: Mapping[str, array.array[float]], other: Mapping[str, array.array[float]]
) -> dict[str, float]:
    """The largest absolute difference of each output that PyTorch has too; infinite where lengths differ or a value is no number.

    Raises:
        Unconverted: they have nothing in common.
    """
    common = [name for name in reference if name in other]
    if not common:
        raise Unconverted(
            "PyTorch and TensorFlow give no output in common", hint="tfport compare looks further"
        )
    return {name: _difference(reference[name], other[name]) for name in common}


def _difference(one: array.array[float], other: array.array[float]) -> float:
    if len(one) != len(other):
        return float("inf")
    worst = 0.0
    for left, right in zip(one, other, strict=True):
        gap = abs(left - right)
        if gap > worst:
            worst = gap
        elif gap != gap and not (left != left and right != right):
            return float("inf")
    return worst


def judge(conversion: Conversion, limit: float) -> None:
    """
    Raises:
        Differs: the models differ by more than the limit.
    """
    if conversion.worst > limit:
        everything = {**conversion.hidden, **conversion.outputs, **conversion.reloaded}
        name = max(everything, key=lambda key: everything[key], default="every output")
        raise Differs(
            f"{conversion.model_class} differs from PyTorch by {conversion.worst:.2g} in {name}; the limit is {limit:.2g}",
            hint="tfport compare finds the layer; a maintainer may allow more: --max-error",
        )


def _side(
    workplace: Workplace,
    request: Mapping[str, Any],
    heard: _Heard,
    size: int,
    seconds: float,
    run: Callable[..., Result] | None,
) -> None:
    job = workplace.job({"task": "convert", **request}, seconds=seconds)
    result = (run or workplace.sandbox.run)(_roomy(job, size), on_record=heard.take)
    if heard.failed or not heard.done:
        last = untrusted.text(result.output[-2_000:].decode("utf-8", "replace")).strip().rsplit("\n", 1)[-1]
        why = heard.failed or f"it {result.reason or 'ended without a word'} {last[:300]}".strip()
        raise Unconverted(
            f"the {request['side']} side failed: {why}", hint="is the port complete for this checkpoint?"
        )


def _roomy(job: Job, size: int) -> Job:
    """The job with room for the weights: in memory twice on loading, in /tmp, and on their way out (a third more in base64)."""
    limits = replace(
        job.limits,
        memory=job.limits.memory + 4 * size,
        tmp=GIB + 2 * size,
        results=GIB + 2 * size,
    )
    return replace(job, limits=limits, keep=False)


@dataclass(slots=True)
class _Heard:
    """What one side says, a stranger's words. `folder`: where its files go; None: it may give none."""

    folder: Path | None
    model_class: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    missing: tuple[str, ...] = ()
    failed: str = ""
    done: bool = False
    arrays: dict[str, bytearray] = field(default_factory=dict[str, bytearray])
    files: dict[str, BinaryIO] = field(default_factory=dict[str, BinaryIO])
    _bytes: int = 0

    def take(self, content: bytes) -> None:
        """Takes a record; nonsense is left aside."""
        told = untrusted.record(content)
        if told is None or self.done:
            return
        match told["kind"]:
            case "inputs":
                self.model_class = untrusted.text(told.get("class"), 200)
                self.inputs = untrusted.mapping(told.get("inputs"))
            case "loading":
                self.missing = untrusted.texts(told.get("missing_keys"), 50, 200)
            case "array":
                name = untrusted.text(told.get("name"), 200)
                if len(self.arrays) < MOST_ARRAYS:
                    self.arrays.setdefault(name, bytearray())
            case "part":
                self._part(told.get("name"), told.get("data"))
            case "failed":
                self.failed = (
                    f"{untrusted.text(told.get('type'), 100)}: {untrusted.text(told.get('message'), 500)}"
                )
            case "done":
                self.done = True
            case _:
                pass

    def _part(self, name: object, data: object) -> None:
        if not isinstance(name, str) or not isinstance(data, str):
            return
        try:
            content = base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error):
            return
        if name in self.arrays:
            self._bytes += len(content)
            if self._bytes <= MOST_ARRAY_BYTES:
                self.arrays[name] += content
        elif self.folder is not None and _NAME.fullmatch(name):
            if name not in self.files:
                self.files[name] = (self.folder / name).open("wb")
            self.files[name].write(content)

    def close(self) -> None:
        for file in self.files.values():
            file.close()

    def of(self, prefix: str) -> dict[str, array.array[float]]:
        """The arrays that it gave under a prefix, by the name of the output."""
        found: dict[str, array.array[float]] = {}
        for name, content in self.arrays.items():
            where, _, rest = name.partition("/")
            if where == prefix and len(content) % 4 == 0:
                values = array.array("f", bytes(content))
                if sys.byteorder == "big":
                    values.byteswap()
                found[rest] = values
        return found

    def made(self) -> tuple[Path, ...]:
        """The files.

        Raises:
            Unconverted: there are none, or they are not what they should be.
        """
        assert self.folder is not None
        paths = tuple(self.folder / name for name in sorted(self.files))
        weights = [path for path in paths if path.suffix == ".h5"]
        if not weights:
            raise Unconverted("the TensorFlow side gave no weights", hint="is the disk full?")
        for path in weights:
            with path.open("rb") as file:
                if file.read(len(HDF5)) != HDF5:
                    raise Unconverted(
                        f"{path.name} is no HDF5 file", hint="look at the port's save_pretrained"
                    )
        return paths

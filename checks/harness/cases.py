"""Tiny models and inputs for any public class, in order of trust: the port's own TensorFlow tester, the PyTorch tester, the composites'
own cross test, a configuration shrunk by rules. A case counts once the PyTorch twin runs it; what the TensorFlow side does with it is
what is to be found out."""

from __future__ import annotations

import random
import sys
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

import numpy as np

from . import shrink, testers
from .arrays import to_torch
from .modules import find_class


@dataclass
class Case:
    """One class with a tiny configuration and inputs.

    Attributes:
        name: of the TensorFlow class.
        strategy: tf-tester, pytorch-tester, cross-test or configuration.
        inputs: arrays (and plain values) by the name of the argument; without labels.
        labels: what a loss needs in addition; empty where the class has none.
        arguments: further positional arguments of the constructors, as some composites have.
    """

    name: str
    strategy: str
    config: Any
    inputs: Dict[str, Any]
    labels: Dict[str, Any] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)


@dataclass
class Unmade:
    """No strategy led to a case: the reason of each."""

    name: str
    reasons: Dict[str, str]


@dataclass
class Place:
    """Where a port's classes and tests are: dotted names of modules; "" where there is none."""

    module: str
    pytorch_module: str
    tests: str
    pytorch_tests: str


Strategy = Callable[[str, Place], Optional[Tuple[Any, Dict[str, Any], Dict[str, Any]]]]

STRATEGIES: Mapping[str, Strategy] = {
    "tf-tester": testers.from_tf_tester,
    "pytorch-tester": testers.from_pytorch_tester,
    "cross-test": testers.from_cross_test,
    "configuration": shrink.from_configuration,
}


def make_case(name: str, place: Place, seed: int = 0, only: Optional[str] = None) -> Any:
    """The case of one TensorFlow class, or why there is none."""
    reasons: Dict[str, str] = {}
    for strategy, make in STRATEGIES.items():
        if only is not None and strategy != only:
            continue
        fix_seeds(seed)
        try:
            made = make(name, place)
            if made is None:
                continue
            config, inputs, labels = made
            inputs, labels = prepared(inputs, seed), prepared(labels, seed)
            case = Case(name, strategy, config, inputs, labels)
            _check_pytorch(case, place)
            return case
        except BaseException as error:  # a tester may skip, exit, assert: it is somebody's code
            if isinstance(error, KeyboardInterrupt):
                raise
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename.rsplit('/', 1)[-1]}:{last.lineno}"
            reasons[strategy] = f"{type(error).__name__}: {error} ({where})"[:500]
    return Unmade(name, reasons or {"none": "no strategy knows the class"})


def prepared(inputs: Mapping[str, Any], seed: int) -> Dict[str, Any]:
    """Inputs that show what they should: masks are neither all one nor all zero in a row, and floats carry no zeros only."""
    found: Dict[str, Any] = {}
    numbers = np.random.RandomState(seed + 1)
    for key, value in inputs.items():
        if value is None:
            continue
        if (
            isinstance(value, np.ndarray)
            and key.endswith("attention_mask")
            and value.ndim == 2
            and value.shape[1] > 1
        ):
            value = _mask(value, numbers)
        elif key == "bool_masked_pos" and isinstance(value, np.ndarray) and value.ndim > 1:
            value = _some(value, numbers)
        found[key] = value
    return found


def _mask(mask: np.ndarray, numbers: np.random.RandomState) -> np.ndarray:
    """Padding on the right in the first row, on the left in the second: the ends of every other row are seen."""
    if mask.dtype.kind not in "iufb":
        return mask
    new = np.ones_like(mask)
    length = mask.shape[1]
    cut = max(1, length // 3)
    new[0, length - cut :] = 0
    # A causal model's first tokens may see something: padding on the left would leave rows without anything.
    for row in range(1, mask.shape[0]):
        new[row, length - int(numbers.randint(0, cut + 1)) :] = 0
    return new


def _some(mask: np.ndarray, numbers: np.random.RandomState) -> np.ndarray:
    """A mask of patches that hides half of them; testers hide none. All rows are alike: the losses of merged ports average over the batch
    before they mask, which is the same only then."""
    row = numbers.random_sample(mask.shape[1:]) < 0.5
    row.flat[0], row.flat[-1] = True, False
    return np.broadcast_to(row, mask.shape).astype(mask.dtype)


def torch_model(case: Case, place: Place) -> Any:
    """The PyTorch twin of a case's class, with fresh weights.

    Raises:
        AttributeError: there is none.
    """
    twin = find_class(case.name[2:], place.pytorch_module)
    return twin(case.config)


def tf_model(case: Case, place: Place) -> Any:
    """The case's class, not built yet."""
    return find_class(case.name, place.module)(case.config)


def _check_pytorch(case: Case, place: Place) -> None:
    """Runs the PyTorch twin once; a class without one needs no check."""
    import torch

    try:
        model = torch_model(case, place)
    except AttributeError as error:
        if case.name[2:] in str(error):
            case.notes.append("there is no PyTorch twin")
            return
        raise
    model.eval()
    names = parameters(model.forward)
    case.inputs = {k: v for k, v in case.inputs.items() if k in names or k in ("return_loss",)}
    with torch.no_grad():
        model(**to_torch(case.inputs))
        if case.labels:
            try:
                model(**to_torch({**case.inputs, **case.labels}))
            except Exception as error:
                case.notes.append(f"labels of the tester do not fit PyTorch: {error}"[:200])
                case.labels = {}


def parameters(function: Any) -> List[str]:
    """Names of a function's parameters."""
    import inspect

    return list(inspect.signature(function).parameters)


def fix_seeds(seed: int) -> None:
    """Of whatever is imported: a process with one of the two libraries needs no other."""
    random.seed(seed)
    np.random.seed(seed)
    if sys.modules.get("torch") is not None:
        sys.modules["torch"].manual_seed(seed)
    if sys.modules.get("tensorflow") is not None:
        sys.modules["tensorflow"].random.set_seed(seed)


def make_cases(names: List[str], place: Place, seed: int = 0) -> Iterator[Any]:
    """The case (or why not) of each class."""
    for name in names:
        yield make_case(name, place, seed)

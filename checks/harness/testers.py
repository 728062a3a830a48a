"""Cases from the port's own test files: the model testers, and for composites what their own cross test compares."""

from __future__ import annotations

import importlib
import inspect
import random
import sys
import unittest
from typing import Any, Dict, Iterator, Optional, Tuple

from .arrays import neutral

Made = Optional[Tuple[Any, Dict[str, Any], Dict[str, Any]]]


def test_cases(module: str) -> Iterator[Any]:
    """The test classes that a test module defines."""
    loaded = importlib.import_module(module)
    for value in list(vars(loaded).values()):
        if isinstance(value, type) and issubclass(value, unittest.TestCase) and value.__module__ == module:
            yield value


def _fixed(seed: int = 0) -> None:
    """The testers draw from a generator of their own that nobody seeds."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("tests.test_modeling", "tests.models.")):
            generator = getattr(module, "global_rng", None)
            if isinstance(generator, random.Random):
                generator.seed(seed)


def _set_up(case_class: Any) -> Any:
    test = case_class("__init__")  # any method's name will do; nothing is run
    test.setUp()
    return test


def _from_tester(module: str, name: str) -> Made:
    for case_class in test_cases(module):
        classes = getattr(case_class, "all_model_classes", None) or ()
        generative = getattr(case_class, "all_generative_model_classes", None) or ()
        found = next((c for c in [*classes, *generative] if c.__name__ == name), None)
        if found is None:
            continue
        _fixed()
        test = _set_up(case_class)
        config, inputs = test.model_tester.prepare_config_and_inputs_for_common()
        plain = neutral(test._prepare_for_class(inputs, found))
        try:
            labelled = neutral(test._prepare_for_class(inputs, found, return_labels=True))
        except Exception:
            labelled = plain
        labels = {k: v for k, v in labelled.items() if k not in plain}
        return config, dict(plain), labels
    return None


def from_tf_tester(name: str, place: Any) -> Made:
    """From the TensorFlow model tester."""
    return _from_tester(place.tests, name) if place.tests else None


def from_pytorch_tester(name: str, place: Any) -> Made:
    """From the PyTorch model tester, for a port whose tests are not there yet or lack the class."""
    return _from_tester(place.pytorch_tests, name[2:]) if place.pytorch_tests else None


class _Captured(BaseException):
    """Ends a cross test at its comparison. No Exception, so that no test can swallow it."""


def from_cross_test(name: str, place: Any) -> Made:
    """From a composite's own cross test: it is run up to where it would compare a model of the class."""
    if not place.tests:
        return None
    for case_class in test_cases(place.tests):
        method = getattr(case_class, "test_pt_tf_model_equivalence", None)
        if method is None or not hasattr(case_class, "check_pt_tf_models"):
            continue
        caught: Dict[str, Any] = {}

        def capture(
            self: Any, tf_model: Any, pt_model: Any, inputs: Any, *_: Any, caught: Any = caught
        ) -> None:
            if type(tf_model).__name__ == name:
                caught.update(config=tf_model.config, inputs=neutral(dict(inputs)))
                raise _Captured

        _fixed()
        substitute = type(case_class.__name__, (case_class,), {"check_pt_tf_models": capture})
        test = _set_up(substitute)
        try:
            test.test_pt_tf_model_equivalence()
        except _Captured:
            labels = {k: v for k, v in caught["inputs"].items() if k == "labels"}
            inputs = {k: v for k, v in caught["inputs"].items() if k != "labels"}
            return caught["config"], inputs, labels
    return None


COMPOSITIONS = (
    ("from_vision_text_configs", "vision_config", "text_config"),
    ("from_encoder_decoder_configs", "config", "decoder_config"),
)
"""How a composite's configuration is made of two, and under which names a test has these."""


def from_composite(name: str, place: Any) -> Made:
    """From the two configurations and the inputs that a composite's tests prepare; no other library is needed for that."""
    from .modules import find_class

    if not place.tests:
        return None
    cls = find_class(name, place.module)
    for case_class in test_cases(place.tests):
        prepare = getattr(case_class, "prepare_config_and_inputs", None)
        if prepare is None or getattr(case_class, "all_model_classes", None):
            continue
        _fixed()
        told = _set_up(case_class).prepare_config_and_inputs()
        for method, one, other in COMPOSITIONS:
            if isinstance(told, dict) and one in told and other in told and hasattr(cls.config_class, method):
                config = getattr(cls.config_class, method)(told[one], told[other])
                takes = inspect.signature(cls.call).parameters
                inputs = {key: neutral(value) for key, value in told.items() if key in takes}
                return config, inputs, {}
    return None

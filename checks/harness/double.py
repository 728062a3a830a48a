"""Models in float64, although both libraries mean float32 wherever nothing is said: `with double.in_tensorflow():`, `with double.in_torch():`.

In float32 honest rounding and small defects overlap; in float64 they are six orders of magnitude apart. A model is made, loaded and run
within the context, and everything is as it was afterwards. Each process needs only its own half.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np


def widened(value: Any) -> Any:
    """Arrays of float32 and float16 as float64, in nested lists, tuples and dicts too; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.dtype.kind == "f" else value
    if isinstance(value, dict):
        return {key: widened(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(widened(entry) for entry in value)
    return value


_INHERITED = object()


class _Changes:
    """Attributes that are changed for a while."""

    def __init__(self) -> None:
        self._before: List[Tuple[Any, str, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> None:
        self._before.append((owner, name, owner.__dict__.get(name, _INHERITED)))
        setattr(owner, name, value)

    def undo(self) -> None:
        for owner, name, value in reversed(self._before):
            if value is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, value)


# -- TensorFlow ------------------------------------------------------------------------------------------------------

NAMESPACES = ("", "math", "nn", "random", "linalg", "dtypes")
"""Parts of `tf` whose functions are widened. Keras sees another copy of them and follows its own `floatx`."""

LEFT_ALONE = ("function", "get_logger", "py_function", "numpy_function", "is_tensor", "Assert", "print")


@contextlib.contextmanager
def in_tensorflow() -> Iterator[None]:
    """Every float32 that code names, or gets by default, is float64. Eager and traced."""
    import tensorflow as tf
    from tensorflow.python.ops import gen_image_ops, math_ops

    changes, backends = _Changes(), _keras_backends()
    floats = [backend.floatx() for backend in backends]
    wide = _Widening(tf)
    try:
        for backend in backends:
            backend.set_floatx("float64")
        # Functions of TensorFlow itself and of Keras cast Python's floats by way of float32: the constants of GELU, epsilons.
        changes.set(math_ops, "cast", wide.exact_cast(math_ops.cast))
        for namespace in (tf.compat.v2, tf.compat.v1):
            changes.set(namespace, "cast", math_ops.cast)
        for part in NAMESPACES:
            namespace = getattr(tf, part) if part else tf
            for name, function in list(vars(namespace).items()):
                if isinstance(function, types.FunctionType) and name not in LEFT_ALONE:
                    given = math_ops.cast if name == "cast" else function
                    changes.set(namespace, name, wide.function(given, name))
            if "float32" in vars(namespace):
                changes.set(namespace, "float32", tf.float64 if not part else wide.float64)
        for name in ("resize_bilinear", "resize_bicubic", "resize_area", "scale_and_translate"):
            if name in vars(gen_image_ops):
                changes.set(gen_image_ops, name, _resize(tf, name, getattr(gen_image_ops, name)))
        yield
    finally:
        changes.undo()
        for backend, name in zip(backends, floats):
            backend.set_floatx(name)


def _keras_backends() -> List[Any]:
    import tensorflow as tf

    found = [tf.keras.backend]
    if "tf_keras" in sys.modules:
        found.append(sys.modules["tf_keras"].backend)
    return found


class _Widening:
    """Wraps TensorFlow's functions. Made before anything is changed."""

    def __init__(self, tf: Any) -> None:
        self.float32, self.float64 = tf.float32, tf.float64
        self._constant, self._cast = tf.constant, tf.cast
        self._tensors = (tf.Tensor, tf.Variable)

    def function(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """With float32 as float64 in what it is given, in what it takes by default, and in what it returns."""
        default = _default_dtype(function, self.float32)
        plain = name in ("constant", "convert_to_tensor")

        @functools.wraps(function)
        def wide(*given: Any, **named: Any) -> Any:
            values = [self._argument(value) for value in given]
            keywords = {key: self._argument(value) for key, value in named.items()}
            if default is not None and len(values) <= default[0] and "dtype" not in keywords:
                keywords["dtype"] = self.float64
            if plain:
                self._hint(values, keywords)
            elif not any(self._has_tensor(v) for v in [*values, *keywords.values()]):
                values = [self._exact(value) for value in values]
                keywords = {key: self._exact(value) for key, value in keywords.items()}
            return self._result(function(*values, **keywords))

        return wide

    def exact_cast(self, cast: Callable[..., Any]) -> Callable[..., Any]:
        """Numbers of Python become float64 directly."""

        @functools.wraps(cast)
        def exact(x: Any, dtype: Any, *more: Any, **named: Any) -> Any:
            if dtype == self.float64 and _has_float(x):
                return self._constant(x, self.float64)
            return cast(x, dtype, *more, **named)

        return exact

    def _argument(self, value: Any) -> Any:
        if isinstance(value, self._tensors):
            return self._result(value)
        if value is self.float32 or value is np.float32 or (isinstance(value, str) and value == "float32"):
            return self.float64
        return value

    def _hint(self, values: List[Any], keywords: Dict[str, Any]) -> None:
        value = values[0] if values else keywords.get("value")
        if len(values) < 2 and keywords.get("dtype") is None and _has_float(value):
            keywords["dtype"] = self.float64

    def _exact(self, value: Any) -> Any:
        return self._constant(value, self.float64) if _has_float(value) else value

    def _has_tensor(self, value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(self._has_tensor(entry) for entry in value)
        return isinstance(value, self._tensors)

    def _result(self, value: Any) -> Any:
        if isinstance(value, self._tensors):
            return self._cast(value, self.float64) if value.dtype == self.float32 else value
        if type(value) in (list, tuple):
            return type(value)(self._result(entry) for entry in value)
        return value


def _default_dtype(function: Callable[..., Any], float32: Any) -> Any:
    """(position,) of the argument `dtype` where its default is float32, else None."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    for position, (name, parameter) in enumerate(parameters.items()):
        if name == "dtype" and parameter.default is not inspect.Parameter.empty:
            return (position,) if parameter.default is not None and parameter.default == float32 else None
    return None


def _has_float(value: Any) -> bool:
    """A number, or nested lists or an array of numbers, at least one of them a float that is not float64 already."""
    if isinstance(value, bool):
        return False
    if isinstance(value, (float, np.floating)):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f"
    if isinstance(value, (list, tuple)):
        kinds = [_has_float(entry) for entry in value]
        return any(kinds) and all(
            kind or isinstance(entry, (int, list, tuple, np.integer)) for kind, entry in zip(kinds, value)
        )
    return False


def _resize(tf: Any, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Resizing computes in float32 whatever it gets. It is linear in each direction, so that two matrix products do the same."""

    @functools.wraps(function)
    def resize(images: Any, size: Any, *more: Any, **named: Any) -> Any:
        if getattr(images, "dtype", None) != tf.float64 or not tf.executing_eagerly():
            return function(images, size, *more, **named)
        height, width = (int(n) for n in np.asarray(size))
        matrices = []
        for axis, (before, after) in enumerate(((images.shape[1], height), (images.shape[2], width))):
            if name == "resize_bilinear" and not more:
                matrices.append(_bilinear(before, after, **{k: v for k, v in named.items() if k != "name"}))
                continue
            # Measured on unit vectors: exact to float32, which suffices for kernels that PyTorch has not got.
            unit = np.eye(before, dtype=np.float32)
            shape, wanted = (
                ((before, before, 1, 1), [after, 1]) if not axis else ((before, 1, before, 1), [1, after])
            )
            if name == "scale_and_translate":
                return tf.cast(
                    function(tf.cast(images, np.dtype("float32")), size, *more, **named), "float64"
                )
            measured = function(unit.reshape(shape), wanted, *more, **named)
            matrices.append(np.asarray(measured, np.float64).reshape(before, after).T)
        return tf.einsum("ih,jw,bhwc->bijc", tf.constant(matrices[0]), tf.constant(matrices[1]), images)

    return resize


def _bilinear(
    before: int, after: int, align_corners: bool = False, half_pixel_centers: bool = False
) -> np.ndarray:
    """[after, before]: the weights of TensorFlow's and PyTorch's bilinear interpolation."""
    index = np.arange(after, dtype=np.float64)
    if align_corners and after > 1:
        source = index * ((before - 1) / (after - 1))
    elif half_pixel_centers:
        source = (index + 0.5) * (before / after) - 0.5
    else:
        source = index * (before / after)
    floor = np.floor(source)
    lower = np.clip(floor, 0, before - 1).astype(int)
    upper = np.clip(floor + 1, 0, before - 1).astype(int)
    matrix = np.zeros((after, before))
    rows = np.arange(after)
    np.add.at(matrix, (rows, lower), 1 - (source - floor))
    np.add.at(matrix, (rows, upper), source - floor)
    return matrix


# -- PyTorch ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def in_torch() -> Iterator[None]:
    """New tensors are float64, and modules of transformers that say float32 mean it too. `model.double()` once it is made."""
    import torch

    changes, before = _Changes(), torch.get_default_dtype()
    wide = _Torch()
    try:
        torch.set_default_dtype(torch.float64)
        changes.set(torch.Tensor, "float", torch.Tensor.double)
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] == "transformers" and getattr(module, "__dict__", {}).get("torch") is torch:
                changes.set(module, "torch", wide)
        yield
    finally:
        changes.undo()
        torch.set_default_dtype(before)


class _Torch(types.ModuleType):
    """The module torch, in which float32 is float64."""

    def __init__(self) -> None:
        import torch

        super().__init__("torch")
        self.__dict__.update(
            _torch=torch,
            float32=torch.float64,
            float=torch.float64,
            FloatTensor=torch.DoubleTensor,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_torch"], name)

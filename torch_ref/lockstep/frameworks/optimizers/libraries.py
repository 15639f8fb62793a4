"""Whose arrays a candidate computes with: NumPy's, or those of a framework that its file imports.

A framework is never imported here: it is taken from ``sys.modules``, where the user's file has put
it.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np


class NumPy:
    """Arrays as they are.

    Attributes:
        name: of the package.
        precision: the only dtype that the library computes in, or ``""`` where there are several.
    """

    name = "numpy"
    precision = ""

    def tensor(self, w: np.ndarray) -> Any:
        """The library's own copy of an array."""
        return w.copy()

    def tensors(self, grads: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
        """Gradients as the library has them; NumPy's own are those that are given."""
        return {name: None if g is None else self.tensor(g) for name, g in grads.items()}

    def array(self, tensor: Any) -> np.ndarray:
        """The values of the library's array."""
        return np.asarray(tensor)

    def context(self, dtype: np.dtype) -> AbstractContextManager[Any]:
        """What makes the library compute in ``dtype`` inside of the block."""
        # The arrays of NumPy may be given to functions of JAX.
        return JAX().context(dtype) if "jax" in sys.modules else nullcontext()


class _Own(NumPy):
    def tensors(self, grads: Mapping[str, np.ndarray | None]) -> dict[str, Any]:
        return dict(grads)


class Torch(NumPy):
    """Tensors, whose gradient is ``w.grad``."""

    name = "torch"

    def tensor(self, w: np.ndarray) -> Any:
        return sys.modules["torch"].tensor(w)

    def array(self, tensor: Any) -> np.ndarray:
        tensor = tensor.detach() if hasattr(tensor, "detach") else tensor
        return np.asarray(tensor)

    def context(self, dtype: np.dtype) -> AbstractContextManager[Any]:
        return sys.modules["torch"].no_grad()


class JAX(NumPy):
    """Arrays in 64 bits for a run in float64, whatever ``jax_enable_x64`` is outside of it."""

    name = "jax"

    def tensor(self, w: np.ndarray) -> Any:
        return sys.modules["jax"].numpy.array(w)

    def context(self, dtype: np.dtype) -> AbstractContextManager[Any]:
        jax = sys.modules["jax"]
        wide = np.dtype(dtype).itemsize == 8
        if hasattr(jax, "enable_x64"):
            return jax.enable_x64(wide)
        from_before = jax.experimental
        return from_before.enable_x64() if wide else from_before.disable_x64()


class MLX(NumPy):
    """Arrays in float32: of float64 MLX has but a part, and keeps learning rates in float32."""

    name = "mlx"
    precision = "float32"

    def tensor(self, w: np.ndarray) -> Any:
        return sys.modules["mlx.core"].array(w)


class Tinygrad(NumPy):
    """Tensors, whose gradient is ``w.grad``; its optimizers keep rate and buffers in float32."""

    name = "tinygrad"
    precision = "float32"

    def tensor(self, w: np.ndarray) -> Any:
        return sys.modules["tinygrad"].Tensor(w.copy())

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)

    def context(self, dtype: np.dtype) -> AbstractContextManager[Any]:
        return sys.modules["tinygrad.helpers"].Context(TRAINING=1)


NUMPY = _Own()
FRAMEWORKS = (Torch(), JAX(), MLX(), Tinygrad())


def libraries_of(target: Any) -> list[NumPy]:
    """The frameworks that the code of a class, function or object refers to, and NumPy.

    >>> [library.name for library in libraries_of(np.linalg.norm)]
    ['numpy']
    """
    roots = set()
    for function in _functions(target):
        for value in getattr(function, "__globals__", {}).values():
            home = value.__name__ if isinstance(value, type(sys)) else _home(value)
            roots.add(home.partition(".")[0])
        roots.add(_home(function).partition(".")[0])
    loaded = [library for library in FRAMEWORKS if library.name in roots & sys.modules.keys()]
    return [*loaded, NUMPY]


def _functions(target: Any) -> Iterator[Any]:
    """The functions that a class, an object or a tuple of functions consists of."""
    target = getattr(target, "func", target)  # of a partial
    if isinstance(target, tuple):
        for each in target:
            yield from _functions(each)
    elif hasattr(target, "__globals__") or hasattr(target, "__wrapped__"):
        yield getattr(target, "__wrapped__", target)
    else:
        cls = target if isinstance(target, type) else type(target)
        for base in cls.__mro__[:-1]:
            yield from (getattr(f, "__func__", f) for f in vars(base).values())


def _home(value: Any) -> str:
    home = getattr(value, "__module__", None)
    return home if isinstance(home, str) else ""

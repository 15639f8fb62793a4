"""Numerical differentiation: slow, simple, and the judge of every backward pass."""

from collections.abc import Callable

import numpy as np

from scratch import _check
from scratch.typing import Array


def numerical_gradient(f: Callable[[], float | Array], x: Array, h: float = 1e-5) -> Array:
    """∂f/∂x by central differences, (f(x + h) − f(x − h)) / 2h, one element of ``x`` at a time.

    Args:
        f: a function of no arguments that reads ``x``; its values are summed.
        x: a float64 array, changed in place for each call of ``f`` and restored.
        h: the distance; the error is of order h².

    >>> x = np.array([1.0, 2.0])
    >>> numerical_gradient(lambda: (x**2).sum(), x).round(6)
    array([2., 4.])
    """
    _check.function("f", f)
    h = _check.number("h", h, above=0)
    # In float32 the difference is mostly rounding, in whole numbers zero.
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        got = x.dtype if isinstance(x, np.ndarray) else _check.shown(x)
        raise TypeError(f"x must be an array of float64, got {got}")
    if not x.flags.writeable:
        raise ValueError("x is read-only; pass a copy")
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = np.sum(f())
        x[index] = value - h
        below = np.sum(f())
        x[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient

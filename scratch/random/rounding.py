"""x·scale + shift as torch's kernels round it: once, or twice on processors without the means."""

from typing import TypeVar

import numpy as np

from scratch.random import processor
from scratch.typing import Array

X = TypeVar("X", Array, float)


def scale_and_shift(x: Array, scale: float, shift: float) -> None:
    """Turn x into x·scale + shift, rounded as torch's compiled kernels round it.

    They use a multiply-add instruction wherever all processors that a kernel is for have one.

    >>> x = np.array([0.5, 1.5])
    >>> scale_and_shift(x, 2.0, 1.0)
    >>> x
    array([2., 4.])
    """
    if processor.FUSES:
        multiply_add(x, scale, shift)
    else:
        x *= scale
        x += shift


def multiply_add(x: Array, scale: float, shift: float) -> None:
    """Turn x into x·scale + shift, rounded once, in its dtype, float32 or float64.

    A product of float32 numbers is exact in float64. In float64 the rounding errors of the product
    (Dekker 1971) and of the sum (Knuth's two-sum) are computed and added back.

    >>> x = np.array([1 + 2.0**-30])
    >>> multiply_add(x, 1 - 2.0**-30, -1.0)
    >>> bool(x == -(2.0**-60))  # (1 + ε)·(1 − ε) − 1 = −ε²
    True
    """
    if shift == 0:
        x *= scale
        x += shift  # exact, but that −0 becomes 0
        return
    if x.dtype == np.float32:
        wide = x.astype(np.float64)
        wide *= float(scale)
        wide += float(shift)
        x[...] = wide
        return
    product = x * scale
    x_high, x_low = _split(x)
    scale_high, scale_low = _split(scale)
    product_error = x_high * scale_high - product
    product_error += x_high * scale_low + x_low * scale_high
    product_error += x_low * scale_low
    total = product + shift
    part = total - product
    total_error = (product - (total - part)) + (shift - part)
    np.add(total, product_error + total_error, out=x)


def _split(x: X) -> tuple[X, X]:
    """The upper and the lower 26 bits of a float64 (Veltkamp's splitting by 2²⁷ + 1)."""
    spread = x * (2.0**27 + 1)
    high = spread - (spread - x)
    return high, x - high

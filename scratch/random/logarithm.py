"""The natural logarithm of float64 numbers, bit for bit the system's (``math.log``), in NumPy.

torch calls the system's logarithm. ``np.log`` is another, whose last bit differs in one of 300
numbers, and calling ``math.log`` for every number takes three times as long as this:

    x = 2ᵉ·m with ½ <= m < 1,    c = rint(256/m)/256,    r = m·c − 1,    |r| <= 2⁻⁹

    ln x = (e·ln 2 − ln c) + r − r²/2 + r³/3 − … + r⁷/7

r is exact, and so is the sum of the parenthesis and r, as its rounded value and the rest. What is
added to that is small, and its rounding errors are below 0.004 units in the last place (ULP) of
ln x. So the nearest float64 is known, but for one number of eleven: where ln x is within 1/32 to
1/16 ULP of the middle between two, ``math.log`` decides.

Assumed is that the system's logarithm is within 0.52 ULP of the true one, as glibc's is.
"""

import math
from decimal import Decimal, localcontext
from functools import cache

import numpy as np

from scratch.typing import Array

FEW = 512  # for fewer, math.log takes less time than NumPy's calls
_PARTS = 256
_SERIES = [(-1) ** (n + 1) / n for n in range(7, 1, -1)]
_UNDECIDED = 2.0**-57  # of ln x: 1/32 to 1/16 ULP


@cache
def _ln_c() -> tuple[Array, Array]:
    """ln c for c = 1, 257/256 … 2 in two parts; up to 2¹⁰ times the first is exact."""
    with localcontext(prec=32):
        exact = [(Decimal(place) / _PARTS).ln() for place in range(_PARTS, 2 * _PARTS + 1)]
        high = [round(ln * 2**42) / 2**42 for ln in exact]
        low = [float(ln - Decimal(part)) for ln, part in zip(exact, high, strict=True)]
    return np.array(high), np.array(low)


def log(x: Array) -> Array:
    """ln x of float64 numbers 0 < x <= 1, (n,).

    >>> log(np.array([0.1, 1.0])).tolist() == [math.log(0.1), 0.0]
    True
    """
    if len(x) < FEW:
        return _one_by_one(x)
    ln_c_high, ln_c_low = _ln_c()
    m, e = np.frexp(x)
    e = e.astype(np.float64)
    c = np.rint(_PARTS / m)
    place = c.astype(np.int64)
    place -= _PARTS
    c /= _PARTS
    r = _product_less_one(m, c)
    whole = e * ln_c_high[-1] - ln_c_high.take(place)  # exact
    high = whole + r
    low = (whole - high) + r  # exact, as whole is 0 or larger than r (Dekker 1971)
    low += e * ln_c_low[-1] - ln_c_low.take(place)
    low += _series(r)
    margin = high * _UNDECIDED
    y: Array = high + (low + margin)
    undecided = np.flatnonzero(y != high + (low - margin))
    y[undecided] = _one_by_one(x[undecided])
    return y


def _one_by_one(x: Array) -> Array:
    return np.fromiter(map(math.log, x.tolist()), np.float64, len(x))


def _product_less_one(m: Array, c: Array) -> Array:
    """m·c − 1, exactly: the upper 33 bits of m times 9 of c, and then the lower."""
    upper = (m.view(np.int64) & -(2**20)).view(np.float64)
    m -= upper
    m *= c
    upper *= c
    upper -= 1
    upper += m
    return upper


def _series(r: Array) -> Array:
    """ln(1 + r) − r = −r²/2 + r³/3 − … + r⁷/7."""
    y: Array = _SERIES[0] * r
    for coefficient in _SERIES[1:]:
        y += coefficient
        y *= r
    y *= r
    return y

"""The float32 logarithm, sine and cosine of torch's normal numbers, rounding by rounding.

They are ``logf`` and ``sinf`` of Moshier's Cephes library (1984 …), as Pommier and Garberoglio
wrote them for vectors (sse_mathfun.h, avx_mathfun.h), which torch carries and uses on x86-64
processors with AVX2. Its compiler (GCC) turns a product and the sum it goes into into one
multiply-add instruction, which rounds once; here these are ``_multiply_add``. Other operations
round, or are exact, one by one.

A float32 number in [0, 1) has 2²⁴ values. For every one of them the radius √(−2·ln(1 − u)) and the
pair cos(2π·u), sin(2π·u) from here are torch's bit for bit: a test tries them all.
"""

import numpy as np

from scratch.random import quadrant

_SQRT_HALF_BITS = np.float32(0.5**0.5).view(np.int32)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # ln 2, in two parts
_FOUR_OVER_PI = np.float32(1.27323954473516)


def _as_float32(*coefficients: float) -> list[float]:
    return [float(np.float32(each)) for each in coefficients]


# Cephes takes away three parts of π/4, one by one, for more bits than a float32 has.
_HALF_PI = 2 * sum(_as_float32(0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8))
_LOG = _as_float32(
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_SIN = _as_float32(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = _as_float32(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def log(x: np.ndarray) -> np.ndarray:
    """ln x of float32 numbers 0 < x <= 1.

    x = 2ᵉ·(1 + r) with √½ <= 1 + r < √2, and ln(1 + r) = r − r²/2 + r³·P(r).
    """
    bits = x.view(np.int32)
    exponent = (bits - _SQRT_HALF_BITS) >> 23
    r = (bits - (exponent << 23)).view(np.float32)
    r -= 1
    e = exponent.astype(np.float32)
    square = r * r
    y = _polynomial(_LOG, r.astype(np.float64))
    y *= r
    y = _multiply_add(y, square, e * _LN2_LOW)
    y -= np.float32(0.5) * square
    y += r
    y += e * _LN2_HIGH
    return y


def cos_and_sin(angle: np.ndarray) -> np.ndarray:
    """cos x and sin x, (2, n), of n float32 numbers 0 <= x <= 2π.

    x = k·π/2 + r with |r| <= π/4.
    """
    k = (angle * _FOUR_OVER_PI).astype(np.int32)
    k += 1
    k >>= 1
    r = _multiply_add(k, -_HALF_PI, angle)
    square = r * r
    wide = square.astype(np.float64)
    pair = np.empty((2, len(r)), np.float32)
    y = _polynomial(_COS, wide)
    y *= square
    np.add(_multiply_add(y, wide, np.float32(-0.5) * square), 1, out=pair[0])
    y = _polynomial(_SIN, wide)
    y *= square
    pair[1] = _multiply_add(y, r, r)
    quadrant.turn(pair, k)
    return pair


def _polynomial(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    """c₀·xⁿ + … + cₙ by Horner's rule, a multiply-add for each power; x is float32 in float64."""
    wide = coefficients[0] * x
    wide += coefficients[1]
    for c in coefficients[2:]:
        wide[...] = wide.astype(np.float32)
        wide *= x
        wide += c
    return wide.astype(np.float32)


def _multiply_add(a: np.ndarray, b: np.ndarray | float, c: np.ndarray) -> np.ndarray:
    """a·b + c, rounded to float32 once: in float64 the product is exact."""
    wide = a.astype(np.float64)
    wide *= b
    wide += c
    return wide.astype(np.float32)

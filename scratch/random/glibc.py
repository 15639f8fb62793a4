"""The float32 logarithm, sine and cosine of the GNU C library, bit for bit, in NumPy.

torch calls ``logf``, ``sinf`` and ``cosf`` for float32 normals where it has no vector code of its
own: on ARM, and on x86-64 without AVX2. The GNU C library has had these, from Arm's optimized
routines (2017), since its versions 2.27 and 2.28. They compute in float64 and round once, at the
end; but their polynomials are a little short of float64, so that float64's logarithm, rounded,
would be another number in one of 140.

For every one of the 2²⁴ float32 numbers in [0, 1) the radius √(−2·ln(1 − u)) and the pair
cos(2π·u), sin(2π·u) from here are torch's bit for bit with that library: a test tries them all.
Other C libraries have other functions, which round otherwise.
"""

import math

import numpy as np

from scratch.random import quadrant
from scratch.typing import Array

_PARTS = 16
_LOWEST = np.float32(0.69921875).view(np.int32)  # [0.699, 1.398) in 16 parts; 1 is inside of one
# 1/c for a c near the middle of each part, such that ln c is nearly a float64.
_ONE_OVER_C = np.array(
    [
        *(1.398907162146528, 1.3403141896637998, 1.286432210124115, 1.2367150214269895),
        *(1.1906977166711752, 1.1479821020556429, 1.1082251448272158, 1.0711297413057381),
        *(1.036437278977283, 1.0, 0.9492859795739057, 0.8951049428609004),
        *(0.8476821620351103, 0.8050314851692001, 0.7664671008843108, 0.731428603316328),
    ]
)
_LN_C = np.array([-math.log(inverse) for inverse in _ONE_OVER_C.tolist()])
_LOG = (-0.4999997485802103, 0.333456765744066, -0.25089342214237154)
_SIN = (-0.16666654943701084, 0.008332178146138854, -0.00019517298981385725)
_COS = (-0.49999999725108224, 0.041666623324344516, -0.001388676379437604, 2.4390450703564542e-5)


def log(x: Array) -> Array:
    """ln x of float32 numbers 0 < x <= 1.

    x = 2ᵏ·z and r = z/c − 1, then ln x = (k·ln 2 + ln c) + r + r²·P(r).
    """
    bits = x.view(np.int32)
    above = bits - _LOWEST
    k = above >> 23
    part = (above >> 19) & (_PARTS - 1)
    z = (bits - (k << 23)).view(np.float32).astype(np.float64)
    r = z * _ONE_OVER_C.take(part) - 1
    square = r * r
    y: Array = _LOG[2] * square + (_LOG[1] * r + _LOG[0])
    y *= square
    y += (k * math.log(2) + _LN_C.take(part)) + r
    return y.astype(np.float32)


def cos_and_sin(angle: Array) -> Array:
    """cos x and sin x, (2, n), of n float32 numbers 0 <= x <= 2π.

    x = k·π/2 + r with |r| <= π/4.
    """
    x = angle.astype(np.float64)
    k = np.floor(x * (2 / math.pi) + 0.5)
    x -= k * (math.pi / 2)
    square = x * x
    fourth, cube = square * square, square * x
    pair = np.empty((2, len(x)), np.float32)
    low, high = 1 + square * _COS[0] + fourth * _COS[1], _COS[2] + square * _COS[3]
    np.add(low, fourth * square * high, out=pair[0], casting="same_kind")
    low, high = x + cube * _SIN[0], _SIN[1] + square * _SIN[2]
    np.add(low, cube * square * high, out=pair[1], casting="same_kind")
    quadrant.turn(pair, k.astype(np.int32))
    return pair

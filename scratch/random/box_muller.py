"""Normal numbers from uniform ones: √(−2·ln u₁) times cos and sin of 2π·u₂ (Box, Muller 1958)."""

import math
from types import ModuleType

import numpy as np

from scratch.random import cephes, glibc, logarithm, processor
from scratch.typing import Array

BOX = 16  # torch takes 8 radii and 8 angles from 16 uniform numbers, and puts 8 cosines and 8 sines


def boxes(numbers: Array) -> None:
    """Turn numbers in [0, 1), a multiple of 16, into standard normal ones, as torch's ``randn``.

    >>> numbers = np.array([0.5] * 8 + [0.25] * 8)
    >>> boxes(numbers)
    >>> numbers.round(2) + 0.0  # √(2·ln 2)·cos(π/2), ·sin(π/2)
    array([0.  , 0.  , 0.  , 0.  , 0.  , 0.  , 0.  , 0.  ,
           1.18, 1.18, 1.18, 1.18, 1.18, 1.18, 1.18, 1.18])
    """
    number = numbers.dtype.type
    eight = np.dtype((np.void, 8 * numbers.itemsize))  # eight numbers are moved as one
    halves = numbers.view(eight).reshape(-1, 2).T
    u1, u2 = halves.copy().view(number)
    radius = np.sqrt(number(-2) * _log(number(1) - u1))
    pairs = _cos_and_sin(_angle(u2))
    pairs *= radius
    halves[...] = pairs.view(eight)


def pair(u1: float, u2: float) -> tuple[float, float]:
    """Two standard normal numbers, as torch makes them where it makes fewer than 16."""
    radius, angle = math.sqrt(-2 * math.log1p(-u1)), 2 * math.pi * u2
    return radius * math.cos(angle), radius * math.sin(angle)


def _float32() -> ModuleType:
    return cephes if processor.AVX2 else glibc


def _log(x: Array) -> Array:
    return _float32().log(x) if x.dtype == np.float32 else logarithm.log(x)


def _angle(u2: Array) -> Array:
    """2π·u₂: of float32's 2π in vector code, else rounded only here."""
    if processor.AVX2:
        return u2.dtype.type(2 * math.pi) * u2
    return (2 * math.pi * u2.astype(np.float64)).astype(u2.dtype)


def _cos_and_sin(angle: Array) -> Array:
    """Return cosine and sine; in float64 the C library's, as in torch."""
    if angle.dtype == np.float32:
        both: Array = _float32().cos_and_sin(angle)
        return both
    return np.stack([np.cos(angle), np.sin(angle)])

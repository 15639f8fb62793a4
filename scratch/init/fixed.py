"""Distributions that do not depend on the shape: normal, uniform, truncated normal."""

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scratch import _check
from scratch.init import _arguments
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Shape

Initializer = Callable[..., Array]

_LEAST_KEPT = 1e-4  # the share of uniform numbers; torch, where it is less, draws for ever
_REDRAW_ABOVE = 0.3  # the share of the normal within [a, b] from which torch redraws normals


def normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """N(mean, std²), as ``torch.nn.init.normal_``.

    >>> normal((100, 50), std=0.01, generator=Generator(0)).std().round(3)
    np.float32(0.01)
    """
    shape = _arguments.drawn(shape, generator)
    return generator.normal(mean, std, shape, dtype)


def fixed_std(std: float) -> Initializer:
    """An initializer that draws N(0, std²) for every shape: the chapter's std 1 and 0.01 (6.2.2).

    >>> fixed_std(0.01)((100, 50), generator=Generator(0)).std().round(3)
    np.float32(0.01)
    """
    std = _check.number("std", std, at_least=0)

    def draw(shape: Shape, *, generator: Generator, dtype: DTypeLike = np.float32) -> Array:
        return normal(shape, 0.0, std, generator=generator, dtype=dtype)

    draw.__name__ = draw.__qualname__ = f"fixed_std({std:g})"
    draw.__doc__ = f"N(0, {std:g}²)."
    return draw


def uniform(
    shape: Shape,
    a: float = 0.0,
    b: float = 1.0,
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """U(a, b), as ``torch.nn.init.uniform_``.

    Raises:
        ValueError: ``a`` > ``b``, or one is not finite.

    >>> uniform((3,), -1, 1, generator=Generator(0)).round(2)
    array([-0.01,  0.54, -0.82], dtype=float32)
    """
    shape = _arguments.drawn(shape, generator)
    a, b = _interval(_check.number("a", a), _check.number("b", b))
    return generator.uniform(a, b, shape, dtype)


def trunc_normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """N(mean, std²) cut off outside [a, b], as ``torch.nn.init.trunc_normal_``.

    Where more than 0.3 of the normal lies within [a, b], normal numbers are drawn until all do.
    Where less does, uniform numbers x of [a, b] are drawn and kept with the probability
    p(x)/p(mode), where p is the density and the mode its peak within [a, b] (von Neumann 1951).
    So does torch since 2.12, and from the same seed float64 is the same bit for bit. In float32 a
    number in several million may be kept where torch draws it anew, or the reverse: logarithms and
    normals differ in the last bits.

    Args:
        mean, std: of the normal before it is cut; what is left has a smaller std, 0.88 for ±2·std.
        a, b: the bounds, in the units of the weights and not of ``std``; where normal numbers are
            redrawn one may be infinite.

    Raises:
        ValueError: ``std`` is not > 0 (torch divides by 0, and for a negative one draws from
            something else), ``a`` > ``b``, a bound is NaN, or infinite where x is uniform, or
            hardly one x in 10⁴ would be kept (torch would draw for ever).

    Warns:
        UserWarning: ``mean`` is more than 2·std outside [a, b], as in torch; the farther it is,
            the fewer x are kept and the longer it takes.

    >>> np.abs(trunc_normal((100, 50), generator=Generator(0))).max() <= 2
    np.True_
    """
    shape = _arguments.drawn(shape, generator)
    dtype, mean = _check.floating(dtype), _check.number("mean", mean)
    if (std := _check.number("std", std, at_least=0)) == 0:
        raise ValueError("std must be a finite number > 0, got 0")
    a, b = _interval(_check.number_or_inf("a", a), _check.number_or_inf("b", b))
    if not a - 2 * std <= mean <= b + 2 * std:
        message = f"mean={mean:g} is more than 2 std ({std:g}) outside [a, b] = [{a:g}, {b:g}]"
        warnings.warn(message, stacklevel=2)

    def normals() -> tuple[Array, NDArray[np.bool]]:
        x = generator.normal(mean, std, shape, dtype)
        return x, (x >= dtype.type(a)) & (x <= dtype.type(b))

    def proposals() -> tuple[Array, NDArray[np.bool]]:
        x = generator.uniform(_check.number("a", a), _check.number("b", b), shape, dtype)
        log_share = -0.5 * ((x - mean) / std) ** 2 - log_peak
        with np.errstate(divide="ignore"):  # log 0 = −inf is right: always kept
            return x, np.log(generator.rand(*shape, dtype=dtype)) <= log_share

    away = abs(min(max(a, mean), b) - mean) / std
    inside = _phi((b - mean) / std) - _phi((a - mean) / std)
    draw = normals if inside > _REDRAW_ABOVE else proposals
    if draw is proposals and std < _LEAST_KEPT * max(away, 1) * (b - a) < math.inf:
        raise ValueError(
            f"mean={mean:g} and std={std:g} must leave more of the normal in [a, b] = [{a:g}, "
            f"{b:g}]: of uniform numbers hardly one in {1 / _LEAST_KEPT:,.0f} would be kept"
        )
    log_peak = -0.5 * away**2
    w, kept = draw()
    while not kept.all():
        again, fits = draw()
        w = np.where(kept, w, again)
        kept |= fits
    return w


def _phi(z: float) -> float:
    """The standard normal's distribution function."""
    return (1 + math.erf(z / math.sqrt(2))) / 2


def _interval(a: float, b: float) -> tuple[float, float]:
    if a > b:
        raise ValueError(f"a must be <= b, got a={a} and b={b}")
    return a, b

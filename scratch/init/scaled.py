"""Distributions scaled by the layer's fans, so that the variance is kept from layer to layer."""

import math

import numpy as np

from scratch import _check
from scratch.init import _arguments
from scratch.init.fans import calculate_gain, fans
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Shape


def xavier(shape: Shape, *, generator: Generator, dtype: DTypeLike = np.float32) -> Array:
    """The chapter's Xavier: N(0, 1/fan_in), for sigmoid and tanh.

    This is ``lecun_normal``. Glorot and Bengio's own is ``xavier_normal``; the two agree where
    fan_in = fan_out, as between the chapter's hidden layers of 100.
    """
    return lecun_normal(shape, generator=generator, dtype=dtype)


def he(shape: Shape, *, generator: Generator, dtype: DTypeLike = np.float32) -> Array:
    """The chapter's He: N(0, 2/fan_in), for ReLU, which halves the variance (He et al. 2015).

    >>> he((100, 50), generator=Generator(0)).std().round(2)  # √(2/50)
    np.float32(0.2)
    """
    return kaiming_normal(shape, nonlinearity="relu", generator=generator, dtype=dtype)


def lecun_normal(shape: Shape, *, generator: Generator, dtype: DTypeLike = np.float32) -> Array:
    """N(0, 1/fan_in) (LeCun et al. 1998, "Efficient BackProp", section 4.6).

    torch writes it as ``kaiming_normal_(nonlinearity="linear")``; Keras's function of this name
    cuts off the normal at two standard deviations.

    >>> lecun_normal((100, 50), generator=Generator(0)).std().round(2)  # √(1/50)
    np.float32(0.14)
    """
    return kaiming_normal(shape, nonlinearity="linear", generator=generator, dtype=dtype)


def lecun_uniform(shape: Shape, *, generator: Generator, dtype: DTypeLike = np.float32) -> Array:
    """U(−b, b) with b = √(3/fan_in), whose variance is 1/fan_in (LeCun et al. 1998).

    >>> np.abs(lecun_uniform((100, 75), generator=Generator(0))).max().round(3)  # √(3/75)
    np.float32(0.2)
    """
    return kaiming_uniform(shape, nonlinearity="linear", generator=generator, dtype=dtype)


def xavier_normal(
    shape: Shape, gain: float = 1.0, *, generator: Generator, dtype: DTypeLike = np.float32
) -> Array:
    """N(0, gain²·2/(fan_in + fan_out)), as torch's (Glorot and Bengio 2010, equation 12).

    >>> xavier_normal((120, 80), generator=Generator(0)).std().round(2)  # √(2/200)
    np.float32(0.1)
    """
    shape = _arguments.drawn(shape, generator)
    return generator.normal(0.0, _xavier_std(shape, gain), shape, dtype)


def xavier_uniform(
    shape: Shape, gain: float = 1.0, *, generator: Generator, dtype: DTypeLike = np.float32
) -> Array:
    """U(−a, a) with a = gain·√(6/(fan_in + fan_out)), as torch's (Glorot and Bengio 2010, eq. 16).

    A uniform distribution on (−a, a) has the standard deviation a/√3.

    >>> np.abs(xavier_uniform((100, 50), generator=Generator(0))).max().round(2)  # √(6/150)
    np.float32(0.2)
    """
    shape = _arguments.drawn(shape, generator)
    bound = math.sqrt(3.0) * _xavier_std(shape, gain)
    return generator.uniform(-bound, bound, shape, dtype)


def kaiming_normal(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """N(0, gain²/fan), as torch's (He et al. 2015, equations 10 and 14).

    Args:
        shape: (out, in), or (out, in, *kernel) for a convolution.
        a: the negative slope of a leaky ReLU; the gain is √(2/(1 + a²)).
        mode: "fan_in" keeps the variance of the activations, "fan_out" that of the gradients.
        nonlinearity: what follows the layer, see :func:`scratch.init.calculate_gain`.

    >>> kaiming_normal((100, 8, 3, 3), generator=Generator(0)).std().round(3)  # √(2/72)
    np.float32(0.167)
    """
    shape = _arguments.drawn(shape, generator)
    return generator.normal(0.0, _kaiming_std(shape, a, mode, nonlinearity), shape, dtype)


def kaiming_uniform(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """U(−b, b) with b = gain·√(3/fan), as torch's; the arguments are ``kaiming_normal``'s."""
    shape = _arguments.drawn(shape, generator)
    bound = math.sqrt(3.0) * _kaiming_std(shape, a, mode, nonlinearity)
    return generator.uniform(-bound, bound, shape, dtype)


def _xavier_std(shape: Shape, gain: float) -> float:
    fan_in, fan_out = fans(shape)
    return _check.number("gain", gain, at_least=0) * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming_std(shape: Shape, a: float, mode: str, nonlinearity: str) -> float:
    fan = dict(zip(("fan_in", "fan_out"), fans(shape), strict=True))
    mode = mode.lower() if isinstance(mode, str) else mode  # as in torch
    gain = calculate_gain(nonlinearity, _check.number("a", a))
    return gain / math.sqrt(fan[_check.choice("mode", mode, fan)])

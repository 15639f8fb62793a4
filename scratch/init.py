"""Where weights start: the initializers of section 6.2, and torch's.

Every function takes ``(shape, …, generator, dtype)`` and returns a new array. ``shape`` follows
torch's convention, (out, in) for a fully connected layer: ``fan_in = in``, ``fan_out = out``.
The chapter's layers hold the transpose, W of shape (in, out).

    zeros             every weight 0: the units of a layer stay equal for ever (6.2.1)
    normal            N(0, std²) with a fixed std: the chapter's 1 and 0.01 (6.2.2)
    xavier            the chapter's Xavier: N(0, 1/fan_in) (6.2.2)
    he                the chapter's He: N(0, 2/fan_in) (6.2.3)
    xavier_normal     torch's Xavier: N(0, 2/(fan_in + fan_out))
    xavier_uniform    the same variance, uniform
    kaiming_normal    torch's He, with a choice of fan and gain
    kaiming_uniform   the same variance, uniform
"""

import math
from collections.abc import Callable

import numpy as np

from scratch import _check
from scratch.random import Generator

Initializer = Callable[..., np.ndarray]


def zeros(
    shape: tuple[int, ...],
    *,
    generator: Generator | None = None,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """All zeros; draws nothing from the generator."""
    return np.zeros(shape, _check.floating(dtype))


def normal(
    shape: tuple[int, ...],
    std: float = 1.0,
    mean: float = 0.0,
    *,
    generator: Generator,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """N(mean, std²), as ``torch.nn.init.normal_``.

    >>> normal((100, 50), std=0.01, generator=Generator(0)).std().round(3)
    np.float32(0.01)
    """
    return generator.normal(mean, std, shape, dtype)


def xavier(
    shape: tuple[int, ...], *, generator: Generator, dtype: np.typing.DTypeLike = np.float32
) -> np.ndarray:
    """The chapter's Xavier: N(0, 1/fan_in), for sigmoid and tanh.

    This is LeCun's (LeCun et al. 1998, "Efficient BackProp", section 4.6), which torch writes as
    ``kaiming_normal_(nonlinearity="linear")``. Glorot and Bengio's own is ``xavier_normal``; the
    two agree where fan_in = fan_out, as between the chapter's hidden layers of 100.
    """
    return kaiming_normal(shape, nonlinearity="linear", generator=generator, dtype=dtype)


def he(
    shape: tuple[int, ...], *, generator: Generator, dtype: np.typing.DTypeLike = np.float32
) -> np.ndarray:
    """The chapter's He: N(0, 2/fan_in), for ReLU, which halves the variance (He et al. 2015).

    >>> he((100, 50), generator=Generator(0)).std().round(2)  # √(2/50)
    np.float32(0.2)
    """
    return kaiming_normal(shape, nonlinearity="relu", generator=generator, dtype=dtype)


def xavier_normal(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    generator: Generator,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """N(0, gain²·2/(fan_in + fan_out)), as torch's (Glorot and Bengio 2010, equation 12)."""
    std = _xavier_std(shape, gain)
    return generator.normal(0.0, std, shape, dtype)


def xavier_uniform(
    shape: tuple[int, ...],
    gain: float = 1.0,
    *,
    generator: Generator,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """U(−a, a) with a = gain·√(6/(fan_in + fan_out)), as torch's (Glorot and Bengio 2010, eq. 16).

    A uniform distribution on (−a, a) has the standard deviation a/√3.
    """
    bound = math.sqrt(3.0) * _xavier_std(shape, gain)
    return generator.uniform(-bound, bound, shape, dtype)


def kaiming_normal(
    shape: tuple[int, ...],
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """N(0, gain²/fan), as torch's (He et al. 2015, equations 10 and 14).

    Args:
        shape: (out, in), or (out, in, *kernel) for a convolution.
        a: the negative slope of a leaky ReLU; the gain is √(2/(1 + a²)).
        mode: "fan_in" keeps the variance of the activations, "fan_out" that of the gradients.
        nonlinearity: what follows the layer, see :func:`calculate_gain`.
    """
    return generator.normal(0.0, _kaiming_std(shape, a, mode, nonlinearity), shape, dtype)


def kaiming_uniform(
    shape: tuple[int, ...],
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    generator: Generator,
    dtype: np.typing.DTypeLike = np.float32,
) -> np.ndarray:
    """U(−b, b) with b = gain·√(3/fan), as torch's; the arguments are ``kaiming_normal``'s."""
    bound = math.sqrt(3.0) * _kaiming_std(shape, a, mode, nonlinearity)
    return generator.uniform(-bound, bound, shape, dtype)


def calculate_gain(nonlinearity: str, a: float = 0.01) -> float:
    """By how much a nonlinearity shrinks the standard deviation, inverted; torch's table.

    >>> calculate_gain("relu") == math.sqrt(2)
    True
    """
    return _GAINS[_check.choice("nonlinearity", nonlinearity, _GAINS)](a)


_GAINS: dict[str, Callable[[float], float]] = {
    "linear": lambda a: 1.0,
    "sigmoid": lambda a: 1.0,
    "tanh": lambda a: 5.0 / 3,
    "relu": lambda a: math.sqrt(2.0),
    "leaky_relu": lambda a: math.sqrt(2.0 / (1 + a**2)),
    "selu": lambda a: 3.0 / 4,
}


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of shape (out, in, *kernel), as torch counts them."""
    if len(shape) < 2:
        raise ValueError(f"shape must have at least two axes (out, in), got {shape}")
    out_features, in_features, *kernel = shape
    if 0 in shape:
        raise ValueError(f"shape must have no empty axis, got {shape}")
    return in_features * math.prod(kernel), out_features * math.prod(kernel)


def _xavier_std(shape: tuple[int, ...], gain: float) -> float:
    fan_in, fan_out = fans(shape)
    return _check.number("gain", gain, at_least=0) * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming_std(shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    fan = dict(zip(("fan_in", "fan_out"), fans(shape), strict=True))
    gain = calculate_gain(nonlinearity, _check.number("a", a))
    return gain / math.sqrt(fan[_check.choice("mode", mode, fan)])


#: What ``MultiLayerNet(init=…)`` and the command line accept by name; a number is a fixed std.
INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "xavier": xavier,
    "he": he,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
}


def by_name(init: str | float) -> Initializer:
    """The initializer called ``init``, or N(0, init²) where ``init`` is a number.

    >>> by_name(0.01)((2, 3), generator=Generator(0)).shape
    (2, 3)
    """
    if isinstance(init, str):
        return INITIALIZERS[_check.choice("init", init, INITIALIZERS)]
    std = _check.number("init", init, at_least=0)

    def fixed_std(shape: tuple[int, ...], **options: object) -> np.ndarray:
        return normal(shape, std, **options)

    return fixed_std

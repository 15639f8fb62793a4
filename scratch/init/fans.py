"""The ingredients of a scale: a layer's fans, and the gain of the nonlinearity after it."""

import math

from scratch import _check
from scratch.typing import Shape


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight of shape (out, in, *kernel), as torch counts them.

    Raises:
        ValueError: there are fewer than two axes, or one is empty: a fan of 0 gives no scale.
            torch's kaiming functions then warn and do nothing, its xavier functions do nothing
            or divide by 0.

    >>> fans((64, 48)), fans((16, 8, 3, 3))
    ((48, 64), (72, 144))
    """
    shape = _check.lengths("shape", shape)
    if len(shape) < 2:
        raise ValueError(f"shape must have at least two axes (out, in), got {shape}")
    out_features, in_features, *kernel = shape
    if 0 in shape:
        raise ValueError(f"shape must have no empty axis, got {shape}")
    return in_features * math.prod(kernel), out_features * math.prod(kernel)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that makes up for a nonlinearity's shrinking; torch's table.

    ==================  ================
    linear, conv…, σ    1
    tanh                5/3
    relu                √2
    leaky_relu          √(2/(1 + param²))
    selu                3/4
    ==================  ================

    Args:
        nonlinearity: "linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu", or a convolution,
            which is linear: "conv1d", "conv_transpose1d" and so on up to 3d.
        param: the negative slope of a leaky ReLU, ``None`` for 0.01; others ignore it.

    Raises:
        ValueError: there is no such nonlinearity, or ``param`` is not finite.
        TypeError: ``param`` is not a number; torch raises ValueError, for ``np.float32`` too.

    >>> calculate_gain("relu") == math.sqrt(2)
    True
    """
    _check.choice("nonlinearity", nonlinearity, _GAINS)
    if nonlinearity == "leaky_relu" and param is not None:
        return _leaky(_check.number("param", param))
    return _GAINS[nonlinearity]


def _leaky(slope: float) -> float:
    return math.sqrt(2.0 / (1 + slope**2))


_GAINS = {
    "linear": 1.0,
    **{f"conv{n}d": 1.0 for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": 1.0 for n in (1, 2, 3)},
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "leaky_relu": _leaky(0.01),
    "selu": 3.0 / 4,  # found by experiment, says torch; its paper wants "linear"
}

"""What initializers draw from, right or wrong, as functions of a shape and a stream."""

import math
from collections.abc import Callable

import numpy as np

IN, OUT = 48, 64
HE = math.sqrt(2 / IN)
RELU = {"nonlinearity": "relu"}
LINEAR = {"nonlinearity": "linear"}


def normal(std: float) -> Callable[..., np.ndarray]:
    return lambda shape, rng: rng.normal(0, std, shape)


def uniform(bound: float) -> Callable[..., np.ndarray]:
    return lambda shape, rng: rng.uniform(-bound, bound, shape)


def truncated(std: float) -> Callable[..., np.ndarray]:
    def draw(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        x = rng.normal(0, 1, 2 * math.prod(shape))
        return std * x[np.abs(x) < 2][: math.prod(shape)].reshape(shape)

    return draw


KAIMING, UNIFORM, XAVIER = "kaiming_normal_", "kaiming_uniform_", "xavier_normal_"
TRUNCATED = "trunc_normal_"
NARROW = 0.87962566  # the std of N(0, 1) cut off at ±2

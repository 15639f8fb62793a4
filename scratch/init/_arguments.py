"""Checks that the initializers share."""

from collections.abc import Sequence

import numpy as np

from scratch import _check
from scratch.random import Generator


def lengths(shape: Sequence[int]) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of whole numbers >= 0, or raise if it is not that."""
    if not isinstance(shape, Sequence | np.ndarray) or isinstance(shape, str):
        raise TypeError(f"shape must be a tuple of whole numbers >= 0, got {shape!r}")
    return tuple(_check.integer(f"shape[{i}]", n, at_least=0) for i, n in enumerate(shape))


def drawn(shape: Sequence[int], generator: Generator) -> tuple[int, ...]:
    """Return ``shape`` as a tuple, or raise if it is none or nothing can be drawn to fill it."""
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a scratch.random.Generator, got {generator!r}")
    return lengths(shape)

"""Checks that the initializers share."""

from collections.abc import Sequence

from scratch import _check
from scratch.random import Generator


def lengths(shape: Sequence[int]) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of whole numbers >= 0, or raise if it is not one."""
    return _check.lengths("shape", shape)


def drawn(shape: Sequence[int], generator: Generator) -> tuple[int, ...]:
    """Return ``shape`` as a tuple, or raise if it is not a shape that can be drawn."""
    if not isinstance(generator, Generator):
        raise TypeError(
            f"generator must be a scratch.random.Generator, got {_check.shown(generator)}"
        )
    return lengths(shape)

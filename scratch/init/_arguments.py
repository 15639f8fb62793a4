"""The check that the initializers share."""

from scratch import _check
from scratch.random import Generator
from scratch.typing import Shape


def drawn(shape: Shape, generator: Generator) -> Shape:
    """Return ``shape`` as a tuple, or raise if it is not a shape that can be drawn."""
    if not isinstance(generator, Generator):
        raise TypeError(
            f"generator must be a scratch.random.Generator, got {_check.shown(generator)}"
        )
    return _check.lengths("shape", shape)

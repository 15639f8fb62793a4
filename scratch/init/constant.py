"""Weights that are not drawn: zeros, ones, another constant, and the identity.

All take a ``generator`` as the others do, and leave it alone.
"""

from typing import Any

import numpy as np

from scratch import _check
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Shape


def zeros(
    shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = np.float32
) -> Array:
    """All zeros; draws nothing from the generator.

    >>> zeros((2, 3)).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return np.zeros(_check.lengths("shape", shape), _check.floating(dtype))


def ones(
    shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = np.float32
) -> Array:
    """All ones, as ``torch.nn.init.ones_``.

    >>> ones((2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return np.ones(_check.lengths("shape", shape), _check.floating(dtype))


def constant(
    shape: Shape, val: float, *, generator: Generator | None = None, dtype: DTypeLike = np.float32
) -> Array:
    """Every weight ``val``, as ``torch.nn.init.constant_``.

    Raises:
        ValueError: ``val`` is not finite; torch would fill in inf and NaN.

    >>> constant((2,), 0.5).tolist()
    [0.5, 0.5]
    """
    shape, val = _check.lengths("shape", shape), _check.number("val", val)
    return np.full(shape, val, _check.floating(dtype))


def eye(
    shape: tuple[int, int], *, generator: Generator | None = None, dtype: DTypeLike = np.float32
) -> Array:
    """The identity matrix, as ``torch.nn.init.eye_``; zeros where a side is longer.

    A fully connected layer then passes on as many of its inputs as it can.

    Raises:
        ValueError: ``shape`` does not have two axes.

    >>> eye((2, 3)).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    lengths = _check.lengths("shape", shape)
    if len(lengths) != 2:
        raise ValueError(f"shape must have two axes (out, in), got {lengths}")
    return np.eye(*lengths, dtype=_check.floating(dtype))


def dirac(
    shape: Shape,
    groups: int = 1,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = np.float32,
) -> Array:
    """The identity as a convolution, as ``torch.nn.init.dirac_``: 1 in the middle of the kernel.

    Each of the ``groups`` of output channels passes on as many of its input channels as it can.

    Args:
        shape: (out, in / groups, *kernel), with a kernel of one, two or three axes.
        groups: of the convolution; ``out`` must be a multiple of it.

    Raises:
        ValueError: ``shape`` has another number of axes, or ``groups`` does not divide ``out``.
            torch divides by ``groups=0``, and for a negative number gives zeros without a word.

    >>> dirac((2, 2, 3)).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    shape = _check.lengths("shape", shape)
    if len(shape) not in (3, 4, 5):
        raise ValueError(f"shape must have 3, 4 or 5 axes (out, in, *kernel), got {shape}")
    groups = _check.integer("groups", groups, at_least=1)
    w = np.zeros(shape, _check.floating(dtype))
    outputs, inputs, *kernel = shape
    if outputs % groups:
        raise ValueError(f"groups must divide the {outputs} outputs of {shape}, got {groups}")
    of_group = outputs // groups
    channel = np.arange(min(of_group, inputs))
    middle = tuple(size // 2 for size in kernel)
    for first in range(0, outputs, max(of_group, 1)):
        places: tuple[Any, ...] = first + channel, channel, *middle
        w[places] = 1
    return w

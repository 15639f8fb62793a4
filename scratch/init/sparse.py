"""Sparse weights: each input reaches only a few units."""

import math

import numpy as np

from scratch import _check
from scratch.init import _arguments
from scratch.random import Generator
from scratch.typing import Array, DTypeLike


def sparse(
    shape: tuple[int, int],
    sparsity: float,
    std: float = 0.01,
    *,
    generator: Generator,
    dtype: DTypeLike = np.float32,
) -> Array:
    """N(0, std²) with zeros in every column, as ``torch.nn.init.sparse_`` (Martens 2010).

    Each column, all weights that leave one input, has ⌈sparsity·out⌉ zeros in random places: the
    first of a permutation of its rows.

    Args:
        shape: (out, in).
        sparsity: the share of zeros, in [0, 1].
        std: of the weights that are left.

    Here all is drawn from ``generator``. torch's ``sparse_`` draws the permutations from the
    global stream even where it is given a generator; with ``torch.manual_seed(seed)`` and no
    generator it gives these numbers.

    Raises:
        ValueError: ``shape`` does not have two axes, or ``sparsity`` is outside [0, 1]; torch
            takes a negative one for a slice from the end, and more than 1 for 1.

    >>> (sparse((10, 3), 0.75, generator=Generator(0)) == 0).sum(axis=0)
    array([8, 8, 8])
    """
    lengths = _arguments.drawn(shape, generator)
    if len(lengths) != 2:
        raise ValueError(f"shape must have two axes (out, in), got {lengths}")
    sparsity = _check.number("sparsity", sparsity, at_least=0, at_most=1)
    w = generator.normal(0.0, std, lengths, dtype)
    rows, columns = lengths
    for column in range(columns):
        w[generator.randperm(rows)[: math.ceil(sparsity * rows)], column] = 0
    return w

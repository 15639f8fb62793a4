"""Orthogonal weights: a random rotation, which keeps the length of every input."""

import numpy as np

from scratch import _check
from scratch.init import _arguments
from scratch.random import Generator
from scratch.typing import Array, DTypeLike, Shape


def orthogonal(
    shape: Shape, gain: float = 1.0, *, generator: Generator, dtype: DTypeLike = np.float32
) -> Array:
    r"""A random (semi-)orthogonal matrix, as ``torch.nn.init.orthogonal_`` (Saxe et al. 2014).

    .. math::
        A = QR, \quad A_{ij} \sim N(0, 1), \qquad
        W = \text{gain} \cdot Q \, \text{diag}(\text{sign}\, R_{ii})

    With the signs every orthogonal matrix is equally likely; without them it would depend on how
    Q is computed (Mezzadri 2007).

    Args:
        shape: (out, in, *kernel), as a matrix of out rows. If it is wide its rows are orthogonal
            and of length ``gain``, if it is tall its columns.
        gain: W is multiplied by it.

    torch takes the QR decomposition of float32 in float32, NumPy in float64. From the same seed the
    two agree to about 10⁻⁶ and 10⁻¹⁵, times the condition number of A.

    Raises:
        ValueError: ``shape`` has fewer than two axes. With an empty axis it is an empty array.

    >>> w = orthogonal((2, 5), generator=Generator(0))
    >>> np.abs(w @ w.T - np.eye(2)).max() < 1e-6
    np.True_
    """
    shape = _arguments.drawn(shape, generator)
    dtype, gain = _check.floating(dtype), _check.number("gain", gain)
    if len(shape) < 2:
        raise ValueError(f"shape must have at least two axes (out, in), got {shape}")
    if 0 in shape:
        return np.empty(shape, dtype)
    rows = shape[0]
    a = generator.normal(0.0, 1.0, shape, dtype).reshape(rows, -1)
    wide = rows < a.shape[1]
    q, r = np.linalg.qr(a.T if wide else a)
    q *= np.sign(np.diag(r))
    return np.ascontiguousarray(gain * (q.T if wide else q), dtype).reshape(shape)

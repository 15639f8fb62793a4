"""The cosine and sine of k·π/2 + r from those of r."""

import numpy as np


def turn(pair: np.ndarray, k: np.ndarray) -> None:
    """Turn cos r and sin r, (2, n) float32, into cos and sin of k·π/2 + r, k >= 0, in place.

    They are ± cos r and ± sin r, or swapped, by k.

    >>> pair = np.array([[0.8], [0.6]], np.float32)
    >>> turn(pair, np.array([1], np.int32))
    >>> pair
    array([[-0.6],
           [ 0.8]], dtype=float32)
    """
    # On the bits, because choosing by a condition takes longer than the polynomials.
    cos, sin = pair.view(np.int32)
    changed = cos ^ sin
    changed &= -(k & 1)  # swapped for k = 1 and 3
    changed ^= (k & 2) << 30
    sin ^= changed  # negative for k = 2 and 3
    changed ^= k << 31
    cos ^= changed  # negative for k = 1 and 2

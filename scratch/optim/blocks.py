"""Large arrays block by block, so that what a rule makes of them stays in the processor's cache."""

from collections.abc import Iterator

import numpy as np

from scratch.typing import Array, Rate, State

# A rule makes a few temporaries of its block's size. At 2¹⁶ elements of float32 they stay in a
# second-level cache of 2 MiB, and the cost of calling NumPy is small beside the work. From there on
# NumPy also reuses a temporary that is not needed any more for the result.
BLOCK = 2**16


def split(w: Array, g: Array, state: State, rows: int = 1) -> Iterator[tuple[Array, Array, State]]:
    """A parameter, its gradient and its state in blocks that share their memory.

    Blocks are of about ``BLOCK`` elements and of shape (rows, n); what is not larger than one, or
    not contiguous, comes whole.
    """
    if w.size <= BLOCK:
        yield w, g, state
        return
    buffers = {key: b for key, b in state.items() if np.shape(b) == w.shape}
    # Where an array is not contiguous, reshape would copy it, and the changes would be lost.
    if not all(a.flags.c_contiguous for a in (w, *buffers.values())):
        yield w, g, state
        return
    w, g = w.reshape(rows, -1), g.reshape(rows, -1)
    buffers = {key: buffer.reshape(rows, -1) for key, buffer in buffers.items()}
    width = max(1, BLOCK // rows)
    for start in range(0, w.shape[1], width):
        part = np.s_[:, start : start + width]
        yield w[part], g[part], state | {key: b[part] for key, b in buffers.items()}


def largest(w: Array, in_blocks: bool) -> int:
    """The bytes of the largest array that a rule is given of a parameter at a time."""
    split_up = in_blocks and w.size > BLOCK and w.flags.c_contiguous
    return BLOCK * w.itemsize if split_up else w.nbytes


def per_run(values: Rate, w: Array) -> Rate:
    """Values (K,) as (K, 1, …), to multiply something like ``w``; a number as it is."""
    if not isinstance(values, np.ndarray):
        return values
    return values.astype(w.dtype).reshape(-1, *[1] * (w.ndim - 1))

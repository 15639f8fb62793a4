"""The order of a weight's axes."""

import numpy as np

Shape = tuple[int, ...]

#: (out, in, *kernel), as torch; (*kernel, in, out), as JAX and Keras; (out, *kernel, in), as MLX.
LAYOUTS = ("out_in", "in_out", "out_last_in")


def to_layout(shape: Shape, layout: str) -> Shape:
    """Torch's shape in another order.

    >>> to_layout((8, 3, 5, 5), "in_out"), to_layout((8, 3, 5, 5), "out_last_in")
    ((5, 5, 3, 8), (8, 5, 5, 3))
    """
    return tuple(shape[axis] for axis in _order(len(shape), layout))


def to_torchs(weights: np.ndarray, layout: str) -> np.ndarray:
    """Weights of another order in torch's."""
    return np.transpose(weights, np.argsort(_order(weights.ndim, layout)))


def _order(ndim: int, layout: str) -> list[int]:
    kernel = list(range(2, ndim))
    if ndim < 2 or layout in ("", "out_in"):
        return list(range(ndim))
    return [*kernel, 1, 0] if layout == "in_out" else [0, *kernel, 1]

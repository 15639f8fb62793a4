"""The gradients on which a candidate is diagnosed."""

import math

import numpy as np

from torch_ref.lockstep.compare.problems import Arrays, RecordedGradients


class Probe(RecordedGradients):
    """Parameters and gradients on which no two variants look alike.

    A gradient's size is the element's own, anything from 1e-12 to 10, since what is said of epsilon
    shows where √v̂, or v̂, is about as large. It also varies from step to step, so that an average
    falls and rises. Half of the parameters start at zero, where the smallest step shows, and half
    at N(0, 1), where the decay does. There is a matrix and a vector, or two matrices.

    Args:
        dtype: float32 or float64.
        steps: how many.
        axes: that a parameter must have; 0 for any number.

    >>> stream = Probe(np.dtype("float64"), 40).stream
    >>> sizes = np.abs([g["W1"] for g in stream])
    >>> bool(sizes[sizes > 0].min() < 1e-12 < 1 < sizes.max())
    True
    """

    SHAPES = {"W1": (6, 8), "b1": (8,)}  # noqa: RUF012
    MATRICES = {"W1": (6, 8), "W2": (8, 4)}  # noqa: RUF012

    def __init__(self, dtype: np.dtype, steps: int, axes: int = 0) -> None:
        random = np.random.default_rng(0)
        params: Arrays = {}
        scales = {}
        for name, shape in (self.MATRICES if axes == 2 else self.SHAPES).items():
            start = random.standard_normal(shape) * (random.random(shape) < 0.5)
            params[name] = start.astype(dtype)
            exponents = np.linspace(-12, 1, math.prod(shape))
            scales[name] = 10.0 ** random.permutation(exponents).reshape(shape)
        stream = [
            {name: _gradient(random, scale, step).astype(dtype) for name, scale in scales.items()}
            for step in range(steps)
        ]
        super().__init__(params, stream)


def _gradient(random: np.random.Generator, scale: np.ndarray, step: int) -> np.ndarray:
    varying = 10.0 ** random.uniform(-1.5, 0.5, scale.shape)
    g = random.standard_normal(scale.shape) * scale * varying
    # Not at the first step: without epsilon that would be 0/0.
    return g * (random.random(scale.shape) > 0.05) if step else g

"""The affine layer y = x·W + b."""

import numpy as np

from scratch import _check
from scratch.nn.layer import Layer
from scratch.typing import Array


class Affine(Layer):
    r"""A fully connected layer, torch's ``Linear`` with the weight transposed.

    .. math::
        y = xW + b, \qquad
        \partial W = x^\top \partial y, \quad
        \partial b = \textstyle\sum_n \partial y_n, \quad
        \partial x = \partial y\, W^\top

    Args:
        weight: W of shape (in, out), or (K, in, out) for a stack of K runs.
        bias: b of shape (out,), or (K, out).

    ``forward`` takes x of shape (N, in); a stack takes (K, N, in), or (N, in) for every run.

    >>> Affine(np.ones((3, 2)), np.zeros(2)).forward(np.ones((4, 3))).shape
    (4, 2)
    >>> Affine(np.ones((5, 3, 2)), np.zeros((5, 2))).forward(np.ones((4, 3))).shape
    (5, 4, 2)
    """

    def __init__(self, weight: Array, bias: Array) -> None:
        super().__init__()
        _check.array("weight", weight)
        _check.array("bias", bias)
        if weight.ndim not in (2, 3) or bias.shape != weight.shape[:-2] + weight.shape[-1:]:
            raise ValueError(
                "weight and bias must have shapes (in, out) and (out,), or (K, in, out) and "
                f"(K, out), got {weight.shape} and {bias.shape}"
            )
        self.params = {"weight": weight, "bias": bias}

    def forward(self, x: Array) -> Array:
        weight, bias = self.params["weight"], self.params["bias"]
        runs, features = weight.shape[:-2], weight.shape[-2]
        _check.array("x", x)
        if x.ndim < 2 or x.shape[-1] != features or x.shape[:-2] not in ((), runs):
            stack = f" or ({runs[0]}, N, {features})" if runs else ""
            raise ValueError(f"x must have shape (N, {features}){stack}, got {x.shape}")
        self._x = x
        y = x @ weight
        y += bias[..., None, :]
        return y

    def backward(self, dy: Array) -> Array:
        self.backward_params(dy)
        return dy @ self.params["weight"].swapaxes(-1, -2)

    def backward_params(self, dy: Array) -> None:
        x, weight = self._kept("_x"), self.params["weight"]
        self._check_gradient(dy, (*weight.shape[:-2], x.shape[-2], weight.shape[-1]))
        ones = np.ones(dy.shape[-2], dy.dtype)  # Σₙ is 1ᵀ∂y, and BLAS is faster than sum
        self.grads = {"weight": x.swapaxes(-1, -2) @ dy, "bias": ones @ dy}

"""The contract of a layer: forward, then backward."""

from typing import Any, Self

import numpy as np

from scratch import _check
from scratch.typing import Array


class Layer:
    """A function with parameters that can be differentiated.

    Between ``forward`` and ``backward`` its x and y are to be left as they are: ``Affine`` reads x
    again, ``Sigmoid`` and ``Tanh`` y, and a copy would take up to half of their time. Whether
    a normalization's y, ``ReLU``'s or ``Affine``'s changes does not matter.

    Attributes:
        params: name → array; an optimizer changes them in place.
        grads: the same names → the gradients of the last ``backward``.
        training: whether the layer behaves as in training; ``train()`` and ``eval()`` set it.
    """

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.training = True

    def forward(self, x: Array) -> Array:
        """The layer's output for the input ``x``; keeps what ``backward`` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, dy: Array) -> Array:
        """∂L/∂x from ``dy`` = ∂L/∂y of the last ``forward``; sets ``grads``."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def backward_params(self, dy: Array) -> None:
        """Set ``grads`` alone, which may be cheaper: all that is needed of the first layer."""
        self.backward(dy)

    def __call__(self, x: Array) -> Array:
        return self.forward(x)

    def train(self, mode: bool = True) -> Self:
        """Behave as in training; returns the layer."""
        self.training = _check.flag("mode", mode)
        return self

    def eval(self) -> Self:
        """Behave as in evaluation; returns the layer."""
        return self.train(False)

    def _check_gradient(self, dy: Array, shape: tuple[int, ...]) -> None:
        """Raise if ``dy`` is not an array of the output's ``shape``."""
        if not isinstance(dy, np.ndarray):
            raise TypeError(
                f"dy must be an array of the output's shape, {shape}, got {_check.shown(dy)}"
            )
        _check.array("dy", dy)
        if dy.shape != shape:
            raise ValueError(f"dy must have the output's shape, {shape}, got {dy.shape}")

    def _kept(self, name: str) -> Any:
        """Return what the last ``forward`` kept for ``backward``."""
        if name not in vars(self):
            raise RuntimeError(f"backward must come after forward: {type(self).__name__} had no x")
        return vars(self)[name]

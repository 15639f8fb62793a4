"""The activation functions: ReLU, sigmoid, tanh."""

import numpy as np
from numpy.typing import NDArray

from scratch import _check
from scratch.nn.layer import Layer
from scratch.typing import Array


class ReLU(Layer):
    """max(x, 0), element by element; its derivative is 1 for x > 0, and 0 at 0 as in torch."""

    def forward(self, x: Array) -> Array:
        self._positive = _check.array("x", x) > 0
        return np.maximum(x, np.zeros(x.shape[-1:], x.dtype))  # NumPy is slow beside one number

    def backward(self, dy: Array) -> Array:
        positive: NDArray[np.bool] = self._kept("_positive")
        self._check_gradient(dy, positive.shape)
        return dy * positive


class Sigmoid(Layer):
    """1/(1 + exp(−x)), element by element; its derivative is y(1 − y)."""

    def forward(self, x: Array) -> Array:
        with np.errstate(over="ignore"):  # exp(−x) = inf gives the right limit, 0
            self._y = 1 / (1 + np.exp(-_check.array("x", x)))
        return self._y

    def backward(self, dy: Array) -> Array:
        y: Array = self._kept("_y")
        self._check_gradient(dy, y.shape)
        return dy * y * (1 - y)


class Tanh(Layer):
    """tanh(x), element by element; its derivative is 1 − y²."""

    def forward(self, x: Array) -> Array:
        self._y = np.tanh(_check.array("x", x))
        return self._y

    def backward(self, dy: Array) -> Array:
        y: Array = self._kept("_y")
        self._check_gradient(dy, y.shape)
        return dy * (1 - y**2)


#: What ``MultiLayerNet(activation=…)`` accepts.
ACTIVATIONS: dict[str, type[Layer]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}

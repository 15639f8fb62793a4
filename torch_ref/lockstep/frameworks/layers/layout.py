"""A layer that has its channels in the last axis, for inputs that have them in the second."""

from typing import Any

import numpy as np


class ChannelsLast:
    """The inputs of another layer with the second axis moved to the end, its outputs back."""

    layout = "its channels are the last axis: it was given (N, …, C) for torch's (N, C, …)"

    def __init__(self, layer: Any) -> None:
        self.inner = layer
        self.read, self.write = layer.read, layer.write

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        return _first(self.inner.forward(last(x), training))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        return _first(self.inner.backward(last(dy)))


class Flattened:
    """A layer that takes each position of a channel for a feature, for inputs that are flat."""

    layout = ""

    def __init__(self, layer: Any, shape: tuple[int, ...]) -> None:
        self._layer, self._shape = layer, shape
        self.read, self.write = layer.read, layer.write

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray | None:
        return _flat(self._layer.forward(x.reshape(len(x), *self._shape), training))

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        return _flat(self._layer.backward(dy.reshape(len(dy), *self._shape)))


def _flat(x: np.ndarray | None) -> np.ndarray | None:
    return x if x is None else x.reshape(len(x), -1)


def last(x: np.ndarray) -> np.ndarray:
    """(N, C, …) as (N, …, C)."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def _first(x: np.ndarray | None) -> np.ndarray | None:
    return x if x is None or x.ndim < 3 else np.ascontiguousarray(np.moveaxis(x, -1, 1))

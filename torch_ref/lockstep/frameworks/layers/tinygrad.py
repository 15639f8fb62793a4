"""tinygrad's layers, which are plain objects called with a tensor."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.spellings import LAYER


def is_layer(thing: Any) -> bool:
    """Whether it is an object of tinygrad.nn, or one that holds tensors of tinygrad."""
    tinygrad = sys.modules.get("tinygrad")
    if tinygrad is None or isinstance(thing, type) or not callable(thing):
        return False
    held = list(getattr(thing, "__dict__", {}).values())
    own = type(thing).__module__.startswith("tinygrad.nn")
    return own or any(isinstance(value, tinygrad.Tensor) for value in held)


class TinygradLayer:
    """An object whose attributes are tensors; tinygrad has one switch for training."""

    layout = ""

    def __init__(self, layer: Any, dtype: np.dtype) -> None:
        self._layer, self._tensor = layer, sys.modules["tinygrad"].Tensor
        for name, tensor in vars(layer).items():
            if isinstance(tensor, self._tensor) and tensor.is_floating_point():
                setattr(layer, name, self._of(tensor.numpy().astype(dtype)))

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        with sys.modules["tinygrad.helpers"].Context(TRAINING=int(training)):
            self._x = self._of(x)
            self._y = self._layer(self._x)
            return np.asarray(self._y.numpy())

    def backward(self, dy: np.ndarray) -> np.ndarray:
        held = {name: self._find(name) for name in ("weight", "bias")}
        self._names = [name for name, tensor in held.items() if tensor is not None]
        wanted = [self._x, *(held[name] for name in self._names)]
        dx, *grads = self._y.gradient(*wanted, gradient=self._of(dy))
        self._grads = dict(zip(self._names, grads, strict=True))
        return np.asarray(dx.numpy())

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        tensor = self._grads.get(name) if gradient else self._find(name)
        return None if tensor is None else np.array(tensor.numpy()).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        tensor = self._find(name)
        values = values.reshape(tensor.shape).astype(tensor.numpy().dtype)
        key = next(n for n in LAYER[name] if getattr(self._layer, n, None) is tensor)
        setattr(self._layer, key, self._of(values))

    def _find(self, name: str) -> Any:
        found = (getattr(self._layer, n, None) for n in LAYER[name])
        return next((each for each in found if isinstance(each, self._tensor)), None)

    def _of(self, array: np.ndarray) -> Any:
        return self._tensor(np.ascontiguousarray(array)).realize()

"""MLX's modules."""

import sys
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.layers.spellings import LAYER


def is_module(thing: Any) -> bool:
    """Whether it is a module of mlx.nn."""
    nn = sys.modules.get("mlx.nn")
    return nn is not None and isinstance(thing, nn.Module)


class MlxLayer:
    """A module; its gradients are those of a call that is made again."""

    layout = ""

    def __init__(self, module: Any, dtype: np.dtype) -> None:
        self._mx, self._module = sys.modules["mlx.core"], module
        self._dtype = getattr(self._mx, dtype.name)
        module.set_dtype(self._dtype)

    def forward(self, x: np.ndarray, training: bool) -> np.ndarray:
        self._module.train(training)
        self._before, self._x = self._held(), self._mx.array(x, self._dtype)
        y = self._module(self._x)
        return np.array(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        after, trained = self._held(), self._module.trainable_parameters()
        names = list(trained)

        def call(x: Any, *params: Any) -> list[Any]:
            self._module.update({**self._before, **dict(zip(names, params, strict=True))})
            return [self._module(x)]

        inputs = [self._x, *trained.values()]
        _, (dx, *grads) = self._mx.vjp(call, inputs, [self._mx.array(dy, self._dtype)])
        self._grads = dict(zip(names, grads, strict=True))
        self._module.update(after)
        return np.array(dx)

    def read(self, name: str, gradient: bool = False) -> np.ndarray | None:
        held = self._grads if gradient else self._held()
        found = next((held[n] for n in LAYER[name] if n in held), None)
        return None if found is None else np.array(found).reshape(-1)

    def write(self, name: str, values: np.ndarray) -> None:
        held = self._held()
        key = next(n for n in LAYER[name] if n in held)
        self._module.update({key: self._mx.array(values.reshape(held[key].shape), self._dtype)})

    def _held(self) -> dict[str, Any]:
        return dict(self._module.parameters())

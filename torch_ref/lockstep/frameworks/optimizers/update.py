"""An object with the chapter's ``update(params, grads)``."""

import copy
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate
from torch_ref.lockstep.frameworks.optimizers.buffers import found
from torch_ref.lockstep.frameworks.optimizers.rate import scale_attribute


class UpdateAdapter:
    """An object with the chapter's ``update(params, grads)``, in place or on the dict.

    The object is copied for each run, so that one candidate can run several times.
    """

    strict = False
    pair: Any = None

    def __init__(self, optimizer: Any) -> None:
        self._original = optimizer
        self.name = type(optimizer).__name__

    def start(self, params: Arrays) -> None:
        self.optimizer = copy.deepcopy(self._original)
        self._params = {name: w.copy() for name, w in params.items()}

    def step(self, grads: Arrays) -> None:
        self.optimizer.update(self._params, grads)

    def minimize(self, evaluate: Evaluate) -> None:
        self.optimizer.update(self._params, closure=lambda: evaluate(self.params()))

    def add(self, name: str, w: np.ndarray) -> None:
        self._params[name] = w.copy()

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def params(self) -> Arrays:
        return {name: np.asarray(w) for name, w in self._params.items()}

    def state(self) -> dict[str, Arrays]:
        return found(getattr(self.optimizer, "__dict__", {}), self.params())

    def scale_lr(self, factor: float) -> bool:
        return scale_attribute(self.optimizer, factor)

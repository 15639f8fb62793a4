"""A pair of functions in optax's style."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays, Evaluate
from torch_ref.lockstep.frameworks.optimizers.buffers import found


class InitUpdateAdapter:
    """A pair of functions in optax's style, recognised by their names.

    ``init(params)`` gives a state, ``update(grads, state, params)`` the updates, which are added to
    the parameters, and the next state.
    """

    strict = False
    pair: Any = None

    def __init__(self, pair: Any) -> None:
        self._pair = pair
        self.name = getattr(pair, "__name__", type(pair).__name__)

    def start(self, params: Arrays) -> None:
        self._params = {name: w.copy() for name, w in params.items()}
        self._state = self._pair.init(self._params)

    def step(self, grads: Arrays) -> None:
        updates, self._state = self._pair.update(grads, self._state, self._params)
        self._params = {
            name: np.asarray(w + np.asarray(updates[name]), w.dtype)
            for name, w in self._params.items()
        }

    def minimize(self, evaluate: Evaluate) -> None:
        raise TypeError(f"{self.name} takes gradients, and no closure that evaluates them")

    def add(self, name: str, w: np.ndarray) -> None:
        raise NotImplementedError(
            "the state of an init and update pair is made for all parameters at once"
        )

    def kept(self, grads: Arrays) -> Arrays:
        return grads

    def params(self) -> Arrays:
        return self._params

    def state(self) -> dict[str, Arrays]:
        fields = self._state
        if hasattr(fields, "_asdict"):
            fields = fields._asdict()
        return found(fields if isinstance(fields, Mapping) else {}, self._params)

    def scale_lr(self, factor: float) -> bool:
        return False

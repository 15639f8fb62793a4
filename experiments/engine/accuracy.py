"""The accuracy on other images than those that a training evaluates by itself."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scratch.callbacks import Callback


class Accuracy(Callback):
    """Measures it as a stack trains, when ``fit`` evaluates, too.

    A run that has diverged has an accuracy here like the others.

    Args:
        of: gives the accuracies (K,) of a network.
        every: so many updates,
        last: and after so many.

    Attributes:
        evaluated: the number of updates done at each evaluation.
    """

    def __init__(self, of: Callable[[Any], np.ndarray], every: int, last: int) -> None:
        self._of, self._every, self._last = of, every, last
        self._measured: list[np.ndarray] = []
        self.evaluated: list[int] = []

    @property
    def accuracy(self) -> np.ndarray:
        """(K, E), at each of the steps in ``evaluated``."""
        return np.stack(self._measured, axis=1)

    def before_step(self, step: int, net: Any) -> None:
        if step % self._every == 0 or step == self._last:
            self.evaluated.append(step)
            self._measured.append(self._of(net))

    def state_dict(self) -> dict[str, Any]:
        return {"evaluated": [*self.evaluated], "measured": [*self._measured]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.evaluated = [*state_dict["evaluated"]]
        self._measured = [*state_dict["measured"]]

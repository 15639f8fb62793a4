"""The history of a training: recorded step by step, and as the caller gets it."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from scratch import _check
from scratch.typing import Array, Integers


@dataclass(frozen=True)
class History:
    """The history of a training of K runs.

    Attributes:
        loss: (K, iterations), the loss of each step's batch before the step.
        accuracy: (K, E), at each of the steps in ``evaluated``.
        evaluated: (E,), the number of updates done at each evaluation.
        diverged: (K,), the step at which a run's loss or gradient was not finite, −1 for never;
            its losses and accuracies are NaN from there on.
    """

    loss: Array
    accuracy: Array
    evaluated: Integers
    diverged: Integers


@dataclass
class Record:
    """The history of a training so far; see :class:`History`."""

    loss: Array
    diverged: Integers
    accuracy: list[Array]
    evaluated: list[int]

    @classmethod
    def empty(cls, runs: int, iterations: int) -> Self:
        """Return the record of K runs before the first step."""
        return cls(np.full((runs, iterations), np.nan), np.full(runs, -1), [], [])

    def evaluation(self, step: int, accuracy: Array) -> None:
        """Note the accuracies (K,) after ``step`` updates."""
        self.accuracy.append(np.where(self.diverged < 0, accuracy, np.nan))
        self.evaluated.append(step)

    def history(self) -> History:
        """Return it as the caller of ``scratch.train.fit`` gets it."""
        accuracy = np.array(self.accuracy).reshape(-1, len(self.loss)).T
        return History(self.loss, accuracy, np.array(self.evaluated, int), self.diverged)

    def state_dict(self) -> dict[str, Any]:
        """A snapshot."""
        return copy.deepcopy(vars(self))

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a snapshot of as many runs and iterations."""
        found = {name: copy.deepcopy(state_dict[name]) for name in vars(self)}
        for name, mine in (("loss", self.loss), ("diverged", self.diverged)):
            check_recorded(name, found[name], mine.shape, mine.dtype.kind)
        check_evaluations(found["accuracy"], found["evaluated"], self.loss.shape[0])
        vars(self).update(found)


def check_recorded(name: str, found: Any, shape: tuple[int, ...], kind: str = "f") -> None:
    """Raise if a value in a snapshot is not an array of this shape and kind."""
    array = np.asarray(found)
    if not hasattr(found, "shape") or array.shape != shape or array.dtype.kind != kind:
        raise ValueError(f"{name} must be an array of shape {shape}, got {_check.shown(found)}")


def check_evaluations(accuracy: Any, evaluated: Any, runs: int) -> None:
    """Raise unless they are lists of accuracies (K,) and of the steps they follow."""
    if not (isinstance(accuracy, list) and isinstance(evaluated, list)):
        raise TypeError("accuracy and evaluated must be lists")
    if len(accuracy) != len(evaluated):
        raise ValueError(f"{len(accuracy)} accuracies, but {len(evaluated)} steps in evaluated")
    for each in accuracy:
        check_recorded("accuracy", each, (runs,))
    for step in evaluated:
        _check.integer("evaluated", step, at_least=0)

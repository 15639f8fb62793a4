"""Many experiments in one run: every parameter has its own series of gradients."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from torch_ref.errors import LockstepError
from torch_ref.lockstep.diagnose.trial import Recorded, parts_of
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays

STEPS, HALF, LATE = 24, 13, 6
SLOW = 0.5
#: The gradients of the scales that one parameter has, an element each.
SCALES = 10.0 ** np.arange(-11, 3)
#: What a side may raise of what it does not take.
REFUSALS = (
    ArithmeticError,
    AttributeError,
    LockstepError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
#: A double that no shorter format has.
ODD = 1.0 + np.linspace(0.1, 0.9, 7) / 3


def _still(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape)


def _steady(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape)


def _impulse(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, float(step == 1))


def _late(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, float(step >= LATE))


def _scaled(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return SCALES.reshape(shape)


def _odd(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return ODD.reshape(shape)


def _uneven(step: int, shape: tuple[int, ...]) -> np.ndarray:
    return 1.0 + np.arange(np.prod(shape)).reshape(shape) / 7


def _one_changed(step: int, shape: tuple[int, ...]) -> np.ndarray:
    g = _uneven(step, shape)
    g[0, 0] *= 100
    return g


#: By name: the shape, the value at the start, and the gradients.
PARAMETERS: dict[str, tuple[tuple[int, ...], float, Callable[..., np.ndarray]]] = {
    "impulse": ((2,), 0.0, _impulse),
    "late": ((2,), 0.0, _late),
    "matrix": ((2, 2), 1.0, _still),
    "odd": ((7,), 0.0, _odd),
    "one changed": ((3, 4), 0.0, _one_changed),
    "scaled": ((14,), 0.0, _scaled),
    "steady": ((2,), 0.0, _steady),
    "uneven": ((3, 4), 0.0, _uneven),
    "vector": ((2,), 1.0, _still),
}


class Measurement:
    """A side's moves under all of them.

    Args:
        side: to be run; it is started anew for each run.
        axes: that a parameter must have, 0 for any number: then each has at least so many.

    Attributes:
        moves: by parameter, what is subtracted from it in each step.
        halved: the same with lr halved before step ``HALF``; ``None`` where it cannot be.
        repeats: whether a second run of the same was the same.
        slow: whether the first took so long that nothing else is tried, and that is told.
    """

    def __init__(self, side: Any, axes: int = 0) -> None:
        self.side, self.axes = side, axes
        self.start = {name: self._start(name) for name in PARAMETERS}
        began = time.process_time()
        self.moves = self._run(None)[0]
        # What is compiled for every shape, as in JAX, is not asked for more of them.
        self.slow = time.process_time() - began > SLOW
        again = self._run(None)[0]
        self.repeats = all(
            np.array_equal(again[n], m, equal_nan=True) for n, m in self.moves.items()
        )
        halved, assigned = self._run(HALF)
        self.halved = halved if assigned else None

    def _start(self, name: str) -> np.ndarray:
        shape, value, _ = PARAMETERS[name]
        # Not 1, 1: whether a move goes with the size of a weight is to be seen.
        sizes = 1.0 + np.arange(np.prod(shape))
        return (value * sizes).reshape(self.shape(shape))

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape, with axes before it where the side needs more."""
        return (1,) * (self.axes - len(shape)) + shape

    def _run(self, half: int | None) -> tuple[Arrays, bool]:
        run = Recorded(self.side, half)
        run.start(self.start)
        for step in range(1, STEPS + 1):
            run.step(
                {name: g(step, self.start[name].shape) for name, (_, _, g) in PARAMETERS.items()}
            )
        w = np.array([run.began, *run.trajectory])
        moves, parts = -np.diff(w, axis=0), parts_of(self.start)
        moved = {n: moves[:, part] for n, part in zip(sorted(PARAMETERS), parts, strict=True)}
        return moved, run.lr_assigned

    def after(self, params: Arrays, grads: Arrays) -> Arrays | None:
        """The parameters after one step of their own; ``None`` where the side refuses them."""
        try:
            self.side.start(params)
            self.side.step(grads)
        except REFUSALS:
            return None
        return {name: np.array(w) for name, w in self.side.params().items()}

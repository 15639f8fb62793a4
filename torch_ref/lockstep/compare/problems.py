"""Problems for both sides: what they are given at each step."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from scratch import _check

Arrays = dict[str, np.ndarray]

#: What a gradient may hold, and an optimizer seldom sees in a test of its author's.
AWKWARD = (0.0, 1e-30, -1e-30, 1e-8, 1e3)
#: Of parameters where nothing asks for others.
SHAPES = ((7, 5), (5,), ())
HUGE = 1e30  # its square is infinite in float32


class Problem(Protocol):
    """Parameters to start from, and gradients for them.

    Attributes:
        params: name → array, the start of both sides.
        undetermined: the names of parameters that no gradient determines: theirs are pure rounding
            noise, which an adaptive optimizer scales up.
    """

    params: Arrays
    undetermined: frozenset[str]

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        """The gradients of the next step for either side, from where it stands."""
        ...


class Landscape(Protocol):
    """A loss that optimizers evaluate where they stand, as often as they like.

    Attributes:
        params, undetermined: as in :class:`Problem`.
    """

    params: Arrays
    undetermined: frozenset[str]

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        """The loss and the gradients there."""
        ...


class GradientStream:
    """The same random gradients for both sides, each element on a scale of its own.

    Args:
        shapes: of the parameters, which are called ``w0, w1, …`` and start at N(0, 1).
        dtype: float32 or float64.
        seed: of the stream.
        awkward: whether some elements of each gradient are zero, tiny, denormal or large, and some
            of the rows zero in some of the steps, as they are for an embedding.
        huge: whether some are ±1e30 as well. Whatever that touches is lost for finer distinctions.
    """

    undetermined: frozenset[str] = frozenset()

    def __init__(
        self,
        shapes: Sequence[tuple[int, ...]] = SHAPES,
        *,
        dtype: np.typing.DTypeLike = np.float64,
        seed: int = 0,
        awkward: bool = False,
        huge: bool = False,
    ) -> None:
        shapes = [
            _check.lengths(f"shapes[{i}]", s)
            for i, s in enumerate(_check.sequence("shapes", shapes))
        ]
        awkward, huge = _check.flag("awkward", awkward), _check.flag("huge", huge)
        self._random = np.random.default_rng(_check.integer("seed", seed, at_least=0))
        self.dtype, self._awkward = _check.floating(dtype), awkward or huge
        denormal = float(np.finfo(self.dtype).smallest_subnormal)
        self._values = (*AWKWARD, denormal, *((HUGE, -HUGE) if huge else ()))
        self.params = {f"w{i}": self._normal(shape) for i, shape in enumerate(shapes)}
        self._scales = {
            name: 10.0 ** self._random.uniform(-3, 1, w.shape) for name, w in self.params.items()
        }

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        grads = self.next()
        return grads, {name: g.copy() for name, g in grads.items()}

    def next(self) -> Arrays:
        """The gradients of the next step."""
        return {name: self._draw(name, w.shape) for name, w in self.params.items()}

    def _draw(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        g = self._normal(shape) * self._scales[name]
        if self._awkward:
            chosen = self._random.random(shape) < 0.1
            g = np.where(chosen, self._random.choice(self._values, shape), g)
            if g.ndim > 1:
                g[self._random.random(len(g)) < 0.3] = 0
        return np.asarray(g, dtype=self.dtype)

    def _normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self._random.standard_normal(shape), dtype=self.dtype)


class RecordedGradients:
    """Gradients that are at hand, one after another; after the last, from the first again.

    Args:
        params: the start of both sides.
        stream: the gradients of each step.
    """

    undetermined: frozenset[str] = frozenset()

    def __init__(self, params: Arrays, stream: Sequence[Arrays]) -> None:
        self.params, self.stream, self._steps = params, stream, 0

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        grads = self.stream[self._steps % len(self.stream)]
        self._steps += 1
        first, second = ({name: g.copy() for name, g in grads.items()} for _ in range(2))
        return first, second


class QuadraticBowl:
    """½·Σ a·w², with curvatures a from 0.01 to 1: each side's own gradient is a·w."""

    undetermined: frozenset[str] = frozenset()

    def __init__(
        self, size: int = 20, *, dtype: np.typing.DTypeLike = np.float64, seed: int = 0
    ) -> None:
        size, dtype = _check.integer("size", size, at_least=1), _check.floating(dtype)
        seed = _check.integer("seed", seed, at_least=0)
        start = np.random.default_rng(seed).standard_normal(_check.lengths("size", (size,)))
        self._curvature = np.logspace(-2, 0, size, dtype=dtype)
        self.params = {"w": start.astype(dtype)}

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        return self.evaluate(mine)[1], self.evaluate(theirs)[1]

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        """The loss and its gradient."""
        g = self._curvature * params["w"]
        return float(g @ params["w"]) / 2, {"w": g}


class Rosenbrock:
    """(1 − x)² + 100·(y − x²)², a bent valley, from (−1.2, 1); the minimum is at (1, 1)."""

    undetermined: frozenset[str] = frozenset()

    def __init__(self, *, dtype: np.typing.DTypeLike = np.float64) -> None:
        self.params = {"x": np.array(-1.2, dtype), "y": np.array(1, dtype)}

    def gradients(self, mine: Arrays, theirs: Arrays) -> tuple[Arrays, Arrays]:
        return self.evaluate(mine)[1], self.evaluate(theirs)[1]

    def evaluate(self, params: Arrays) -> tuple[float, Arrays]:
        """The loss and its gradients; infinite where a side has walked off."""
        x, y = params["x"], params["y"]
        with np.errstate(all="ignore"):
            rise, ahead = y - x * x, 1 - x
            grads = {"x": -2 * ahead - 400 * x * rise, "y": 200 * rise}
            return float(ahead * ahead + 100 * rise * rise), {
                name: np.asarray(g, self.params[name].dtype) for name, g in grads.items()
            }

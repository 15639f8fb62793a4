"""How far one side has come from the other."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Distance:
    """The largest distance of any element, at any step.

    Attributes:
        relative: |mine − theirs| / scale.
        ulp: the same in units in the last place of the scale.

    The scale of an element is the largest magnitude that it has had so far: rounding errors are of
    that size, and stay when the element passes through zero later on.
    """

    relative: float = 0.0
    ulp: float = 0.0

    def or_larger(self, other: "Distance") -> "Distance":
        return Distance(max(self.relative, other.relative), max(self.ulp, other.ulp))


class Drift:
    """The distance of one quantity, followed over the steps of a run.

    Attributes:
        worst: the largest distance so far.
        element: the index of the element that was farthest apart at the last step.

    >>> drift = Drift()
    >>> drift.add(np.array([1.0 + 2**-52, 4.0]), np.array([1.0, 4.0]))
    Distance(relative=2.220446049250313e-16, ulp=1.0)
    >>> drift.element
    (0,)
    """

    def __init__(self) -> None:
        self.worst = Distance()
        self.element: tuple[int, ...] = ()
        self._scale: np.ndarray | float = 0.0

    def add(self, mine: np.ndarray, theirs: np.ndarray) -> Distance:
        """Take the next step's values into account, arrays of one shape and dtype."""
        # Below the smallest normal number, floats are evenly spaced: nothing is relatively exact.
        least = np.finfo(theirs.dtype).smallest_normal
        finite = np.where(np.isfinite(theirs), np.abs(theirs), least)
        self._scale = np.maximum(self._scale, np.maximum(finite, least))
        with np.errstate(all="ignore"):
            apart = np.abs(mine - theirs)
            relative, ulp = apart / self._scale, apart / np.spacing(self._scale)
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        relative, ulp = (_apart(values, same) for values in (relative, ulp))
        if relative.size:
            self.element = tuple(int(i) for i in np.unravel_index(relative.argmax(), mine.shape))
        now = Distance(float(relative.max(initial=0.0)), float(ulp.max(initial=0.0)))
        self.worst = self.worst.or_larger(now)
        return now


def _apart(values: np.ndarray, same: np.ndarray) -> np.ndarray:
    """The values where the sides are not the same, 0 elsewhere; infinite where one is NaN."""
    return np.where(same, 0.0, np.where(np.isnan(values), np.inf, values))

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

    >>> drift = Drift()
    >>> drift.add(np.array([1.0 + 2**-52, 4.0]), np.array([1.0, 4.0]))
    >>> drift.worst
    Distance(relative=2.220446049250313e-16, ulp=1.0)
    """

    def __init__(self) -> None:
        self.worst = Distance()
        self._scale: np.ndarray | float = 0.0

    def add(self, mine: np.ndarray, theirs: np.ndarray) -> None:
        """Take the next step's values into account, arrays of one shape and dtype."""
        self._scale = np.maximum(self._scale, np.abs(theirs))
        with np.errstate(all="ignore"):
            apart = np.abs(mine - theirs)
            relative, ulp = apart / self._scale, apart / np.spacing(self._scale)
        same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
        self.worst = self.worst.or_larger(Distance(_largest(relative, same), _largest(ulp, same)))


def _largest(values: np.ndarray, same: np.ndarray) -> float:
    """The largest value where the sides are not the same; infinite where one of them is NaN."""
    values = np.where(np.isnan(values), np.inf, values)
    return float(np.max(np.where(same, 0.0, values), initial=0.0))

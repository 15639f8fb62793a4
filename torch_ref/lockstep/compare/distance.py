"""Distances between two sides."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

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
        if other.relative <= self.relative and other.ulp <= self.ulp:
            return self
        return Distance(max(self.relative, other.relative), max(self.ulp, other.ulp))


class Drift:
    """The distance of one quantity, followed over the steps of a run.

    Attributes:
        worst: the largest distance so far.

    >>> drift = Drift()
    >>> drift.add(np.array([1.0 + 2**-52, 4.0]), np.array([1.0, 4.0]))
    Distance(relative=2.220446049250313e-16, ulp=1.0)
    >>> drift.element
    (0,)
    """

    def __init__(self) -> None:
        self.worst = Distance()
        # Flat, as the distances at the last step are; of the widest dtype that there was.
        self._scale = np.empty(0, np.float16)
        self._relative, self._shape = np.empty(0), ()

    @property
    def element(self) -> tuple[int, ...]:
        """The index of the element that was farthest apart at the last step."""
        if not self._relative.size:
            return ()
        return tuple(int(i) for i in np.unravel_index(self._relative.argmax(), self._shape))

    def add(self, mine: np.ndarray, theirs: np.ndarray) -> Distance:
        """Take the next step's values into account, arrays of one shape and dtype."""
        return add_all([self], [mine], [theirs])[0]


def apart(mine: np.ndarray, theirs: np.ndarray, least: float = 0.0) -> Distance:
    """How far an array is from another, against each element's own size or ``least`` if larger.

    What numbers of about 1 cancel out to has an error of a number of about 1.
    """
    drift = Drift()
    drift.add(np.full_like(theirs, least), np.full_like(theirs, least))
    drift.add(np.asarray(mine, theirs.dtype), theirs)
    return drift.worst


def add_all(
    drifts: Sequence[Drift], mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray]
) -> list[Distance]:
    """Do what :meth:`Drift.add` does, for many quantities.

    Those of one dtype go through NumPy in one piece: where arrays are small, its calls are what
    takes the time.
    """
    alike: dict[tuple[object, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for i, (drift, a, b) in enumerate(zip(drifts, mine, theirs, strict=True)):
        if a.shape != b.shape:
            a, b = np.broadcast_arrays(a, b)
        if b.size:
            alike[a.dtype, b.dtype, drift._scale.dtype].append((i, drift, a, b))
    distances = [Distance()] * len(drifts)
    for those in alike.values():
        indices, *quantities = zip(*those, strict=True)
        for i, distance in zip(indices, _add_alike(*quantities), strict=True):
            distances[i] = distance
    return distances


def _add_alike(
    drifts: Sequence[Drift], mine: Sequence[np.ndarray], theirs: Sequence[np.ndarray]
) -> list[Distance]:
    """The same for quantities of one dtype, none of them empty."""
    my_values, their_values = np.concatenate(mine, axis=None), np.concatenate(theirs, axis=None)
    ends = list(accumulate(values.size for values in theirs))
    parts = [slice(*both) for both in zip([0, *ends], ends, strict=False)]
    scale = np.zeros(
        their_values.shape, np.promote_types(their_values.dtype, drifts[0]._scale.dtype)
    )
    for drift, part in zip(drifts, parts, strict=True):
        if drift._scale.size:
            scale[part] = drift._scale
    # Below the smallest normal number, floats are evenly spaced: nothing is relatively exact.
    np.maximum(scale, np.finfo(their_values.dtype).smallest_normal, out=scale)
    np.maximum(scale, np.abs(their_values), out=scale, where=np.isfinite(their_values))
    with np.errstate(all="ignore"):
        apart = np.abs(my_values - their_values)
        same = (my_values == their_values) | (np.isnan(my_values) & np.isnan(their_values))
        apart[np.isnan(apart)] = np.inf  # one of them is NaN
        apart[same] = 0.0
        relative, ulp = apart / scale, apart / np.spacing(scale)
    starts = [part.start for part in parts]
    largest = (np.maximum.reduceat(values, starts).tolist() for values in (relative, ulp))
    distances = [Distance(*pair) for pair in zip(*largest, strict=True)]
    for drift, part, values, now in zip(drifts, parts, mine, distances, strict=True):
        drift.worst = drift.worst.or_larger(now)
        drift._scale, drift._relative, drift._shape = scale[part], relative[part], values.shape
    return distances

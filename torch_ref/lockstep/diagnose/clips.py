"""Gradients that are clipped before they are used: how, and at which bound."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.clipping import scaled
from torch_ref.lockstep.diagnose.numbers import least_squares, shorter
from torch_ref.lockstep.diagnose.trial import Trial
from torch_ref.lockstep.finding import Variant
from torch_ref.lockstep.frameworks.clipping import Grads

#: The bounds that are looked from, and how near one must come in logarithms of usual moves.
BOUNDS = tuple(10.0**power for power in np.arange(-3, 2, 0.5))
NEAR = 1e-3
#: After so many steps clipping shows in a rule, too, that makes nothing of a gradient's size.
EARLY = 3

#: Of the gradients and a bound, those that are used.
Way = Callable[[Grads, float], Grads]


@dataclass(frozen=True)
class Clip:
    """Gradients are clipped.

    >>> Clip(_by_value, 0.5).clipped({"w": np.array([0.2, 2.0])})
    {'w': array([0.2, 0.5])}
    """

    way: Way
    bound: float

    def clipped(self, grads: Grads) -> Grads:
        """The gradients that are used."""
        return self.way(grads, self.bound)


def _by_norm(each: bool, eps: float, grads: Grads, bound: float) -> Grads:
    return scaled(grads, bound, {"each": each, "eps": eps})


def _by_value(grads: Grads, bound: float) -> Grads:
    return {name: np.clip(g, -bound, bound) for name, g in grads.items()}


#: What is said, with the bound in it.
WAYS: dict[str, Way] = {
    "all gradients clipped to a norm of {} together": partial(_by_norm, False, 0.0),
    "all gradients clipped to a norm of {} together, by norm + 1e-6": partial(
        _by_norm, False, 1e-6
    ),
    "each gradient clipped to a norm of {}": partial(_by_norm, True, 0.0),
    "each gradient clipped to a norm of {}, by norm + 1e-6": partial(_by_norm, True, 1e-6),
    "gradients clipped to ±{}": _by_value,
}


def clips(trial: Trial, changes: Mapping[str, Any]) -> Iterator[Variant]:
    """Yield how a rule with these changes must clip its gradients for it to agree; none or one."""
    for text, way in WAYS.items():
        bound = _bound(trial, changes, way)
        if bound is not None:
            changed = {"clipped_by": Clip(way, bound)}
            yield Variant(text.format(f"{bound:.6g}"), "torch takes them as they are", changed)
            return


def _bound(trial: Trial, changes: Mapping[str, Any], way: Way) -> float | None:
    """The bound with which it agrees, in as few digits as it can have."""

    def clipped(bound: float) -> dict[str, Any]:
        return {**changes, "clipped_by": Clip(way, bound)}

    def apart(place: np.ndarray) -> np.ndarray:
        return trial.ratios(clipped(math.exp(place[0])), EARLY)

    def size(bound: float) -> float:
        return float(np.abs(trial.ratios(clipped(bound), EARLY)).mean())

    start = min(BOUNDS, key=size)
    found = math.exp(least_squares(apart, np.array([math.log(start)]))[0])
    if not size(found) < NEAR:
        return None
    values = (shorter(found, digits) for digits in range(1, 16))
    agree = (v for v in values if trial.distance(clipped(v)) <= trial.tolerance)
    return next(agree, None)

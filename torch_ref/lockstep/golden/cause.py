"""Why a candidate's trajectories diverge: the variant of the catalogue that goes the same way."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.reference import OPTIMIZER, Reference
from torch_ref.lockstep.diagnose.optimizers import Catalogue
from torch_ref.lockstep.diagnose.search import changes_of, search, within
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.registry import OPTIMIZERS

Settings = dict[str, Any]


@dataclass(frozen=True)
class Trajectory:
    """One case as a candidate went through it, in float64.

    Attributes:
        settings: of torch's class.
        start, gradients: what the case begins with, and is given at each step.
        params: what the candidate has after each step.
        agrees: whether that is torch's.
    """

    settings: Settings
    start: Arrays
    gradients: Sequence[Arrays]
    params: Sequence[Arrays]
    agrees: bool


def causes(name: str, cases: Sequence[Trajectory], tolerance: float) -> list[Finding]:
    """The variants that do in every case what the candidate does; none where nothing diverges.

    Args:
        name: of the optimizer, in the registry.
        cases: all that the candidate has.
        tolerance: the relative distance that is still rounding.
    """
    pair = OPTIMIZERS.get(name)
    failed = [case for case in cases if not case.agrees]
    finite = all(
        np.isfinite(w).all() for case in cases for step in case.params for w in step.values()
    )
    if not failed or not finite or pair is None or not pair.torch.startswith("torch."):
        return []
    against = Reference(pair.torch, OPTIMIZER, pair.scratch, pair)
    try:
        catalogues = [Catalogue(against, _tuples(case.settings)) for case in cases]
    except (KeyError, TypeError):  # there is none; a golden file of another version's settings
        return []
    distances = [_distance(*each, tolerance) for each in zip(catalogues, cases, strict=True)]
    at = cases.index(failed[0])
    if distances[at]({}) <= tolerance:
        return []
    found, _ = search(catalogues[at].variants, within(distances[at], tolerance))
    return [
        each for each in found if all(d(changes_of(each.variants)) <= tolerance for d in distances)
    ]


def _tuples(settings: Settings) -> Settings:
    """The settings with the tuples that JSON made lists of."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


def _distance(
    catalogue: Catalogue, case: Trajectory, tolerance: float
) -> Callable[[Settings], float]:
    """How far the optimizer with some changes goes from a candidate's way; infinite if too far."""

    def distance(changes: Settings) -> float:
        rule, params = catalogue.rule(**changes), {n: w.copy() for n, w in case.start.items()}
        scale, worst = {n: np.abs(w) for n, w in case.start.items()}, 0.0
        for grads, theirs in zip(case.gradients, case.params, strict=True):
            rule.update(params, grads)
            for name, w in theirs.items():
                scale[name] = np.maximum(scale[name], np.abs(w))
                least = np.maximum(scale[name], np.finfo(w.dtype).tiny)
                worst = max(worst, float((np.abs(params[name] - w) / least).max()))
            if not worst <= tolerance:  # NaN too
                return math.inf
        return worst

    return distance

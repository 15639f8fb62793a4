"""Why a candidate's trajectories diverge: the variant of the catalogue that goes the same way."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from torch_ref.lockstep.candidates.reference import OPTIMIZER, Reference
from torch_ref.lockstep.compare.problems import RecordedGradients
from torch_ref.lockstep.diagnose.catalogue import Catalogue
from torch_ref.lockstep.diagnose.causes import causes
from torch_ref.lockstep.diagnose.search import changes_of
from torch_ref.lockstep.diagnose.trial import Trial, flat
from torch_ref.lockstep.finding import Finding
from torch_ref.lockstep.frameworks.optimizers.adapter import Arrays
from torch_ref.registry import OPTIMIZERS, OptimizerPair

Settings = dict[str, Any]


@dataclass(frozen=True)
class Trajectory:
    """One case as a candidate went through it, in float64: a run for a :class:`Trial`.

    Attributes:
        settings: of torch's class.
        problem: the start, and the gradients of each step.
        params: what the candidate has after each step.
        agrees: whether that is torch's.
    """

    settings: Settings
    problem: RecordedGradients
    params: Sequence[Arrays]
    agrees: bool
    half: int | None = None

    @cached_property
    def began(self) -> np.ndarray:
        return flat(self.problem.params)

    @cached_property
    def trajectory(self) -> list[np.ndarray]:
        return [flat(params) for params in self.params]


def common_causes(name: str, cases: Sequence[Trajectory], tolerance: float) -> list[Finding]:
    """The variants that do in every case what the candidate does; none where nothing diverges.

    Args:
        name: of the optimizer, in the registry.
        cases: all that the candidate has.
        tolerance: the relative distance that is still rounding.
    """
    pair = OPTIMIZERS.get(name)
    failed = [at for at, case in enumerate(cases) if not case.agrees]
    if not failed or pair is None or not pair.torch.startswith("torch."):
        return []
    try:
        known = [_catalogue(pair, case.settings) for case in cases]
    except (KeyError, TypeError):  # there is none; a golden file of another version's settings
        return []
    trials = [
        Trial(each.rule, case, case.problem, tolerance)
        for each, case in zip(known, cases, strict=True)
    ]
    if trials[failed[0]].distance({}) <= tolerance:
        return []
    found, _ = causes(known[failed[0]].variants, trials[failed[0]])
    return [
        each
        for each in found
        if all(trial.distance(changes_of(each.variants)) <= tolerance for trial in trials)
    ]


def _catalogue(pair: OptimizerPair, settings: Settings) -> Catalogue:
    """The catalogue of an optimizer with the settings of a case, whose tuples JSON made lists."""
    tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    return Catalogue(Reference(pair.torch, OPTIMIZER, pair.scratch, pair), tuples)

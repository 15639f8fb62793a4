"""Whether two sides differ by more than their rounding: each is held against exact arithmetic.

Torch rounds, too, and it may be torch that is the farther one. So where two sides differ, the
formula is computed in float64 and each side's distance from that is looked at. How large a
distance rounding can make is seen by the formula itself: computed with every number of the state
off by half a unit in the last place, and with its settings in the sides' precision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from torch_ref.lockstep.compare.problems import Arrays, RecordedGradients
from torch_ref.lockstep.diagnose.catalogue import Catalogue
from torch_ref.lockstep.diagnose.rules import UpdateRule
from torch_ref.lockstep.diagnose.trial import Recorded, flat, in_double, walk

#: How many times the formula is computed with errors, and how many times their effect is allowed.
#: A step of Adam rounds about eight times before it is taken, and of thousands of numbers the
#: unluckiest is looked at. The root mean square of few runs would at times be far too small.
RUNS, MARGIN = 16, 10.0
#: Beyond so many times the tolerance, torch's own distance is no rounding, and excuses nothing.
MOST = 30.0
#: Of a run, what is looked at first: what is more than rounding there is so in the whole, too.
FIRST = 8


@dataclass(frozen=True)
class Rounding:
    """How far both sides are from the formula in float64, relative to each element's size.

    Attributes:
        mine, theirs: the largest distance.
        agrees: whether mine is never more than rounding allows; in float32, or than torch's own.
        single: whether the sides computed in float32.
    """

    mine: float
    theirs: float
    agrees: bool
    single: bool

    def sentence(self, catalogue: Catalogue) -> str:
        """What is to be said of a candidate that agrees."""
        owner, mine, theirs = catalogue.owner, f"{self.mine:.0e}", f"{self.theirs:.0e}"
        if self.single:
            return (
                "in float32 both round: held against the formula in float64, yours is "
                f"{mine} off, and {owner} {theirs}"
            )
        if catalogue.torch_rounds:
            return (
                f"it is the textbook's, to {mine}; {owner} differs from that by {theirs}, because "
                f"it {catalogue.torch_rounds}"
            )
        return f"{owner}'s formula in NumPy does too: these settings amplify rounding errors"


def rounding(
    mine: Recorded,
    theirs: Recorded,
    formula: Callable[..., UpdateRule],
    problem: RecordedGradients,
    tolerance: float,
) -> Rounding:
    """Hold both sides' runs against the formula's.

    Args:
        mine, theirs: runs on the problem, with lr halved at the same step.
        formula: makes a rule; with ``single``, one whose settings are in single precision.
        problem: the start, and the gradients of every step.
        tolerance: a relative distance that is rounding in any case.
    """
    first = _rounding(mine, theirs, formula, problem, tolerance, FIRST)
    whole = len(problem.stream)
    if not first.agrees or whole <= FIRST:
        return first
    return _rounding(mine, theirs, formula, problem, tolerance, whole)


def _rounding(
    mine: Recorded,
    theirs: Recorded,
    formula: Callable[..., UpdateRule],
    problem: RecordedGradients,
    tolerance: float,
    steps: int,
) -> Rounding:
    """The same of the first steps."""
    start, stream = problem.params, problem.stream[:steps]
    dtype = next(iter(start.values())).dtype
    exact = _run(formula(), start, stream, mine.half)
    with np.errstate(all="ignore"):
        scale = _largest(np.abs([flat(start), *exact]))[1:]
        scale = np.maximum(scale, np.finfo(dtype).tiny)
        mine_off, theirs_off = (
            _largest(np.abs(np.array(side.trajectory[:steps], np.float64) - exact)) / scale
            for side in (mine, theirs)
        )
        noise = _largest(_noise(formula, exact, start, stream, mine.half, dtype)) / scale
    single = dtype == np.float32
    allowed = np.maximum(tolerance, MARGIN * np.nan_to_num(noise, nan=np.inf))
    if single:
        allowed = np.maximum(allowed, np.minimum(theirs_off, MOST * tolerance))
    agrees = bool((mine_off <= allowed).all())
    return Rounding(float(mine_off.max()), float(theirs_off.max()), agrees, single)


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest so far, at every step."""
    return np.maximum.accumulate(values)


def _noise(
    formula: Callable[..., UpdateRule],
    exact: np.ndarray,
    start: Arrays,
    stream: Sequence[Arrays],
    half: int | None,
    dtype: np.dtype,
) -> np.ndarray:
    """How far errors of half a unit in the last place take the formula, at every step: the rms."""
    unit, single = float(np.finfo(dtype).eps) / 2, dtype == np.float32
    runs = [
        _run(formula(single=single), start, stream, half, Errors(unit, seed))
        for seed in range(RUNS)
    ]
    return np.asarray(np.sqrt(np.mean([(run - exact) ** 2 for run in runs], axis=0)))


class Errors:
    """Errors of a unit in every number, up or down.

    An element of a parameter has it in the same direction all along, since that is how a factor
    that is rounded once, as 1 − lr·λ is, acts.
    """

    def __init__(self, unit: float, seed: int) -> None:
        self._either, self._random = np.array([1 - unit, 1 + unit]), np.random.default_rng(seed)
        self._signs: Arrays = {}

    def of(self, grads: Arrays) -> Arrays:
        return {name: g * self._factors(np.shape(g)) for name, g in grads.items()}

    def add(self, rule: UpdateRule, params: Arrays) -> None:
        for name, w in params.items():
            factors = self._signs.setdefault(name, self._factors(w.shape))
            params[name] = np.asarray(w * factors)
            buffers = rule.state[name]
            for key, buffer in buffers.items():
                if key == "step" or not isinstance(buffer, np.ndarray | float):
                    continue
                off = buffer * self._factors(np.shape(buffer))
                buffers[key] = np.asarray(off) if isinstance(buffer, np.ndarray) else float(off)

    def _factors(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(self._either[self._random.integers(0, 2, shape, np.int8)])


def _run(
    rule: UpdateRule,
    start: Arrays,
    stream: Sequence[Arrays],
    half: int | None,
    errors: Errors | None = None,
) -> np.ndarray:
    exact = map(in_double, stream)
    trajectory = []
    for params in walk(rule, start, map(errors.of, exact) if errors else exact, half):
        if errors:
            errors.add(rule, params)
        trajectory.append(flat(params))
    return np.array(trajectory)

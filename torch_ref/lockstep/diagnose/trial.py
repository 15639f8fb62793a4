"""What a candidate did in a run, and rules tried on the same gradients."""

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from torch_ref.lockstep.compare.problems import Arrays, RecordedGradients
from torch_ref.lockstep.diagnose.rules import UpdateRule

#: Of a run, what is looked at where many rules are compared by how near they come.
FIRST_STEPS = 6
DIGITS = 12
#: Of steps, two to three seconds.
BUDGET = 30_000
FAR, OTHER_WAY = 5.0, 2.0


class RecordedRun(Protocol):
    """What a candidate did: its parameters in one row, at the start and after each step.

    Attributes:
        half: the step before which its lr was halved, if it was.
    """

    @property
    def began(self) -> np.ndarray: ...

    @property
    def trajectory(self) -> list[np.ndarray]: ...

    @property
    def half(self) -> int | None: ...


class Recorded:
    """An adapter whose lr is halved at a step, and whose parameters are kept at every step."""

    def __init__(self, adapter: Any, half: int | None = None) -> None:
        self._adapter, self.half = adapter, half
        self.lr_assigned = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def start(self, params: Arrays) -> None:
        self._adapter.start(params)
        self.began, self.trajectory = flat(params), list[np.ndarray]()

    def step(self, grads: Arrays) -> None:
        if len(self.trajectory) + 1 == self.half:
            self.lr_assigned = self._adapter.scale_lr(0.5)
        self._adapter.step(grads)
        self.trajectory.append(flat(self._adapter.params()))


class Trial:
    """Rules beside what the candidate did.

    Args:
        rule: the reference, with the changes that it is given.
        run: the candidate's.
        problem: that it ran on.
        tolerance: the relative distance that is rounding.

    Attributes:
        spent: how many steps rules have taken, and how many were made.
    """

    def __init__(
        self,
        rule: Callable[..., UpdateRule],
        run: RecordedRun,
        problem: RecordedGradients,
        tolerance: float,
    ) -> None:
        self.rule, self.tolerance, self.spent = rule, tolerance, 0
        self._run, self._problem = run, problem
        self._stream = [in_double(grads) for grads in problem.stream]
        self._expected = np.array(run.trajectory, np.float64)
        sizes = np.abs([run.began, *run.trajectory])
        # An element that has always been zero must be zero on the other side.
        largest = np.maximum.accumulate(np.nan_to_num(sizes, posinf=0.0))
        self._scales = np.maximum(largest, np.finfo(run.began.dtype).tiny)[1:]
        self.steps = len(run.trajectory)
        self._rounding = np.finfo(run.began.dtype).eps * self._scales[:FIRST_STEPS]
        with np.errstate(all="ignore"):
            self._moves = np.diff(self._expected[:FIRST_STEPS], axis=0, prepend=[run.began])
            self._weights = np.minimum(1e-4 * np.abs(self._moves) / self._rounding, 1.0)

    @property
    def exhausted(self) -> bool:
        """Whether it has taken as long as it may: not by the clock, which differs every time."""
        return self.spent > BUDGET

    def of(self, rule: Callable[..., UpdateRule]) -> "Trial":
        """The same of another rule."""
        other = copy.copy(self)
        other.rule = rule
        return other

    def distance(self, changes: Mapping[str, Any]) -> float:
        """The largest distance from the candidate; infinite if it exceeds the tolerance.

        It is infinite, too, where the candidate has no number at all after its first step: there
        whatever gives NaN does the same.
        """
        if not np.isfinite(self._expected[0]).any():
            return math.inf
        worst = 0.0
        for step, w in enumerate(self._steps(changes)):
            expected = self._expected[step]
            with np.errstate(all="ignore"):
                apart = np.abs(w - expected) / self._scales[step]
            apart[np.isnan(w) & np.isnan(expected)] = 0.0
            apart[w == expected] = 0.0
            largest = float(apart.max())
            if not largest <= self.tolerance:  # NaN too
                return math.inf
            worst = max(worst, largest)
        return worst

    def residual(self, changes: Mapping[str, Any], steps: int) -> np.ndarray:
        """How far the parameters are apart at each step, against the larger of the two sides.

        It is never more than 2, and 2 where a side is NaN.
        """
        w = self._trajectory(changes, steps)
        with np.errstate(all="ignore"):
            scale = np.maximum(self._scales[:steps], np.maximum.accumulate(np.abs(w)))
            apart = (w - self._expected[:steps]) / scale
        apart[~np.isfinite(apart)] = 2.0
        return np.clip(apart, -2.0, 2.0).ravel()

    def ratios(self, changes: Mapping[str, Any], steps: int = FIRST_STEPS) -> np.ndarray:
        """The logarithms of how many times too far the first moves go, each at most ±``FAR``.

        ``OTHER_WAY`` where they go the other way. What is rounding beside w counts less.
        """
        moves, expected = self._moves_of(changes, steps), self._moves[:steps]
        with np.errstate(all="ignore"):
            logs = np.clip(np.log(moves / expected), -FAR, FAR)
            logs[moves == expected] = 0.0
        logs[np.isnan(logs)] = OTHER_WAY
        return (logs * self._weights[:steps]).ravel()

    def digits(self, changes: Mapping[str, Any]) -> float:
        """The share of digits in which the first moves agree, from 0 to 1.

        A cause that is one of several makes right what the others do not touch: small gradients,
        one parameter, the first step.
        """
        moves = self._moves_of(changes)
        with np.errstate(all="ignore"):
            factors = self._moves[0] / moves[0]
            usual = np.median(factors[np.isfinite(factors)]) if np.isfinite(factors).any() else 1.0
            return max(self._agreeing(moves), 0.9 * self._agreeing(moves * usual))

    def lengths(self, changes: Mapping[str, Any]) -> np.ndarray | None:
        """By step, the lr that the candidate has, in parts of the rule's; ``None`` if it has none.

        Each step of the rule is taken from where the candidate stood. What it subtracts is a
        straight line in lr, so two steps tell which lr gives the candidate's; all parameters must
        have the same.
        """
        rule, lengths = self.rule(**changes), []
        rows = [self._run.began.astype(np.float64), *self._expected[:-1]]
        with np.errstate(all="ignore"):
            for step, (here, grads) in enumerate(zip(rows, self._stream, strict=False)):
                rule.lr *= 0.5 if step + 1 == self._run.half else 1.0
                halfway, whole = (
                    self._moved(copy.deepcopy(rule), here, grads, part) for part in (0.5, 1.0)
                )
                length = self._length(step, here, halfway, whole)
                if length is None:
                    return None
                self._moved(rule, here, grads, length)
                lengths.append(length)
        return np.array(lengths)

    def _length(
        self, step: int, here: np.ndarray, halfway: np.ndarray, whole: np.ndarray
    ) -> float | None:
        still, along = 2 * halfway - whole, 2 * (whole - halfway)
        scales = np.maximum(self._scales[step], np.abs(along))
        moved, slope = (self._expected[step] - here - still) / scales, along / scales
        length = float(moved @ slope / (slope @ slope))
        # An element that is large beside its move has it rounded.
        apart = np.abs(moved - length * slope).max()
        return length if apart <= 10 * self.tolerance else None

    def _moved(self, rule: UpdateRule, here: np.ndarray, grads: Arrays, part: float) -> np.ndarray:
        """What a step at a part of lr adds to the parameters, from where they are put."""
        self.spent += 1
        shapes = {name: np.shape(w) for name, w in sorted(self._problem.params.items())}
        parts = zip(shapes.items(), parts_of(self._problem.params), strict=True)
        params = {name: here[part].reshape(shape).copy() for (name, shape), part in parts}
        lr, rule.lr = rule.lr, rule.lr * part
        rule.update(params, grads)
        rule.lr = lr
        return flat(params) - here

    def _agreeing(self, moves: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            apart = np.maximum(np.abs(moves - self._moves) - self._rounding, 0.0)
            larger = np.maximum(np.abs(moves), np.abs(self._moves))
            right = -np.log10(np.where(apart == 0, 10.0**-DIGITS, apart / larger))
        right = np.clip(np.nan_to_num(right, nan=0.0, neginf=0.0), 0.0, DIGITS)
        return float(right.mean()) / DIGITS

    def _moves_of(self, changes: Mapping[str, Any], steps: int = FIRST_STEPS) -> np.ndarray:
        with np.errstate(all="ignore"):
            w = self._trajectory(changes, steps)
            return np.diff(w, axis=0, prepend=[self._run.began])

    def _trajectory(self, changes: Mapping[str, Any], steps: int) -> np.ndarray:
        return np.array([w for _, w in zip(range(steps), self._steps(changes), strict=False)])

    def _steps(self, changes: Mapping[str, Any]) -> Iterator[np.ndarray]:
        self.spent += 1
        for params in walk(
            self.rule(**changes), self._problem.params, self._stream, self._run.half
        ):
            self.spent += 1
            yield flat(params)


def walk(
    rule: UpdateRule, start: Arrays, stream: Iterable[Arrays], half: int | None
) -> Iterator[Arrays]:
    """Yield the parameters after each step of a rule, in float64; they may be changed.

    Args:
        rule: what takes the steps.
        start: where it begins.
        stream: the gradients, in float64.
        half: the step before which its lr is halved, if any.
    """
    params = in_double(start)
    for step, grads in enumerate(stream, start=1):
        if step == half:
            rule.lr *= 0.5
        try:
            rule.update(params, grads)
        except ArithmeticError:  # a value that makes a divisor zero
            params = {name: np.full_like(w, np.nan) for name, w in params.items()}
        yield params


def in_double(arrays: Mapping[str, np.ndarray]) -> Arrays:
    """Copies that are exact, on which a rule rounds less than a candidate in single precision."""
    return {name: array.astype(np.float64) for name, array in arrays.items()}


def flat(params: Mapping[str, np.ndarray]) -> np.ndarray:
    """All elements in one row."""
    return np.concatenate([np.asarray(params[name]).reshape(-1) for name in sorted(params)])


def parts_of(params: Mapping[str, np.ndarray]) -> list[slice]:
    """Where each parameter, in the order of their names, lies in a row of all.

    >>> parts_of({"w": np.zeros((2, 3)), "b": np.zeros(2)})
    [slice(0, 2, None), slice(2, 8, None)]
    """
    sizes = [np.size(params[name]) for name in sorted(params)]
    ends = np.cumsum(sizes)
    return [slice(int(end) - size, int(end)) for size, end in zip(sizes, ends, strict=True)]

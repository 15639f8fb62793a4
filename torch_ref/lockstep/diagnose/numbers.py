"""Fitting the numbers of a rule: with which values it does what a candidate does.

What a rule does is smooth in its settings, so Levenberg and Marquardt's method finds them from a
start that is near enough: the value asked for, or the best of a few decades. What comes out is then
rounded to the shortest decimal with which the rule still agrees.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.rules import UpdateRule
from torch_ref.lockstep.diagnose.trial import FIRST_STEPS, Trial
from torch_ref.lockstep.finding import Variant

#: By how much a setting may be wrong; times it, or its odds where it is a part of one. The near
#: ones are a momentum's: where moves change their sign, a fit may leave the right place.
DECADES = (1e-6, 1e-4, 1e-2, 0.1, 0.3, 0.8, 0.9, 1.1, 1.25, 3.0, 10.0, 100.0, 1e4, 1e5, 1e7)
#: What a setting may be that should be zero.
FROM_ZERO = (1e-3, 0.01, 0.1, 0.5, 0.9)
NEARLY_ONE = 14.0
DIGITS = range(1, 16)
#: How many numbers are fitted together.
MOST = 3
ROUNDS = 20
#: After how many steps numbers are compared at first, and how many of them are looked at further.
EARLY, LIKELY = 2, 2
#: A usual move that is so many times too long, in logarithms, is near enough to find it exactly.
NEAR = 1e-5
#: One number more must bring the move nearer by this.
WORTH = 0.8
_GREEK = {"betas": ("β₁", "β₂", "β₃")}


@dataclass(frozen=True)
class Number:
    """One number among the settings of a rule.

    Attributes:
        name: of the setting.
        index: in it, where it is a tuple.
        asked: its value there.

    >>> Number("betas", 1, 0.999).label, Number("eps", None, 1e-8).label
    ('β₂', 'eps')
    """

    name: str
    index: int | None
    asked: float

    @property
    def label(self) -> str:
        if self.index is None:
            return self.name
        names = _GREEK.get(self.name, ())
        return names[self.index] if self.index < len(names) else f"{self.name}[{self.index}]"

    def place(self, value: float) -> float:
        """Where a value is on the line on which it is fitted: of logarithms, or of log odds."""
        size = abs(value)
        if not size:
            return -math.inf
        return math.log(size) - (math.log1p(-size) if self._part else 0.0)

    def value(self, place: float) -> float:
        with np.errstate(over="ignore"):
            size = 1 / (1 + np.exp(-min(place, NEARLY_ONE))) if self._part else np.exp(place)
        return math.copysign(float(size), self.asked)

    @property
    def _part(self) -> bool:
        """Whether it is a part that is kept, of an average: below one, and most of it."""
        return 0.5 <= self.asked < 1 and self.name not in ("lr", "weight_decay")

    def may_be(self, value: float) -> bool:
        """Whether a part of one stays one."""
        return value < 1 or not self._part

    def starts(self) -> list[float]:
        """Places to look from."""
        if self.asked:
            return [self.place(self.asked) + math.log(factor) for factor in DECADES]
        return [self.place(value) for value in FROM_ZERO]


Values = dict[Number, float]


def numbers_of(rule: UpdateRule, but: Collection[str] = ()) -> list[Number]:
    """The numbers that are settings of a rule, but for those of these names.

    >>> from torch_ref.lockstep.diagnose.rules import FAMILIES
    >>> [each.label for each in numbers_of(FAMILIES["Adam"]())]
    ['lr', 'weight_decay', 'β₁', 'β₂', 'eps']
    """
    found = []
    for name, value in rule.settings.items():
        # A whole number counts something, and whether it does is seen by the default.
        if name not in but and isinstance(rule.DEFAULTS[name], float) and _is_number(value):
            found.append(Number(name, None, float(value)))
        elif name not in but and isinstance(value, tuple):
            parts = [Number(name, i, float(part)) for i, part in enumerate(value) if part]
            found += parts if all(map(_is_number, value)) else []
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


class Fit:
    """A rule with some changes, whose numbers are to be found.

    Args:
        trial: what is to be done.
        changes: of the rule; the settings among them are left alone.
    """

    def __init__(self, trial: Trial, changes: dict[str, Any]) -> None:
        self._trial, self._changes = trial, changes
        rule = trial.rule(**changes)
        self._settings, self.numbers = rule.settings, numbers_of(rule, but=changes)
        self._seen: dict[Any, np.ndarray] = {}  # a place is come to more than once

    def changed(self, values: Values) -> dict[str, Any]:
        """The changes, with these values of numbers."""
        return self._changes | _settings(self._settings, values)

    def run(self) -> Values:
        """The fewest values, up to ``MOST``, with which the rule agrees; none if there are none."""
        values: Values = {}
        size = self._size(values)
        for _ in range(min(MOST, len(self.numbers))):
            before, values = size, self.more(values)
            size = self._size(values)
            if size < NEAR:
                return self._exactly(values)
            if size > WORTH * before:
                break
        return {}

    def more(self, values: Values) -> Values:
        """The values and one more, that which brings the rule nearest."""
        grown = [self._with(values, n) for n in self.numbers if n not in values]
        likely = sorted(grown, key=lambda each: self._size(each, EARLY))[:LIKELY]
        solved = [self._solve(self._ratios, each, rounds=8) for each in likely]
        return min(solved, key=self._size, default=values)

    def profiled(self, start: Values) -> float:
        """How many times too long a usual move still is once the numbers are about right."""
        values = {number: start.get(number, number.asked) for number in self.numbers}
        return self._size(self._solve(partial(self._ratios, steps=EARLY), values, rounds=3), EARLY)

    def _with(self, values: Values, number: Number) -> Values:
        """The values with one number more, and all of them as they are best after a few steps.

        There a small difference is still small, whatever comes of it.
        """
        starts = [{**values, number: number.value(place)} for place in number.starts()]
        start = min(
            [{**values, number: number.asked}, *starts], key=partial(self._size, steps=EARLY)
        )
        return self._solve(partial(self._ratios, steps=EARLY), start, rounds=8)

    def _exactly(self, values: Values) -> Values:
        for steps in (FIRST_STEPS, self._trial.steps):
            values = self._solve(partial(self._residual, steps=steps), values)
        return self._shortened(values) if self._agrees(values) else {}

    def _shortened(self, values: Values) -> Values:
        """The values with as few digits as they can have, without those that need not change."""
        rounded = ({n: shorter(v, digits) for n, v in values.items()} for digits in DIGITS)
        # Where two make up for each other's rounding, neither can be shortened alone.
        values = next(filter(self._agrees, rounded), values)
        for number, value in values.items():
            each = [number.asked, *(shorter(value, digits) for digits in DIGITS)]
            values = next(filter(self._agrees, ({**values, number: v} for v in each)), values)
        return {number: value for number, value in values.items() if value != number.asked}

    def _agrees(self, values: Values) -> bool:
        if not all(number.may_be(value) for number, value in values.items()):
            return False
        return self._trial.distance(self.changed(values)) <= self._trial.tolerance

    def _solve(
        self, residual: Callable[[Values], np.ndarray], values: Values, rounds: int = ROUNDS
    ) -> Values:
        def at(places: np.ndarray) -> Values:
            return {n: n.value(place) for n, place in zip(values, places, strict=True)}

        start = np.array([number.place(value) for number, value in values.items()])
        return at(least_squares(lambda places: residual(at(places)), start, rounds))

    def _residual(self, values: Values, steps: int) -> np.ndarray:
        return self._trial.residual(self.changed(values), steps)

    def _ratios(self, values: Values, steps: int = FIRST_STEPS) -> np.ndarray:
        key = (steps, *values.items())
        if key not in self._seen:
            self._seen[key] = self._trial.ratios(self.changed(values), steps)
        return self._seen[key]

    def _size(self, values: Values, steps: int = FIRST_STEPS) -> float:
        return float(np.abs(self._ratios(values, steps)).mean())


def fit(trial: Trial, changes: dict[str, Any]) -> tuple[Variant, ...]:
    """The settings that make the rule with these changes agree; none if nothing does.

    Only those are named that must be another than the one asked for.
    """
    found = Fit(trial, changes)
    values = found.run()
    return tuple(
        Variant(
            f"{number.label} = {value:.6g}, not {number.asked:.6g}",
            f"torch has the {number.label} it is given, {number.asked:.6g}",
            {number.name: found.changed(values)[number.name]},
        )
        for number, value in values.items()
    )


def least_squares(
    residual: Callable[[np.ndarray], np.ndarray], x: np.ndarray, rounds: int = ROUNDS
) -> np.ndarray:
    """The place near ``x`` where the residual is smallest, by Levenberg and Marquardt.

    >>> found = least_squares(lambda x: np.array([x[0] ** 2 - 2, x[1] - 3]), np.array([1.0, 0.0]))
    >>> [round(float(each), 6) for each in found]
    [1.414214, 3.0]
    """
    r, damping = residual(x), 1e-3
    slopes, fresh = _slopes(residual, x, r), True
    for _ in range(rounds):
        step = _step(slopes, r, damping)
        new = residual(x + step)
        if not new @ new < r @ r:
            if fresh and damping > 1e6:
                break
            damping = max(damping, 1e-6) * (10 if fresh else 1)
            slopes, fresh = _slopes(residual, x, r), True
            continue
        gained, change = 1 - (new @ new) / (r @ r), new - r
        slopes = slopes + _corrected(slopes, step, change)
        x, r, damping = x + step, new, damping * 0.05
        if not r.any() or (gained < 1e-3 and fresh):
            break
        fresh = False
        if gained < 0.2:
            slopes, fresh = _slopes(residual, x, r), True
    return x


def _slopes(
    residual: Callable[[np.ndarray], np.ndarray], x: np.ndarray, r: np.ndarray
) -> np.ndarray:
    """The derivatives of the residual. What is zero, at −∞, stays so, and has none."""
    slopes = np.zeros((len(x), len(r)))
    for i in np.flatnonzero(np.isfinite(x)):
        moved = x.copy()
        moved[i] += 1e-6
        slopes[i] = (residual(moved) - r) / 1e-6
    return slopes


def _step(slopes: np.ndarray, r: np.ndarray, damping: float) -> np.ndarray:
    normal = slopes @ slopes.T
    sizes = np.diag(normal)
    uses = sizes > 0
    step = np.zeros(len(slopes))
    # What makes hardly a difference yet shall not run away.
    held = np.diag(damping * (sizes[uses] + 0.1 * sizes.max(initial=0.0)))
    step[uses] = np.linalg.lstsq(normal[np.ix_(uses, uses)] + held, -(slopes @ r)[uses])[0]
    return np.clip(step, -3, 3)


def _corrected(slopes: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Broyden's correction of the slopes, so that they say of a step what it changed."""
    length = step @ step
    return np.outer(step, change - step @ slopes) / length if length else np.zeros_like(slopes)


def _settings(settings: dict[str, Any], values: Values) -> dict[str, Any]:
    """The settings that have other values."""
    new: dict[str, Any] = {}
    for number, value in values.items():
        if number.index is None:
            new[number.name] = value
        else:
            parts = list(new.get(number.name, settings[number.name]))
            parts[number.index] = value
            new[number.name] = tuple(parts)
    return new


def shorter(value: float, digits: int) -> float:
    """The value with so many significant digits.

    >>> shorter(0.96999999, 2)
    0.97
    """
    return float(f"{value:.{digits}g}")

"""A learning rate that is another in every step: which, and by what rule it changes.

How long the candidate's moves are beside a rule's is found for each step by itself. If these
lengths follow a known form, the rule with an lr of that form is run beside the candidate.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torch_ref.lockstep.diagnose.numbers import shorter
from torch_ref.lockstep.diagnose.trial import Trial
from torch_ref.lockstep.finding import Variant

#: How far a length may be from its form in double precision; in single, so many tolerances.
EXACT, LOOSE = 1e-8, 2.0
#: A form is told by no fewer steps.
FEWEST = 4
#: Of a number that somebody wrote down, the most digits.
DIGITS = 7


@dataclass(frozen=True)
class RegularRate:
    """What lr is multiplied by.

    Attributes:
        text: it in words, after "lr".
        factor: in step t, which is counted from 1.

    >>> RegularRate("is halved", lambda t: 0.5).factor(1)
    0.5
    """

    text: str
    factor: Callable[[int], float] = field(compare=False)


#: What reads a form off lengths, each known to a part of it.
Form = Callable[[np.ndarray, float], RegularRate | None]


def rates(trial: Trial, changes: Mapping[str, Any]) -> Iterator[Variant]:
    """Yield what the lr of a rule with these changes must do for it to agree; none or one."""
    lengths = trial.lengths(changes)
    if lengths is None:
        return
    for rate in forms(lengths, max(EXACT, LOOSE * trial.tolerance)):
        if trial.distance({**changes, "rates": rate}) <= trial.tolerance:
            yield Variant(f"lr {rate.text}", "torch has the lr it is given", {"rates": rate})
            return


def forms(lengths: np.ndarray, part: float = EXACT) -> Iterator[RegularRate]:
    """Yield the forms that these lengths have, each within such a part of it.

    >>> [rate.text for rate in forms(0.9 ** (np.arange(40) // 10))]
    ['decays by 0.9 every 10 steps']
    >>> [rate.text for rate in forms(np.minimum(1, np.arange(1, 41) / 5))]
    ['warms up linearly over 5 steps']
    >>> [rate.text for rate in forms(1 / (1 + 0.01 * np.arange(40)))]
    ['is divided by 1 + 0.01·(t − 1) in step t']
    """
    if np.ptp(lengths) <= part or not (lengths >= -part).all():
        return
    # From zero a parameter that is zero does not move, not even by a rounding.
    lengths = np.where(np.abs(lengths) < EXACT, 0.0, lengths)
    with np.errstate(all="ignore"):
        whole = [rate for form in _FORMS if (rate := form(lengths, part))]
        found = [rate for rate in whole if _is(rate, lengths, part)]
        yield from found or _after_warm_up(lengths, part)


def _is(rate: RegularRate, lengths: np.ndarray, part: float) -> bool:
    try:
        expected = np.array([rate.factor(t) for t in range(1, len(lengths) + 1)])
    except ArithmeticError:
        return False
    return bool((np.abs(expected - lengths) <= part * np.abs(lengths).max()).all())


def _stairs(lengths: np.ndarray, part: float) -> RegularRate | None:
    """γ to the power of ⌊t/n⌋."""
    changed = np.flatnonzero(np.abs(lengths[1:] / lengths[:-1] - 1) > part) + 1
    if not changed.size:
        return None
    first = int(changed[0])
    n = int(changed[1]) - first if len(changed) > 1 else first
    gamma = _plain((lengths[-1] / lengths[0]) ** (1 / len(changed)), part)
    start = _plain(lengths[0], part)
    if len(changed) == 1:
        text = f"is multiplied by {gamma:.6g} after step {first}"
    else:
        when = "in every step" if n == 1 else f"every {n} steps"
        late = "" if first == n else f", for the first time after step {first}"
        text = f"{'decays' if gamma < 1 else 'grows'} by {gamma:.6g} {when}{late}"
    begun = n == 1 and start == gamma
    text = f"{text}, the first one, too" if begun else _from(start) + text
    return RegularRate(text, lambda t: start * gamma ** ((t - 1 + n - first) // n))


def _divided(power: float) -> Form:
    """1/(1 + kt) to a power."""

    def form(lengths: np.ndarray, part: float) -> RegularRate | None:
        divisors = lengths ** (-1 / power)
        start, k = divisors[0], (divisors[-1] - divisors[0]) / (len(divisors) - 1)
        if not (math.isfinite(k) and k > 0):
            return None
        ahead = abs(start - k - 1) < part  # 1 + kt, with t = 1 at first
        scale = 1.0 if ahead else _plain(start**-power, part)
        k = _plain(k if ahead else k / start, part)
        by = f"1 + {k:.6g}·{'t' if ahead else '(t − 1)'}" if k != 1 or ahead else "t"
        by = by if power == 1 else f"√{by}" if by == "t" else f"√({by})"
        text = f"{_from(scale)}is divided by {by} in step t"
        return RegularRate(text, lambda t: scale * (1 + k * (t - 1 + ahead)) ** -power)

    return form


def _line(lengths: np.ndarray, part: float) -> RegularRate | None:
    """From one value to another, and there it stays."""
    n = _ramp(lengths, part)
    if n < FEWEST - 1 or np.ptp(lengths) <= part:
        return None
    ends, last = n < len(lengths) - 1, float(lengths[-1])
    slope = _plain((lengths[n] - lengths[0]) / n, part)
    start = _plain(lengths[0], part)
    last = _plain(last, part) if ends else (math.inf if slope > 0 else 0.0)
    bound = min if slope > 0 else max
    text = _line_in_words(start, slope, last, n, ends, part)
    return RegularRate(text, lambda t: bound(last, start + slope * (t - 1)))


def _line_in_words(start: float, slope: float, last: float, n: int, ends: bool, part: float) -> str:
    if not ends:
        verb = "grows" if slope > 0 else "falls"
        if start == 1:
            return f"{verb} by {_shown(slope)} of the first one in every step"
        of_it = f"{_shown(slope)} of the one asked for in every step"
        return f"{verb} by {of_it}, from {_shown(start)} of it"
    if abs(last - 1) < part and slope > 0 and min(abs(start), abs(start - slope)) < part:
        whence = " from zero" if abs(start) < part else ""
        return f"warms up linearly{whence} over {1 / slope:.6g} steps"
    return f"goes from {_shown(start)} to {_shown(last)} of itself, linearly over {n} steps"


def _ramp(lengths: np.ndarray, part: float) -> int:
    """How many steps change it by the same."""
    changes = np.diff(lengths)
    other = np.flatnonzero(np.abs(changes - changes[0]) > part * np.abs(lengths).max())
    return int(other[0]) if other.size else len(changes)


def _filling(lengths: np.ndarray, part: float) -> RegularRate | None:
    """1 − βᵗ, as an average of ones fills up."""
    beta = _plain(1 - lengths[0], part)
    return RegularRate(f"is multiplied by 1 − {beta:.6g}ᵗ in step t", lambda t: float(1 - beta**t))


def _cosine(lengths: np.ndarray, part: float) -> RegularRate | None:
    """Half a cosine, from one down to zero."""
    angle = math.acos(min(1.0, max(-1.0, 2 * lengths[FEWEST] - 1)))
    if not angle:
        return None
    n = _plain(FEWEST * math.pi / angle, part)
    text = f"follows half a cosine down to zero over {n:.6g} steps"
    return RegularRate(text, lambda t: (1 + math.cos(math.pi * min((t - 1) / n, 1))) / 2)


_FORMS: tuple[Form, ...] = (_stairs, _divided(1.0), _divided(0.5), _line, _filling, _cosine)


def _after_warm_up(lengths: np.ndarray, part: float) -> Iterator[RegularRate]:
    """Yield a line that rises, and then another form."""
    n = _ramp(lengths, part)
    if not 2 <= n < len(lengths) - FEWEST or lengths[1] <= lengths[0]:
        return
    start, slope = _plain(lengths[0], part), _plain((lengths[n] - lengths[0]) / n, part)
    for end in (n, n + 1):
        for form in _FORMS:
            rate = form(lengths[end:], part)
            if rate and _is(rate, lengths[end:], part):
                yield _joined(start, slope, end, rate)


def _joined(start: float, slope: float, end: int, then: RegularRate) -> RegularRate:
    text = f"grows linearly from {_shown(start)} of itself in {end} steps; counted from there it "
    return RegularRate(
        text + then.text, lambda t: start + slope * (t - 1) if t <= end else then.factor(t - end)
    )


def _from(start: float) -> str:
    """Where it starts, if not from the lr that was asked for."""
    return "" if start == 1 else f"is {_shown(start)} of the one asked for, and "


def _plain(value: float, part: float) -> float:
    """A short decimal, or one over a whole number, that is the same to a part of it; else itself.

    >>> _plain(0.30000000001, 1e-8), _plain(0.1428571428, 1e-8) == 1 / 7
    (0.3, True)
    """
    value = float(value)
    if not (value and math.isfinite(value)):
        return value
    short = [shorter(value, digits) for digits in range(1, DIGITS)]
    short.insert(4, 1 / (round(1 / value) or 1))
    return next((each for each in short if _same(each, value, part)), value)


def _shown(value: float) -> str:
    """A number, as one over a whole one where it has many digits."""
    value = abs(value)
    whole = round(1 / value) if value else 0
    is_part = whole and f"{value:.3g}" != f"{value:.9g}" and _same(1 / whole, value, EXACT)
    return f"1/{whole}" if is_part else f"{value:.6g}"


def _same(a: float, b: float, part: float) -> bool:
    return math.isclose(a, b, rel_tol=part / 20)

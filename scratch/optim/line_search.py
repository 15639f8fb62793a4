"""A line search: how far to go along a direction."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from scratch.typing import Array


class Point(NamedTuple):
    """A place on the line x + t·d.

    Attributes:
        t: how far along d.
        loss: there.
        gradient: there, of all of x.
        slope: the derivative of the loss by t, gradient·d; a NumPy number.
    """

    t: float
    loss: float
    gradient: Array
    slope: Any


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    size: float,
    max_steps: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
) -> tuple[Point, int]:
    r"""A point on the line that fulfils the strong Wolfe conditions, as torch's LBFGS finds it.

    .. math::
        f(t) \le f(0) + c_1 t f'(0), \qquad |f'(t)| \le c_2 |f'(0)|

    The first asks that the loss falls, the second that the step is not too short, for the slope
    must have become flatter. The search goes on in ever larger steps until such a point must lie
    behind it, and then narrows that bracket down (Nocedal and Wright 2006, "Numerical
    optimization", algorithms 3.5 and 3.6).

    Args:
        at: evaluates the loss at t.
        start: the point at t = 0; its slope is < 0.
        t: to try first.
        size: the largest element of d: a bracket is too small when t·size is < ``tolerance``.
        max_steps: how many points to try after the first.
        c1, c2: c₁ and c₂.
        tolerance: see ``size``.

    Returns:
        The point, the best one seen if none fulfils both; and how many were evaluated.

    >>> def at(t: float) -> Point:  # (t − 3)²
    ...     return Point(t, (t - 3) ** 2, np.array([2 * (t - 3)]), np.float64(2 * (t - 3)))
    >>> point, evaluations = strong_wolfe(at, at(0.0), t=0.1, size=1.0, max_steps=25)
    >>> float(point.t), evaluations
    (1.0, 2)
    """

    def is_too_high(point: Point) -> bool:
        return bool(point.loss > start.loss + c1 * point.t * start.slope)

    def is_flat(point: Point) -> bool:
        return bool(abs(point.slope) <= -c2 * start.slope)

    previous, point, steps = start, at(t), 0
    while steps < max_steps:
        if is_too_high(point) or (steps > 1 and point.loss >= previous.loss):
            break
        if is_flat(point):
            return point, steps + 1
        if point.slope >= 0:
            break
        nearest, farthest = point.t + 0.01 * (point.t - previous.t), point.t * 10
        t = _lowest(previous, point, (nearest, farthest))
        previous, point, steps = point, at(t), steps + 1
    else:
        previous = start

    bracket = [previous, point]
    low = _lower(bracket)
    narrow = False  # whether the last point was close to an end of the bracket
    while steps < max_steps:
        if abs(bracket[1].t - bracket[0].t) * size < tolerance:
            break
        t, narrow = _inside(bracket, narrow)
        point, steps = at(t), steps + 1
        if is_too_high(point) or point.loss >= bracket[low].loss:
            bracket[1 - low] = point
            low = _lower(bracket)
            continue
        if is_flat(point):
            return point, steps + 1
        if point.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = point
    return bracket[low], steps + 1


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def _inside(bracket: list[Point], narrow: bool) -> tuple[float, bool]:
    """Return the next point to try in a bracket, and whether it is close to an end.

    The second such point in a row is moved, to a tenth of the way to the other end.
    """
    t = _lowest(bracket[0], bracket[1])
    ends = [point.t for point in bracket]
    first, last = min(ends), max(ends)
    tenth = 0.1 * (last - first)
    if not min(last - t, t - first) < tenth:
        return t, False
    if narrow or t >= last or t <= first:
        return (last - tenth if abs(t - last) < abs(t - first) else first + tenth), False
    return t, True


def _lowest(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Return the minimum within the bounds of the cubic through two points and their slopes.

    The bounds are the two points if left out. Where the cubic has no minimum: halfway.
    """
    if a.t > b.t:
        a, b = b, a
    low, high = bounds or (a.t, b.t)
    distance = b.slope.dtype.type(a.t - b.t)  # of 0 the quotient is NaN, where Python would raise
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / distance
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    lowest: float = min(max(t, low), high)
    return lowest

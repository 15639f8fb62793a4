"""Arguments that may differ from group to group, and other checks that schedules share."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from scratch import _check
from scratch.typing import Rate

T = TypeVar("T")


def per_group(name: str, value: object, groups: int, check: Callable[[str, object], T]) -> list[T]:
    """One value for each group: those of a list, or the same one for all; each is checked."""
    if not isinstance(value, list | tuple):
        return [check(name, value)] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must be one value or a list of {groups}, for the optimizer and each group "
            f"with an lr of its own, got {len(value)}"
        )
    return [check(f"{name}[{i}]", v) for i, v in enumerate(value)]


def rates(name: str, value: Any, beside: list[Rate]) -> list[Rate]:
    """A learning rate beside each of the others, and for as many runs as that one is for."""
    given = per_group(name, value, len(beside), _check.rate)
    runs = [np.shape(other) for other in beside]
    for rate, shape in zip(given, runs, strict=True):
        if np.ndim(rate) and shape and np.shape(rate) != shape:
            raise ValueError(
                f"{name} must be one number, or one for each of the {shape[0]} runs, got "
                f"{np.size(rate)}"
            )
    return [
        rate if np.ndim(rate) or not shape else np.full(shape, rate)
        for rate, shape in zip(given, runs, strict=True)
    ]


def not_negative(name: str, value: object) -> float:
    """Return a finite number >= 0, or raise."""
    return _check.number(name, value, at_least=0)


def milestones(value: Any) -> list[int]:
    """Whole numbers >= 0, in the order given."""
    try:
        steps = list(value)
    except TypeError:
        raise TypeError(f"milestones must be a list of steps, got {_check.shown(value)}") from None
    return [_check.integer(f"milestones[{i}]", step, at_least=0) for i, step in enumerate(steps)]

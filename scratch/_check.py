"""Refusing a bad argument: its name, what is allowed, and the value that came."""

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real

import numpy as np

_COUNTS = {2: "two", 3: "three"}


def number(
    name: str,
    value: float,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> float:
    """Return ``value`` as a Python float, or raise if it is not a finite number in the range.

    A Python float, because ``np.float64`` times a float32 array would be a float64 array.

    >>> number("lr", -1, at_least=0)
    Traceback (most recent call last):
        ...
    ValueError: lr must be a finite number >= 0, got -1
    """
    allowed = "a finite number"
    bounds = [(">=", at_least), (">", above), ("<", below), ("<=", at_most)]
    limits = [f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound)]
    if limits:
        allowed += " " + " and ".join(limits)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    inside = at_least <= value <= at_most and above < value < below
    if not (math.isfinite(value) and inside):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return float(value)


def integer(name: str, value: int, *, at_least: int, below: int | None = None) -> int:
    """Return ``value`` as a Python int, or raise if it is not a whole number in the range."""
    allowed = f"a whole number >= {at_least}" + ("" if below is None else f" and < {below}")
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    if value < at_least or (below is not None and value >= below):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return int(value)


def flag(name: str, value: bool) -> bool:
    """Return ``value`` as a Python bool, or raise if it is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def rate(name: str, value: float | np.ndarray) -> float | np.ndarray:
    """Return a number >= 0, or an array (K,) of such; raise if ``value`` is neither."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return number(name, value, at_least=0)
    if value.ndim > 1 or value.size == 0 or value.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} must be a finite number >= 0, or an array of one for each run, got "
            f"{value.dtype} of shape {value.shape}"
        )
    return np.array([number(f"{name}[{i}]", rate, at_least=0) for i, rate in enumerate(value)])


def mapping(name: str, value: Mapping) -> Mapping:
    """Return ``value``, or raise if it is no mapping."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, got {value!r}")
    return value


def several(name: str, value: Sequence, count: int) -> tuple:
    """Return ``value`` as a tuple, or raise if it does not have ``count`` elements."""
    if not isinstance(value, Sequence | np.ndarray) or len(value) != count:
        raise TypeError(f"{name} must be {_COUNTS[count]} numbers, got {value!r}")
    return tuple(value)


def numbers(name: str, value: Sequence[float], count: int) -> tuple[float, ...]:
    """Return ``count`` finite numbers, or raise if ``value`` is not that."""
    return tuple(number(f"{name}[{i}]", x) for i, x in enumerate(several(name, value, count)))


def betas(value: tuple[float, float]) -> tuple[float, float]:
    """Return Adam's two decay rates, or raise if they are not two numbers in [0, 1)."""
    beta1, beta2 = several("betas", value, 2)
    return (
        number("betas[0]", beta1, at_least=0, below=1),
        number("betas[1]", beta2, at_least=0, below=1),
    )


def choice(name: str, value: str, allowed: Iterable[str]) -> str:
    """Return ``value``, or raise if it is not one of the ``allowed`` names."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def floating(dtype: np.typing.DTypeLike) -> np.dtype:
    """Return ``dtype`` as a NumPy dtype, or raise if it is neither float32 nor float64."""
    try:
        resolved = None if dtype is None else np.dtype(dtype)  # np.dtype(None) is float64
    except TypeError:
        resolved = None
    if resolved not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {dtype!r}")
    return resolved

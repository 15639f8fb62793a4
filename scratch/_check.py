"""Refusing a bad argument: its name, what is allowed, and the value that came."""

import math
from collections.abc import Mapping
from numbers import Integral, Real

import numpy as np


def number(
    name: str,
    value: float,
    *,
    at_least: float = -math.inf,
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
    bounds = [(">=", at_least), ("<", below), ("<=", at_most)]
    limits = [f"{sign} {bound:g}" for sign, bound in bounds if math.isfinite(bound)]
    if limits:
        allowed += " " + " and ".join(limits)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    if not (math.isfinite(value) and at_least <= value < below and value <= at_most):
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


def betas(value: tuple[float, float]) -> tuple[float, float]:
    """Return Adam's two decay rates, or raise if they are not two numbers in [0, 1)."""
    try:
        beta1, beta2 = value
    except (TypeError, ValueError):
        raise TypeError(f"betas must be two numbers, got {value!r}") from None
    return (
        number("betas[0]", beta1, at_least=0, below=1),
        number("betas[1]", beta2, at_least=0, below=1),
    )


def choice(name: str, value: str, allowed: Mapping[str, object]) -> str:
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

"""Checks of arguments: an error names the argument, what is allowed and the value given."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeGuard, TypeVar

import numpy as np

from scratch.typing import Array, DTypeLike, Rate

T = TypeVar("T")
K = TypeVar("K")
#: Given a name and a value: returns what is to be taken, or raises.
Check = Callable[[str, Any], Any]

_COUNTS = {2: "two", 3: "three"}
#: Characters of a value in a message.
_SHOWN = 200
#: No array has as many elements: its bytes could not be counted.
_TOO_MANY = 2**60


def shown(value: object) -> str:
    """Return a value for a message, on one line and shortened; an array by its dtype and shape.

    >>> shown("x" * 1000) == "'" + "x" * 139 + " … " + "x" * 39 + "'"
    True
    >>> shown(np.ones((2, 3)))
    'float64 of shape (2, 3)'
    """
    if isinstance(value, np.ndarray) and value.ndim:
        kind = "" if type(value) is np.ndarray else f"{type(value).__name__} of "
        return f"{kind}{value.dtype} of shape {value.shape}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a class whose repr fails, or a number of more digits than Python writes
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 60]} … {text[-40:]}"


def names(values: Iterable[object]) -> str:
    """Return names for a message: as they are if readable, and shortened.

    >>> names(["W1", "b\\n"])
    "W1, 'b\\\\n'"
    """
    readable = (v if isinstance(v, str) and v.isprintable() and v else shown(v) for v in values)
    text = ", ".join(readable)
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]} …"


def number(
    name: str,
    value: object,
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
    if not _is_real(value):
        raise TypeError(f"{name} must be {allowed}, got {shown(value)}")
    inside = at_least <= value <= at_most and above < value < below
    try:
        found = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        found = math.inf
    if not (math.isfinite(found) and inside):
        raise ValueError(f"{name} must be {allowed}, got {shown(value)}")
    return found


def _is_real(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool | np.bool_)


def number_or_inf(name: str, value: object, *, at_least: float = -math.inf) -> float:
    """Return ``value`` as a Python float that may be infinite, or raise if it is not a number."""
    if _is_real(value) and value in (-math.inf, math.inf) and value >= at_least:
        return float(value)
    return number(name, value, at_least=at_least)


def integer(name: str, value: object, *, at_least: int, below: int | None = None) -> int:
    """Return ``value`` as a Python int, or raise if it is not a whole number in the range."""
    allowed = f"a whole number >= {at_least}" + ("" if below is None else f" and < {below}")
    if not _is_whole(value):
        raise TypeError(f"{name} must be {allowed}, got {shown(value)}")
    if value < at_least or value >= (2**63 if below is None else below):
        huge = " and < 2⁶³" if below is None and value > 0 else ""
        raise ValueError(f"{name} must be {allowed}{huge}, got {shown(value)}")
    return int(value)


def lengths(name: str, value: object, *, at_least: int = 0) -> tuple[int, ...]:
    """Return the lengths of an array's axes as a tuple, or raise if there can be no such array."""
    if not is_sequence(value):
        raise TypeError(
            f"{name} must be a tuple of whole numbers >= {at_least}, got {shown(value)}"
        )
    found = tuple(integer(f"{name}[{i}]", n, at_least=at_least) for i, n in enumerate(value))
    if math.prod(found) >= _TOO_MANY:
        raise ValueError(f"{name} must be of fewer than 2⁶⁰ elements, got {shown(found)}")
    return found


def flag(name: str, value: object) -> bool:
    """Return ``value`` as a Python bool, or raise if it is neither True nor False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def rate(name: str, value: object) -> Rate:
    """Return a number >= 0, or an array (K,) of such; raise if ``value`` is neither."""
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return number(name, value, at_least=0)
    if value.ndim > 1 or value.size == 0 or value.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} must be a finite number >= 0, or an array of one for each run, got "
            f"{shown(value)}"
        )
    return np.array([number(f"{name}[{i}]", rate, at_least=0) for i, rate in enumerate(value)])


def instance(name: str, value: object, kind: type[T]) -> T:
    """Return ``value``, or raise if it is not an instance of ``kind``."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {shown(value)}")
    return value


def function(name: str, value: T) -> T:
    """Return ``value``, or raise if it cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {shown(value)}")
    return value


def mapping(name: str, value: Mapping[K, T] | None) -> Mapping[K, T]:
    """Return ``value``, or raise if it is not a mapping."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, got {shown(value)}")
    return value


def keys(name: str, value: object, expected: Iterable[str]) -> Mapping[str, Any]:
    """Return ``value``, or raise if it is not a mapping with exactly the ``expected`` keys."""
    given: Mapping[str, Any] = mapping(name, value)  # type: ignore[arg-type]
    if differing := given.keys() ^ set(expected):
        raise ValueError(
            f"{name} must have {', '.join(expected)}, differs in "
            f"{names(sorted(differing, key=str))}"
        )
    return given


def each(name: str, value: object, checks: Sequence[Check]) -> tuple[Any, ...]:
    """Return ``value`` as a tuple, or raise if it has not one element for each of the checks."""
    if not is_sequence(value) or len(value) != len(checks):
        raise TypeError(f"{name} must be {_COUNTS[len(checks)]} numbers, got {shown(value)}")
    return tuple(check(f"{name}[{i}]", value[i]) for i, check in enumerate(checks))


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Return whether ``value`` is a sequence of any type but a string."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def sequence(name: str, value: Sequence[T]) -> Sequence[T]:
    """Return ``value``, or raise if it is not a list or is empty."""
    if not is_sequence(value) or len(value) == 0:
        raise TypeError(f"{name} must be a list, and not empty, got {shown(value)}")
    return value


def choice(name: str, value: object, allowed: Iterable[str]) -> str:
    """Return ``value``, or raise if it is not one of the ``allowed`` names."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {shown(value)}")
    return value


def is_plain(value: object) -> TypeGuard[np.ndarray]:
    """Return whether ``value`` is an array that hides no elements and whose * is theirs.

    A masked array is told by its mask: ``np.ma`` would be a tenth of what ``import scratch`` takes.
    """
    if type(value) is np.ndarray:
        return True
    odd = isinstance(value, np.matrix) or hasattr(value, "mask")
    return isinstance(value, np.ndarray) and not odd


def array(name: str, value: Any) -> Array:
    """Return ``value``, or raise if it is not an array of float32 or float64."""
    odd = not is_plain(value)
    if odd or value.dtype.type not in (np.float32, np.float64):
        got = shown(value) if odd else value.dtype
        raise TypeError(f"{name} must be an array of float32 or float64, got {got}")
    checked: Array = value
    return checked


def variances(name: str, value: Any) -> Array:
    """Return ``value``, or raise if it is not such an array, or one with a number below 0."""
    checked = array(name, value)
    if (checked < 0).any():
        raise ValueError(f"{name} must be >= 0, got {checked.min()}")
    return checked


def as_array(name: str, value: object, dtype: DTypeLike | None = None) -> Array:
    """Return ``value`` as an array, of ``dtype`` if there is one; raise if it cannot be one."""
    try:
        found = np.asarray(value)
        if found.dtype.kind != "c":  # would lose a part of each number
            return found.astype(dtype or found.dtype, copy=False)
    except (TypeError, ValueError, OverflowError):
        pass
    raise TypeError(f"{name} must be an array of numbers, or what makes one, got {shown(value)}")


def shape(name: str, found: Sequence[int], *allowed: tuple[int | str, ...]) -> None:
    """Raise if an array's shape is none of those ``allowed``.

    A number is a length, a letter stands for any, and ``*`` for any number of axes.

    >>> shape("x", (3, 4, 5), ("N", 5), ("*", 4, 5))
    >>> shape("x", (3, 4), ("N", 5), ("*", 4, 5))
    Traceback (most recent call last):
        ...
    ValueError: x must have shape (N, 5) or (*, 4, 5), got (3, 4)
    """
    if not any(_fits(found, each) for each in allowed):
        listed = " or ".join(f"({', '.join(map(str, each))})" for each in allowed)
        raise ValueError(f"{name} must have shape {listed}, got {tuple(found)}")


def _fits(found: Sequence[int], allowed: tuple[int | str, ...]) -> bool:
    if "*" in allowed:
        i, missing = allowed.index("*"), len(found) - len(allowed) + 1
        allowed = (*allowed[:i], *["N"] * missing, *allowed[i + 1 :])
    if len(found) != len(allowed):
        return False
    return all(isinstance(a, str) or a == n for n, a in zip(found, allowed, strict=True))


def floating(dtype: DTypeLike | None) -> np.dtype:
    """Return ``dtype`` as a NumPy dtype, or raise if it is neither float32 nor float64."""
    try:
        resolved = None if dtype is None else np.dtype(dtype)  # np.dtype(None) is float64
    except (TypeError, ValueError):
        resolved = None
    if resolved not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {shown(dtype)}")
    return resolved

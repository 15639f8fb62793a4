"""Values that go through a message: what JSON has, and a little more, each marked by its kind."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from torch_ref.lockstep.frameworks import wire
from torch_ref.lockstep.frameworks.away import AwayError
from torch_ref.lockstep.frameworks.wire import Announced

#: Values within values within values: no setting has more.
_DEEP = 20


class Opaque(NamedTuple):
    """A value that stays where it is: its name there, and how it is shown.

    >>> Opaque("schedule", "<function f>")
    <function f>
    """

    name: str
    shown: str

    def __repr__(self) -> str:
        return self.shown


Kept = Callable[[Any], Any]


def packed(value: Any, kept: Kept = repr, arrays: list[np.ndarray] | None = None) -> Any:
    """A value as JSON has it.

    Args:
        value: what JSON has, a tuple, a dict, a dtype, an exception.
        kept: gives what is sent of anything else.
        arrays: where those in it go; without it they are anything else.

    >>> packed((0.9, float("inf")))
    {'tuple': [0.9, {'float': 'inf'}]}
    """
    return _packed(value, kept, arrays, 0)


def _packed(value: Any, kept: Kept, arrays: list[np.ndarray] | None, deep: int) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, Opaque):
        return {"name": value.name, "shown": value.shown}
    if isinstance(value, np.dtype):
        return {"dtype": value.name}
    if arrays is not None and isinstance(value, np.ndarray | np.generic):
        arrays.append(np.asarray(value))
        return {"array": [list(value.shape), value.dtype.name]}
    if isinstance(value, Exception):
        return {"error": [type(value).__name__, str(value)]}
    if type(value) in (tuple, list) and deep < _DEEP:
        inside = [_packed(each, kept, arrays, deep + 1) for each in value]
        return inside if type(value) is list else {"tuple": inside}
    if type(value) is dict and deep < _DEEP and all(type(name) is str for name in value):
        return {"dict": [[n, _packed(each, kept, arrays, deep + 1)] for n, each in value.items()]}
    return kept(value)


def unpacked(
    found: Any,
    arrays: Callable[[list[int], str], np.ndarray] | None = None,
    thing: Callable[[int], Any] | None = None,
) -> Any:
    """The value of what :func:`packed` made.

    Args:
        found: that.
        arrays: gives the next array, of a shape and a dtype.
        thing: gives what a number stands for.

    Raises:
        TypeError, ValueError: it made no such thing.

    >>> unpacked(packed((0.9, [None, "relu"])))
    (0.9, [None, 'relu'])
    """
    if isinstance(found, list):
        return [unpacked(each, arrays, thing) for each in found]
    if not isinstance(found, dict):
        return found
    match found:
        case {"float": str(text)}:
            return float(text)
        case {"tuple": list(inside)}:
            return tuple(unpacked(each, arrays, thing) for each in inside)
        case {"dict": list(inside)}:
            return {str(name): unpacked(each, arrays, thing) for name, each in inside}
        case {"name": str(name), "shown": str(shown)}:
            return Opaque(name, shown)
        case {"dtype": str(name)}:
            return wire.dtype_of(name)
        case {"error": [str(name), str(text)]}:
            return AwayError.named(name, text)
        case {"array": [list(shape), str(name)]} if arrays:
            return arrays(shape, name)
        case {"thing": int(number)} if thing:
            return thing(number)
    raise ValueError(f"{found!r} is no value")


def taken_from(data: bytes) -> Callable[[list[int], str], np.ndarray]:
    r"""Arrays one after another out of the bytes behind a message.

    >>> taken_from(b"\1\2")([2], "uint8")
    array([1, 2], dtype=uint8)
    """
    at = 0

    def following(shape: list[int], dtype: str) -> np.ndarray:
        nonlocal at
        one = Announced("", tuple(shape), dtype)
        found = wire.arrays(data[at : at + one.size], [one])[0]
        at += one.size
        return found

    return following

"""Values that go through a message: what JSON has, and a little more, each marked by its kind."""

import math
from typing import Any, NamedTuple

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


def packed(value: Any, name: str = "", deep: int = 0) -> Any:
    """A value as JSON has it; as what ``name`` stands for, where it has nothing like it.

    >>> packed((0.9, float("inf")))
    {'tuple': [0.9, {'float': 'inf'}]}
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if type(value) in (tuple, list) and deep < _DEEP:
        inside = [packed(each, name, deep + 1) for each in value]
        if not any(isinstance(each, dict) and "name" in each for each in inside):
            return inside if type(value) is list else {"tuple": inside}
    if isinstance(value, Opaque):
        return {"name": value.name, "shown": value.shown}
    return {"name": name, "shown": repr(value)[:200]}


def unpacked(found: Any) -> Any:
    """The value of what :func:`packed` made.

    Raises:
        TypeError, ValueError: it made no such thing.

    >>> unpacked(packed((0.9, [None, "relu"])))
    (0.9, [None, 'relu'])
    """
    if isinstance(found, list):
        return [unpacked(each) for each in found]
    if not isinstance(found, dict):
        return found
    match found:
        case {"float": str(text)}:
            return float(text)
        case {"tuple": list(inside)}:
            return tuple(map(unpacked, inside))
        case {"name": str(name), "shown": str(shown)}:
            return Opaque(name, shown)
    raise ValueError(f"{found!r} is no value")

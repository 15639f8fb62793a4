"""The messages between a check and a program: a line of JSON, then the numbers that it announces.

The page on it, for who writes such a program, is ``experiments/docs/protocol.md``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

VERSION = 1
#: What a program may be able to do beside its steps.
ABILITIES = ("scale_lr", "add", "minimize", "kept", "state")
#: Without more said, a message announces no more bytes of numbers than these.
MOST_BYTES = 2**20
_MOST_AXES = 32

Message = dict[str, Any]


class WireError(Exception):
    """A message is not as it must be; the text says what was expected, and what came."""


class Announced(NamedTuple):
    """An array that a message announces: how it is called, and what its numbers are."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return math.prod(self.shape) * dtype_of(self.dtype).itemsize


def message(fields: Mapping[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    r"""A message as it is sent, with the numbers of ``arrays`` behind its line.

    Raises:
        TypeError, ValueError: a field is nothing that JSON has, or is not finite.

    >>> message({"do": "step"}, [np.array([1.0, 2.0], np.float32)])
    b'{"do": "step", "bytes": 8}\n\x00\x00\x80?\x00\x00\x00@'
    """
    data = b"".join(_little_endian(a).tobytes() for a in arrays)
    whole = dict(fields) | ({"bytes": len(data)} if arrays else {})
    return json.dumps(whole, default=_number, allow_nan=False).encode() + b"\n" + data


def parse(line: bytes, most: int = MOST_BYTES) -> Message:
    """The fields of a message's line, which announces at most so many bytes of numbers.

    Raises:
        WireError: it is no JSON object, or announces what cannot be.

    >>> parse(b'{"bytes": 8}')
    {'bytes': 8}
    """
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WireError(f'expected a line of JSON like {{"bytes": 8}}, got {shown(line)}')
    count = found.get("bytes", 0)
    if type(count) is not int or not 0 <= count <= most:
        raise WireError(
            f'expected a whole number of at most {most:,} as "bytes", got {shown(line)}'
        )
    return found


def described(field: str, listed: Any, dtype: str) -> list[Announced]:
    """The arrays that a field describes: ``[[name, shape], …]``, with a dtype where it is another.

    Raises:
        WireError: it is no such list.

    >>> described("params", [["w", [2, 3]], ["n", [], "int64"]], "float32")[1].size
    8
    """
    try:
        found = [Announced(name, tuple(shape), *(rest or [dtype])) for name, shape, *rest in listed]
        if all(map(_is_sound, found)):
            return found
    except (TypeError, ValueError):
        pass
    raise WireError(f'expected [[name, shape], …] as "{field}", got {shown(repr(listed).encode())}')


def arrays(data: bytes, whose: Sequence[Announced]) -> list[np.ndarray]:
    """The arrays whose numbers ``data`` holds, one behind the other."""
    found, start = [], 0
    for each in whose:
        own = dtype_of(each.dtype)
        part = np.frombuffer(data, own.newbyteorder("<"), math.prod(each.shape), start)
        found.append(part.astype(own).reshape(each.shape))
        start += each.size
    return found


def dtype_of(name: str) -> np.dtype:
    """The NumPy dtype of a name, which ``bfloat16`` is once ``ml_dtypes`` is imported."""
    if name == "bfloat16":
        import ml_dtypes  # noqa: F401
    return np.dtype(name)


def is_number(dtype: np.dtype) -> bool:
    """Whether arrays of it can be sent.

    >>> is_number(np.dtype("float32")), is_number(np.dtype(object))
    (True, False)
    """
    return dtype.name == "bfloat16" or dtype.kind in "biufc"


def shown(some: bytes) -> str:
    """Bytes for a message, shortened.

    >>> shown(b""), shown(b"w = 0.1")
    ('nothing', "'w = 0.1'")
    """
    if not some:
        return "nothing"
    text = some[:60].decode("ascii", "backslashreplace")
    return f"{text!r}" if len(some) <= 60 else f"{len(some):,} bytes that begin with {text!r}"


def _little_endian(a: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(a, a.dtype.newbyteorder("<"))


def _number(value: Any) -> Any:
    """A number of NumPy's, which JSON does not know, as Python has it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is nothing that JSON has: a number, a text, true, false or null")


def _is_sound(one: Announced) -> bool:
    axes = len(one.shape) <= _MOST_AXES and all(type(n) is int and n >= 0 for n in one.shape)
    named = isinstance(one.name, str) and isinstance(one.dtype, str) and one.dtype.isalnum()
    return axes and named and (one.dtype == "bfloat16" or is_number(np.dtype(one.dtype)))

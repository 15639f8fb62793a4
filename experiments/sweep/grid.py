"""Grids as they are written on a command line: lists, and ranges ``a:b:Nlog`` or ``a:b:Nlin``."""

import math
import re
from collections.abc import Callable, Iterable

import numpy as np

from scratch.init import INITIALIZERS
from torch_ref.errors import LockstepError
from torch_ref.registry import OPTIMIZERS, find

LARGEST = 1000  # values of one grid
LARGEST_RATE = 1e30  # far from the end of float32, beyond which torch raises, whatever it is times
SYNTAX = "numbers, or ranges as 1e-4:1:13log and 0.1:0.5:5lin, with commas between them"
_COUNT = re.compile(r"([0-9]{1,9})(log|lin)", re.ASCII)
_SWITCH = {"on": True, "off": False}


class GridError(LockstepError, ValueError):
    """A grid cannot be read; the message has its text and says what is allowed."""


def numbers(text: str) -> tuple[float, ...]:
    """The finite numbers >= 0 of a grid, each once, in order.

    >>> numbers("0.5, 1e-3:0.1:3log")
    (0.5, 0.001, 0.01, 0.1)
    """
    return _each(text, _numbers)


def rates(text: str) -> tuple[float, ...]:
    """Learning rates from above 0 to 10³⁰, from the smallest to the largest.

    >>> rates("0.1, 1:4:4lin")
    (0.1, 1.0, 2.0, 3.0, 4.0)
    """
    values = numbers(text)
    if min(values) == 0 or max(values) > LARGEST_RATE:
        raise GridError(f"{text!r}: a learning rate must be > 0 and at most {LARGEST_RATE:g}")
    return tuple(sorted(values))


def depths(text: str) -> tuple[int, ...]:
    """Numbers of hidden layers, whole and >= 1.

    >>> depths("2,5,10")
    (2, 5, 10)
    """
    values = numbers(text)
    if any(value < 1 or value != int(value) or value > LARGEST for value in values):
        raise GridError(f"{text!r}: a depth must be a whole number from 1 to {LARGEST}")
    return tuple(int(value) for value in values)


def inits(text: str) -> tuple[str | float, ...]:
    """Names of initializers, in any case, and standard deviations.

    >>> inits("He,xavier,0.01")
    ('he', 'xavier', 0.01)
    """
    return _each(text, _init)


def switches(text: str) -> tuple[bool, ...]:
    """``on`` and ``off``.

    >>> switches("on,off")
    (True, False)
    """
    return _each(text, _switch)


def optimizers(text: str) -> tuple[str, ...]:
    """Names in the registry of the optimizers that can train a stack.

    A name in its exact spelling is that one; in any other case it is the chapter's, if it has one
    of that name.

    >>> optimizers("sgd,adagrad,adam,AdamW,Adam")
    ('SGD', 'AdaGrad', 'chapter.Adam', 'AdamW', 'Adam')
    """
    return _each(text, _optimizer)


def trainable() -> list[str]:
    """The optimizers that take every element alone, and so a stack of runs."""
    return [
        name
        for name, pair in OPTIMIZERS.items()
        if pair.scratch.elementwise and pair.gradients == "dense" and not pair.axes
    ]


def _each(text: str, read: Callable[[str], Iterable]) -> tuple:
    """What the parts between the commas mean, each value once."""
    try:
        values = [value for part in text.split(",") for value in read(part.strip())]
    except GridError as error:
        whole = "" if text == error.args[0] else f" in {text!r}"
        raise GridError(f"{error.args[0]!r}{whole} is {error.args[1]}") from None
    distinct = tuple(dict.fromkeys(values))
    if len(distinct) > LARGEST:
        raise GridError(f"{text!r} has {len(distinct)} values, allowed are {LARGEST}")
    return distinct


def _numbers(part: str) -> list[float]:
    ends = part.split(":")
    if len(ends) == 1:
        return [_number(part, part)]
    count = _COUNT.fullmatch(ends[-1].strip())
    if len(ends) != 3 or not count:
        raise GridError(part, f"neither a number nor a range; give {SYNTAX}")
    start, stop = (_number(end, part) for end in ends[:2])
    n, spacing = int(count[1]), count[2]
    if not 2 <= n <= LARGEST:
        raise GridError(part, f"a range of {n} values, allowed are 2 to {LARGEST}")
    if spacing == "log" and min(start, stop) == 0:
        raise GridError(part, "no range: with log both ends must be > 0")
    space = np.geomspace if spacing == "log" else np.linspace
    # To twelve digits: 0.001 is not 0.0010000000000000002, in a file and as the same value twice.
    return [float(f"{value:.12g}") for value in space(start, stop, n)]


def _number(text: str, part: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise GridError(part, f"not made of finite numbers >= 0; give {SYNTAX}")
    return value


def _init(part: str) -> list[str | float]:
    if part.lower() in INITIALIZERS:
        return [part.lower()]
    try:
        return list(_numbers(part))
    except GridError:
        names = ", ".join(INITIALIZERS)
        raise GridError(part, f"neither a standard deviation nor one of {names}") from None


def _switch(part: str) -> list[bool]:
    if part.lower() not in _SWITCH:
        raise GridError(part, "neither on nor off")
    return [_SWITCH[part.lower()]]


def _optimizer(part: str) -> list[str]:
    allowed, found = trainable(), find(part)
    alike = [name for name in allowed if name.rpartition(".")[2].lower() == part.lower()]
    chapters_first = sorted(alike, key=lambda name: not OPTIMIZERS[name].of_chapter)
    for name in [found.pair.name] if found else chapters_first:
        if name in allowed:
            return [name]
    raise GridError(part, f"not one of {', '.join(allowed)}")

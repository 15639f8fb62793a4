"""The learning rate of an object that nobody has described."""

from numbers import Real
from typing import Any

#: What it may be called, where it can be assigned.
LEARNING_RATE = ("lr", "learning_rate", "eta")


def scale_attribute(optimizer: Any, factor: float) -> bool:
    """Multiply the learning rate if it is a number that can be assigned; returns whether it was.

    >>> from types import SimpleNamespace
    >>> adam = SimpleNamespace(lr=0.5)
    >>> scale_attribute(adam, 0.5), adam.lr
    (True, 0.25)
    """
    for name in LEARNING_RATE:
        value = getattr(optimizer, name, None)
        if isinstance(value, Real) and not isinstance(value, bool):
            try:
                setattr(optimizer, name, value * factor)
            except AttributeError:  # a property, or frozen
                return False
            return True
    return False

"""The learning rate of an object that nobody has described."""

from collections.abc import Iterator
from numbers import Real
from typing import Any

#: What it may be called.
LEARNING_RATE = (
    "lr",
    "learning_rate",
    "learning_rate_init",
    "current_learning_rate",
    "learn_rate",
)
#: What it may be called where nothing has one of those names; else it follows from the rate.
SYMBOLS = ("eta", "step_size")
#: What a method that sets it may be called; it may be kept where nobody else is to assign.
SETTERS = ("set_lr", "set_learning_rate")
_PRIVATE = ("_lr", "_learning_rate", "_rate")


def scale_attribute(optimizer: Any, factor: float) -> bool:
    """Multiply the learning rate if it is a number that can be assigned; returns whether it was.

    It may stand in several attributes, or in the dicts of ``param_groups``. Of two names for one
    value the second has changed with the first; of two values the second may follow from the first
    in the next step, as the eta of ASGD does.

    >>> from types import SimpleNamespace
    >>> adam = SimpleNamespace(lr=0.5)
    >>> scale_attribute(adam, 0.5), adam.lr
    (True, 0.25)
    """
    if _set(optimizer, factor):
        return True
    changed = False
    for holder in _holders(optimizer):
        rates = holder.items()
        for name, before in rates:
            if before == rates[0][1] == holder.get(name):
                changed |= holder.assign(name, before * factor)
    return changed


def _set(optimizer: Any, factor: float) -> bool:
    """Call the method that sets the rate, if there is one and the rate is known."""
    setter = next((s for s in SETTERS if callable(getattr(optimizer, s, None))), None)
    known = (getattr(optimizer, name, None) for name in (*LEARNING_RATE, *_PRIVATE))
    rate = next((value for value in known if _is_rate(value)), None)
    if setter is None or rate is None:
        return False
    getattr(optimizer, setter)(rate * factor)
    return True


class _Attributes:
    """The learning rates among the attributes of an object."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def get(self, name: str) -> Any:
        return getattr(self._owner, name, None)

    def items(self) -> list[tuple[str, Any]]:
        named, symbols = (
            [(name, self.get(name)) for name in names if _is_rate(self.get(name))]
            for names in (LEARNING_RATE, SYMBOLS)
        )
        return named or symbols

    def assign(self, name: str, value: Any) -> bool:
        try:
            setattr(self._owner, name, value)
        except (AttributeError, TypeError):  # a property, or frozen
            return False
        return True


class _Entries(_Attributes):
    """The same among the entries of a dict."""

    def get(self, name: str) -> Any:
        return self._owner.get(name)

    def assign(self, name: str, value: Any) -> bool:
        self._owner[name] = value
        return True


def _holders(optimizer: Any) -> Iterator[_Attributes]:
    yield _Attributes(optimizer)
    groups = getattr(optimizer, "param_groups", None)
    for group in groups if isinstance(groups, list | tuple) else ():
        if isinstance(group, dict):
            yield _Entries(group)


def _is_rate(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)

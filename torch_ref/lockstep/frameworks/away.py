"""A candidate that is in another process, and what was made of it there."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


class Link(Protocol):
    """What asks the process."""

    def run(self, function: str, arguments: tuple[Any, ...]) -> Any:
        """What a function of ours makes there of the candidate and these."""

    def call(self, thing: int, name: str, arguments: tuple[Any, ...]) -> Any:
        """What a method of a thing there gives; of itself, where ``name`` is empty."""

    def get(self, thing: int, name: str) -> Any:
        """A value that it has."""


class AwayError(Exception):
    """What was raised there, in a class of the same name.

    Attributes:
        at: the line of the user's file.
    """

    at = ""

    @classmethod
    def named(cls, name: str, text: str, at: str = "") -> "AwayError":
        """The error in a class of this name.

        >>> AwayError.named("ValueError", "lr is 0")
        ValueError('lr is 0')
        """
        found = type(name, (cls,), {})(text)
        found.at = at
        return found


class Away:
    """What stands for the candidate here: its name and its arguments.

    Attributes:
        link: to its process.
        is_class: whether it is a class there.
    """

    def __init__(self, link: Link, name: str, parameters: list[inspect.Parameter]) -> None:
        self.link, self.__name__, self.is_class = link, name, False
        self.__signature__ = inspect.Signature(parameters, __validate_parameters__=False)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"{self.__name__} is in another process")


class Thing:
    """An object there: its methods are called and its values read as if it were here."""

    def __init__(self, link: Link, number: int) -> None:
        self._link, self._number = link, number

    def __call__(self, *arguments: Any) -> Any:
        return self._link.call(self._number, "", arguments)

    def forward(self, *arguments: Any) -> Any:
        return self._link.call(self._number, "forward", arguments)

    def backward(self, *arguments: Any) -> Any:
        return self._link.call(self._number, "backward", arguments)

    def read(self, name: str, gradient: bool = False) -> Any:
        return self._link.call(self._number, "read", (name, gradient))

    def write(self, *arguments: Any) -> Any:
        return self._link.call(self._number, "write", arguments)

    @property
    def layout(self) -> Any:
        return self._link.get(self._number, "layout")

    @property
    def way(self) -> Any:
        return self._link.get(self._number, "way")


def where_it_is(function: _F) -> _F:
    """Run a function of a candidate and plain values in the process that the candidate is in."""

    @wraps(function)
    def run(candidate: Any, *arguments: Any) -> Any:
        if type(candidate) is Away:
            name = f"{function.__module__}.{function.__qualname__}"
            return candidate.link.run(name, arguments)
        return function(candidate, *arguments)

    return run  # type: ignore[return-value] # it takes and gives the same

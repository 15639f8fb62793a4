"""Dividing time among the parts of a program."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from experiments.texts import say

#: By the name of a part, the methods that do it: (class, method's name).
Parts = Mapping[str, tuple[tuple[type, str], ...]]

REST = say("the rest")


class Stopwatch:
    """Says how long each part of a program took, without what it calls of another part.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._part = REST
        self.restart()

    def restart(self) -> None:
        """Forget all parts."""
        self._seconds: dict[str, float] = defaultdict(float)
        self._since = self._clock()

    def seconds(self) -> dict[str, float]:
        """What each part took since the restart."""
        self._enter(self._part)
        return dict(self._seconds)

    def shares(self) -> dict[str, float]:
        """Each part's share of the time since the restart, together 1."""
        seconds = self.seconds()
        total = sum(seconds.values())
        return {part: taken / total for part, taken in seconds.items()}

    def timed(self, part: str, function: Callable) -> Callable:
        """The ``function``, its time counted as that of ``part``."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            outer = self._enter(part)
            try:
                return function(*args, **kwargs)
            finally:
                self._enter(outer)

        return run

    @contextmanager
    def watching(self, parts: Parts) -> Iterator[None]:
        """Count the time of the methods in ``parts``, of every object of their classes."""
        with ExitStack() as stack:
            for part, methods in parts.items():
                for owner, name in methods:
                    timed = self.timed(part, getattr(owner, name))
                    stack.enter_context(patch.object(owner, name, timed))
            yield

    def _enter(self, part: str) -> str:
        """Count the time since the last change for the part that was on; returns that."""
        now = self._clock()
        self._seconds[self._part] += now - self._since
        left, self._part, self._since = self._part, part, now
        return left

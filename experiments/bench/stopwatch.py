"""Dividing time among the parts of a program."""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from experiments.engine.texts import say

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

    def watch(self, part: str, owner: Any, *methods: str) -> None:
        """Count the time of an object's methods as that of ``part``."""
        for name in methods:
            setattr(owner, name, self.timed(part, getattr(owner, name)))

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

    def _enter(self, part: str) -> str:
        """Count the time since the last change for the part that was on; returns that."""
        now = self._clock()
        self._seconds[self._part] += now - self._since
        left, self._part, self._since = self._part, part, now
        return left

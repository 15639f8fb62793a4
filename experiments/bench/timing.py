"""Functions timed side by side: in one process, in turns, several times over."""

import math
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

Call = Callable[[], object]

FEWEST = 3  # repetitions, however long they take: fewer have no quartiles


@dataclass(frozen=True)
class Spread:
    """The quartiles of something that was measured ``count`` times."""

    low: float
    median: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The spread of the ``values``.

        >>> Spread.of([4.0, 1.0, 2.0, 3.0, 5.0])
        Spread(low=2.0, median=3.0, high=4.0, count=5)
        """
        values = np.fromiter(values, np.float64)
        return cls(*np.quantile(values, (0.25, 0.5, 0.75)).tolist(), len(values))

    @property
    def width(self) -> float:
        """The distance between the quartiles as a part of the median."""
        return (self.high - self.low) / self.median


@dataclass(frozen=True)
class Timings:
    """What functions took.

    Attributes:
        seconds: name → (repetitions,), of one call. Repetition i of all names was measured
            together, so that a machine that is busy for a while is busy for all of them.
    """

    seconds: dict[str, np.ndarray]

    def of(self, name: str) -> Spread:
        """The seconds of a call."""
        return Spread.of(self.seconds[name])

    def ratio(self, name: str, to: str, times: int = 1) -> Spread:
        """How long it took, ÷ ``times`` calls of ``to``, turn by turn; < 1 is faster.

        >>> Timings({"a": np.array([1.0, 9.0]), "b": np.array([2.0, 18.0])}).ratio("a", "b").median
        0.5
        """
        return Spread.of(self.seconds[name] / (times * self.seconds[to]))

    def fastest(self, name: str, to: str, times: int = 1) -> float:
        """The same of the shortest time of each, which a busy machine changes least."""
        return float(self.seconds[name].min() / (times * self.seconds[to].min()))


class Timer:
    """Times functions in turns.

    Args:
        repetitions: how often each is measured, >= 1.
        seconds: a measurement repeats a call until it has taken so long.
        at_most: seconds for a comparison; it is repeated less often where it would take longer,
            but three times, or ``repetitions`` if that is less.
        pause: seconds to sleep before a measurement. The threads of a library wait for their next
            work in a loop (those of OpenBLAS, as it is usually built, for 2²⁶ cycles: 26 ms at
            2.6 GHz), and take the cores from those of the other library meanwhile.
        synchronize: waits until a device has done what it was given; called before the clock is
            read.
        clock: gives seconds.
        sleep: passes them.
    """

    def __init__(
        self,
        repetitions: int,
        seconds: float,
        at_most: float = math.inf,
        *,
        pause: float = 0.0,
        synchronize: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.repetitions, self.seconds = repetitions, seconds
        self.at_most, self.pause = at_most, pause
        self._synchronize, self._clock, self._sleep = synchronize, clock, sleep

    def compare(self, calls: Mapping[str, Call], *, warm: bool = False) -> Timings:
        """Measure each of the ``calls``, one after the other, again and again.

        Each is called once before, unless it is ``warm`` already, so that what happens the first
        time is not measured; a short one also before each measurement, so that its data is in the
        cache again. The order of each turn is drawn: in a fixed one, what slows the machine
        down at a regular interval would meet the same one every time.
        """
        if not warm:
            for call in calls.values():
                call()
        loops = {name: self._calibrated(call) for name, call in calls.items()}
        turn = sum(self.pause + taken for _, taken in loops.values())
        fewest = min(FEWEST, self.repetitions)
        affordable = int(min(self.at_most / turn, self.repetitions)) if turn else self.repetitions
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        order = random.Random(0)
        for _ in range(max(fewest, affordable)):
            for name in order.sample(list(calls), len(calls)):
                times = loops[name][0]
                self._sleep(self.pause)
                if times > 1:
                    calls[name]()
                seconds[name].append(self._taken(calls[name], times) / times)
        return Timings({name: np.array(values) for name, values in seconds.items()})

    def _calibrated(self, call: Call) -> tuple[int, float]:
        """(how many calls take ``self.seconds``, the seconds that they take).

        By the fastest that was seen: what is interrupted now may not be when it is measured, and
        fewer calls than of the others would then be interrupted less often than theirs.
        """
        times, fastest = 1, self._taken(call, 1)
        while times * fastest < self.seconds:
            enough = 1.2 * self.seconds / fastest if fastest else math.inf
            times = math.ceil(min(4 * times, enough))
            fastest = min(fastest or math.inf, self._taken(call, times) / times)
        return times, times * fastest

    def _taken(self, call: Call, times: int) -> float:
        self._synchronize()
        start = self._clock()
        for _ in range(times):
            call()
        self._synchronize()
        return self._clock() - start

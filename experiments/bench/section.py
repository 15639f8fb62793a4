"""What a section of the benchmark measures with, and the rows that it gives.

A section is a module with its ``TITLE``, and ``measure``, which gives the rows. Everything is
measured with one thread; with one on every core, too, where it has ``THREADED = True``.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from experiments.bench.scale import Scale
from experiments.bench.timing import Call, Spread, Timer, Timings
from experiments.engine.texts import say

#: What torch raises where a device, a dtype or a compiler cannot do what it was asked for.
CANNOT = (RuntimeError, TypeError, NotImplementedError)


@dataclass(frozen=True)
class Comparison:
    """One number: ``what``, compared with ``against``.

    Attributes:
        value: measured several times; None where it could not be.
        unit: "×" for a ratio of times, ours ÷ theirs; "%", "s", "MB".
        seconds: what one of ours took, if it is a ratio;
        fastest: and the ratio of the shortest times.
        goal: the value is to be at most this.
        skipped: why there is no value.
        threads: that each library on either side computed with.
    """

    what: str
    against: str
    value: Spread | None
    unit: str = "×"
    seconds: float | None = None
    fastest: float | None = None
    goal: float | None = None
    skipped: str = ""
    threads: int = 1

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None without one."""
        if self.goal is None or self.value is None:
            return None
        return self.value.median <= self.goal

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        value = vars(self.value) if self.value else None
        return vars(self) | {"value": value, "reached": self.reached}

    def by(self, threads: int) -> "Comparison":
        """The same row, measured with so many threads; the goals are for one."""
        if threads == 1:
            return self
        what = say("{what}, {threads} threads", what=self.what, threads=threads)
        return replace(self, what=what, goal=None, threads=threads)


@dataclass(frozen=True)
class Bench:
    """What a section needs to measure.

    Attributes:
        device: where torch's side is.
        scale: how much.
        timer: waits for ``device`` before it reads the clock.
        threads: that each library computes with now, on either side.
    """

    device: torch.device
    scale: Scale
    timer: Timer
    threads: int = 1

    @property
    def on_cpu(self) -> bool:
        """Whether torch's side is where ours is; the goals are for this."""
        return self.device.type == "cpu"

    def against(
        self,
        ours: Mapping[str, Call],
        others: Mapping[str, Call],
        goals: Mapping[tuple[str, str], float] | None = None,
    ) -> Iterator[Comparison]:
        """A row for each of ``ours`` against each of the ``others``, all timed together.

        ``goals`` are by (ours, other), and hold on the CPU only. What does not work here is
        skipped, with the reason.
        """
        working, reasons = {}, {}
        for name, call in (ours | others).items():
            try:
                call()
                working[name] = call
            except CANNOT as error:
                reasons[name] = reason(error)
        timings = self.timer.compare(working, warm=True)
        for what, against in itertools.product(ours, others):
            if missing := reasons.get(what) or reasons.get(against):
                yield Comparison(what, against, None, skipped=missing)
                continue
            goal = (goals or {}).get((what, against)) if self.on_cpu else None
            yield ratio_row(timings, what, against, goal=goal)


def ratio_row(
    timings: Timings,
    what: str,
    to: str,
    against: str = "",
    times: int = 1,
    goal: float | None = None,
) -> Comparison:
    """The row of ``what`` ÷ ``times`` calls of ``to``, which the table calls ``against``."""
    return Comparison(
        what,
        against or to,
        timings.ratio(what, to, times),
        seconds=timings.of(what).median,
        fastest=timings.fastest(what, to, times),
        goal=goal,
    )


def create(device: torch.device, scale: Scale) -> Bench:
    """A benchmark with torch's side on ``device``."""
    wait = partial(synchronize, device)
    limits = scale.repetitions, scale.seconds, scale.at_most
    return Bench(device, scale, Timer(*limits, pause=scale.pause, synchronize=wait))


def synchronize(device: torch.device) -> None:
    """Wait until ``device`` has done all that it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def reason(error: Exception) -> str:
    """The first line of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

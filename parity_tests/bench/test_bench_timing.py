"""The benchmark's timer and stopwatch, with a clock of the tests' own."""

import math

import pytest
import torch

from experiments.bench.section import synchronize
from experiments.bench.stopwatch import REST, Stopwatch
from experiments.bench.timing import Spread, Timer


class FakeTime:
    """A clock that stands still but for the work that is done; and a list of all that happened."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[str] = []

    def work(self, name: str, seconds: float, after: int = 0, at_first: float = 0.0):
        """Something that takes so long; ``at_first``, for so many calls, it takes another time."""

        def call() -> None:
            first = self.events.count(name) < after
            self.events.append(name)
            self.now += at_first if first else seconds

        return call

    def clock(self) -> float:
        self.events.append("clock")
        return self.now

    def sleep(self, seconds: float) -> None:
        self.events.append("sleep")
        self.now += seconds

    def timer(self, *args: float, **options: object) -> Timer:
        return Timer(*args, clock=self.clock, sleep=self.sleep, **options)


# The timer


def test_the_timer_gives_the_seconds_of_one_call_and_their_ratio():
    time = FakeTime()
    timings = time.timer(5, 1.0).compare({"a": time.work("a", 0.25), "b": time.work("b", 2.0)})
    assert timings.of("a") == Spread(0.25, 0.25, 0.25, 5)
    assert timings.of("b").median == 2.0
    assert timings.ratio("a", "b") == Spread(0.125, 0.125, 0.125, 5)
    assert timings.ratio("b", "a", times=4).median == timings.fastest("b", "a", times=4) == 2.0


def test_the_timer_repeats_a_short_call_until_the_time_is_full():
    time = FakeTime()
    time.timer(1, 1.0).compare({"a": time.work("a", 2**-10)})
    measured = "".join("c" if event == "clock" else "." for event in time.events)
    *_, last, _ = measured.split("c")
    assert 2**10 <= len(last) <= 1.3 * 2**10


def test_the_timer_calls_each_once_before_it_looks_unless_that_was_done():
    cold, warm = FakeTime(), FakeTime()
    cold.timer(1, 0.0).compare({name: cold.work(name, 1.0) for name in "ab"})
    warm.timer(1, 0.0).compare({name: warm.work(name, 1.0) for name in "ab"}, warm=True)
    assert cold.events[:2] == ["a", "b"]
    assert cold.events[2:] == warm.events


def test_the_timer_repeats_what_takes_no_time_that_the_clock_could_see():
    time = FakeTime()
    call = time.work("a", 1.0, after=50, at_first=0.0)
    assert math.isfinite(time.timer(1, 1.0).compare({"a": call}).of("a").median)


def test_an_interruption_while_the_timer_looks_does_not_change_how_often_it_repeats():
    time = FakeTime()
    time.timer(1, 100.0).compare({"a": time.work("a", 1.0, after=2, at_first=50.0)})
    assert time.events.count("a") > 100


def test_the_timer_takes_turns_each_in_an_order_of_its_own():
    time = FakeTime()
    time.timer(20, 0.0).compare({name: time.work(name, 1.0) for name in "abc"})
    measured = [event for event in time.events if event in "abc"][-60:]
    turns = ["".join(measured[i : i + 3]) for i in range(0, 60, 3)]
    assert {"".join(sorted(turn)) for turn in turns} == {"abc"}
    assert len(set(turns)) == 6


def test_the_timer_calls_a_short_one_once_before_each_measurement():
    time = FakeTime()
    time.timer(1, 4.0).compare({name: time.work(name, 1.0) for name in "ab"})
    *_, before, measured, between, last, _ = " ".join(time.events).split("clock")
    first, second = measured.split()[0], last.split()[0]
    assert {first, second} == {"a", "b"}
    assert before.split() == ["sleep", first]
    assert between.split() == ["sleep", second]
    assert measured.split() == [first] * 4
    assert last.split() == [second] * 4


def test_a_machine_that_gets_slower_meanwhile_does_not_change_the_ratio():
    time, slow = FakeTime(), 1.0

    def call(seconds: float):
        def run() -> None:
            nonlocal slow
            slow *= 1.001
            time.now += slow * seconds

        return run

    ratio = time.timer(9, 0.0).compare({"a": call(1.0), "b": call(2.0)}).ratio("a", "b")
    assert ratio.median == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(("at_most", "repetitions"), [(math.inf, 9), (12.5, 6), (0.1, 3)])
def test_the_timer_repeats_less_often_what_takes_long_but_three_times(at_most, repetitions):
    time = FakeTime()
    timings = time.timer(9, 0.0, at_most).compare({"a": time.work("a", 2.0)})
    assert timings.of("a").count == repetitions


def test_the_timer_waits_for_the_device_before_it_reads_the_clock():
    time = FakeTime()
    timer = time.timer(3, 0.0, synchronize=time.work("synchronize", 0.5))
    timings = timer.compare({"a": time.work("a", 1.0)})
    before = [time.events[i - 1] for i, event in enumerate(time.events) if event == "clock"]
    assert set(before) == {"synchronize"}
    assert timings.of("a").median == 1.5


def test_the_timer_pauses_before_each_measurement_outside_of_its_time():
    time = FakeTime()
    timings = time.timer(3, 0.0, pause=7.0).compare({"a": time.work("a", 1.0)})
    assert time.events.count("sleep") == 3
    assert timings.of("a").high == 1.0


def test_synchronize_waits_for_a_device_that_computes_on_its_own_and_touches_no_other(monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    for kind in ("cpu", "cuda", "mps"):
        synchronize(torch.device(kind))
    assert waited == ["cuda", "mps"]


# The stopwatch


def test_the_stopwatch_counts_a_part_without_what_it_calls_of_another():
    class Program:
        """Two parts; the outer one calls the inner one."""

        def outer(self) -> None:
            time.now += 1.0
            self.inner()
            time.now += 2.0

        def inner(self) -> None:
            time.now += 5.0

    time, program = FakeTime(), Program()
    watch = Stopwatch(time.clock)
    watch.watch("outer", program, "outer")
    watch.watch("inner", program, "inner")
    program.outer()
    time.now += 2.0
    assert watch.seconds() == {REST: 2.0, "outer": 3.0, "inner": 5.0}
    watch.restart()
    Program().outer()
    assert watch.seconds() == {REST: 8.0}

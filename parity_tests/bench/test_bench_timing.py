"""The benchmark's timer and stopwatch, with a clock of the tests' own."""

import math

import pytest
import torch

from experiments.bench.section import synchronize
from experiments.bench.stopwatch import REST, Stopwatch
from experiments.bench.timing import Spread, Timer

CPU = torch.device("cpu")


class FakeTime:
    """A clock that stands still but for the work that is done; and a list of all that happened."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[str] = []

    def work(self, name: str, seconds: float):
        def call() -> None:
            self.events.append(name)
            self.now += seconds

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
    time, calls = FakeTime(), 0

    def call() -> None:
        nonlocal calls
        calls += 1
        time.now += 1.0 if calls > 50 else 0.0

    assert math.isfinite(time.timer(1, 1.0).compare({"a": call}).of("a").median)


def test_the_timer_takes_turns_each_in_an_order_of_its_own():
    time = FakeTime()
    time.timer(20, 0.0).compare({name: time.work(name, 1.0) for name in "abc"})
    measured = [event for event in time.events if event in "abc"][-60:]
    turns = ["".join(measured[i : i + 3]) for i in range(0, 60, 3)]
    assert {"".join(sorted(turn)) for turn in turns} == {"abc"}
    assert len(set(turns)) == 6


def test_an_interruption_while_the_timer_looks_does_not_change_how_often_it_repeats():
    time, calls = FakeTime(), 0

    def interrupted_at_first() -> None:
        nonlocal calls
        calls += 1
        time.now += 1.0 if calls > 2 else 50.0

    time.timer(1, 100.0).compare({"a": interrupted_at_first})
    assert calls > 100


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


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_synchronize_waits_for_a_device_that_computes_on_its_own(kind, monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    synchronize(torch.device(kind))
    assert waited == [kind]


def test_synchronize_does_not_touch_an_accelerator_for_the_cpu(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("there may be none")

    monkeypatch.setattr(torch.cuda, "synchronize", refuse)
    monkeypatch.setattr(torch.mps, "synchronize", refuse)
    synchronize(CPU)


# The stopwatch


class Program:
    """Two parts; the outer one calls the inner one."""

    def __init__(self, time: FakeTime) -> None:
        self.time = time

    def outer(self) -> None:
        self.time.now += 1.0
        self.inner()
        self.time.now += 2.0

    def inner(self) -> None:
        self.time.now += 5.0


def test_the_stopwatch_counts_a_part_without_what_it_calls_of_another():
    time = FakeTime()
    watch, program = Stopwatch(time.clock), Program(time)
    with watch.watching({"outer": ((Program, "outer"),), "inner": ((Program, "inner"),)}):
        program.outer()
        time.now += 2.0
    assert watch.shares() == {REST: 0.2, "outer": 0.3, "inner": 0.5}


def test_the_stopwatch_gives_the_methods_back():
    before = Program.outer
    with Stopwatch().watching({"outer": ((Program, "outer"),)}):
        assert Program.outer is not before
    assert Program.outer is before

"""The benchmark: what it does with a clock, its sections on tiny sizes, its command."""

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner, Result

from experiments import bench, bench_command, cli
from experiments.bench import runner, section
from experiments.bench.processes import peak_memory, run_python
from experiments.bench.report import Measured, Report, cell, print_goals, print_section
from experiments.bench.scale import FULL, Scale
from experiments.bench.section import Bench, Row, Section, synchronize
from experiments.bench.sections import matrix_products, optimizer_step
from experiments.bench.stopwatch import REST, Stopwatch
from experiments.bench.timing import Spread, Timer
from torch_ref.device import resolve
from torch_ref.registry import OPTIMIZERS

CPU = torch.device("cpu")
TINY = Scale(
    repetitions=1,
    seconds=0.0,
    at_most=0.0,
    pause=0.0,
    elements=(10,),
    hidden=10,
    batch=10,
    stacks=(1, 2),
    images=20,
    numbers=10,
    side=10,
    product=10,
    steps=1,
    compile=False,
    experiment=("--help",),
    imports=("scratch",),
)


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


def test_a_benchs_timer_waits_for_its_device(monkeypatch):
    waited = []
    monkeypatch.setattr(section, "synchronize", waited.append)
    section.create(torch.device("cuda"), TINY).timer.compare({"a": lambda: None})
    assert set(waited) == {torch.device("cuda")}


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


# The sections


def work() -> int:
    """Something that every clock can see."""
    return sum(range(10_000))


@pytest.mark.parametrize("name", bench.NAMES)
def test_every_section_measures_finite_numbers_that_json_can_hold(name):
    result = runner.measured(name, section.create(CPU, TINY))
    assert result.failed == ""
    assert result.rows
    for row in result.rows:
        if row.against == "torch.compile":  # takes half a minute
            continue
        assert row.skipped == ""
        assert math.isfinite(row.value.median)
        assert row.value.median >= 0
        assert cell(row)
    loaded = json.loads(json.dumps(Report({}, {}, [result]).as_dict(), allow_nan=False))
    assert len(loaded["sections"][0]["rows"]) == len(result.rows)


@pytest.mark.gpu
@pytest.mark.parametrize("name", bench.NAMES)
def test_every_section_measures_finite_numbers_on_a_gpu(name):
    device = resolve("auto")
    result = runner.measured(name, section.create(device, TINY))
    assert result.failed == ""
    for row in result.rows:
        if device.type == "mps" or row.against == "torch.compile":  # MPS has no float64
            assert row.value or row.skipped
        else:
            assert math.isfinite(row.value.median)


def test_the_optimizers_section_has_every_one_that_takes_dense_gradients():
    dense = {pair.name for pair in OPTIMIZERS.values() if pair.gradients == "dense"}
    rows = optimizer_step.measure(section.create(CPU, TINY))
    assert {row.what.partition(",")[0] for row in rows} == dense


def test_an_optimizer_is_stepped_against_all_ways_that_its_class_takes_and_no_others():
    rows = list(optimizer_step.measure(section.create(CPU, TINY)))
    against = {row.what.partition(",")[0]: set() for row in rows}
    for row in rows:
        against[row.what.partition(",")[0]].add(row.against)
    assert against["Adam"] == {"torch's default", "foreach=True", "fused=True"}
    assert against["Adamax"] == {"torch's default", "foreach=True"}


def test_torchs_step_changes_its_parameters():
    params = optimizer_step.one_array(10, 0)
    given = section.create(CPU, TINY)
    for variant in optimizer_step.VARIANTS.values():
        step = optimizer_step.torchs_step(given, OPTIMIZERS["Adam"], variant, params, params)
        before = step.__self__.param_groups[0]["params"][0].detach().clone()
        step()
        assert not torch.equal(step.__self__.param_groups[0]["params"][0], before)


def test_the_chapters_network_has_ten_tensors_and_five_matrices():
    assert len(optimizer_step.networks(FULL.sizes, axes=0)) == 10
    assert len(optimizer_step.networks(FULL.sizes, axes=2)) == 5


def test_the_products_of_a_step_are_those_that_torch_counts():
    model = torch.nn.Sequential(torch.nn.Linear(784, 10), torch.nn.ReLU(), torch.nn.Linear(10, 10))
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(128, 784)).sum().backward()
    scale = SimpleNamespace(batch=128, sizes=(784, 10, 10))
    assert matrix_products.flops(matrix_products.shapes(scale)) == counter.get_total_flops()


def test_the_shares_of_a_step_are_a_hundred_percent_together():
    rows = runner.measured("shares", section.create(CPU, TINY)).rows
    assert sum(row.value.median for row in rows) == pytest.approx(100)


def test_what_cannot_be_done_here_is_skipped_with_the_reason():
    def cannot() -> None:
        raise RuntimeError("no compiler\nand much more")

    rows = list(section.create(CPU, TINY).against({"a": work}, {"b": cannot}))
    assert rows == [Row("a", "b", None, skipped="no compiler")]
    assert "no compiler" in cell(rows[0])


def test_a_section_that_fails_keeps_its_rows_and_does_not_end_the_others(monkeypatch):
    def measure(given: Bench):
        yield Row("a", "b", Spread(1.0, 1.0, 1.0, 1))
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(bench, "load", lambda name: Section("Some", measure))
    result = runner.measured("some", section.create(CPU, TINY))
    assert len(result.rows) == 1
    assert result.failed == "ZeroDivisionError: nothing to divide by"


def test_the_goals_hold_on_the_cpu_only():
    calls = {"a": work}, {"b": work}
    timer = section.create(CPU, TINY).timer
    for device, goal in ((CPU, 0.5), (torch.device("meta"), None)):
        (row,) = Bench(device, TINY, timer).against(*calls, {("a", "b"): 0.5})
        assert row.goal == goal


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="ValueError: so it is"):
        run_python("-c", "raise ValueError('so it is')")
    with pytest.raises(RuntimeError, match="ValueError: so it is"):
        peak_memory("-c", "raise ValueError('so it is')")


def test_the_memory_of_a_process_is_its_own_and_not_that_of_this_one():
    small = peak_memory("-c", "pass")
    large = peak_memory("-c", "x = bytearray(100_000_000)")
    assert small < 60e6  # torch is here, with several times that
    assert 90e6 < large - small < 120e6


# What is printed


def printed(show: Callable, *args: object) -> str:
    console = Console(width=200, file=io.StringIO())
    show(console, *args)
    return console.file.getvalue()


def test_a_value_is_shown_with_its_quartiles_and_its_goal():
    value = Spread(0.4, 0.45, 0.5, 9)
    assert cell(Row("a", "b", value)) == "0.45× [dim](0.40–0.50)[/]"
    assert cell(Row("a", "b", value, goal=0.45)).endswith("≤ 0.45 [green]reached[/]")
    assert cell(Row("a", "b", value, goal=0.44)).endswith("≤ 0.44 [red]not reached[/]")


def test_a_table_has_a_line_for_each_thing_and_a_column_for_each_it_is_against():
    value = Spread(0.4, 0.45, 0.5, 9)
    rows = [Row("a", "x", value, seconds=0.00134), Row("a", "y", value), Row("b", "y", value)]
    header, first, second = (
        printed(print_section, Measured("some", "Some", rows)).rstrip().split("\n")
    )
    assert header.split() == ["takes", "x", "y"]
    assert first.split() == ["a", "1.34", "ms", *["0.45×", "(0.40–0.50)"] * 2]
    assert second.split() == ["b", "0.45×", "(0.40–0.50)"]


def test_the_end_says_which_goals_are_not_reached_and_how_wide_the_spread_was():
    rows = [
        Row("a", "x", Spread(0.4, 0.5, 0.6, 9), goal=0.5),
        Row("b", "x", Spread(0.4, 0.5, 0.5, 9), goal=0.4),
    ]
    report = Report({}, {}, [Measured("some", "Some", rows)])
    text = printed(print_goals, report)
    assert "1 of 2 goals reached" in text
    assert "not reached: b, x: 0.50×" in text
    assert report.spread() == {
        "typical": pytest.approx(0.3),
        "widest": pytest.approx(0.4),
        "widest of": "a, x",
    }


# The command


def lockstep_bench(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["bench", *arguments])


def test_a_section_that_there_is_not_is_a_mistake_that_names_those_there_are(tmp_path: Path):
    result = lockstep_bench("--only", "stackd", "--out", str(tmp_path / "bench.json"))
    said = " ".join(result.output.replace("│", " ").split())
    assert result.exit_code == 2
    assert all(name in said for name in bench.NAMES)
    assert "did you mean 'stacked'?" in said
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_there_is_not_is_a_mistake(tmp_path: Path):
    result = lockstep_bench("--device", "abacus", "--out", str(tmp_path / "bench.json"))
    assert result.exit_code == 2
    assert "abacus" in result.output


def test_the_sections_may_be_named_together_or_one_by_one():
    assert bench_command._chosen(["stacked, generator", "memory"]) == [
        "generator",
        "memory",
        "stacked",
    ]
    assert bench_command._chosen([]) == list(bench.NAMES)


def tiny_bench(monkeypatch: pytest.MonkeyPatch, out: Path, only: str = "generator") -> Result:
    monkeypatch.setattr(runner, "QUICK", TINY)
    return lockstep_bench("--quick", "--only", only, "--out", str(out))


def test_the_numbers_are_written_with_the_machine_they_are_from(tmp_path: Path, monkeypatch):
    out = tmp_path / "new" / "bench.json"
    result = tiny_bench(monkeypatch, out)
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [each["name"] for each in written["sections"]] == ["generator"]
    assert written["options"] == {"device": "cpu", "quick": True, "sections": ["generator"]}
    assert written["machine"]["versions"]["torch"] == torch.__version__
    assert written["machine"]["processor"]
    assert "randperm" in result.output
    assert list(out.parent.iterdir()) == [out]


def test_a_file_that_cannot_be_written_is_found_out_before_anything_is_measured(
    tmp_path: Path, monkeypatch
):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(runner, "measured", lambda *_: pytest.fail("measured"))
    result = tiny_bench(monkeypatch, tmp_path / "file" / "bench.json")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_a_section_that_fails_is_told_by_the_exit_status(tmp_path: Path, monkeypatch):
    failed = Measured("generator", "Some", failed="ZeroDivisionError: nothing")
    monkeypatch.setattr(runner, "measured", lambda *_: failed)
    result = tiny_bench(monkeypatch, tmp_path / "bench.json")
    assert result.exit_code == 1
    assert "ZeroDivisionError: nothing" in result.output


def test_an_interrupted_benchmark_writes_nothing(tmp_path: Path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "measured", interrupt)
    result = tiny_bench(monkeypatch, tmp_path / "bench.json")
    assert result.exit_code == 130
    assert list(tmp_path.iterdir()) == []

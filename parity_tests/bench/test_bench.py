"""The benchmark: its sections on tiny sizes, what it prints, its command."""

import io
import json
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import threadpoolctl
import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode
from typer.testing import CliRunner, Result

from experiments import bench, cli
from experiments.bench import machine, runner, section, training
from experiments.bench.processes import peak_memory, run_python
from experiments.bench.report import Benchmark, Measured, cell, print_goals, print_section
from experiments.bench.scale import FULL, Scale
from experiments.bench.section import Bench, Comparison
from experiments.bench.sections import matrix_products, optimizer_step, stacked
from experiments.bench.timing import Spread
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


def tiny(**changes: object) -> Bench:
    return replace(section.create(CPU, TINY), **changes)


def work() -> int:
    """Something that every clock can see."""
    return sum(range(10_000))


# The sections


def test_a_benchs_timer_waits_for_its_device(monkeypatch):
    waited = []
    monkeypatch.setattr(section, "synchronize", waited.append)
    section.create(torch.device("cuda"), TINY).timer.compare({"a": lambda: None})
    assert set(waited) == {torch.device("cuda")}


@pytest.mark.parametrize("device", ["cpu", pytest.param("auto", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("name", bench.NAMES)
def test_every_section_measures_finite_numbers_that_json_can_hold(name, device):
    device = resolve(device)
    result = runner.measured(name, section.create(device, TINY))
    assert result.failed == ""
    assert result.rows
    for row in result.rows:
        if row.against == "torch.compile":  # takes half a minute
            continue
        if device.type == "mps" and row.skipped:  # it has no float64
            continue
        assert row.skipped == ""
        assert math.isfinite(row.value.median)
        assert row.value.median >= 0
        assert cell(row)
    loaded = json.loads(json.dumps(Benchmark({}, {}, [result]).as_dict(), allow_nan=False))
    assert len(loaded["sections"][0]["rows"]) == len(result.rows)


def test_every_optimizer_is_stepped_against_all_ways_that_its_class_takes_and_no_others():
    against: dict[str, set[str]] = {}
    for row in optimizer_step.measure(tiny()):
        against.setdefault(row.what.partition(",")[0], set()).add(row.against)
    dense = {pair.name for pair in OPTIMIZERS.values() if pair.gradients == "dense"}
    assert against.keys() == dense
    assert against["Adam"] == {"torch's default", "foreach=True", "fused=True"}
    assert against["Adamax"] == {"torch's default", "foreach=True"}


def test_torchs_step_changes_its_parameters():
    params = optimizer_step.one_array(10, 0)
    for variant in optimizer_step.VARIANTS.values():
        step = optimizer_step.torchs_step(tiny(), OPTIMIZERS["Adam"], variant, params, params)
        before = step.__self__.param_groups[0]["params"][0].detach().clone()
        step()
        assert not torch.equal(step.__self__.param_groups[0]["params"][0], before)


def test_the_chapters_network_has_ten_tensors_and_five_matrices():
    assert len(optimizer_step.networks(FULL, axes=0)) == 10
    assert len(optimizer_step.networks(FULL, axes=2)) == 5


def test_a_step_as_a_graph_is_one_on_a_device_without_graphs_too():
    training.graph_step(TINY, CPU)()


def test_the_last_row_of_the_stacks_is_what_products_alone_would_take():
    *_, floor = (row for row in stacked.measure(tiny()) if "scratch" in row.what)
    assert floor.what == stacked.FLOOR
    assert floor.goal is None


def test_the_machine_tells_what_the_environment_tells_its_libraries(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    described = machine.describe(CPU)
    assert described["set in the environment"]["OPENBLAS_CORETYPE"] == "Haswell"
    assert described["threads of each library"].startswith("1; ")


def test_the_products_of_a_step_are_those_that_torch_counts():
    model = torch.nn.Sequential(torch.nn.Linear(784, 10), torch.nn.ReLU(), torch.nn.Linear(10, 10))
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(128, 784)).sum().backward()
    scale = SimpleNamespace(batch=128, sizes=(784, 10, 10))
    assert matrix_products.flops(matrix_products.shapes(scale)) == counter.get_total_flops()


def test_the_shares_of_a_step_are_a_hundred_percent_together_and_every_part_has_some():
    rows = runner.measured("shares", tiny()).rows
    assert sum(row.value.median for row in rows) == pytest.approx(100)
    assert all(row.value.median > 0 for row in rows)


def test_what_cannot_be_done_here_is_skipped_with_the_reason():
    def cannot() -> None:
        raise RuntimeError("no compiler\nand much more")

    rows = list(tiny().against({"a": work}, {"b": cannot}))
    assert rows == [Comparison("a", "b", None, skipped="no compiler")]
    assert "no compiler" in cell(rows[0])


def replaced(monkeypatch: pytest.MonkeyPatch, measure: Callable, threaded: bool = False) -> None:
    """Every section is one that is called Some."""
    found = SimpleNamespace(TITLE="Some", measure=measure, THREADED=threaded)
    monkeypatch.setattr(bench, "load", lambda name: found)


def test_a_section_that_fails_keeps_its_rows_and_does_not_end_the_others(monkeypatch):
    def measure(given: Bench):
        yield Comparison("a", "b", Spread(1.0, 1.0, 1.0, 1))
        raise ZeroDivisionError("nothing to divide by")

    replaced(monkeypatch, measure)
    result = runner.measured("some", tiny())
    assert len(result.rows) == 1
    assert result.failed == "ZeroDivisionError: nothing to divide by"


def test_a_section_is_measured_with_one_thread_and_where_it_matters_with_more(monkeypatch):
    def measure(given: Bench):
        pools = threadpoolctl.threadpool_info()
        seen = {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}
        value = Spread.of([torch.get_num_threads(), *seen])
        yield Comparison("a", f"{given.threads}", value, goal=9.0)

    before = torch.get_num_threads()
    for threaded, expected in ((False, [1]), (True, [1, 3])):
        replaced(monkeypatch, measure, threaded)
        rows = runner.measured("some", tiny(), most=3).rows
        assert [row.threads for row in rows] == expected
        for row in rows:
            assert (row.value.low, row.value.high) == (row.threads, row.threads)
            assert row.against == str(row.threads)
    assert [(row.what, row.goal) for row in rows] == [("a", 9.0), ("a, 3 threads", None)]
    assert torch.get_num_threads() == before


def test_with_one_core_nothing_is_measured_twice(monkeypatch):
    counts: list[int] = []
    replaced(monkeypatch, lambda given: iter([]), threaded=True)
    monkeypatch.setattr(runner, "limited", lambda threads: counts.append(threads) or nullcontext())
    runner.measured("some", tiny(), most=1)
    assert counts == [1]


def test_with_more_threads_only_large_arrays_are_stepped():
    assert not list(optimizer_step.measure(tiny(threads=2)))
    scale = replace(TINY, elements=(10, 10**6), optimizers=("SGD",))
    rows = list(optimizer_step.measure(tiny(threads=2, scale=scale)))
    assert {row.what for row in rows} == {"SGD, 1,000,000"}


def test_the_goals_hold_on_the_cpu_only():
    for device, goal in ((CPU, 0.5), (torch.device("meta"), None)):
        (row,) = tiny(device=device).against({"a": work}, {"b": work}, {("a", "b"): 0.5})
        assert row.goal == goal


@pytest.mark.parametrize("run", [run_python, peak_memory])
def test_a_process_that_fails_says_why(run):
    with pytest.raises(RuntimeError, match=r"^ValueError: so it is$"):
        run("-c", "raise ValueError('so it is')")
    with pytest.raises(RuntimeError, match=r"^exit status 3$"):
        run("-c", "raise SystemExit(3)")


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
    assert cell(Comparison("a", "b", value)) == "0.45× [dim](0.40–0.50)[/]"
    assert cell(Comparison("a", "b", value, goal=0.45)).endswith("≤ 0.45 [green]reached[/]")
    assert cell(Comparison("a", "b", value, goal=0.44)).endswith("≤ 0.44 [red]not reached[/]")


def test_a_table_has_a_line_for_each_thing_and_a_column_for_each_it_is_against():
    value = Spread(0.4, 0.45, 0.5, 9)
    rows = [
        Comparison("a", "x", value, seconds=0.00134),
        Comparison("a", "y", value),
        Comparison("b", "y", value),
    ]
    shown = printed(print_section, Measured("some", "Some", rows)).rstrip().split("\n")
    header, first, second = (line.split() for line in shown)
    assert header == ["takes", "x", "y"]
    assert first == ["a", "1.34", "ms", *["0.45×", "(0.40–0.50)"] * 2]
    assert second == ["b", "0.45×", "(0.40–0.50)"]


def test_the_end_says_which_goals_are_not_reached_and_how_wide_the_spread_was():
    rows = [
        Comparison("a", "x", Spread(0.4, 0.5, 0.6, 9), goal=0.5),
        Comparison("b", "x", Spread(0.4, 0.5, 0.5, 9), goal=0.4),
    ]
    report = Benchmark({}, {}, [Measured("some", "Some", rows)])
    text = printed(print_goals, report)
    assert "1 of 2 goals reached" in text
    assert "not reached: b, x: 0.50×" in text
    near = {"typical": pytest.approx(0.3), "widest": pytest.approx(0.4), "widest of": "a, x"}
    assert report.spread() == near


# The command


def lockstep_bench(*arguments: str, out: Path) -> Result:
    return CliRunner().invoke(cli.app, ["bench", *arguments, "--out", str(out.parent)])


def test_the_sections_may_be_named_together_or_one_by_one():
    sections = cli.bench._sections
    assert sections(["stacked, generator", "memory"]) == ["generator", "memory", "stacked"]
    assert sections(None) == list(bench.NAMES)


def tiny_bench(monkeypatch: pytest.MonkeyPatch, out: Path, measured: object = None) -> Result:
    monkeypatch.setattr(runner, "QUICK", TINY)
    if measured is not None:
        monkeypatch.setattr(runner, "measured", measured)
    return lockstep_bench("--quick", "--only", "generator", out=out)


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


def test_a_section_that_fails_is_told_by_the_exit_status(tmp_path: Path, monkeypatch):
    failed = Measured("generator", "Some", failed="ZeroDivisionError: nothing")
    result = tiny_bench(monkeypatch, tmp_path / "bench.json", lambda *_: failed)
    assert result.exit_code == 1
    assert "ZeroDivisionError: nothing" in result.output


def test_an_interrupted_benchmark_writes_nothing(tmp_path: Path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    assert tiny_bench(monkeypatch, tmp_path / "bench.json", interrupt).exit_code == 130
    assert list(tmp_path.iterdir()) == []

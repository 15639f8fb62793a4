"""Threads: set by the size of the products or by --threads, said in the result, never inherited."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_info
from typer.testing import CliRunner, Result

import experiments
from experiments import cli
from experiments.engine import memory, threads
from experiments.engine.experiment import Context
from experiments.engine.measurements import Measurements


def in_use() -> dict[str, set[int]]:
    """The threads that NumPy's BLAS and torch compute with now."""
    blas = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}
    return {"scratch": blas, "torch": {torch.get_num_threads()}}


def run(out: Path, *options: str) -> Result:
    return CliRunner().invoke(cli.app, ["run", "surface", "--quick", "--out", str(out), *options])


def backends(out: Path) -> dict[str, Any]:
    return json.loads((out / "surface" / "result.json").read_text())["backends"]


@pytest.mark.parametrize("name", experiments.NAMES)
@pytest.mark.parametrize("cores", [1, 2, 16, 64])
def test_the_chapters_networks_train_with_one_thread_on_any_machine(name: str, cores: int) -> None:
    experiment = experiments.load(name)
    operations = experiment.stack(experiment.settings).operations
    assert threads.fastest(operations, cores) == 1


@pytest.mark.parametrize("cores", [1, 2, 16, 64])
def test_more_threads_come_with_the_work_that_each_of_them_has(cores: int) -> None:
    found = [threads.fastest(threads.EACH * work, cores) for work in (0, 1, 2, 10, 1000)]
    assert found == [1, 1, min(2, cores), min(10, cores), cores]


def test_without_a_number_of_cores_it_is_that_of_this_process() -> None:
    assert threads.fastest(10**15) == memory.cores()


def test_within_it_all_libraries_have_as_many_and_afterwards_what_they_had() -> None:
    before = in_use()
    for count in (1, memory.cores() + 3):
        with threads.limited(count):
            assert in_use() == {"scratch": {count}, "torch": {count}}
        assert in_use() == before


def test_where_the_work_fails_they_have_what_they_had() -> None:
    before = in_use()
    with pytest.raises(ValueError, match="hole"), threads.limited(5):
        raise ValueError("hole")
    assert in_use() == before


@pytest.mark.parametrize(("options", "expected"), [((), 1), (("--threads", "5"), 5)])
def test_an_experiment_computes_with_what_its_result_says(
    options: tuple[str, ...], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, surface = {}, experiments.load("surface")

    def measure(context: Context) -> Measurements:
        seen[context.backend.name] = in_use()[context.backend.name]
        return surface.measure(context)

    monkeypatch.setattr(experiments, "load", lambda name: replace(surface, measure=measure))
    done = run(tmp_path, *options)
    assert done.exit_code == 0, done.output
    assert seen == {"scratch": {expected}, "torch": {expected}}
    assert {side: about["threads"] for side, about in backends(tmp_path).items()} == {
        "scratch": expected,
        "torch": expected,
    }


def test_a_result_of_other_threads_is_another(tmp_path: Path) -> None:
    assert run(tmp_path).exit_code == 0
    assert "is done already" in run(tmp_path, "--threads", "1").output
    again = run(tmp_path, "--threads", "2")
    assert again.exit_code == 0
    assert "is done already" not in again.output
    assert "is done already" in run(tmp_path, "--threads", "2").output


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_the_threads_of_the_chapter_are_no_matter_of_the_cores(
    cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(tmp_path, "--backend", "scratch").exit_code == 0
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert "is done already" in run(tmp_path, "--backend", "scratch").output


@pytest.mark.parametrize("command", [["run", "surface"], ["sweep"]])
@pytest.mark.parametrize("value", ["0", "-1", "65", "two", "1.5"])
def test_a_number_of_threads_that_cannot_be_is_refused(
    command: list[str], value: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(cli.app, [*command, "--threads", value, "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "--threads" in done.output


def test_a_sweep_says_its_threads_and_another_number_is_another_sweep(tmp_path: Path) -> None:
    grid = "sweep --lr 0.1 --depth 1 --init he --batch-norm off --width 4 --iterations 2"
    command = [*grid.split(), "--optimizer", "sgd", "--processes", "1", "--out", str(tmp_path)]
    for options, expected in (([], 1), (["--threads", "3"], 3)):
        done = CliRunner().invoke(cli.app, [*command, *options])
        assert done.exit_code == 0, done.output
        assert "is done already" not in done.output
        written = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
        assert written["backends"]["scratch"]["threads"] == expected

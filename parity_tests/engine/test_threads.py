"""Threads: set by the size of the products or by --threads, said in the result, never inherited."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_info

import experiments
from experiments.engine import memory, threads
from experiments.engine.experiment import Context
from experiments.engine.measurements import Measurements
from parity_tests.command_line import done_anew, lockstep, run_python


def in_use() -> dict[str, set[int]]:
    """The threads that NumPy's BLAS and torch compute with now."""
    blas = {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}
    return {"scratch": blas, "torch": {torch.get_num_threads()}}


SURFACE = ("run", "surface", "--quick")
SWEEP = "sweep --lr 0.1 --depth 1 --init he --batch-norm off --width 4 --iterations 2"


def written(file: Path) -> dict[str, int]:
    """The threads that a result says it has, by backend."""
    backends = json.loads(file.read_text())["backends"]
    return {side: about["threads"] for side, about in backends.items()}


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
    assert done_anew(*SURFACE, *options, "--out", tmp_path)
    assert seen == {"scratch": {expected}, "torch": {expected}}
    assert written(tmp_path / "surface" / "result.json") == {"scratch": expected, "torch": expected}


def test_a_result_of_other_threads_is_another(tmp_path: Path) -> None:
    assert done_anew(*SURFACE, "--out", tmp_path)
    assert not done_anew(*SURFACE, "--threads", "1", "--out", tmp_path)
    assert done_anew(*SURFACE, "--threads", "2", "--out", tmp_path)
    assert not done_anew(*SURFACE, "--threads", "2", "--out", tmp_path)


def test_a_sweep_says_its_threads_and_another_number_is_another_sweep(tmp_path: Path) -> None:
    command = [*SWEEP.split(), "--optimizer", "sgd", "--processes", "1"]
    for options, expected in (([], 1), (["--threads", "3"], 3)):
        assert done_anew(*command, *options, "--out", tmp_path)
        assert written(tmp_path / "sweep" / "sweep.json") == {"scratch": expected}


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_the_threads_of_the_chapter_are_no_matter_of_the_cores(
    cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert done_anew(*SURFACE, "--backend", "scratch", "--out", tmp_path)
    monkeypatch.setattr(threads, "cores", lambda: cores)
    assert not done_anew(*SURFACE, "--backend", "scratch", "--out", tmp_path)


@pytest.mark.parametrize("command", [["run", "surface"], ["sweep"]])
@pytest.mark.parametrize("value", ["0", "-1", "65", "two", "1.5"])
def test_a_number_of_threads_that_cannot_be_is_refused(
    command: list[str], value: str, tmp_path: Path
) -> None:
    done = lockstep(*command, "--threads", value, "--out", tmp_path)
    assert done.exit_code == 2
    assert "--threads" in done.output


RUNS_ON = """
import os, signal, sys
cores, last = int(sys.argv.pop(1)), int(sys.argv.pop(1))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
from torch_ref import checkpoint
save = checkpoint.save
def and_die(*arguments):
    global last
    save(*arguments)
    last -= 1
    if last == 0:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save = and_die
from experiments import cli
sys.argv[0] = "lockstep"
cli.main()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the cores cannot be chosen here")
def test_what_is_gone_on_with_on_fewer_cores_has_the_numbers_of_the_whole(tmp_path: Path) -> None:
    run = "run init-comparison --quick --processes 1 --checkpoint-every 0.2 --out"
    for out, cores, last in (("whole", "2", "0"), ("part", "2", "3"), ("part", "1", "0")):
        done = run_python(RUNS_ON, cores, last, *run.split(), str(tmp_path / out))
        assert done.returncode == (-9 if last == "3" else 0), done.stderr
    assert "goes on from what was kept" in done.stderr
    whole, part = (tmp_path / out / "init-comparison/metrics.csv" for out in ("whole", "part"))
    assert part.read_bytes() == whole.read_bytes()

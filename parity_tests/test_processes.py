"""Pieces of work in processes side by side, and in halves where memory runs out."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from rich.console import Console

from experiments.engine import memory
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.crew import Crew, Unit, crew
from experiments.engine.memory import Stack
from experiments.engine.parts import Job, Parts
from experiments.engine.processes import ACCELERATE, ProcessDied
from experiments.engine.progress import Display


@dataclass(frozen=True)
class Telling:
    """Work that tells where it was done; the piece "die" ends its process."""

    here: str = "at hand"

    def __call__(self, piece: str, checkpoints: Checkpoints) -> dict[str, Any]:
        if piece == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if piece == "fail":
            raise ValueError("no such piece")
        return {"pid": os.getpid(), "threads": os.environ[ACCELERATE], "here": self.here}

    def elsewhere(self) -> Self:
        return Telling("fetched")


def job(folder: Path, what: str = "a job") -> Job:
    return Job(Telling(), Parts(folder / what, what, what))


@contextmanager
def two(threads: int = 1) -> Iterator[Crew]:
    with Display(Console(quiet=True)) as display, crew(2, display, threads=threads) as people:
        yield people


def units(of: Job, *pieces: str, device: str = "cpu") -> list[Unit]:
    return [Unit(of, piece, device=device, of=of.parts.what) for piece in pieces]


def do_in_turn(todo: list[Unit]) -> None:
    with two() as people:
        for _ in people.do(todo):
            pass


def test_the_units_of_several_jobs_are_done_in_processes_that_stay(tmp_path: Path) -> None:
    first, second, before = job(tmp_path), job(tmp_path, "another"), dict(os.environ)
    with two(threads=3) as people:
        done = list(people.do([*units(first, "a", "b", "c"), *units(second, "d")]))
        pid = people.call(os.getpid)
    assert sorted(unit.piece for unit, error in done if error is None) == ["a", "b", "c", "d"]
    found = [first.parts.find(piece) for piece in "abc"] + [second.parts.find("d")]
    pids = {each["pid"] for each in found}
    assert len(pids) <= 2
    assert os.getpid() not in pids | {pid}
    assert {each["here"] for each in found} == {"fetched"}
    assert {each["threads"] for each in found} == {"3"}
    assert dict(os.environ) == before


def test_a_process_that_dies_is_told_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    mine = job(tmp_path)
    with pytest.raises(ProcessDied, match="a process was ended from outside"):
        do_in_turn(units(mine, "a", "die", "b", device="lane"))
    assert mine.missing(["a", "die", "b"]) == ["die", "b"]


def test_what_a_unit_raises_stops_no_other_and_what_is_not_wanted_then_is_left_out(
    tmp_path: Path,
) -> None:
    failing, other, failed = job(tmp_path), job(tmp_path, "another"), set()
    with two() as people:
        # One lane, so that the failure comes first.
        todo = [*units(failing, "fail", *"abcdefgh", device="lane"), *units(other, "x")]
        for unit, error in people.do(todo, lambda unit: unit.of not in failed):
            if error:
                assert str(error) == "no such piece"
                failed.add(unit.of)
    assert failed == {"a job"}
    assert other.missing(["x"]) == []
    assert "h" in failing.missing([*"abcdefgh"])


def test_the_longest_unit_is_begun_first(tmp_path: Path) -> None:
    mine = job(tmp_path)
    with two() as people:
        lengths = {"a": 1.0, "b": 3.0, "c": 2.0}
        todo = [Unit(mine, piece, n, device="lane") for piece, n in lengths.items()]
        assert [unit.piece for unit, _ in people.do(todo)] == ["b", "c", "a"]


def largest(limit: int, asked: list[int]) -> Any:
    """Work for which memory runs out above ``limit`` items."""

    def work(items: tuple[int, ...]) -> list[int]:
        asked.append(len(items))
        if len(items) > limit:
            raise MemoryError("Unable to allocate 9 GiB")
        return [10 * item for item in items]

    return work


def together(halves: Sequence[list[int]]) -> list[int]:
    return [item for half in halves for item in half]


def test_where_memory_runs_out_it_goes_on_in_halves_and_says_so() -> None:
    asked, said = [], []
    done = memory.in_halves(largest(2, asked), tuple(range(7)), together, said.append)
    assert done == [0, 10, 20, 30, 40, 50, 60]
    assert asked == [7, 4, 2, 2, 3, 2, 1]
    assert said[0] == "memory ran out for a stack of 7; it goes on in two of half that"


def test_where_one_run_is_too_large_it_says_what_there_is() -> None:
    with pytest.raises(MemoryError, match=r"one run at a time, and there are about [\d,]+ MB"):
        memory.in_halves(largest(0, []), (1, 2), together, [].append)


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    def fail(items: tuple[int, ...]) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        memory.in_halves(fail, (1, 2), together, [].append)


def test_torchs_own_ways_to_say_it_are_known() -> None:
    import torch

    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert memory.is_out_of_memory(caught.value)
    assert memory.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))


def test_memory_is_known_without_proc(tmp_path: Path) -> None:
    meminfo = tmp_path / "proc" / "meminfo"
    meminfo.parent.mkdir()
    assert memory.available(tmp_path) > 0
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:   5 kB\n")
    assert memory.available(tmp_path) == 5 * 1024
    meminfo.write_text("MemAvailable: many\n")
    assert memory.available(tmp_path) > 5 * 1024


@pytest.mark.parametrize(
    ("seeds", "team", "lengths"), [(4, 1, [4]), (5, 1, [3, 2]), (4, 2, [2, 2]), (1, 2, [1])]
)
@pytest.mark.parametrize("workers", [1, 2, 64])
def test_seeds_are_cut_by_what_is_fast_and_for_a_team_not_by_the_number_of_processes(
    seeds: int, team: int, lengths: list[int], workers: int
) -> None:
    parts = _stacks(Stack(1000, 1), seeds, 10**9, workers, team)
    assert [len(part) for part in parts] == lengths


def test_a_stack_fits_into_its_share_of_the_memory() -> None:
    parts = _stacks(Stack(1000, 1), 12, 6_000, 2)
    assert [len(part) for part in parts] == [3] * 4
    assert [seed for part in parts for seed in part] == list(range(12))


@pytest.mark.parametrize(("runs", "largest"), [(1, 4), (3, 1), (16, 1)])
def test_on_a_cpu_a_stack_is_no_wider_than_what_is_fastest(runs: int, largest: int) -> None:
    assert max(len(part) for part in _stacks(Stack(1000, runs), 9, 10**9, 1)) <= largest


def test_a_seed_that_does_not_fit_is_refused_before_training() -> None:
    with pytest.raises(MemoryError, match=r"a seed of this needs about 5,000 MB, and there are"):
        _stacks(Stack(5 * 10**9), 1, 10**9, 1)


def _stacks(stack: Stack, seeds: int, budget: int, workers: int, team: int = 1) -> list[list[int]]:
    from unittest.mock import Mock

    from experiments.engine.measuring import stacks

    experiment = Mock(stack=lambda settings: stack)
    experiment.name = "this"
    return stacks(experiment, None, range(seeds), "cpu", budget, workers, team)

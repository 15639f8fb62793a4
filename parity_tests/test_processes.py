"""Pieces of work in processes side by side, and in halves where memory runs out."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from experiments.engine import memory
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.memory import Stack
from experiments.engine.parts import Job, Parts
from experiments.engine.processes import ACCELERATE, ProcessDied, side_by_side


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


def job(folder: Path) -> Job:
    return Job(Telling(), Parts(folder, "this one", "a job"))


def test_pieces_are_done_in_processes_of_as_many_threads_as_are_asked_for(tmp_path: Path) -> None:
    mine, before = job(tmp_path), dict(os.environ)
    assert sorted(side_by_side(mine, ["a", "b", "c"], 2, threads=3)) == ["a", "b", "c"]
    found = [mine.parts.find(piece) for piece in "abc"]
    assert os.getpid() not in {each["pid"] for each in found}
    assert {each["here"] for each in found} == {"fetched"}
    assert all(each["threads"] == "3" for each in found)
    assert dict(os.environ) == before


def test_a_process_that_dies_is_told_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    mine = job(tmp_path)
    with pytest.raises(ProcessDied, match="a process was ended from outside"):
        list(side_by_side(mine, ["a", "die", "b"], 1))
    assert mine.missing(["a", "die", "b"]) == ["die", "b"]


def test_what_a_piece_raises_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such piece"):
        list(side_by_side(job(tmp_path), ["fail"], 1))


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
    ("seeds", "workers", "lengths"), [(5, 1, [5]), (5, 2, [3, 2]), (1, 2, [1])]
)
def test_seeds_are_shared_out(seeds: int, workers: int, lengths: list[int]) -> None:
    assert [len(part) for part in _stacks(Stack(1000, 1), seeds, 10**9, workers)] == lengths


def test_a_stack_fits_into_its_share_of_the_memory() -> None:
    parts = _stacks(Stack(1000, 3), 10, 12_000, 2)
    assert [len(part) for part in parts] == [2] * 5
    assert [seed for part in parts for seed in part] == list(range(10))


def test_on_a_cpu_a_stack_is_no_wider_than_what_is_fastest() -> None:
    parts = _stacks(Stack(1000, 16), 9, 10**9, 1)
    assert max(len(part) for part in parts) == memory.WIDEST // 16


def test_a_seed_that_does_not_fit_is_refused_before_training() -> None:
    with pytest.raises(MemoryError, match=r"a seed of this needs about 5,000 MB, and there are"):
        _stacks(Stack(5 * 10**9), 1, 10**9, 1)


def _stacks(stack: Stack, seeds: int, budget: int, workers: int) -> list[list[int]]:
    from unittest.mock import Mock

    from experiments.engine.measuring import stacks

    experiment = Mock(stack=lambda settings: stack)
    experiment.name = "this"
    return stacks(experiment, None, range(seeds), "cpu", budget, workers)

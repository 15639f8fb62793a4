"""Checkpoints and finished pieces in files: the last whole one counts, and nothing is lost."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from experiments import cli
from experiments.engine import checkpoints, interrupt, output
from experiments.engine.checkpoints import Checkpoints, Kept
from experiments.engine.interrupt import Interrupted
from experiments.engine.parts import PLAN, Job, Parts
from torch_ref import checkpoint


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path: Path, said: list[str]) -> Callable[[], Kept]:
    """The keeper of the same training, as each process that works on it makes it."""
    return lambda: Checkpoints(tmp_path, "this one", "a training", 0.0, said.append).next()


def snapshot(step: int) -> dict[str, Any]:
    return {"step": step, "w": np.full(50, float(step))}


def found(keeper: Kept) -> int | None:
    """The step that the training goes on from."""
    loaded: list[dict] = []
    keeper.begin(loaded.append)
    if not loaded:
        return None
    np.testing.assert_array_equal(loaded[0]["w"], snapshot(loaded[0]["step"])["w"])
    return loaded[0]["step"]


def test_a_training_begins_where_nothing_was_kept(kept: Callable, said: list[str]) -> None:
    assert found(kept()) is None
    assert not said


def test_it_goes_on_from_the_last_checkpoint_and_says_so(kept: Callable, said: list[str]) -> None:
    for step in (1000, 2000):
        kept().keep(snapshot(step))
    assert found(kept()) == 2000
    assert len(said) == 1
    assert said[0].startswith("a training goes on at step 2,000, of 20")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b"something else",
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    ],
    ids=["cut off", "empty", "foreign", "a bit"],
)
def test_a_damaged_one_is_set_aside_and_the_one_before_is_used(
    kept: Callable, said: list[str], spoil: Callable[[bytes], bytes]
) -> None:
    for step in (1, 2):
        kept().keep(snapshot(step))
    path = kept().path
    path.write_bytes(data := spoil(path.read_bytes()))
    assert found(kept()) == 1
    assert f"it is kept as {path.name}.damaged-1, and not used" in said[0]
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == data
    assert found(kept()) == 1  # and again, with nothing more to set aside


def test_one_of_another_training_is_not_used(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(7))
    other = Checkpoints(kept().path.parent, "another", "a training", 0.0, said.append).next()
    assert found(other) is None
    assert "is of another training" in said[0]


def test_what_does_not_fit_the_training_is_set_aside(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(7))

    def refuse(state: object) -> None:
        raise ValueError("the losses must be of another shape")

    kept().begin(refuse)
    assert "the losses must be of another shape; it is kept as" in said[0]


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory")])
def test_where_memory_runs_out_the_checkpoint_is_not_to_blame(
    error: Exception, kept: Callable, said: list[str]
) -> None:
    def load(state: dict) -> None:
        raise error

    kept().keep(snapshot(3))
    with pytest.raises(type(error)):
        kept().begin(load)
    assert (found(kept()), len(said)) == (3, 1)


def test_what_a_terminal_would_obey_is_shown(capsys: pytest.CaptureFixture) -> None:
    checkpoints.tell("\x1b[31m")
    assert capsys.readouterr().err == "\\x1b[31m\n"


def test_it_is_kept_as_often_as_was_asked_and_when_a_signal_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    keeper = Checkpoints(tmp_path, "this one", "a training", every=30.0).next()
    assert not keeper.due()
    now[0] += 30
    assert keeper.due()
    keeper.keep(snapshot(1))
    assert not keeper.due()
    monkeypatch.setattr(interrupt, "_seen", [15])
    assert keeper.due()
    with pytest.raises(Interrupted):
        keeper.keep(snapshot(2))
    monkeypatch.setattr(interrupt, "_seen", [])
    assert found(keeper) == 2


def test_a_finished_training_is_kept_if_it_took_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    keeper = Checkpoints(tmp_path, "this one", "a training", every=30.0).next()
    keeper.end(lambda: snapshot(9))
    assert not keeper.path.exists()
    now[0] += 2
    keeper.end(lambda: snapshot(9))
    assert found(keeper) == 9


def test_a_full_disk_is_said_once_and_the_training_goes_on(
    kept: Callable, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept().keep(snapshot(1))
    keeper = kept()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        for step in (2, 3):
            keeper.keep(snapshot(step))
    assert len(said) == 1
    assert "was not written: No space left on device; the last one stays" in said[0]
    assert found(kept()) == 1
    assert not list(keeper.path.parent.glob(".*"))


# Pieces.


@dataclass(frozen=True)
class Doubling:
    done: list[int]

    def __call__(self, piece: int, checkpoints: Checkpoints) -> dict[str, int]:
        checkpoints.next().keep(snapshot(1))
        self.done.append(piece)
        return {"double": 2 * piece}

    def elsewhere(self) -> Self:
        return self


def job(folder: Path, said: list[str], identity: str = "this one") -> Job:
    return Job(Doubling([]), Parts(folder / "job", identity, "a job", 0.0, said.append))


def test_a_finished_piece_is_found_and_its_checkpoints_are_gone(
    tmp_path: Path, said: list[str]
) -> None:
    mine = job(tmp_path, said)
    assert list(mine.here([3, 4])) == [3, 4]
    assert [path.name for path in (tmp_path / "job").iterdir() if path.is_dir()] == []
    assert job(tmp_path, said).parts.find(3) == {"double": 6}
    assert job(tmp_path, said).missing([3, 4, 5]) == [5]
    assert job(tmp_path, said, "another").missing([3]) == [3]


def test_a_damaged_piece_is_set_aside_and_done_again(tmp_path: Path, said: list[str]) -> None:
    mine = job(tmp_path, said)
    mine.do(3)
    path = mine.parts.path(3)
    path.write_bytes(path.read_bytes()[:-1])
    assert mine.missing([3]) == [3]
    assert f"it is kept as {path.name}.damaged-1, and not used" in said[0]


def test_a_plan_is_kept_as_it_was_made(tmp_path: Path, said: list[str]) -> None:
    parts = job(tmp_path, said).parts
    assert parts.planned(lambda: [[0, 1], [2]]) == [[0, 1], [2]]
    assert parts.planned(lambda: [[0], [1], [2]]) == [[0, 1], [2]]
    for text in ("", "{", "[]", json.dumps({"of": "another", "pieces": [[9]]})):
        (parts.folder / PLAN).write_text(text)
        assert parts.planned(lambda: [[0], [1, 2]]) == [[0], [1, 2]]


def test_when_all_is_done_nothing_is_left(tmp_path: Path, said: list[str]) -> None:
    parts = Parts(tmp_path / ".parts" / "name" / "hash", "this one", "a job", 0.0, said.append)
    other = tmp_path / ".parts" / "other"
    other.mkdir(parents=True)
    Job(Doubling([]), parts).do(3)
    parts.clear()
    assert [path.name for path in (tmp_path / ".parts").iterdir()] == ["other"]
    other.rmdir()
    Job(Doubling([]), parts).do(3)
    parts.clear()
    assert not list(tmp_path.iterdir())


# What a killed process leaves.


@pytest.mark.parametrize(
    "command",
    [
        "run optimizer-paths --backend scratch",
        "sweep --optimizer sgd --lr 0.1 --depth 2 --init he --batch-norm off --iterations 2",
    ],
)
def test_what_was_killed_between_its_result_and_its_tidying_is_tidied_by_the_next(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(parts: Parts) -> None:
        raise KeyboardInterrupt

    arguments = [*command.split(), "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(Parts, "clear", killed)
        assert CliRunner().invoke(cli.app, arguments).exit_code == 130
    assert list(tmp_path.glob(".parts/**/*.safetensors"))
    assert "is done already" in CliRunner().invoke(cli.app, arguments).output
    assert not (tmp_path / ".parts").exists()


def test_what_a_dead_process_was_writing_is_removed_and_a_living_ones_is_not(
    tmp_path: Path,
) -> None:
    import os

    names = {
        f".metrics.{2**22 + 5}.partial.csv": False,  # no process has this number
        f".metrics.{os.getpid()}.partial.csv": True,
        ".notes.partial.csv": True,
        "metrics.4194309.partial.csv": True,
    }
    (tmp_path / "inner").mkdir()
    for name in names:
        (tmp_path / "inner" / name).write_text("")
    output.remove_torn(tmp_path)
    assert {path.name for path in (tmp_path / "inner").iterdir()} == {
        name for name, stays in names.items() if stays
    }


def test_a_disk_without_room_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(folder: Path) -> object:
        class Usage:
            free = 3_000_000

        return Usage

    monkeypatch.setattr(output.shutil, "disk_usage", usage)
    with pytest.raises(output.OutputError, match=r"has 3\.0 MB left, and results and checkpoints"):
        output.prepare(tmp_path)


def test_a_checkpoint_that_was_edited_by_hand_is_damaged(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(1))
    path = kept().path
    checkpoint.save(path, checkpoint.load(path) | {"state": snapshot(2)})
    assert found(kept()) == 2  # what says of itself that it is whole is believed
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 2', b'\\"step\\": 3'))
    assert found(kept()) is None

"""Checkpoints of trainings in files: the last one counts, if it is whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.engine import checkpoints
from experiments.engine.checkpoints import Checkpoint
from scratch.callbacks import Training
from torch_ref import checkpoint

STEPS = 10


class Weights:
    """A part of a training."""

    def __init__(self, step: int) -> None:
        self.w = np.full(50, float(step))

    def state_dict(self) -> dict[str, Any]:
        return {"w": self.w}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.w = state_dict["w"]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "unit" / "000.safetensors"


@pytest.fixture
def callback(path: Path, said: list[str]) -> Checkpoint:
    """One that saves whenever it can."""
    return Checkpoint(path, "this one", "a training", 0.0, said.append)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time."""
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    return now


def training(step: int) -> Training:
    """One that comes to this step next."""
    made = Training(STEPS, [], weights=Weights(step))
    made.step = step
    return made


def save(callback: Checkpoint, step: int) -> None:
    callback.begin(training(0))
    callback.after_step(training(step))


def resumed(callback: Checkpoint) -> int:
    """The step that a new training goes on from."""
    mine = training(0)
    callback.begin(mine)
    np.testing.assert_array_equal(mine.state_dict()["weights"]["w"], np.full(50, mine.step))
    return mine.step


def test_a_training_goes_on_from_its_last_checkpoint(callback: Checkpoint, said: list[str]) -> None:
    assert resumed(callback) == 0
    for step in (3, 5):
        save(callback, step)
    assert resumed(callback) == 5
    assert not said


def test_a_damaged_one_is_not_used_and_the_training_begins_again(
    callback: Checkpoint, said: list[str]
) -> None:
    save(callback, 1)
    data = callback.path.read_bytes()
    edited = data.replace(b'\\"step\\": 1', b'\\"step\\": 3')
    for spoilt in (edited, data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], data[:-1], b""):
        callback.path.write_bytes(spoilt)
        assert spoilt != data
        assert resumed(callback) == 0
        assert said.pop().endswith("; the training begins again")
    save(callback, 2)
    assert resumed(callback) == 2


def test_one_of_another_training_is_not_used(
    callback: Checkpoint, path: Path, said: list[str]
) -> None:
    save(callback, 7)
    assert resumed(Checkpoint(path, "another", "a training", 0.0, said.append)) == 0
    assert "is of another training" in said[0]
    checkpoint.save(path, {"of": "this one", "state": training(STEPS + 2).state_dict()})
    assert resumed(callback) == 0
    assert "step must be at most 11, got 12; the training begins again" in said[1]


def test_where_memory_runs_out_in_loading_it_stays_and_nothing_begins_again(
    callback: Checkpoint, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(callback, 7)

    def full(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Weights, "load_state_dict", full)
        with pytest.raises(MemoryError):
            callback.begin(training(0))
    assert not said
    assert resumed(callback) == 7


def test_what_a_terminal_would_obey_is_shown(capsys: pytest.CaptureFixture) -> None:
    checkpoints.tell("\x1b[31m")
    assert capsys.readouterr().err == "\\x1b[31m\n"


def test_one_is_written_as_often_as_was_asked_and_of_a_long_training_in_the_end(
    path: Path, now: list[float]
) -> None:
    callback, written = Checkpoint(path, "this one", "a training", every=30.0), []
    callback.begin(training(0))
    for now[0], step in ((129, 1), (130, 2), (159, 3), (160, 4), (161, 5), (162, STEPS + 1)):
        before = path.read_bytes() if path.exists() else b""
        callback.after_step(training(step))
        written += [step] if path.exists() and path.read_bytes() != before else []
    assert written == [2, 4, STEPS + 1]
    assert resumed(callback) == STEPS + 1


def test_a_short_training_has_none(path: Path, now: list[float]) -> None:
    callback = Checkpoint(path, "this one", "a training", every=30.0)
    callback.begin(training(0))
    now[0] += 29
    callback.after_step(training(STEPS + 1))
    assert not path.parent.exists()


def test_a_full_disk_is_said_and_the_training_goes_on(
    callback: Checkpoint, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save(callback, 1)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        callback.after_step(training(2))
    assert len(said) == 1
    assert "was not written: No space left on device; the last one stays" in said[0]
    assert resumed(callback) == 1
    assert not list(callback.path.parent.glob(".*"))


def test_where_there_is_no_folder_for_them_as_on_another_disk_none_is_written(
    tmp_path: Path, said: list[str]
) -> None:
    path = tmp_path / "elsewhere" / "unit" / "000.safetensors"
    save(Checkpoint(path, "this one", "a training", 0.0, said.append), 1)
    assert not said
    assert not list(tmp_path.iterdir())

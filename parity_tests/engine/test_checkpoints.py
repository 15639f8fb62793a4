"""Checkpoints of trainings in files: the last one counts, if it is whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.engine import checkpoints
from experiments.engine.checkpoints import Checkpoints, Kept
from torch_ref import checkpoint


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path: Path, said: list[str]) -> Callable[[], Kept]:
    """The keeper of the same training, as each process that works on it makes it."""
    folder = tmp_path / "unit"
    return lambda: Checkpoints(folder, "this one", "a training", 0.0, said.append).next()


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


def test_it_goes_on_from_the_last_checkpoint(kept: Callable, said: list[str]) -> None:
    for step in (1000, 2000):
        kept().keep(snapshot(step))
    assert found(kept()) == 2000
    assert not said


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
def test_a_damaged_one_is_not_used_and_the_training_begins_again(
    kept: Callable, said: list[str], spoil: Callable[[bytes], bytes]
) -> None:
    kept().keep(snapshot(1))
    path = kept().path
    path.write_bytes(spoil(path.read_bytes()))
    assert found(kept()) is None
    assert said[0].endswith("; the training begins again")
    kept().keep(snapshot(2))
    assert found(kept()) == 2


def test_one_of_another_training_is_not_used(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(7))
    other = Checkpoints(kept().path.parent, "another", "a training", 0.0, said.append).next()
    assert found(other) is None
    assert "is of another training" in said[0]


def test_what_does_not_fit_the_training_is_not_used(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(7))

    def refuse(state: object) -> None:
        raise ValueError("the losses must be of another shape")

    kept().begin(refuse)
    assert "the losses must be of another shape; the training begins again" in said[0]


def test_what_a_terminal_would_obey_is_shown(capsys: pytest.CaptureFixture) -> None:
    checkpoints.tell("\x1b[31m")
    assert capsys.readouterr().err == "\\x1b[31m\n"


def test_it_is_kept_as_often_as_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    keeper = Checkpoints(tmp_path / "unit", "this one", "a training", every=30.0).next()
    assert not keeper.due()
    now[0] += 30
    assert keeper.due()
    keeper.keep(snapshot(1))
    assert not keeper.due()
    assert found(keeper) == 1


def test_a_finished_training_is_kept_if_it_took_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    keeper = Checkpoints(tmp_path / "unit", "this one", "a training", every=30.0).next()
    keeper.end(lambda: snapshot(9))
    assert not keeper.path.exists()
    now[0] += 30
    keeper.end(lambda: snapshot(9))
    assert found(keeper) == 9


def test_a_full_disk_is_said_and_the_training_goes_on(
    kept: Callable, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept().keep(snapshot(1))
    keeper = kept()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        keeper.keep(snapshot(2))
    assert len(said) == 1
    assert "was not written: No space left on device; the last one stays" in said[0]
    assert found(kept()) == 1
    assert not list(keeper.path.parent.glob(".*"))


def test_where_there_is_no_folder_for_them_as_on_another_disk_none_is_written(
    tmp_path: Path, said: list[str]
) -> None:
    folder = tmp_path / "elsewhere" / "unit"
    Checkpoints(folder, "this one", "a training", 0.0, said.append).next().keep(snapshot(1))
    assert not said
    assert not folder.parent.exists()


def test_a_checkpoint_that_was_edited_by_hand_is_damaged(kept: Callable, said: list[str]) -> None:
    kept().keep(snapshot(1))
    path = kept().path
    checkpoint.save(path, checkpoint.load(path) | {"state": snapshot(2)})
    assert found(kept()) == 2  # what says of itself that it is whole is believed
    path.write_bytes(path.read_bytes().replace(b'\\"step\\": 2', b'\\"step\\": 3'))
    assert found(kept()) is None

"""What a results folder may hold: edited verdicts, links, pipes, devices, files of its user."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from experiments.data.errors import DataError
from experiments.data.idx import read_idx
from experiments.engine import lock, output, tensorboard, units
from experiments.engine.runner import FIGURES, METRICS, RESULT
from experiments.engine.units import Unit
from experiments.report import results
from experiments.report.results import Unreadable
from experiments.sweep import sweep
from parity_tests.command_line import lockstep
from torch_ref import checkpoint, files
from torch_ref.checkpoint import CheckpointError
from torch_ref.errors import LockstepError

RUN = "run optimizer-paths --backend scratch --processes 1"
SWEEP = "sweep --optimizer sgd --lr 0.1 --depth 2 --init he --iterations 2 --processes 1"


def run(command: str, out: Path) -> str:
    """Run a command, which succeeds; what it says."""
    result = lockstep(*command.split(), "--out", out)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def fewer(verdicts: Any) -> Any:
    """The same with every claim holding nowhere, and every loss at zero."""
    if isinstance(verdicts, dict):
        edits = {"holds": 0, "loss": 0.0}
        return {name: edits.get(name, fewer(value)) for name, value in verdicts.items()}
    return [fewer(value) for value in verdicts] if isinstance(verdicts, list) else verdicts


@pytest.mark.parametrize(
    ("command", "file", "verdicts"),
    [(RUN, "optimizer-paths/result.json", "claims"), (SWEEP, "sweep/sweep.json", "summary")],
)
def test_an_edited_verdict_is_not_believed_but_told_and_computed_again(
    command: str, file: str, verdicts: str, tmp_path: Path
) -> None:
    run(command, tmp_path)
    path, name = tmp_path / file, file.partition("/")[0]
    whole = json.loads(path.read_text(encoding="utf-8"))
    edited = whole | {verdicts: fewer(whole[verdicts])}
    assert edited != whole
    unsealed = {key: value for key, value in edited.items() if key != output.SEAL}
    for content in (edited, unsealed):
        path.write_text(json.dumps(content), encoding="utf-8")
        found = results.read(tmp_path)
        item = found.sweep if name == "sweep" else found.experiments[name]
        assert isinstance(item, Unreadable)
        assert item.why == f"{path.name} was changed after it was written"
        said = run(command, tmp_path)
        assert f"{name}: not as it was written: {path.name}; it is run again" in said
        assert json.loads(path.read_text(encoding="utf-8"))[verdicts] == whole[verdicts]
    assert "is done already" in run(command, tmp_path)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that is none of the command's, with what it would write or remove."""
    folder = tmp_path / "outside"
    (folder / tensorboard.FOLDER).mkdir(parents=True)
    for name in (RESULT, METRICS, *FIGURES, "tensorboard/mine", "notes"):
        (folder / name).write_text("mine")
    return folder


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (RUN, "optimizer-paths"),
        (SWEEP, "sweep"),
        (RUN, ".units"),
        (RUN, ".units/optimizer-paths"),
        (SWEEP, ".units/sweep"),
    ],
)
def test_a_folder_that_leads_elsewhere_is_refused_and_nothing_there_is_touched(
    command: str, name: str, tmp_path: Path, outside: Path
) -> None:
    link, before = tmp_path / "out" / name, tree(outside)
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    result = lockstep(*command.split(), "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"{name} is a link" in " ".join(result.output.split()).replace("out/ ", "out/")
    assert tree(outside) == before
    assert link.is_symlink()


@pytest.mark.parametrize("name", [lock.LOCK, lock.HOLDER])
@pytest.mark.parametrize("there", [True, False])
def test_the_lock_is_written_to_no_other_place(
    name: str, there: bool, tmp_path: Path, outside: Path
) -> None:
    target, out = outside / ("notes" if there else "none"), tmp_path / "out"
    before = tree(outside)
    out.mkdir()
    (out / name).symlink_to(target)
    if name == lock.LOCK:
        with pytest.raises(LockstepError, match=r"\.lock is no file of this command's"):
            lock.locked(out).__enter__()
    else:
        with lock.locked(out):
            assert f'"pid": {os.getpid()}' in (out / name).read_text()
    assert tree(outside) == before


def test_a_file_that_is_a_link_is_replaced_and_what_it_leads_to_stays(
    tmp_path: Path, outside: Path
) -> None:
    out, before = tmp_path / "out", tree(outside)
    (out / "optimizer-paths").mkdir(parents=True)
    for name in (RESULT, METRICS, *FIGURES):
        (out / "optimizer-paths" / name).symlink_to(outside / name)
        temporary = f".{Path(name).stem}.{os.getpid()}.lockstep-partial{Path(name).suffix}"
        (out / "optimizer-paths" / temporary).symlink_to(outside / "notes")
    run(RUN, out)
    assert tree(outside) == before
    assert not any(path.is_symlink() for path in (out / "optimizer-paths").iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
def test_pipes_and_devices_are_not_read_nor_waited_for(tmp_path: Path) -> None:
    pipe, zero = tmp_path / "pipe", tmp_path / "zero"
    os.mkfifo(pipe)
    zero.symlink_to("/dev/zero")
    identity = {"fingerprint": "0"}
    for path in (pipe, zero):
        with pytest.raises(OSError, match="a pipe or a device, not a file"):
            files.read(path)
        with pytest.raises(CheckpointError, match="cannot be read: it is a pipe or a device"):
            checkpoint.load(path)
        with pytest.raises(DataError, match=r"cannot be read .it is a pipe or a device"):
            read_idx(path, (3,), None, "")
        assert output.altered(path, identity, []) is None
        assert lock._described(path) == "another process"
    out = tmp_path / "out" / "optimizer-paths"
    out.mkdir(parents=True)
    for name, target in ((RESULT, "/dev/zero"), (METRICS, str(pipe))):
        (out / name).symlink_to(target)
    os.mkfifo(out.parent / lock.HOLDER)
    run(RUN, out.parent)
    os.mkfifo(tmp_path / lock.LOCK)
    with pytest.raises(LockstepError, match=r"\.lock is no file of this command's"):
        lock.locked(tmp_path).__enter__()


def test_only_what_a_command_can_have_been_writing_is_tidied(tmp_path: Path) -> None:
    nobody, me = 2**22 + 5, os.getpid()  # no process has the first number
    names = {
        f"surface/.metrics.{nobody}.lockstep-partial.csv": False,
        f"surface/.metrics.{me}.lockstep-partial.csv": True,
        f".units/.progress.{nobody}.lockstep-partial": False,
        f".units/surface/a/.b.{nobody}.lockstep-partial.safetensors": False,
        f"surface/.events.{nobody}.lockstep-partial/scratch/events": False,
        f"surface/.events.{me}.lockstep-partial/scratch/events": True,
        f".thesis.{nobody}.partial.tex": True,
        f".thesis.{nobody}.lockstep-partial.tex": True,
        f"surface/.metrics.{nobody}.partial.csv": True,
        f"surface/mine/.metrics.{nobody}.lockstep-partial.csv": True,
        f"surface/.thesis.{nobody}.lockstep-partial": True,
        "surface/.notes.lockstep-partial.csv": True,
    }
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    output.remove_torn(tmp_path)
    assert {name for name in names if (tmp_path / name).exists()} == {
        name for name, stays in names.items() if stays
    }


def test_whatever_a_command_writes_is_known_to_the_tidying() -> None:
    assert {RESULT, METRICS, *FIGURES, *sweep.FILES, sweep.JSON} <= output.WRITTEN
    assert {results.BENCH, results.PARITY, lock.HOLDER, "report.html"} <= output.WRITTEN
    assert units.FOLDER == output.UNITS


@pytest.mark.skipif(not hasattr(lock, "fcntl"), reason="folders are not locked here")
def test_a_second_process_does_not_get_in_where_the_lock_was_deleted(tmp_path: Path) -> None:
    with lock.locked(tmp_path):
        (tmp_path / lock.LOCK).unlink()
        with pytest.raises(LockstepError, match="is in use by process"), lock.locked(tmp_path):
            pass
    with lock.locked(tmp_path):
        pass


def test_a_checkpoint_is_not_written_through_a_link(tmp_path: Path, outside: Path) -> None:
    before = tree(outside)
    unit = Unit("a unit", dict, tmp_path / "units", "a")
    unit.folder.mkdir()
    unit.path.with_suffix("").symlink_to(outside)
    said: list[str] = []
    saving = next(unit.checkpoints(said.append))
    saving.every = saving.begun = saving.last = 0.0
    saving.after_step(type("Training", (), {"finished": False, "state_dict": dict})())
    assert "is a link" in said[0]
    unit.keep({})
    assert tree(outside) == before

"""Units of work: in this process or in others, each done once, and done again where it was lost."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from experiments.engine import backends, fingerprint, measuring, memory, output, units
from experiments.engine import workers as engine_workers
from experiments.engine.checkpoints import Checkpoint, Checkpoints
from experiments.engine.fingerprint import CodeMoved
from experiments.engine.progress import Display
from experiments.engine.units import Unit
from experiments.engine.workers import WorkersLost, workers
from parity_tests.command_line import lockstep
from torch_ref import checkpoint
from torch_ref.errors import LockstepError

SIDES = pytest.mark.parametrize("processes", [1, 2])


def telling(piece: str, checkpoints: Checkpoints) -> dict[str, Any]:
    """Work that tells where it was done; the piece "die" ends its process."""
    if piece == "die":
        time.sleep(1)  # what was begun beside it is finished
        os.kill(os.getpid(), signal.SIGKILL)
    if piece == "alone":
        for tracker in trackers(os.getppid()):
            os.kill(tracker, signal.SIGKILL)
        time.sleep(0.2)
    if piece == "fail":
        raise ValueError("no such piece")
    return {"pid": os.getpid(), "threads": os.environ.get("VECLIB_MAXIMUM_THREADS")}


def trackers(parent: int) -> list[int]:
    """The processes of a parent that keep its list of semaphores."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            of = (place / "stat").read_text().rpartition(")")[2].split()[1]
            command = (place / "cmdline").read_bytes()
            if int(of) == parent and b"resource_tracker import main" in command:
                found.append(int(place.name))
    return found


def unit(folder: Path, piece: str, **options: Any) -> Unit:
    options = {"of": "a job", "identity": piece} | options
    return Unit(f"a job, {piece}", partial(telling, piece), folder / ".units" / "job", **options)


def do(
    todo: list[Unit], processes: int = 1, wanted: Callable[[Unit], bool] = lambda unit: True
) -> list[tuple[Unit, Exception | None]]:
    display = Display(Console(quiet=True), Path("nowhere"))
    with workers(processes, threads=3) as people:
        return list(units.run(todo, people, display, wanted))


@SIDES
def test_units_are_done_and_their_results_are_files(tmp_path: Path, processes: int) -> None:
    before, todo = dict(os.environ), [unit(tmp_path, piece) for piece in "abcd"]
    done = do(todo, processes)
    assert sorted(each.identity for each, error in done if error is None) == [*"abcd"]
    pids = {found["pid"] for found in units.gathered(todo)}
    assert len(pids) <= processes
    assert (os.getpid() in pids) is (processes == 1)
    if processes == 2:
        assert {found["threads"] for found in units.gathered(todo)} == {"3"}
    assert dict(os.environ) == before
    units.clear(todo[0].folder)
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_killed_is_told_with_what_it_did_and_what_is_finished_is_kept(
    tmp_path: Path,
) -> None:
    todo = [unit(tmp_path, "die", length=2.0), unit(tmp_path, "a")]
    with pytest.raises(
        WorkersLost, match=r"one of 2 processes was ended from outside.*under way: a job, die"
    ):
        do(todo, 2)
    assert [each.find() is None for each in todo] == [True, False]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes have no files here")
def test_a_helper_that_is_killed_costs_nothing_and_prints_no_tracebacks(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    before = set(trackers(os.getpid()))
    todo = [unit(tmp_path, "alone", length=2.0), unit(tmp_path, "a"), unit(tmp_path, "b")]
    assert [error for _, error in do(todo, 2)] == [None] * 3
    assert not before & set(trackers(os.getpid()))
    time.sleep(0.5)  # one that has followed says what it does not know when it is told to forget it
    assert "Traceback" not in capfd.readouterr().err


def test_where_no_processes_can_be_started_this_one_computes_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def refused() -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(engine_workers, "_make_a_semaphore", refused)
    todo = [unit(tmp_path, piece) for piece in "ab"]
    assert [error for _, error in do(todo, 2)] == [None, None]
    assert {found["pid"] for found in units.gathered(todo)} == {os.getpid()}
    said = capsys.readouterr().err
    assert "computes alone, as no others can be started here: semaphores: Read-only file" in said


@SIDES
def test_what_a_unit_raises_stops_no_other_and_what_is_not_wanted_is_left_out(
    tmp_path: Path, processes: int
) -> None:
    todo = [unit(tmp_path, piece) for piece in ("fail", "a", "b")]
    done = do(todo, processes, lambda unit: unit.identity != "b")
    assert {each.identity: str(error) for each, error in done} == {
        "fail": "no such piece",
        "a": "None",
    }
    assert [each.find() is None for each in todo] == [True, False, True]


def test_where_several_are_done_at_once_the_longest_comes_first(tmp_path: Path) -> None:
    todo = [unit(tmp_path, name, length=n) for name, n in (("a", 1.0), ("b", 3.0), ("c", 2.0))]
    todo.append(unit(tmp_path, "page", length=9.0, of=""))
    for processes, order in ((1, ["a", "b", "c", "page"]), (2, ["b", "c", "a", "page"])):
        with workers(processes) as people:
            assert [each.identity for each in units.ordered(todo, people)] == order


def test_a_file_that_is_not_the_units_result_is_not_used_and_the_unit_is_done_again(
    tmp_path: Path,
) -> None:
    mine, other = unit(tmp_path, "a"), unit(tmp_path, "b")
    do([mine])
    other.path.write_bytes(mine.path.read_bytes())
    mine.path.write_bytes(mine.path.read_bytes()[:-1])
    said: list[str] = []
    assert mine.find(said.append) is other.find(said.append) is None
    assert "damaged" in said[0]
    assert said[1].endswith("is of another unit of work; it is done again")
    checkpoint.save(other.path, {"of": other.identity})
    assert other.find(said.append) is None


def test_a_full_disk_is_what_went_wrong_with_the_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    ((_, error),) = do([unit(tmp_path, "a")])
    assert "was not written: No space left on device" in str(error)


def test_other_code_or_other_versions_do_not_work_for_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter(["the command's", "another"])
    monkeypatch.setattr(units, "code_digest", lambda: next(codes))
    ((_, error),) = do([unit(tmp_path, "a")])
    assert isinstance(error, LockstepError)
    described = backends.Described("scratch", "cpu", {"numpy": "1.0"})
    with pytest.raises(LockstepError, match=r"with \{'numpy': '1.0'\}, as for"):
        measuring.created(described)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that is all of the project's code."""
    file = tmp_path / "project" / "scratch" / "rule.py"
    file.parent.mkdir(parents=True)
    file.write_text("lr = 0.5")
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path / "project")
    caches = fingerprint.code_digest, fingerprint._at_first
    for each in caches:
        each.cache_clear()
    yield file
    for each in caches:
        each.cache_clear()


def edited_meanwhile(code: Path, checkpoints: Checkpoints) -> dict[str, Any]:
    """Work during which the code is another for a moment."""
    was = code.read_text()
    code.write_text("lr = 0.4")
    code.write_text(was)
    return {"loss": 0.1}


def test_what_was_computed_while_the_code_changed_is_not_kept_if_it_changed_back_too(
    tmp_path: Path, code: Path
) -> None:
    todo = [unit(tmp_path, "a"), unit(tmp_path, "b"), unit(tmp_path, "c")]
    todo[1] = replace(todo[1], work=partial(edited_meanwhile, code))
    digest = fingerprint.code_digest()
    with pytest.raises(CodeMoved, match=r"^scratch/rule\.py changed while this was computing"):
        do(todo)
    assert [each.find() is None for each in todo] == [False, True, True]
    fingerprint.code_digest.cache_clear()
    assert fingerprint.code_digest() == digest
    training = Checkpoint(tmp_path / "it" / "000.safetensors", "it", "a training", every=0.0)
    training.begun = training.last = 0.0
    with pytest.raises(CodeMoved):
        training.after_step(SimpleNamespace(finished=False, state_dict=dict))
    assert not (tmp_path / "it").exists()


def test_what_was_kept_of_other_settings_code_or_threads_is_said_not_to_be_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    earlier, now = (replace(unit(tmp_path, f), folder=tmp_path / "job" / f) for f in "ab")
    do([earlier])
    assert "begins anew" not in capsys.readouterr().err
    do([now])
    assert (
        "job: what is kept of it is of other settings, code or threads" in capsys.readouterr().err
    )
    do([replace(now, identity="c")])
    assert "begins anew" not in capsys.readouterr().err


def test_no_result_is_written_once_the_code_has_changed(tmp_path: Path, code: Path) -> None:
    run = "run optimizer-paths --backend scratch --force"
    sweep = "sweep --optimizer sgd --lr 0.1 --depth 2 --init he --iterations 2"
    result = lockstep(*run.split(), "--out", tmp_path)
    assert result.exit_code == 0
    code.with_name("new.py").write_text("")
    for command in (run, sweep):
        result = lockstep(*command.split(), "--processes", "1", "--out", tmp_path)
        assert result.exit_code == 1
        said = " ".join(result.stderr.split())
        assert said.startswith("Error: scratch/new.py changed while this was computing")
        assert "; the same command goes on from" in said
    assert not (tmp_path / "sweep" / "sweep.json").exists()


@pytest.mark.parametrize("name", ["WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_who_was_started_beside_others_says_how_it_is_done_now(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "4")
    for command in (["run", "surface"], ["sweep"]):
        result = lockstep(*command, "--out", tmp_path)
        assert result.exit_code == 1
        assert "has started 4 of this command; start it once, by itself" in result.stderr
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv(name, "1")
    engine_workers.check_launcher()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://here:1", "must be dask://HOST:PORT or ray://HOST:PORT, got 'tcp://here:1'"),
        ("dask://", "must be dask://HOST:PORT"),
        ("dask://here:1", "pip install distributed, or this project with its extra"),
        ("ray://here:1", "pip install 'ray[client]', or this project with its extra"),
    ],
)
def test_a_cluster_that_cannot_be_is_a_usage_error(
    address: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_workers, "find_spec", lambda name: None)
    result = lockstep("run", "surface", "--cluster", address, "--out", tmp_path)
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine_workers, "ANSWERS", 1.0)
    with (
        pytest.raises(LockstepError, match=r"dask://localhost:1 cannot be reached"),
        workers(1, cluster="dask://localhost:1"),
    ):
        pass


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
    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    arguments = [*command.split(), "--processes", "1", "--out", tmp_path]
    with monkeypatch.context() as patch:
        patch.setattr(units, "clear", killed)
        assert lockstep(*arguments).exit_code == 130
    assert list(tmp_path.glob(".units/**/*.safetensors"))
    assert "is done already" in lockstep(*arguments).output
    assert not (tmp_path / ".units").exists()


def test_a_disk_without_room_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(free=3_000_000)
    monkeypatch.setattr(output.shutil, "disk_usage", lambda folder: free)
    with pytest.raises(LockstepError, match=r"has 3\.0 MB left, and results and checkpoints"):
        output.prepare(tmp_path)


# Stacks.


@pytest.mark.parametrize(
    ("device", "seeds", "runs", "budget", "lengths"),
    [
        ("cpu", 4, 1, 10**9, [4]),
        ("cpu", 5, 1, 10**9, [3, 2]),
        ("cpu", 9, 3, 10**9, [1] * 9),
        ("cpu", 2, 16, 10**9, [1, 1]),
        ("cuda", 9, 3, 10**9, [9]),
        ("cuda", 12, 1, 3000, [3] * 4),
    ],
)
def test_a_stack_fits_into_the_memory_and_on_a_cpu_is_no_wider_than_what_is_fastest(
    device: str, seeds: int, runs: int, budget: int, lengths: list[int]
) -> None:
    cut = memory.stacks(range(seeds), 1000 * runs, budget, device, runs)
    assert [len(part) for part in cut] == lengths
    assert [seed for part in cut for seed in part] == list(range(seeds))


def test_a_seed_that_does_not_fit_is_refused_before_training(tmp_path: Path) -> None:
    arguments = ("run", "init-comparison", "--memory", "0.000001", "--backend", "scratch")
    result = lockstep(*arguments, "--out", tmp_path)
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "a seed of init-comparison needs about" in said
    assert "see --memory and --processes" in said


def test_what_may_be_taken_is_what_was_asked_for_or_half_of_all() -> None:
    assert memory.budget("cpu", 10) == 10
    assert memory.budget("cpu") == memory.budget("cpu") > 10**8

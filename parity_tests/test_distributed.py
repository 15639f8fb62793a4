"""Runs over several processes: the result of one, also after one of them has died."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.engine import distributed
from experiments.engine.checkpoints import Checkpoints
from experiments.engine.distributed import Stopped, Team, TeamError
from experiments.engine.lock import LOCK
from experiments.engine.parts import Job, Parts
from torch_ref import device

ROOT = Path(__file__).parents[1]
NAMES = ("optimizer-paths", "zero-init")
#: In a process of that rank: it dies as soon as it starts on zero-init and a part of that is there.
DIES = """
import os, pathlib, signal, sys, time
def die(event, arguments):
    if event == "exec" and arguments[0].co_filename.endswith("zero_init.py"):
        for _ in range(3000):
            if list(pathlib.Path(os.environ["PARTS"]).glob("*/scratch/*.safetensors")):
                break
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
if os.environ.get("RANK") == "1":
    sys.addaudithook(die)
"""


def arguments(out: Path, seeds: int, backend: str, *names: str) -> list[str]:
    options = ["--quick", "--device", "cpu", "--seeds", str(seeds), "--backend", backend]
    return ["run", *names, *options, "--out", str(out)]


def torchrun(
    processes: int, arguments: list[str], **environment: str
) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(processes), "-m", "experiments", *arguments]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | threads | environment
    )


def alone(out: Path, seeds: int, backend: str, *names: str) -> None:
    result = CliRunner().invoke(cli.app, arguments(out, seeds, backend, *names))
    assert result.exit_code == 0, result.output


def result(folder: Path) -> dict:
    """``result.json`` up to times, and the digest of the figures, which is of their very bytes."""
    whole = json.loads((folder / "result.json").read_text())
    return {name: value for name, value in whole.items() if name not in ("seconds", "finished")}


def assert_same_results(mine: Path, theirs: Path, *names: str) -> None:
    for name in names:
        expected = (theirs / name / "metrics.csv").read_text()
        assert (mine / name / "metrics.csv").read_text() == expected, name
        assert result(mine / name) == result(theirs / name)
    assert sorted(p.name for p in mine.iterdir() if p.name != LOCK) == sorted(names)


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    alone(tmp_path / "one", 3, "both", *NAMES)
    ran = torchrun(2, arguments(tmp_path / "two", 3, "both", *NAMES))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("optimizer-paths (6.1.3–6.1.7)") == 1  # the first one alone prints
    assert_same_results(tmp_path / "two", tmp_path / "one", *NAMES)


@pytest.mark.slow
def test_a_sweep_over_two_processes_writes_what_one_does(tmp_path: Path) -> None:
    grid = ["sweep", "--optimizer", "sgd,adam", "--lr", "0.01,0.1", "--depth", "1,2", "--seeds"]
    grid += ["2", "--init", "he", "--batch-norm", "off", "--width", "8", "--iterations", "20"]
    ran = torchrun(2, [*grid, "--out", str(tmp_path / "two")])
    assert ran.returncode == 0, ran.stderr
    one = CliRunner().invoke(cli.app, [*grid, "--processes", "1", "--out", str(tmp_path / "one")])
    assert one.exit_code == 0, one.output
    mine, theirs = (tmp_path / name / "sweep" / "sweep.csv" for name in ("two", "one"))
    assert mine.read_text() == theirs.read_text()
    assert not (tmp_path / "two" / ".parts").exists()


@pytest.mark.slow
def test_a_process_that_is_killed_is_named_and_the_next_run_completes(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    out, parts = tmp_path / "out", tmp_path / "out" / ".parts" / "zero-init"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = arguments(out, 3, "scratch", *NAMES)
    died = torchrun(2, command, PYTHONPATH=path, PARTS=str(parts))
    assert died.returncode == 1
    assert (
        "was killed or crashed, without a word; missing of zero-init · scratch: seed 2"
        in died.stderr
    )
    assert (out / "optimizer-paths" / "result.json").exists()
    assert not (out / "zero-init" / "result.json").exists()
    kept = list(parts.rglob("*.safetensors"))
    assert len(kept) == 1  # of the first seeds, which the next run takes as they are
    again = torchrun(3, command)  # the third has nothing to do
    assert again.returncode == 0, again.stderr
    assert "optimizer-paths is done already" in again.stdout
    alone(tmp_path / "one", 3, "scratch", *NAMES)
    assert_same_results(out, tmp_path / "one", *NAMES)


# Parts, without processes.


class Store(dict):
    """A store of one process."""

    def set(self, key: str, value: str | bytes) -> None:
        self[key] = value.encode() if isinstance(value, str) else value

    def check(self, keys: list[str]) -> bool:
        return all(key in self for key in keys)

    def get(self, key: str) -> bytes:
        return self[key]

    def clone(self) -> "Store":
        return self


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(distributed, "PATIENCE", 0.0)
    monkeypatch.setattr(distributed, "LAST_WORDS", 0.0)
    monkeypatch.setattr(distributed, "_beat", lambda *_: None)
    return Store()


ORDER = {"version": 1}


@dataclass(frozen=True)
class Squares:
    """Work that notes what it was asked for."""

    computed: list[int]

    def __call__(self, piece: int, checkpoints: Checkpoints) -> dict[str, int]:
        self.computed.append(piece)
        return {"square": piece**2}


def job_in(folder: Path, identity: str = "first") -> Job:
    return Job(Squares([]), Parts(folder, identity, "squares"))


def squares(team: Team, pieces: list[int], job: Job) -> dict[int, int]:
    """Each piece with its square, once the team has done what is missing."""
    list(team.lead(ORDER, job, job.missing(pieces)))
    return {piece: job.parts.find(piece)["square"] for piece in pieces}


def test_only_what_is_missing_is_computed(store: Store, tmp_path: Path) -> None:
    job = job_in(tmp_path)
    assert squares(Team(store, 0, 1), [0, 2], job) == {0: 0, 2: 4}
    assert squares(Team(store, 0, 1), [0, 1, 2], job) == {0: 0, 1: 1, 2: 4}
    assert job.work.computed == [0, 2, 1]
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert squares(Team(store, 0, 1), [0, 1], job) == {0: 0, 1: 1}
    assert job.work.computed == [0, 2, 1, 0, 1]


def test_a_part_of_another_job_is_not_taken(store: Store, tmp_path: Path) -> None:
    squares(Team(store, 0, 1), [0], job_in(tmp_path))
    other = job_in(tmp_path, "second")
    assert squares(Team(store, 0, 1), [0], other) == {0: 0}
    assert other.work.computed == [0]


def test_pieces_are_shared_out_and_one_from_another_disk_is_kept(
    store: Store, tmp_path: Path
) -> None:
    far, here = job_in(tmp_path / "far"), job_in(tmp_path / "here")
    for i, piece in enumerate((1, 3)):
        far.do(piece)
        store.set(f"part/0/1/{i}", distributed.DELIVERED + far.parts.path(piece).read_bytes())
    assert squares(Team(store, 0, 2), [0, 1, 2, 3], here) == {0: 0, 1: 1, 2: 4, 3: 9}
    assert here.work.computed == [0, 2]


def test_a_piece_that_fails_in_another_process_says_in_which(store: Store, tmp_path: Path) -> None:
    store.set("job/0", json.dumps({"order": ORDER, "shares": [[0], [1]]}))
    store.set("job/1", json.dumps(None))

    def job_of(order: dict) -> Job:
        raise ValueError(f"no version {order['version']}")

    Team(store, 1, 2).follow(job_of)
    message = rf"process 1 \(pid {os.getpid()} on .*\): ValueError: no version 1"
    with pytest.raises(RuntimeError, match=message):
        squares(Team(store, 0, 2), [0, 1], job_in(tmp_path))


def test_a_process_without_a_heartbeat_is_given_up_and_named(store: Store, tmp_path: Path) -> None:
    leader, _ = Team(store, 0, 3), Team(store, 1, 3)
    store.set("word/2", "stopped")
    job = job_in(tmp_path)
    with pytest.raises(Stopped):
        squares(leader, [0, 1, 2], job)
    (named,) = leader.dead()
    assert named.startswith(f"process 1 (pid {os.getpid()} on ")
    assert named.endswith("gives no sign of life, without a word; missing of squares: 1")
    squares(Team(Store(), 0, 1), [0, 1, 2], job)
    assert job.work.computed == [0, 1, 2]


def test_without_torchrun_there_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert distributed.team() is None


def test_a_process_whose_torchrun_has_been_killed_already_does_not_wait_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("localhost", 0))  # and does not listen
        port = nobody.getsockname()[1]
        for name, value in {
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": str(port),
            "TORCHELASTIC_USE_AGENT_STORE": "True",
        }.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(TeamError, match=f"no torchrun answers at localhost:{port}: it has"):
            distributed.team()


def test_each_process_of_a_machine_has_a_cuda_device_of_its_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    team = Team(store, 1, 2)
    for found, expected in ((["cuda", "cuda:1", "cpu"], "cuda:1"), (["cuda", "cpu"], "cuda")):
        monkeypatch.setattr(device, "available", lambda found=found: found)
        assert [team.device(name) for name in ("auto", "cuda", "cpu")] == [expected] * 2 + ["cpu"]
    monkeypatch.setattr(device, "available", lambda: ["cpu"])
    assert team.device("auto") == "auto"

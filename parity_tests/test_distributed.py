"""Runs over several processes: the result of one, also after one of them has died."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.engine import distributed
from experiments.engine.distributed import Stopped, Team
from torch_ref import device

ROOT = Path(__file__).parents[1]
NAMES = ("optimizer-paths", "zero-init")
#: In a process of that rank: it dies as soon as it starts on zero-init and a part of that is there.
DIES = """
import os, pathlib, signal, sys, time
def die(event, arguments):
    if event == "exec" and arguments[0].co_filename.endswith("zero_init.py"):
        for _ in range(3000):
            if list(pathlib.Path(os.environ["PARTS"]).glob("*.safetensors")):
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
    assert sorted(path.name for path in mine.iterdir()) == sorted(names)


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    alone(tmp_path / "one", 3, "both", *NAMES)
    ran = torchrun(2, arguments(tmp_path / "two", 3, "both", *NAMES))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("optimizer-paths (6.1.3–6.1.7)") == 1  # the first one alone prints
    assert_same_results(tmp_path / "two", tmp_path / "one", *NAMES)


def test_a_process_that_is_killed_is_named_and_the_next_run_completes(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DIES)
    out, parts = tmp_path / "out", tmp_path / "out" / ".parts" / "zero-init"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = arguments(out, 3, "scratch", *NAMES)
    died = torchrun(2, command, PYTHONPATH=path, PARTS=str(parts))
    assert died.returncode == 1
    assert "was killed or crashed, without a word; missing of zero-init · scratch: 1" in died.stderr
    assert (out / "optimizer-paths" / "result.json").exists()
    assert not (out / "zero-init" / "result.json").exists()
    kept = [path.stat().st_mtime_ns for path in parts.iterdir()]
    assert len(kept) == 1  # of seeds 0 and 2, which the next run takes as they are
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
    monkeypatch.setattr(distributed.signal, "signal", lambda *_: None)
    return Store()


JOB = {"what": "squares", "version": 1}


def squares(team: Team, items: list[int], folder: Path, job: dict = JOB) -> tuple[dict, list]:
    """Each item with its square, from all parts, and what was computed here for that."""
    computed = []

    def work(share: list[int]) -> dict:
        computed.extend(share)
        return {"squares": np.array(share) ** 2}

    parts = team.lead(job, items, work, folder)
    found = {i: n for own, part in parts for i, n in zip(own, part["squares"], strict=True)}
    return found, computed


def test_only_what_is_missing_is_computed(store: Store, tmp_path: Path) -> None:
    assert squares(Team(store, 0, 1), [0, 2], tmp_path) == ({0: 0, 2: 4}, [0, 2])
    assert squares(Team(store, 0, 1), [0, 1, 2], tmp_path) == ({0: 0, 1: 1, 2: 4}, [1])
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert squares(Team(store, 0, 1), [0, 1], tmp_path) == ({0: 0, 1: 1}, [0, 1])


def test_a_part_of_another_job_is_not_taken(store: Store, tmp_path: Path) -> None:
    squares(Team(store, 0, 1), [0], tmp_path)
    assert squares(Team(store, 0, 1), [0], tmp_path, JOB | {"version": 2}) == ({0: 0}, [0])


def test_items_are_shared_out_and_a_part_from_another_disk_is_kept(
    store: Store, tmp_path: Path
) -> None:
    path = distributed._write(tmp_path / "far", JOB, [1, 3], {"squares": np.array([1, 9])})
    store.set("part/0/1", distributed.DELIVERED + path.read_bytes())
    found, computed = squares(Team(store, 0, 2), [0, 1, 2, 3], tmp_path / "here")
    assert (found, computed) == ({0: 0, 1: 1, 2: 4, 3: 9}, [0, 2])
    assert (tmp_path / "here" / path.name).read_bytes() == path.read_bytes()


def test_a_share_that_fails_in_another_process_says_in_which(store: Store, tmp_path: Path) -> None:
    store.set("job/0", json.dumps({"job": JOB, "shares": [[0], [1]], "folder": str(tmp_path)}))
    store.set("job/1", json.dumps(None))

    def work(job: dict, items: list[int]) -> dict:
        raise ValueError(f"no {job['what']} of {items}")

    Team(store, 1, 2).follow(work)
    message = rf"process 1 \(pid {os.getpid()} on .*\): ValueError: no squares of \[1\]"
    with pytest.raises(RuntimeError, match=message):
        squares(Team(store, 0, 2), [0, 1], tmp_path)


def test_a_process_without_a_heartbeat_is_given_up_and_named(store: Store, tmp_path: Path) -> None:
    leader, _ = Team(store, 0, 3), Team(store, 1, 3)
    store.set("word/2", "stopped")
    with pytest.raises(Stopped):
        squares(leader, [0, 1, 2], tmp_path)
    (named,) = leader.dead()
    assert named.startswith(f"process 1 (pid {os.getpid()} on ")
    assert named.endswith("gives no sign of life, without a word; missing of squares: 1")
    assert squares(Team(Store(), 0, 1), [0, 1, 2], tmp_path)[1] == [1, 2]


def test_without_torchrun_there_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert distributed.team() is None


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

"""The same units on a cluster of Dask or Ray: equal to the byte, also where a worker is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from parity_tests.soak import ROOT, THREADS, Subject, finish, numbers

RUN = ("run", "optimizer-paths", "zero-init", "init-comparison", "--quick", "--seeds", "5")
RUN += ("--device", "cpu")
pytestmark = pytest.mark.slow


def done(process: subprocess.Popen, code: int = 0) -> str:
    """What the command has said when it has come to its end."""
    output = finish(process)
    assert "Traceback" not in output
    assert process.returncode == code, output
    return output


def whole(out: Path, *options: str) -> dict[str, Any]:
    """The numbers that the command makes."""
    done(Subject("run", (*RUN, *options)).start(out))
    return numbers(out)


def begun(out: Path, *options: str) -> subprocess.Popen:
    """The command, when something of it is finished."""
    process = Subject("run", (*RUN, *options)).start(out)
    deadline = time.monotonic() + 120
    while not list(out.glob(".units/*/*/*.safetensors")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return whole(tmp_path_factory.mktemp("alone"), "--processes", "1")


def test_on_dask_a_killed_worker_is_replaced_and_the_results_are_the_same(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address.replace("tcp", "dask")
        assert whole(tmp_path / "whole", "--cluster", address) == expected
        process = begun(tmp_path / "killed", "--cluster", address)
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        done(process)
    assert numbers(tmp_path / "killed") == expected


@pytest.fixture
def ray() -> Iterator[str]:
    """The address of a cluster on this machine, without Ray's server for clients of others.

    That server takes more than its half a minute to start where the cores are busy.
    """
    pytest.importorskip("ray")
    start = [sys.executable, "-m", "ray.scripts.scripts"]
    options = ["--head", "--num-cpus", "2", "--port", "6390", "--include-dashboard", "false"]
    options += ["--disable-usage-stats"]
    environment = os.environ | THREADS | {"PYTHONPATH": str(ROOT)}
    environment["RAY_worker_niceness"] = "0"  # at Ray's 15 they get nothing where cores are busy
    started = subprocess.run(
        [*start, "start", *options], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert started.returncode == 0, started.stdout + started.stderr
    yield "ray://auto"
    subprocess.run([*start, "stop", "--force"], cwd=ROOT, capture_output=True, check=True)


def actors() -> list[int]:
    """The processes of Ray's that do units."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "ray::PoolActor" in line]


@pytest.mark.skipif(
    "LOCKSTEP_RAY" not in os.environ,
    reason="it starts a cluster, and takes minutes; LOCKSTEP_RAY=1 runs it",
)
def test_on_ray_the_results_are_the_same_and_after_a_kill_the_command_goes_on(
    tmp_path: Path, expected: dict[str, Any], ray: str
) -> None:
    assert whole(tmp_path / "whole", "--cluster", ray) == expected
    out = tmp_path / "killed"
    process = begun(out, "--cluster", ray)
    os.kill(actors()[0], signal.SIGKILL)
    output = finish(process)
    assert "Traceback" not in output
    if process.returncode:
        assert "has lost a worker or cannot be reached" in output
        done(Subject("run", (*RUN, "--cluster", ray)).start(out))
    assert numbers(out) == expected

"""The same units on a cluster of Dask or Ray: equal to the byte, also where a worker is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("optimizer-paths", "zero-init", "init-comparison")
TIMES = ("seconds", "finished")
pytestmark = pytest.mark.slow


def command(out: Path, *options: str) -> list[str]:
    line = [sys.executable, "-m", "experiments", "run", *NAMES, "--quick", "--seeds", "5"]
    return [*line, "--device", "cpu", "--out", str(out), *options]


def environment() -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return os.environ | threads | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}


def finish(line: list[str], code: int = 0) -> str:
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, env=environment())
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def results(out: Path) -> dict[str, Any]:
    """The very bytes of the numbers, and ``result.json`` up to times."""
    found: dict[str, Any] = {}
    for name in NAMES:
        found[f"{name}/metrics.csv"] = (out / name / "metrics.csv").read_bytes()
        whole = json.loads((out / name / "result.json").read_text(encoding="utf-8"))
        found[name] = {key: value for key, value in whole.items() if key not in TIMES}
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("alone")
    finish(command(out, "--processes", "1"))
    return results(out)


@contextmanager
def begun(line: list[str], out: Path) -> Iterator[subprocess.Popen]:
    """The command, from when something of it is finished."""
    with subprocess.Popen(
        line,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    ) as process:
        deadline = time.monotonic() + 120
        while not list(out.glob(".units/*/*/*.safetensors")) and time.monotonic() < deadline:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.02)
        yield process


def test_on_dask_a_killed_worker_is_replaced_and_the_results_are_the_same(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address.replace("tcp", "dask")
        finish(command(tmp_path / "whole", "--cluster", address))
        assert results(tmp_path / "whole") == expected
        line = command(tmp_path / "killed", "--cluster", address)
        with begun(line, tmp_path / "killed") as process:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
            output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    assert "Traceback" not in output
    assert results(tmp_path / "killed") == expected


@pytest.fixture
def ray() -> Iterator[str]:
    """The address of a cluster on this machine, without Ray's server for clients of others.

    That server takes more than its half a minute to start where the cores are busy.
    """
    pytest.importorskip("ray")
    start = [sys.executable, "-m", "ray.scripts.scripts"]
    options = ["--head", "--num-cpus", "2", "--port", "6390", "--include-dashboard", "false"]
    options += ["--disable-usage-stats"]
    started = subprocess.run(
        [*start, "start", *options], cwd=ROOT, env=environment(), capture_output=True, text=True
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
    reason="on two cores it has not ended within minutes; LOCKSTEP_RAY=1 runs it",
)
def test_on_ray_the_results_are_the_same_and_after_a_kill_the_command_goes_on(
    tmp_path: Path, expected: dict[str, Any], ray: str
) -> None:
    finish(command(tmp_path / "whole", "--cluster", ray))
    assert results(tmp_path / "whole") == expected
    line = command(tmp_path / "killed", "--cluster", ray)
    with begun(line, tmp_path / "killed") as process:
        os.kill(actors()[0], signal.SIGKILL)
        output, _ = process.communicate(timeout=300)
    assert "Traceback" not in output
    if process.returncode:
        assert "has lost a worker or cannot be reached" in output
        finish(line)
    assert results(tmp_path / "killed") == expected

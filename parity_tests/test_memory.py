"""Memory that runs out, for real, and memory that a container limits."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import data
from experiments.engine import container, memory
from experiments.sweep import plan, run

ROOT = Path(__file__).parents[1]
WIDE = plan.Settings(
    optimizers=("chapter.Adam",),
    rates=(1e-4, 1e-3),
    depths=(2,),
    inits=("he",),
    batch_norm=(True,),
    seeds=4,
    width=700,
    iterations=3,
)
#: More than two runs take, and less than eight: what the process may take besides what it has.
ROOM = 150_000_000

#: A stack that does not fit; what it gives, and what is said meanwhile.
PROGRAM = """
import json, resource, sys
from pathlib import Path
from experiments import data
from experiments.engine import checkpoints
from experiments.engine.checkpoints import Checkpoints
from experiments.sweep.run import Training
checkpoints.WORTH_KEEPING = 1e6  # safetensors panics where there is no memory to write one
plain = json.loads(sys.argv[1])
images = data.load_mnist()
work = Training("cpu", 1, "mnist", None, images)
first = {**plain, "runs": plain["runs"][:1], "iterations": 1}
work(first, Checkpoints(Path(sys.argv[2]), "first", "a first one", 1e6))  # libraries take theirs
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
rows = work(plain, Checkpoints(Path(sys.argv[2]), "second", "the stack", 1e6))
print(json.dumps(rows))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory so")
@pytest.mark.parametrize("backend", ["scratch", pytest.param("torch", marks=pytest.mark.slow)])
def test_a_stack_that_memory_is_too_small_for_goes_on_in_halves(
    backend: str, tmp_path: Path, mnist: data.Dataset
) -> None:
    (stack,) = plan.pieces(WIDE, backend, 10**12)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(stack.plain()), str(tmp_path), str(ROOM)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "memory ran out for a stack of 8; it goes on in two of half that" in result.stderr
    rows = json.loads(result.stdout)["rows"]
    for mine, expected in zip(rows, run.train(stack, mnist), strict=True):
        # In stacks of another size, to rounding.
        assert mine.pop("loss") == pytest.approx(expected.pop("loss"), rel=1e-4)
        assert mine.pop("accuracy") == pytest.approx(expected.pop("accuracy"), abs=0.002)
        assert mine == expected


# --- containers ----------------------------------------------------------------------------------


def group(folder: Path, limit: str, used: str, **stat: int) -> None:
    """A control group of the second version."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    lines = {"anon": 1} | stat
    (folder / "memory.stat").write_text("".join(f"{k} {v}\n" for k, v in lines.items()))


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """One with 900 kB left, whose process is in the group /outer/inner."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text("MemAvailable: 900 kB\n")
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/outer/inner\n")
    return tmp_path


def test_a_containers_limit_counts_where_it_is_smaller(machine: Path) -> None:
    groups = machine / "sys" / "fs" / "cgroup"
    assert memory.available(machine) == 900 * 1024
    group(groups / "outer" / "inner", "500000", "200000", inactive_file=50_000)
    assert memory.available(machine) == 350_000
    group(groups / "outer", "400000", "300000")  # the one above leaves less
    assert memory.available(machine) == 100_000
    group(groups / "outer", "max", "300000")
    assert memory.available(machine) == 350_000
    group(groups / "outer" / "inner", str(2**60), "1")
    assert memory.available(machine) == 900 * 1024


def test_the_first_version_of_control_groups_is_read_too(machine: Path) -> None:
    lines = "9:name=systemd:/\n4:cpu,memory:/job\n0::/\n"
    (machine / "proc" / "self" / "cgroup").write_text(lines)
    folder = machine / "sys" / "fs" / "cgroup" / "memory"
    folder.mkdir(parents=True)  # within a container its own group is at the root
    (folder / "memory.limit_in_bytes").write_text("500000\n")
    (folder / "memory.usage_in_bytes").write_text("300000\n")
    (folder / "memory.stat").write_text("total_inactive_file 1000\n")
    assert container.left(machine) == 201_000


@pytest.mark.parametrize("text", ["", "\xff", "0::", "0::/../../x", "1:memory", "::::"])
def test_a_system_that_says_something_else_has_no_limit(machine: Path, text: str) -> None:
    (machine / "proc" / "self" / "cgroup").write_text(text, encoding="latin-1")
    assert container.left(machine) is None
    group(machine / "sys" / "fs" / "cgroup", "a lot", "much")
    assert container.left(machine) is None


def test_a_full_container_leaves_nothing(machine: Path) -> None:
    group(machine / "sys" / "fs" / "cgroup", "100", "200")
    assert memory.available(machine) == 0

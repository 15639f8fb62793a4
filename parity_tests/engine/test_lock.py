"""One process at a time in an output folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.engine.lock import HOLDER, locked
from torch_ref.errors import LockstepError

ROOT = Path(__file__).parents[2]
HOLDS = """
import sys
from pathlib import Path
from experiments.engine.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen:
    """A process that has the folder."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_says_who_has_the_folder_and_since_when(
    tmp_path: Path, other: subprocess.Popen
) -> None:
    message = rf"in use by process {other.pid} on .* since 20\d\d-.* \(lockstep .*\); wait until"
    with pytest.raises(LockstepError, match=message), locked(tmp_path):
        pass
    (tmp_path / HOLDER).write_text("{}")
    with pytest.raises(LockstepError, match="in use by another process; wait"), locked(tmp_path):
        pass


def test_a_lock_left_by_a_dead_process_does_not_block(
    tmp_path: Path, other: subprocess.Popen
) -> None:
    other.kill()
    other.wait()
    assert (tmp_path / HOLDER).exists()
    with locked(tmp_path):
        assert f'"pid": {os.getpid()}' in (tmp_path / HOLDER).read_text()
    assert not (tmp_path / HOLDER).exists()


def test_one_process_can_have_it_again(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass

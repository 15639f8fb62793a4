"""Folders and files that may not be written or read: one message, exit code 1, nothing changed.

To root everything is allowed, so that commands run in a process without that privilege.
"""

import ctypes
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from experiments.data.embedded import EMBEDDED, FILES
from experiments.engine import runner
from parity_tests.soak import can_mount

ROOT = Path(__file__).parents[1]
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
SURFACE = ("run", "surface", "--quick", "--backend", "scratch")


def drop() -> None:
    """Give up root's privilege to read and write everything, from the next program on."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            if ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError("the privilege stays")


def lockstep(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "experiments", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | environment,
        preexec_fn=drop,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module", autouse=True)
def permissions_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without root's privilege a file that nobody may read is not read, or the tests are skipped."""
    if sys.platform == "win32":
        pytest.skip("permissions are another matter on Windows")
    path = tmp_path_factory.mktemp("permissions") / "secret"
    path.touch(0)
    try:
        read = subprocess.run(["cat", path], preexec_fn=drop, capture_output=True)
    except subprocess.SubprocessError:
        pytest.skip("root's privilege cannot be given up here")
    if read.returncode == 0:
        pytest.skip("permissions are not heeded here")


@pytest.fixture
def forbid() -> Iterator[Callable[[Path, int], None]]:
    """Change a mode, and back in the end."""
    before: list[tuple[Path, int]] = []

    def forbid(path: Path, mode: int) -> None:
        before.append((path, path.stat().st_mode))
        path.chmod(mode)

    yield forbid
    for path, mode in reversed(before):
        path.chmod(mode)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_refused(
    result: subprocess.CompletedProcess, message: str, code: int = 1, lines: int = 1
) -> None:
    """Said once, for people."""
    said = result.stderr.strip()
    assert message in said.replace("\n", " "), result
    assert "Traceback" not in said
    assert len(said.splitlines()) <= lines
    assert result.returncode == code


@pytest.mark.parametrize(
    "command",
    [SURFACE, ("sweep", "--quick"), ("parity",), ("report",), ("golden", "Adam")],
    ids=lambda command: command[0],
)
def test_an_output_folder_that_may_not_be_written(
    command: tuple[str, ...], tmp_path: Path, forbid: Callable
) -> None:
    forbid(tmp_path, 0o555)
    for out in (tmp_path, tmp_path / "new"):
        assert_refused(lockstep(*command, "--out", out), "Permission denied")
    assert not contents(tmp_path)


def test_a_result_whose_folder_may_not_be_written(tmp_path: Path, forbid: Callable) -> None:
    home = tmp_path / "surface"
    home.mkdir()
    (home / runner.RESULT).write_text("{}")
    forbid(home, 0o555)
    result = lockstep(*SURFACE, "--out", tmp_path)
    assert result.returncode == 1
    assert "cannot be written: Permission denied" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stdout + result.stderr
    assert contents(home) == {runner.RESULT: b"{}"}


def test_a_result_that_may_not_be_read_is_made_anew(tmp_path: Path, forbid: Callable) -> None:
    home = tmp_path / "surface"
    home.mkdir()
    (home / runner.RESULT).write_text("{}")
    forbid(home / runner.RESULT, 0)
    assert lockstep(*SURFACE, "--out", tmp_path).returncode == 0
    assert (home / runner.METRICS).exists()


def test_results_that_may_not_be_read_are_named_on_the_page(
    tmp_path: Path, forbid: Callable
) -> None:
    home = tmp_path / "surface"
    home.mkdir()
    (home / runner.RESULT).write_text("{}")
    forbid(home / runner.RESULT, 0)
    result = lockstep("report", "--out", tmp_path)
    assert "unreadable: surface: result.json cannot be read: Permission denied" in result.stdout
    assert result.returncode == 0


def test_a_data_folder_that_may_not_be_read(tmp_path: Path, forbid: Callable) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for file in FILES:
        shutil.copy(EMBEDDED / f"{file.name}.gz", data)
    forbid(data / f"{FILES[0].name}.gz", 0)
    arguments = ("sweep", "--quick", "--data-dir", data, "--out", tmp_path / "out")
    assert_refused(
        lockstep(*arguments), f"{FILES[0].name}.gz: it cannot be read (Permission denied)"
    )
    forbid(data, 0)
    assert_refused(lockstep(*arguments), "Permission denied")


def test_a_cache_that_may_not_be_written(tmp_path: Path, forbid: Callable) -> None:
    home = tmp_path / "home"
    home.mkdir()
    forbid(home, 0o555)
    arguments = ("sweep", "--quick", "--dataset", "kmnist", "--out", tmp_path / "out")
    result = lockstep(*arguments, HOME=str(home), XDG_CACHE_HOME="")
    assert_refused(result, "kmnist could not be stored under")
    assert "Permission denied" in result.stderr
    assert not contents(home)


def test_files_of_other_implementations_that_may_not_be_read(
    tmp_path: Path, forbid: Callable
) -> None:
    path = tmp_path / "golden.safetensors"
    path.write_bytes(gzip.compress(b""))
    forbid(path, 0)
    assert_refused(lockstep("verify", path, path), "cannot be read: Permission denied", code=2)


@pytest.mark.skipif(not can_mount(), reason="no disk can be mounted here")
def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", tmp_path]).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        result = lockstep(*SURFACE, "--out", tmp_path / "out")
        assert_refused(result, "cannot be written: Read-only file system")
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)

"""Folders and files that may not be written or read: one message, exit code 1, nothing changed.

To root everything is allowed; commands run without that privilege.
"""

import ctypes
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import Result

from experiments.data.embedded import EMBEDDED, FILES
from experiments.engine import runner
from experiments.report import results
from parity_tests import command_line
from parity_tests.soak import can_mount

pytestmark = pytest.mark.usefixtures("undrawn")

SURFACE = ("run", "surface", "--quick", "--backend", "scratch")

#: Linux's: to read and write whatever the permissions, and to look into any folder.
CAPABILITIES = 1 << 1 | 1 << 2
VERSION = 0x20080522


@contextmanager
def without_privilege() -> Iterator[None]:
    """Within, permissions hold for root, too.

    Raises:
        OSError: they do not, here.
    """
    if os.geteuid() != 0:
        yield
        return
    library = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION, 0)  # 0 is the process that asks
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low bits come first

    def call(name: str) -> None:
        if getattr(library, name)(header, sets):
            raise OSError(ctypes.get_errno(), name)

    call("capget")
    before = sets[0]
    sets[0] &= ~CAPABILITIES
    call("capset")
    try:
        yield
    finally:
        sets[0] = before
        call("capset")


def lockstep(*arguments: object) -> Result:
    with without_privilege():
        return command_line.lockstep(*arguments)


@pytest.fixture(scope="module", autouse=True)
def permissions_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a file that nobody may read is read all the same, the tests are skipped."""
    if sys.platform != "linux" and not (os.name == "posix" and os.geteuid()):
        pytest.skip("only Linux lets root give up its privilege for a while")
    path = tmp_path_factory.mktemp("permissions") / "secret"
    path.touch(0)
    try:
        with without_privilege():
            path.read_bytes()
    except PermissionError as error:
        if error.filename is None:
            pytest.skip("root's privilege cannot be given up here")
        return
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


def assert_refused(result: Result, message: str, code: int = 1) -> None:
    """Said in one line, for people."""
    said = result.stderr.strip()
    assert message in said, result.output
    assert len(said.splitlines()) == 1
    assert result.exit_code == code


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
    assert result.exit_code == 1
    assert "cannot be written: Permission denied" in " ".join(result.stdout.split())
    assert contents(home) == {runner.RESULT: b"{}"}


def test_a_result_that_may_not_be_read_is_made_anew(tmp_path: Path, forbid: Callable) -> None:
    home = tmp_path / "surface"
    home.mkdir()
    (home / runner.RESULT).write_text("{}")
    forbid(home / runner.RESULT, 0)
    assert lockstep(*SURFACE, "--out", tmp_path).exit_code == 0
    assert (home / runner.METRICS).exists()


def test_results_that_may_not_be_read_are_named_on_the_page(
    tmp_path: Path, forbid: Callable
) -> None:
    home = tmp_path / "surface"
    home.mkdir()
    (home / runner.RESULT).write_text("{}")
    forbid(home / runner.RESULT, 0)
    with without_privilege():
        found = results.read(tmp_path).experiments["surface"]
    assert found.why == "result.json cannot be read: Permission denied"


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


def test_a_cache_that_may_not_be_written(
    tmp_path: Path, forbid: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    forbid(home, 0o555)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    result = lockstep("sweep", "--quick", "--dataset", "kmnist", "--out", tmp_path / "out")
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

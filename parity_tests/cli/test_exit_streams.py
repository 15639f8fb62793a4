"""What is printed may go nowhere, and a signal may come at any time: no traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiments import __main__, cli
from experiments.engine import interrupt
from parity_tests.command_line import ROOT, lockstep, run_python

LIST = (sys.executable, "-m", "experiments", "list")
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("option", ["--markdown", "--help"])
def test_an_output_that_is_full_is_named(option: str) -> None:
    with FULL.open("w") as full:
        result = subprocess.run([*LIST, option], cwd=ROOT, stdout=full, stderr=subprocess.PIPE)
    assert result.stderr == b"Error: standard output cannot be written: No space left on device\n"
    assert result.returncode == 1


def test_who_reads_may_have_enough() -> None:
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(LIST, cwd=ROOT, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert result.stderr == b""
    assert result.returncode == 1


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_an_output_that_is_full_hides_no_other_exit_code() -> None:
    command = [sys.executable, "-m", "experiments", "golden", "Adma"]
    with FULL.open("w") as full:
        result = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE)
    assert b"did you mean" in result.stderr
    assert result.returncode == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such descriptors")
def test_nobody_needs_to_listen() -> None:
    def close() -> None:
        for descriptor in range(3):
            os.close(descriptor)

    assert subprocess.run(LIST, cwd=ROOT, preexec_fn=close).returncode == 0


def test_a_ctrl_c_while_all_is_imported_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            __main__.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.value.code == 130


def test_a_ctrl_c_while_python_ends_is_no_traceback() -> None:
    done = run_python(
        "import atexit, signal, sys\n"
        "from experiments.__main__ import main\n"
        "atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "sys.argv = ['lockstep', '--version']\n"
        "main()\n"
    )
    assert done.stdout.startswith("lockstep")
    assert (done.returncode, done.stderr) == (130, "")


COMMANDS = {
    "golden": ["Adam"],
    "verify": ["a", "b"],
    "check": ["a.py:A", "--against", "Adam"],
    "parity": [],
    "report": [],
    "bench": [],
    "run": ["surface", "--backend", "torch"],
}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_while_torch_is_imported_waits_for_it(
    name: str, signum: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred = interrupt.deferred

    @contextmanager
    def signalled() -> Iterator[None]:
        with deferred():
            signal.raise_signal(signum)
            yield  # the import, which is not left

    monkeypatch.setattr(interrupt, "deferred", signalled)
    monkeypatch.chdir(tmp_path)
    result = lockstep(name, *COMMANDS[name])
    assert result.exit_code == 128 + signum
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]

"""Other Python processes, to measure what a process takes from its start."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: Without the current folder on its path, which may have packages of our names.
_PYTHON = (sys.executable, "-P")
#: Starts the command that it is given, and prints the largest memory that it had.
_MEASURE = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
message = process.stderr.read().decode(errors="replace")
_, status, usage = os.wait4(process.pid, 0)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps(usage.ru_maxrss * unit))
code = os.waitstatus_to_exitcode(status)
sys.exit(code and (message.strip() or f"exit status {code}"))
"""


def run_python(*arguments: str) -> str:
    """Run Python with ``arguments``, wait for it, and give what it printed.

    Raises:
        RuntimeError: it failed; the message is the last line of its own.
    """
    command, paths = [*_PYTHON, *arguments], [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        _, _, last = done.stderr.strip().rpartition("\n")
        raise RuntimeError(last or f"exit status {done.returncode}")
    return done.stdout


def peak_memory(*arguments: str) -> int:
    """The most memory, in bytes, that a Python with ``arguments`` had at once.

    Linux counts a process's memory from before it became another program, which is the memory of
    the one that started it. Therefore a small one in between starts it.

    Raises:
        RuntimeError: it failed, or this system does not tell.
    """
    if not hasattr(os, "wait4"):
        raise RuntimeError(f"{sys.platform} has no wait4")
    return json.loads(run_python("-c", _MEASURE, *_PYTHON, *arguments))


def peak_of_lockstep(*arguments: str) -> int:
    """The same of the command ``lockstep``; results it writes are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        out = ("--out", folder) if arguments[0] == "run" else ()
        return peak_memory("-m", "experiments", *arguments, *out)

"""One process at a time in an output folder."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.engine.output import remove_torn
from torch_ref.errors import LockstepError

#: The system's lock, which ends with the process that has it, however that ends; and who it is.
LOCK, HOLDER = ".lock", ".lock.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have ``folder`` alone; what a killed process was writing there goes.

    Raises:
        LockstepError: another process has it; the message says which, and since when.
    """
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockstepError(
            f"the output folder {folder} is in use by {_described(holder)}; wait until that has "
            "ended, or choose another folder with --out"
        ) from None
    except OSError as error:
        raise LockstepError(
            f"the output folder {folder} cannot be locked: {error.strerror or error}"
        ) from error
    try:
        with suppress(OSError):  # it is there to be read by people
            holder.write_text(json.dumps(_this_process()), encoding="utf-8")
        remove_torn(folder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().isoformat(" ", "seconds"),
        "command": " ".join(["lockstep", *sys.argv[1:]]),
    }


def _described(holder: Path) -> str:
    try:
        found = json.loads(holder.read_text(encoding="utf-8"))
        return "process {pid} on {host} since {since} ({command})".format(**found)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"

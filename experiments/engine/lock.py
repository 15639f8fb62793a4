"""One process at a time in an output folder."""

import json
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from experiments.engine.output import remove_torn, write
from torch_ref import files
from torch_ref.errors import LockstepError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

#: The system's lock, which ends with the process that has it, however that ends; and who it is.
LOCK, HOLDER = ".lock", ".lock.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Have ``folder`` alone; what a killed process was writing there goes.

    Raises:
        LockstepError: another process has it; the message says which, and since when.
    """
    lock, holder = FileLock(folder / LOCK), folder / HOLDER
    if os.path.lexists(folder / LOCK) and not _is_file(folder / LOCK):
        raise LockstepError(f"{folder / LOCK} is no file of this command's; remove it")
    with ExitStack() as held:
        try:
            lock.acquire(timeout=0)
            held.callback(lock.release)
            held.enter_context(_itself(folder))
        except (Timeout, BlockingIOError):
            raise LockstepError(
                f"the output folder {folder} is in use by {_described(holder)}; wait until that "
                "has ended, or choose another folder with --out"
            ) from None
        except OSError as error:
            raise LockstepError(
                f"the output folder {folder} cannot be locked: {error.strerror or error}"
            ) from error
        held.callback(_forget, holder)
        with suppress(LockstepError):  # it is there to be read by people
            write(holder, json.dumps(_this_process()))
        remove_torn(folder)
        yield


def _is_file(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _forget(holder: Path) -> None:
    with suppress(OSError):
        holder.unlink(missing_ok=True)


@contextmanager
def _itself(folder: Path) -> Iterator[None]:
    """Hold the system's lock on the folder, too: the file in it may be deleted meanwhile.

    Raises:
        BlockingIOError: another process has it.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system over a network may lock no folders
            pass
        yield
    finally:
        os.close(descriptor)


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now().isoformat(" ", "seconds"),
        "command": " ".join(["lockstep", *sys.argv[1:]]),
    }


def _described(holder: Path) -> str:
    try:
        found = json.loads(files.read(holder))
        return "process {pid} on {host} since {since} ({command})".format(**found)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"

"""Files that are whole or not there."""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from torch_ref import files

ROOM = 20_000_000  # bytes that an experiment's files and checkpoints take at most, with few seeds

#: What ``files.atomic`` calls a file that is being written.
_TORN = re.compile(r"\..+\.(?P<pid>\d{1,10})\.partial(\..+)?")


class OutputError(Exception):
    """Something cannot be written; the message says what and why."""


def prepare(folder: Path) -> Path:
    """Make ``folder`` if need be and prove that it can be written, before any work is done.

    Raises:
        OutputError: it cannot.
    """
    if file := files.in_the_way(folder):
        it = "it" if file == folder else files.shown(file)
        raise OutputError(
            f"the output folder {files.shown(folder)} cannot be written: {it} is a file, not a "
            "folder; choose another with --out"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        why = error.strerror or error
        raise OutputError(
            f"the output folder {files.shown(folder)} cannot be written: {why}; "
            "choose another with --out"
        ) from error
    if free < ROOM:
        raise OutputError(
            f"the disk of the output folder {folder} has {free / 1e6:.1f} MB left, and results and "
            f"checkpoints take up to {ROOM / 1e6:.0f} MB; make room, or choose another with --out"
        )
    return folder


def remove_torn(folder: Path) -> None:
    """Remove what processes were writing in ``folder`` when they were killed."""
    for path in folder.rglob(".*.partial*"):
        found = _TORN.fullmatch(path.name)
        if found and not _lives(int(found["pid"])):
            with suppress(OSError):
                path.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is somebody else's
        pass
    return True


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path to write to; on success it becomes ``path``, otherwise it goes.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    try:
        with files.atomic(path) as temporary:
            yield temporary
    except OSError as error:
        raise OutputError(f"{path} was not written: {error.strerror or error}") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

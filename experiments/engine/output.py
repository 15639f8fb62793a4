"""Files that are whole or not there."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from torch_ref import files
from torch_ref.errors import LockstepError

ROOM = 20_000_000  # bytes that an experiment's files and checkpoints take at most, with few seeds

#: What ``files.atomic`` calls a file that is being written.
_TORN = re.compile(r"\..+\.(?P<pid>\d{1,10})\.partial(\..+)?")


def prepare(folder: Path) -> Path:
    """Make ``folder`` if need be and prove that it can be written, before any work is done.

    Raises:
        LockstepError: it cannot.
    """
    if file := files.in_the_way(folder):
        it = "it" if file == folder else files.shown(file)
        raise LockstepError(
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
        raise LockstepError(
            f"the output folder {files.shown(folder)} cannot be written: {why}; "
            "choose another with --out"
        ) from error
    if free < ROOM:
        raise LockstepError(
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


def atomic(path: Path) -> AbstractContextManager[Path]:
    """A temporary path to write to; on success it becomes ``path``, otherwise it goes.

    Raises:
        LockstepError: the disk is full, or the folder cannot be written.
    """
    return files.atomic(path, LockstepError)


def write(path: Path, text: str) -> None:
    """Write a file of text, whole or not at all.

    Raises:
        LockstepError: it cannot be written.
    """
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def vouched(path: Path, identity: Mapping[str, Any], names: Sequence[str], more: str = "") -> bool:
    """Whether a result is of exactly this identity, and its files are there and unchanged.

    Args:
        path: its file of JSON, which has the fingerprint, and the SHA-256 of all others.
        names: those of the files that it must have.
        more: what it calls a list of others.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        names = [*names, *(result[more] if more else [])]
        return result["fingerprint"] == identity["fingerprint"] and all(
            sha256(path.parent / name) == result["files"][name] for name in names
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Files that are whole or not there."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch_ref import files


class OutputError(Exception):
    """Something cannot be written; the message says what and why."""


def prepare(folder: Path) -> Path:
    """Make ``folder`` if need be and prove that it can be written, before any work is done.

    Raises:
        OutputError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(
            f"the output folder {folder} cannot be written: {error.strerror or error}; "
            "choose another with --out"
        ) from error
    return folder


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

"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scratch import _check


def checked(name: str, value: Path | str) -> Path:
    """Return ``value`` as a path, or raise if no file can be called that."""
    if not isinstance(value, Path | str) or "\0" in str(value) or not Path(value).name:
        raise TypeError(f"{name} must be the path of a file, got {_check.shown(value)}")
    return Path(value)


@contextmanager
def atomic(path: Path, failure: type[Exception]) -> Iterator[Path]:
    """A temporary path to write to; on success it becomes ``path``, otherwise it goes.

    The file is on the disk before it gets its name, and the name is before this returns, so that no
    crash leaves half of one.

    Raises:
        failure: the disk is full, or the folder cannot be written; the message says so.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise failure(f"{shown(path)} was not written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """Return a path for a message, shortened."""
    text = str(path)
    return text if len(text) <= 300 else f"{text[:200]} … {text[-40:]} ({len(text):,} characters)"


def in_the_way(folder: Path) -> Path | None:
    """Return what blocks ``folder``: it or a parent that exists and is not a folder."""
    for each in (folder, *folder.parents):
        with suppress(OSError):
            if each.exists():
                return None if each.is_dir() else each
    return None


def _sync_folder(folder: Path) -> None:
    """Put the folder's list of names on the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

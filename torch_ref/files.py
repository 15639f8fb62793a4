"""Files that are whole or not there, and nothing but files."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
    temporary = partial(path)
    try:
        new(temporary)
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


def partial(path: Path) -> Path:
    """What ``path`` is called while this process writes it: a killed one's is told by the name."""
    return path.with_name(f".{path.stem}.{os.getpid()}.lockstep-partial{path.suffix}")


def new(path: Path) -> None:
    """Make an empty file; what else has the name, if a link, goes, and not what it leads to.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileNotFoundError):
        path.unlink()
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))


def opened(path: Path) -> BinaryIO:
    """Open a file to read it; not what only looks like one, and may never end.

    Raises:
        OSError: it cannot be opened, or is a pipe, a device or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))


def read(path: Path) -> bytes:
    """What a file has in it.

    Raises:
        OSError: as :func:`opened`.
    """
    with opened(path) as file:
        return file.read()


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

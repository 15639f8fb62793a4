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

from experiments.engine.fingerprint import fingerprint
from torch_ref import files
from torch_ref.errors import LockstepError

SEAL = "sha256"
UNITS = ".units"
#: All that is written below an output folder, but for units, which have names of their own.
WRITTEN = frozenset(
    {
        *("result.json", "metrics.csv", "figure.png", "figure.svg", "events"),
        *("sweep.json", "sweep.csv", "summary.txt", "best-lr.png", "best-lr.svg"),
        *("heat-map.png", "heat-map.svg", "bench.json", "parity.json", "report.html", ".lock.json"),
    }
)
ROOM = 20_000_000  # bytes that an experiment's files and checkpoints take at most, with few seeds

#: What ``files.partial`` calls a file that is being written.
_TORN = re.compile(r"\.(?P<stem>.+)\.(?P<pid>\d{1,10})\.lockstep-partial(?P<suffix>\..+)?")


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


def inside(out: Path, folder: Path) -> Path:
    """Make ``folder`` below ``out`` if need be; what is written there is in ``out`` then.

    Raises:
        LockstepError: it or a folder above it leads elsewhere, or it cannot be made.
    """
    below = folder.relative_to(out)
    for each in (out / part for part in (*reversed(below.parents), below)):
        if each != out and each.is_symlink():
            raise LockstepError(
                f"{files.shown(each)} is a link, and nothing is written or removed through one; "
                "remove it, or choose another folder with --out"
            )
    return prepare(folder)


def remove_torn(folder: Path) -> None:
    """Remove what a command was writing in the output folder when it was killed, and no more."""
    places = [folder, *(each for each in folder.iterdir() if each.is_dir())]
    places += [each for each in (folder / UNITS).rglob("*") if each.is_dir()]
    for place in places:
        if not place.is_symlink() or place == folder:
            for path in place.glob(".*.lockstep-partial*"):
                _remove_if_torn(path, place)


def _remove_if_torn(path: Path, place: Path) -> None:
    found = _TORN.fullmatch(path.name)
    if not found or _lives(int(found["pid"])):
        return
    if f"{found['stem']}{found['suffix'] or ''}" in WRITTEN or UNITS in place.parts:
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


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


def write_json(path: Path, content: Mapping[str, Any], indent: int = 2) -> None:
    """Write a file of JSON that vouches for itself; see :func:`sealed`.

    Raises:
        LockstepError: it cannot be written.
    """
    plain = json.loads(json.dumps(content, default=vars, allow_nan=False))
    write(path, json.dumps(sealed(plain), indent=indent, ensure_ascii=False) + "\n")


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file of JSON has, and under ``sha256`` the digest of all that.

    >>> is_whole(sealed({"holds": 5})), is_whole(sealed({"holds": 4}) | {"holds": 5})
    (True, False)
    """
    rest = {name: value for name, value in content.items() if name != SEAL}
    return rest | {SEAL: fingerprint(rest)}


def is_whole(content: Mapping[str, Any]) -> bool:
    """Whether it is as :func:`sealed` made it."""
    return content.get(SEAL) == sealed(content)[SEAL]


def altered(
    path: Path, identity: Mapping[str, Any], names: Sequence[str], more: str = ""
) -> list[str] | None:
    """Those files of a result that are not as they were written; ``None``: it is of no or another.

    Args:
        path: its file of JSON, which has the fingerprint, and the SHA-256 of all files.
        identity: what it must be of.
        names: those of the files that it must have.
        more: what it calls a list of others.
    """
    try:
        result = json.loads(files.read(path))
        if result["fingerprint"] != identity["fingerprint"]:
            return None
        wrong = [] if is_whole(result) else [path.name]
        for name in [*names, *(result[more] if more else [])]:
            if not _has_digest(path.parent / name, result["files"].get(name)):
                wrong.append(name)
        return wrong
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _has_digest(path: Path, digest: str) -> bool:
    with suppress(OSError):
        return sha256(path) == digest
    return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(files.read(path)).hexdigest()

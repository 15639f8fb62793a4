"""Recognising a result: a hash of everything that it depends on."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch_ref.errors import LockstepError

if TYPE_CHECKING:
    from experiments.data import Dataset
    from experiments.engine.backends import Described

PACKAGES = ("scratch", "torch_ref", "experiments")
ROOT = Path(__file__).parents[2]


class CodeMoved(LockstepError):
    """A file of the project was written while it computed: what it computes is of no one code."""

    resumable = True


def fingerprint(identity: Mapping[str, Any]) -> str:
    """A SHA-256 over plain values, whatever the order of their names.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identity_of(
    backends: "Sequence[Described]", threads: int, images: "Dataset | None", **of: Any
) -> dict[str, Any]:
    """What makes a result the result it is: what it is ``of``, and what computes it.

    The fingerprint in it covers all of it.
    """
    found = of | {
        "backends": {
            b.name: {"device": b.device, **b.versions, "threads": threads} for b in backends
        },
        "dataset": {"name": images.name, "digest": images.digest} if images else None,
        "code": code_digest(),
    }
    return found | {"fingerprint": fingerprint(found)}


@cache
def code_digest() -> str:
    """A SHA-256 over the project's own Python files, as they are when this is first asked for.

    A command asks before it imports what computes, and :func:`check_code` after that.
    """
    _at_first()  # what is written from here on is seen, if it is by this digest or not
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_code() -> None:
    """See that no file of the project has been written since :func:`code_digest` read it.

    Modules are imported when they are needed, so that one of them may be of another code than the
    digest. Its contents do not tell that once they are as they were; its times do.

    Raises:
        CodeMoved: one has; the message says which.
    """
    code_digest()
    before, now = _at_first(), _stamps()
    if moved := sorted(path for path in before.keys() | now if before.get(path) != now.get(path)):
        more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
        raise CodeMoved(
            f"{moved[0].relative_to(ROOT).as_posix()}{more} changed while this was computing; what "
            "was under way may come from the old code or from the new, and is not kept"
        )


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


@cache
def _at_first() -> dict[Path, tuple[int, ...]]:
    return _stamps()


def _stamps() -> dict[Path, tuple[int, ...]]:
    """What of each file is another once it was written, if with the same contents."""
    found = {path: path.stat() for path in _files()}
    return {
        path: (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        for path, stat in found.items()
    }

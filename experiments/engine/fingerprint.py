"""Recognising a result: a hash of everything that it depends on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.data import Dataset
    from experiments.engine.backends import Described

PACKAGES = ("scratch", "torch_ref", "experiments")


def fingerprint(identity: Mapping[str, Any]) -> str:
    """A SHA-256 over plain values, whatever the order of their names.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


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
    """A SHA-256 over the project's own Python files."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()

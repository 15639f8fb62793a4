"""Snapshots as safetensors files: what ``state_dict()`` of an optimizer, schedule … gives.

A snapshot is made of dicts, lists, strings, numbers, ``None`` and arrays. The arrays become the
tensors of the file, under their path (``state/W1/exp_avg``); the rest is JSON in its metadata,
where ``{"__tensor__": PATH}`` stands for an array. A SHA-256 over all of it is there, too, so that
a byte that has changed is found out. Nothing in such a file is ever executed.

>>> import tempfile
>>> from scratch.optim import Adam
>>> params, adam = {"w": np.ones(3)}, Adam(lr=0.1)
>>> adam.update(params, {"w": np.ones(3)})
>>> with tempfile.TemporaryDirectory() as folder:
...     save(Path(folder) / "adam.safetensors", adam.state_dict())
...     snapshot = load(Path(folder) / "adam.safetensors")
>>> other = Adam()
>>> other.load_state_dict(snapshot)
>>> other.lr, other.state["w"]["step"], other.state["w"]["exp_avg"].round(3)
(0.1, 1, array([0.1, 0.1, 0.1]))
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as as_bytes

from scratch import _check
from torch_ref import files
from torch_ref.errors import LockstepError

FORMAT = "lockstep-checkpoint-2"
TENSOR = "__tensor__"


class CheckpointError(LockstepError):
    """A file cannot be written, or is not a whole snapshot; the message says which and why."""


def save(path: Path | str, snapshot: Mapping[str, Any]) -> None:
    """Write a snapshot, whole or not at all.

    Raises:
        CheckpointError: the file cannot be written; an older one of that name is still there.
        TypeError: the snapshot holds something else than it may.
    """
    path = files.checked("path", path)
    tensors: dict[str, np.ndarray] = {}
    _check.mapping("snapshot", snapshot)
    tree = json.dumps(_without_arrays(snapshot, "", tensors))
    metadata = {"format": FORMAT, "snapshot": tree, "sha256": _sha256(tree, tensors)}
    data = as_bytes(tensors, metadata=metadata)
    with files.atomic(path, CheckpointError) as temporary:
        temporary.write_bytes(data)


def load(path: Path | str) -> dict[str, Any]:
    """Read what :func:`save` wrote; tuples come back as lists.

    Raises:
        CheckpointError: there is no such file, or it is damaged or foreign.
    """
    path = files.checked("path", path)
    try:
        files.opened(path).close()
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(
                    f"{files.shown(path)} is no snapshot: its metadata must say {FORMAT!r}, "
                    f"got {metadata.get('format')!r}"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata.get("sha256") != _sha256(metadata["snapshot"], tensors):
            raise CheckpointError(
                f"{files.shown(path)} is damaged: its contents are not those of its SHA-256"
            )
        snapshot = _with_arrays(json.loads(metadata["snapshot"]), tensors)
        if not isinstance(snapshot, dict):
            raise CheckpointError(
                f"{files.shown(path)} is no snapshot: it must hold a dict, got {snapshot!r:.80}"
            )
        return snapshot
    except OSError as error:
        why = error.strerror or str(error).partition(": ")[0]
        raise CheckpointError(f"{files.shown(path)} cannot be read: {why}") from error
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{files.shown(path)} is damaged: {error}") from error


def _sha256(tree: str, tensors: Mapping[str, np.ndarray]) -> str:
    """Return the digest of everything in a snapshot."""
    digest = hashlib.sha256(tree.encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"\0{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(array.data if array.ndim else array.tobytes())
    return digest.hexdigest()


def _without_arrays(value: Any, path: str, tensors: dict[str, np.ndarray]) -> Any:
    """``value`` as JSON has it; its arrays go into ``tensors``."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub" or value.dtype.itemsize > 8:
            raise TypeError(f"a snapshot must be made of numbers, got {value.dtype} at {path!r}")
        while path in tensors:  # a name with a slash in it, beside a dict of that name
            path += "'"
        tensors[path] = np.array(value, order="C")
        return {TENSOR: path}
    if isinstance(value, Mapping):
        return {
            _key(key, path): _without_arrays(v, f"{path}/{key}".lstrip("/"), tensors)
            for key, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_arrays(v, f"{path}/{i}", tensors) for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(
        f"a snapshot must be made of dicts, lists, numbers, texts and arrays, got {value!r} at "
        f"{path or 'its root'!r}"
    )


def _key(key: object, path: str) -> str:
    if not isinstance(key, str) or key == TENSOR:
        raise TypeError(
            f"the keys of a snapshot must be texts, and not {TENSOR!r}, got {key!r} at {path!r}"
        )
    return key


def _with_arrays(value: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {TENSOR}:
            return tensors[value[TENSOR]]
        return {key: _with_arrays(v, tensors) for key, v in value.items()}
    if isinstance(value, list):
        return [_with_arrays(v, tensors) for v in value]
    return value

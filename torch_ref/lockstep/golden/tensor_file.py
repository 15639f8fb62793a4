"""Safetensors files of float32 and float64 tensors: written whole, read with suspicion.

The reader believes nothing that the file says of itself before it has held it against the file's
size, so that a damaged or foreign file costs a message and no memory. The layout is described in
:mod:`torch_ref.lockstep.golden`.
"""

import json
import math
import os
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors.numpy import save

from torch_ref import files

#: NumPy's name of a dtype → the safetensors format's.
DTYPES = {"float64": "F64", "float32": "F32"}

#: The format's own limit on the header, in bytes.
LONGEST_HEADER = 100_000_000


class GoldenError(Exception):
    """A golden or candidate file cannot be used; the message says which, where and why."""


class Entry(NamedTuple):
    """What a header says of a tensor; ``begin`` and ``end`` count from the end of the header."""

    dtype: Any
    shape: Any
    begin: int
    end: int


class TensorFile:
    """The tensors of a safetensors file, read from it one by one.

    Args:
        path: of the file. Only its header is read here.

    Attributes:
        path: as given.
        metadata: the strings under ``__metadata__``.
        entries: by tensor, what the header says of it.

    Raises:
        GoldenError: it cannot be read, or is not a whole safetensors file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.safetensors"
    ...     write_tensors(path, {"w": np.ones(2)}, {"by": "hand"})
    ...     TensorFile(path).read("w", "float64", (2,))
    array([1., 1.])
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.is_dir():
                raise GoldenError(f"{path} is a folder, not a file")
            if not path.is_file():
                raise GoldenError(f"{path}: there is no such file")
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                length = int.from_bytes(file.read(8), "little")
                if size < 8 or length > min(size - 8, LONGEST_HEADER):
                    raise self._broken(
                        f"its first 8 bytes give a header of {length:,} bytes, but the file has "
                        f"{size:,}; it is truncated, or of another format"
                    )
                header = file.read(length)
        except OSError as error:
            raise GoldenError(f"{path} cannot be read: {error.strerror or error}") from error
        self._start = 8 + length
        fields = self._parsed(header)
        self.metadata = fields.pop("__metadata__", {})
        if not isinstance(self.metadata, dict):
            raise self._broken("its __metadata__ is not an object of strings")
        self.entries = {name: self._entry(name, value) for name, value in fields.items()}
        self._check_contiguous(size - self._start)

    def read(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """The tensor ``name``, which must be of this dtype and shape.

        Raises:
            GoldenError: there is no such tensor, or it is another.
        """
        must = f"must be {DTYPES[dtype]!r} of shape {list(shape)}"
        if name not in self.entries:
            raise GoldenError(f"{self.path}: tensor {name!r} is missing; it {must}")
        entry = self.entries[name]
        if (entry.dtype, entry.shape) != (DTYPES[dtype], list(shape)):
            got = f"{reprlib.repr(entry.dtype)} of shape {reprlib.repr(entry.shape)}"
            raise GoldenError(f"{self.path}: tensor {name!r} {must}, got {got}")
        stored = np.dtype(dtype).newbyteorder("<")
        needed = stored.itemsize * math.prod(shape)
        if entry.end - entry.begin != needed:
            raise GoldenError(
                f"{self.path}: tensor {name!r} {must}, {needed:,} bytes, but its data_offsets hold "
                f"{entry.end - entry.begin:,}"
            )
        return np.frombuffer(self._bytes(entry), stored).astype(dtype).reshape(shape)

    def _bytes(self, entry: Entry) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(self._start + entry.begin)
                data = file.read(entry.end - entry.begin)
        except OSError as error:
            raise GoldenError(f"{self.path} cannot be read: {error.strerror or error}") from error
        if len(data) != entry.end - entry.begin:
            raise GoldenError(f"{self.path} became shorter while it was read")
        return data

    def _parsed(self, header: bytes) -> dict[str, Any]:
        try:
            fields = json.loads(header.decode())
        except (ValueError, RecursionError):
            raise self._broken("its header is not JSON") from None
        if not isinstance(fields, dict):
            raise self._broken("its header is not a JSON object")
        return fields

    def _entry(self, name: str, value: Any) -> Entry:
        try:
            begin, end = value["data_offsets"]
            entry = Entry(value["dtype"], value["shape"], begin, end)
        except (KeyError, TypeError, ValueError):
            entry = None
        if entry is None or not (type(begin) is type(end) is int and 0 <= begin <= end):
            raise self._broken(
                f"tensor {reprlib.repr(name)} needs dtype, shape and data_offsets [begin, end], "
                f"got {reprlib.repr(value)}"
            )
        return entry

    def _check_contiguous(self, size: int) -> None:
        """The format allows no gaps and no overlaps, and no bytes after the last tensor."""
        at, last = 0, "the header"
        for name, entry in sorted(self.entries.items(), key=lambda item: item[1][2:]):
            if entry.begin != at:
                raise self._broken(
                    f"tensor {reprlib.repr(name)} begins at byte {entry.begin:,} of the data, "
                    f"must at {at:,}, where {last} ends"
                )
            at, last = entry.end, reprlib.repr(name)
            if at > size:
                raise self._broken(
                    f"tensor {last} ends at byte {at:,} of the data, but there are {size:,}; "
                    "it is truncated, or its header lies"
                )
        if at != size:
            raise self._broken(f"{size - at:,} bytes follow the last tensor")

    def _broken(self, why: str) -> GoldenError:
        return GoldenError(f"{self.path} is not a whole safetensors file: {why}")


def write_tensors(
    path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, whole or not at all.

    Raises:
        GoldenError: it cannot be written.
    """
    write_bytes(path, save(dict(tensors), metadata=dict(metadata)))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        GoldenError: it cannot be written.
    """
    try:
        with files.atomic(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise GoldenError(f"{path} was not written: {error.strerror or error}") from error

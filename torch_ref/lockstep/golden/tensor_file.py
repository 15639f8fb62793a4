"""Files of float32 and float64 tensors: written whole, read tensor by tensor.

The layout is described in :mod:`torch_ref.lockstep.golden`.
"""

import reprlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from scratch import _check
from torch_ref import files
from torch_ref.errors import LockstepError

#: NumPy's name of a dtype → the safetensors format's.
DTYPES = {"float64": "F64", "float32": "F32"}


class GoldenError(LockstepError):
    """A golden or candidate file cannot be used; the message says which, where and why."""


class TensorFile:
    """The tensors of a safetensors file, read from it one by one.

    Args:
        path: of the file. Only its header is read here, and held against the file's size.

    Attributes:
        path: as given.
        metadata: the strings under ``__metadata__``.
        names: of the tensors.

    Raises:
        GoldenError: it cannot be read, or is not a whole safetensors file.

    >>> import tempfile
    >>> from safetensors.numpy import save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.safetensors"
    ...     write(path, save({"w": np.ones(2)}))
    ...     TensorFile(path).read("w", "float64", (2,))
    array([1., 1.])
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            raise GoldenError(f"{path} is a folder, not a file")
        if not path.is_file():
            raise GoldenError(f"{path}: there is no such file")
        try:
            files.opened(path).close()  # else safetensors says "no such file", whatever it is
            self._file = safe_open(path, framework="numpy")
        except SafetensorError as error:
            why = _check.shown(str(error).removeprefix("Error while deserializing header: "))
            raise GoldenError(
                f"{path} is not a whole safetensors file; the library finds: {why}"
            ) from None
        except OSError as error:
            raise GoldenError(f"{path} cannot be read: {error.strerror or error}") from error
        self.metadata: Mapping[str, str] = self._file.metadata() or {}
        self.names = frozenset(self._file.keys())

    def read(self, name: str, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
        """The tensor ``name``, which must be of this dtype and shape.

        Raises:
            GoldenError: there is no such tensor, or it is another.
        """
        must = f"must be {DTYPES[dtype]!r} of shape {list(shape)}"
        if name not in self.names:
            raise GoldenError(f"{self.path}: tensor {name!r} is missing; it {must}")
        there = self._file.get_slice(name)
        if (there.get_dtype(), there.get_shape()) != (DTYPES[dtype], list(shape)):
            got = f"{there.get_dtype()!r} of shape {reprlib.repr(there.get_shape())}"
            raise GoldenError(f"{self.path}: tensor {name!r} {must}, got {got}")
        return self._file.get_tensor(name)


def write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        GoldenError: it cannot be written.
    """
    with files.atomic(path, GoldenError) as temporary:
        temporary.write_bytes(data)
